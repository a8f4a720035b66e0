//! Accounts, sessions and tokens by the API.

use secrecy::ExposeSecret as _;

use super::*;
use crate::access::source::Source;

const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");

impl Host {
    pub(super) async fn ask(&self, method: Method, path: &str, token: &str, body: &Value) -> Answer {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        self.send(request(method, &format!("/api/v1{path}"), &headers, &body)).await
    }

    /// Makes an account with a password; answers its id and the token of a session.
    pub(super) async fn person(&self, email: &str, role: &str) -> (String, String) {
        let new = json!({"email": email, "name": "Omar", "role": role, "password": PASSWORD});
        let made = self.ask(Method::POST, "/users", TOKEN, &new).await;
        assert_eq!((made.status, &made.body["state"]), (201, &json!("active")), "{}", made.body);
        let opened = self.ask(Method::POST, "/sessions", "", &json!({"email": email, "password": PASSWORD})).await;
        assert_eq!(opened.status, 201, "{}", opened.body);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made.body["id"]), text(&opened.body["token"]))
    }

    /// Makes a token; answers its id and the token.
    pub(super) async fn token(&self, maker: &str, scopes: &[&str]) -> (String, String) {
        let made = self.ask(Method::POST, "/tokens", maker, &json!({"name": "A", "scopes": scopes})).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&made.body["id"]), text(&made.body["token"]))
    }
}

#[tokio::test]
async fn who_is_disabled_is_nobody_at_the_next_request() {
    let host = Host::new();
    let (id, session) = host.person("omar@example.com", "support").await;
    let (_, token) = host.token(&session, &["read"]).await;
    for credential in [&session, &token] {
        assert_eq!(host.ask(Method::GET, "/users", credential, &Value::Null).await.status, 200);
    }
    let disabled = host.ask(Method::PATCH, &format!("/users/{id}"), TOKEN, &json!({"disabled": true})).await;
    assert_eq!((disabled.status, &disabled.body["disabled"]), (200, &json!(true)));
    for credential in [&session, &token] {
        assert_eq!(host.ask(Method::GET, "/users", credential, &Value::Null).await.status, 401);
    }
    let again = json!({"email": "omar@example.com", "password": PASSWORD});
    let refused = host.ask(Method::POST, "/sessions", "", &again).await;
    assert_eq!(refused.status, 401);
    assert!(refused.body["detail"].as_str().unwrap().contains("disabled"), "{}", refused.body);
    // Enabled again, the person signs in anew: what ended stays ended.
    host.ask(Method::PATCH, &format!("/users/{id}"), TOKEN, &json!({"disabled": false})).await;
    assert_eq!(host.ask(Method::POST, "/sessions", "", &again).await.status, 201);
    assert_eq!(host.ask(Method::GET, "/users", &token, &Value::Null).await.status, 401);
}

#[tokio::test]
async fn a_token_makes_none_that_is_stronger_or_lasts_longer() {
    let host = Host::new();
    let (_, session) = host.person("pat@example.com", "practice_manager").await;
    let (_, reading) = host.token(&session, &["read"]).await;
    let manage = json!({"name": "B", "scopes": ["manage"]});
    for asked in [&manage, &json!({"name": "B", "scopes": ["read"]})] {
        let refused = host.ask(Method::POST, "/tokens", &reading, asked).await;
        assert_eq!(refused.status, 403, "{}", refused.body);
    }
    let (_, support) = host.person("omar@example.com", "support").await;
    let refused = host.ask(Method::POST, "/tokens", &support, &manage).await;
    assert_eq!((refused.status, &refused.body["errors"][0]["pointer"]), (403, &json!("/scopes")), "{}", refused.body);

    let ends = json!({"name": "C", "scopes": ["manage"], "expires_at": "2200-01-01T00:00:00Z"});
    let parent = host.ask(Method::POST, "/tokens", &session, &ends).await.body;
    let token = parent["token"].as_str().unwrap();
    let longer = json!({"name": "D", "scopes": ["read"], "expires_at": "2200-01-02T00:00:00Z"});
    let refused = host.ask(Method::POST, "/tokens", token, &longer).await;
    assert_eq!((refused.status, &refused.body["errors"][0]["pointer"]), (422, &json!("/expires_at")));
    let child = host.ask(Method::POST, "/tokens", token, &json!({"name": "E", "scopes": ["read"]})).await.body;
    assert_eq!(child["expires_at"], "2200-01-01T00:00:00Z", "it ends with the one that made it");
    let path = format!("/tokens/{}", parent["id"].as_str().unwrap());
    let gone = host.ask(Method::DELETE, &path, &session, &Value::Null).await;
    assert_eq!(gone.status, 204);
    for ended in [token, child["token"].as_str().unwrap()] {
        assert_eq!(host.ask(Method::GET, "/users", ended, &Value::Null).await.status, 401);
    }
}

