//! A token that writes and does not read: what it changes is done, and what is there it is not shown.

use super::*;

/// A client with a name that no answer is to hold; its id.
async fn client(host: &Host) -> String {
    let new = json!({"first_name": "Wilhelmina", "last_name": "Oduya", "email": "w.oduya@example.com"});
    let made = host.ask(Method::POST, "/clients", TOKEN, &new).await;
    assert_eq!(made.status, 201, "{}", made.body);
    made.body["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_may_write_and_not_read_is_answered_the_id_alone() {
    let host = Host::new();
    let id = client(&host).await;
    let (_, session) = host.person("pat@example.com", "practice_manager").await;
    let (_, token) = host.token(&session, &["write"]).await;
    let path = format!("/clients/{id}");
    assert_eq!(host.ask(Method::GET, &path, &token, &Value::Null).await.status, 403);
    let only_id = json!({"id": id});
    let edited = host.ask(Method::PATCH, &path, &token, &json!({"suburb": "Carlton"})).await;
    assert_eq!((edited.status, &edited.body), (200, &only_id));
    assert_eq!(host.ask(Method::DELETE, &path, &token, &Value::Null).await.status, 204);
    let restored = host.ask(Method::POST, &format!("{path}/restore"), &token, &Value::Null).await;
    assert_eq!((restored.status, &restored.body), (200, &only_id));
    let made = host.ask(Method::POST, "/clients", &token, &json!({"first_name": "Bo", "last_name": "Lee"})).await;
    assert_eq!(made.status, 201);
    assert_eq!(made.body.as_object().unwrap().keys().collect::<Vec<_>>(), ["id"], "{}", made.body);
    // With the scope to read beside it, it sees what it changed.
    let (_, both) = host.token(&session, &["write", "read"]).await;
    let seen = host.ask(Method::PATCH, &path, &both, &json!({"suburb": "Fitzroy"})).await;
    assert_eq!(seen.body["last_name"], "Oduya", "{}", seen.body);
}

#[tokio::test]
async fn a_refusal_names_nobody_to_who_may_not_read() {
    let host = Host::new();
    let id = client(&host).await;
    let (_, session) = host.person("pat@example.com", "practice_manager").await;
    let (_, token) = host.token(&session, &["write"]).await;
    let again = json!({"id": id, "first_name": "Bo", "last_name": "Lee"});
    let refused = host.ask(Method::POST, "/clients", &token, &again).await;
    assert!(refused.status == 409 || refused.status == 422, "{} {}", refused.status, refused.body);
    assert!(!refused.body.to_string().contains("Oduya"), "{}", refused.body);
    let told = host.ask(Method::POST, "/clients", TOKEN, &again).await;
    assert!(told.body.to_string().contains("Wilhelmina Oduya"), "{}", told.body);
}

#[tokio::test]
async fn a_change_of_nothing_is_refused_with_what_to_send() {
    let host = Host::new();
    let id = client(&host).await;
    let nil = uuid::Uuid::nil();
    for (path, names) in [
        (format!("/clients/{id}"), "mobile"),
        (format!("/goals/{nil}"), "status"),
        (format!("/households/{nil}"), "primary_professional"),
        (format!("/users/{nil}"), "role"),
    ] {
        let refused = host.ask(Method::PATCH, &path, TOKEN, &json!({})).await;
        assert_eq!(refused.status, 422, "{path}: {}", refused.body);
        assert!(
            refused.body["detail"].as_str().is_some_and(|detail| detail.contains(names)),
            "{path}: {}",
            refused.body
        );
    }
}

#[tokio::test]
async fn compliance_reads_previews_packs_and_fixtures() {
    let host = Host::new();
    let cookie = host.signed_in(Role::Compliance).await;
    let nil = uuid::Uuid::nil();
    for path in [
        "/incoming".to_owned(),
        format!("/previews/{nil}"),
        format!("/previews/{nil}/records"),
        format!("/previews/{nil}/notes"),
        format!("/previews/{nil}/file"),
        "/revisions/0123/files?connection=main".to_owned(),
        "/quarantine/fixture?connection=main&external_id=7".to_owned(),
    ] {
        let headers = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
        let answer = host.send(request(Method::GET, &format!("/api/v1{path}"), &headers, "")).await;
        assert!([200, 404, 409].contains(&answer.status), "{path}: {} {}", answer.status, answer.body);
    }
}
