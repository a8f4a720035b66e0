//! The email of an account that is disabled.

use axum::http::Method;
use serde_json::json;

use super::host::Host;
use crate::domain::access::Role;

const TAKEN: &str = "Another account has this email.";

#[tokio::test]
async fn who_is_disabled_is_enabled_and_not_invited_once_more() {
    let host = Host::new().await;
    let adviser = host.signed_in(Role::Adviser).await;
    let id = host.id_of("support@example.com").await;
    let disabled = host.call(&Method::PATCH, &format!("/users/{id}"), &json!({"disabled": true}), &host.manager).await;
    assert_eq!(disabled.status, 200, "{disabled}");
    let said = "Pat Lee’s account has this email and is disabled. Enable it under People";
    let new = json!({"name": "Sam", "email": "Support@example.com", "role": "support"});
    let by_api = host.call(&Method::POST, "/users", &new, &host.manager).await;
    let form = "name=Sam&email=Support%40example.com&role=support";
    let by_page = host.submit("/people/invite", form, &host.manager).await;
    for answer in [by_api, by_page] {
        assert!(answer.status == 422 && answer.names("email") && answer.says(said), "{answer}");
    }
    // Whoever changes their own email is told nothing of another's account.
    let form = "email=support%40example.com&current_password=correct+horse+battery";
    let taken = host.submit("/account/email", form, &adviser).await;
    assert!(taken.status == 422 && taken.says(TAKEN) && !taken.says("is disabled"), "{taken}");
    let may_not = host.submit("/people/invite", "name=Sam&email=Support%40example.com&role=support", &adviser).await;
    assert!(may_not.status == 403 && !may_not.says("is disabled"), "{may_not}");
    // Of one that is not disabled it says as much as before.
    let form = "name=Sam&email=adviser%40example.com&role=support";
    let taken = host.submit("/people/invite", form, &host.manager).await;
    assert!(taken.status == 422 && taken.says(TAKEN), "{taken}");
}
