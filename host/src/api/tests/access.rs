//! Who answers for a household, where what is sent does not fit together.

use super::book::host_with_a_book;
use super::*;

/// A household is sent as it was read, with a user of the CRM and the account that stands for them. An account that does not is
/// refused where it stands, and nothing is changed.
#[tokio::test]
async fn a_user_of_the_crm_is_named_with_no_account_but_their_own() {
    let host = host_with_a_book().await;
    let (pat, _) = host.person("pat@example.com", "adviser").await;
    let (omar, _) = host.person("omar@example.com", "adviser").await;
    let link = async |account: &Value| {
        let path = "/connections/main/advisers/11/account";
        host.ask(Method::PUT, path, TOKEN, &json!({"user_id": account})).await
    };
    let household = host.get("/api/v1/households").await.body["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/households/{household}/access");
    let set = async |part: &str, user: &str| {
        let professional = json!({"user_id": user, "external_id": "11"});
        let wanted = match part {
            "primary" => json!({"primary": professional, "secondary": null, "staff": []}),
            _ => json!({"primary": {"external_id": "10"}, "secondary": professional, "staff": []}),
        };
        host.ask(Method::PUT, &path, TOKEN, &wanted).await
    };
    let before = host.get(&format!("/api/v1{path}")).await.body;
    // The CRM's user is another account's, and then nobody's.
    for account in [json!(pat), Value::Null] {
        assert_eq!(link(&account).await.status, 200);
        for part in ["primary", "secondary"] {
            let refused = set(part, &omar).await;
            let error = &refused.body["errors"][0];
            assert_eq!(
                (refused.status, &error["pointer"]),
                (422, &json!(format!("/{part}/user_id"))),
                "{}",
                refused.body
            );
            assert!(error["detail"].as_str().unwrap().contains("not the account of this user"), "{error}");
        }
    }
    assert_eq!(host.get(&format!("/api/v1{path}")).await.body["version"], before["version"]);
    assert_eq!(link(&json!(pat)).await.status, 200);
    let taken = set("primary", &pat).await;
    assert_eq!((taken.status, &taken.body["primary"]["external_id"]), (200, &json!("11")), "{}", taken.body);
}