#[tokio::test]
async fn a_demoted_makers_token_loses_what_they_lose() {
    let host = Host::new();
    host.person("bo@example.com", "practice_manager").await;
    let (id, session) = host.person("pat@example.com", "practice_manager").await;
    let (_, token) = host.token(&session, &["manage"]).await;
    let (omar, _) = host.person("omar@example.com", "support").await;
    let reset = format!("/users/{omar}/reset");
    assert_eq!(host.ask(Method::POST, &reset, &token, &Value::Null).await.status, 200);
    host.ask(Method::PATCH, &format!("/users/{id}"), TOKEN, &json!({"role": "support"})).await;
    assert_eq!(host.ask(Method::POST, &reset, &token, &Value::Null).await.status, 403);
    assert_eq!(host.ask(Method::GET, "/runs", &token, &Value::Null).await.status, 200);
}

#[tokio::test]
async fn tokens_and_sessions_are_ones_own_unless_one_manages_people() {
    let host = Host::new();
    let (_, pat) = host.person("pat@example.com", "practice_manager").await;
    let (omar_id, omar) = host.person("omar@example.com", "support").await;
    let (pats, _) = host.token(&pat, &["manage"]).await;
    let (omars, omars_token) = host.token(&omar, &["read"]).await;
    let listed = async |who: &str, path: &str| {
        let answer = host.ask(Method::GET, path, who, &Value::Null).await;
        let ids = answer.body["items"].as_array().cloned().unwrap_or_default();
        (answer.status, ids.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(listed(&omar, "/tokens").await, (200, vec![omars.clone()]));
    assert_eq!(listed(&pat, "/tokens").await.1.len(), 2);
    assert_eq!(listed(TOKEN, "/tokens").await.1.len(), 2);
    assert_eq!(listed(&omars_token, "/tokens").await.0, 403, "it reads what its maker reads, not what they hold");
    let refused = host.ask(Method::DELETE, &format!("/tokens/{pats}"), &omar, &Value::Null).await;
    assert_eq!(refused.status, 404, "it is not said whether there is one");

    let sessions = listed(&omar, "/sessions").await;
    assert_eq!((sessions.0, sessions.1.len()), (200, 1));
    assert_eq!(listed(&omar, &format!("/sessions?user_id={omar_id}")).await, sessions);
    let pat_id = host.ask(Method::GET, "/users", &pat, &Value::Null).await.body["items"][0]["id"].clone();
    let pat_id = pat_id.as_str().unwrap();
    assert_eq!(listed(&omar, &format!("/sessions?user_id={pat_id}")).await.0, 403);
    assert_eq!(listed(&pat, &format!("/sessions?user_id={omar_id}")).await, sessions);
    assert_eq!(listed(TOKEN, "/sessions").await.1.len(), 2);
    let first = listed(TOKEN, "/sessions?limit=1").await;
    let next = host.ask(Method::GET, "/sessions?limit=1", TOKEN, &Value::Null).await.body["next"].clone();
    let second = listed(TOKEN, &format!("/sessions?limit=1&cursor={}", next.as_str().unwrap())).await;
    assert_ne!(first.1, second.1);

    let ended = host.ask(Method::DELETE, &format!("/sessions/{}", sessions.1[0]), &pat, &Value::Null).await;
    assert_eq!(ended.status, 204);
    assert_eq!(listed(&omar, "/tokens").await.0, 401);
}

#[tokio::test]
async fn colleagues_are_known_and_when_they_were_here_is_not() {
    let host = Host::new();
    let (_, pat) = host.person("pat@example.com", "practice_manager").await;
    let (_, omar) = host.person("omar@example.com", "support").await;
    let new = json!({"email": "al@example.com", "name": "Al", "role": "adviser"});
    let invited = host.ask(Method::POST, "/users", &pat, &new).await.body;
    let url = invited["invitation_url"].as_str().unwrap();
    assert!(url.contains("/join/") && invited["state"] == "invited", "{invited}");
    let list = |who| host.ask(Method::GET, "/users", who, &Value::Null);
    let (seen, known) = (list(&omar).await.body, list(&pat).await.body);
    assert_eq!(seen["items"].as_array().unwrap().len(), 3);
    assert!(known["items"][0]["signed_in_at"].is_string() && known["items"][2]["link_ends_at"].is_string(), "{known}");
    for item in seen["items"].as_array().unwrap() {
        assert!(item["signed_in_at"].is_null() && item["link_ends_at"].is_null(), "{item}");
    }
    assert!(!known.to_string().contains("/join/"), "a link is answered once");
    let id = invited["id"].as_str().unwrap();
    let again = host.ask(Method::POST, &format!("/users/{id}/reset"), &pat, &Value::Null).await.body;
    assert!(again["invitation_url"].as_str().is_some_and(|other| other != url), "{again}");
    let taken = host.ask(Method::POST, "/users", &pat, &new).await;
    assert_eq!((taken.status, &taken.body["errors"][0]["pointer"]), (422, &json!("/email")));
}

/// A session of a person who gave their password more than a quarter of an hour ago.
async fn stale(host: &Host, role: Role) -> String {
    host.signed_in(role).await;
    let email = format!("{}@example.com", role.to_string().replace(' ', "-"));
    let before = Timestamp::now() - std::time::Duration::from_mins(16);
    let source = Source::unknown().into();
    let signed_in = host.app.access.sign_in(&email, &PASSWORD.into(), source, before).await.unwrap();
    format!("__Host-tidegate={}", signed_in.token.expose_secret())
}

#[tokio::test]
async fn credentials_and_roles_change_only_after_a_fresh_sign_in() {
    let host = Host::new();
    let cookie = stale(&host, Role::PracticeManager).await;
    let id = host.get("/api/v1/users").await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let draft = json!({"title": "Acme", "auth": {"mode": "basic", "username": "svc", "password": "invented"}});
    for (method, path, body) in [
        (Method::POST, "/users".to_owned(), json!({"email": "a@example.com", "name": "A", "role": "support"})),
        (Method::PATCH, format!("/users/{id}"), json!({"role": "support"})),
        (Method::POST, format!("/users/{id}/reset"), Value::Null),
        (Method::POST, "/tokens".to_owned(), json!({"name": "A", "scopes": ["read"]})),
        (Method::POST, "/connections".to_owned(), draft),
        (Method::POST, "/connections/main/authorize".to_owned(), Value::Null),
    ] {
        let headers = [("cookie", cookie.as_str()), OWN, ("content-type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = host.send(request(method, &format!("/api/v1{path}"), &headers, &body)).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.body);
        assert_eq!(answer.body["type"], "urn:tidegate:problem:fresh-sign-in-needed", "{path}");
    }
    assert_eq!(host.get("/api/v1/users").await.body["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_token_makes_no_practice_manager_who_would_outlive_it() {
    let host = Host::new();
    let (pat, session) = host.person("pat@example.com", "practice_manager").await;
    let (bo, _) = host.person("bo@example.com", "practice_manager").await;
    let (omar, _) = host.person("omar@example.com", "support").await;
    let (_, token) = host.token(&session, &["manage"]).await;
    host.ask(Method::PATCH, &format!("/users/{bo}"), TOKEN, &json!({"disabled": true})).await;
    let role = json!({"role": "practice_manager"});
    let asked = [
        (Method::POST, "/users".to_owned(), json!({"email": "x@example.com", "name": "X", "role": "practice_manager"})),
        (Method::PATCH, format!("/users/{omar}"), role.clone()),
        (Method::POST, format!("/users/{pat}/reset"), Value::Null),
        (Method::PATCH, format!("/users/{bo}"), json!({"disabled": false})),
        (Method::PATCH, format!("/users/{bo}"), json!({"role": "support"})),
        (Method::POST, "/tokens".to_owned(), json!({"name": "B", "scopes": ["read", "manage"]})),
    ];
    let lift = (Method::POST, "/privacy/erasures/1/lift".to_owned(), json!({"reason": "mistake"}));
    for (method, path, body) in asked.iter().chain([&lift]) {
        let refused = host.ask(method.clone(), path, &token, body).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.body);
        let detail = refused.body["detail"].as_str().unwrap_or_default();
        assert!(detail.contains("who is signed in can"), "{}", refused.body);
    }
    // What makes nobody as strong as itself it does, and a person who signed in does all of it.
    let weaker = json!({"email": "s@example.com", "name": "S", "role": "support"});
    assert_eq!(host.ask(Method::POST, "/users", &token, &weaker).await.status, 201);
    assert_eq!(host.ask(Method::PATCH, &format!("/users/{omar}"), &session, &role).await.status, 200);
    for (method, path, body) in &asked[2..] {
        let done = host.ask(method.clone(), path, &session, body).await;
        assert!([200, 201].contains(&done.status), "{path}: {} {}", done.status, done.body);
    }
}

#[tokio::test]
async fn a_reset_says_how_many_tokens_go_on_and_ends_them_where_that_is_asked() {
    let host = Host::new();
    let (id, session) = host.person("omar@example.com", "support").await;
    let (_, token) = host.token(&session, &["read"]).await;
    let reset = format!("/users/{id}/reset");
    let kept = host.ask(Method::POST, &reset, TOKEN, &Value::Null).await;
    assert_eq!((kept.status, &kept.body["tokens"]), (200, &json!(1)));
    assert_eq!(host.ask(Method::GET, "/runs", &token, &Value::Null).await.status, 200);
    let unknown = host.ask(Method::POST, &reset, TOKEN, &json!({"revoke": true})).await;
    assert_eq!(unknown.status, 422, "{}", unknown.body);
    let ended = host.ask(Method::POST, &reset, TOKEN, &json!({"revoke_tokens": true})).await;
    assert_eq!((ended.status, &ended.body["tokens"]), (200, &json!(0)));
    assert_eq!(host.ask(Method::GET, "/runs", &token, &Value::Null).await.status, 401);
}

#[tokio::test]
async fn an_account_is_found_by_its_email() {
    let host = Host::new();
    host.person("omar@example.com", "support").await;
    for (email, expected) in [("Omar%40Example.com", 1), ("nobody%40example.com", 0), ("nothing", 0)] {
        let found = host.ask(Method::GET, &format!("/users?email={email}"), TOKEN, &Value::Null).await;
        assert_eq!(found.body["items"].as_array().map(Vec::len), Some(expected), "{email}: {}", found.body);
    }
}
