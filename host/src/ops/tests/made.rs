//! Making a client once more under the same id: the same client in other words is the first one, and nothing else is.

use axum::http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::host::Host;

/// Sends a client to be made; answers the status.
async fn made(host: &Host, id: Uuid, partner_of: Option<Uuid>, mobile: &str) -> u16 {
    let mut body = json!({"id": id, "first_name": "Sam", "mobile": mobile});
    if let Some(partner) = partner_of {
        body["partner_of"] = Value::String(partner.to_string());
    }
    host.call(&Method::POST, "/clients", &body, &host.manager).await.status
}

#[tokio::test]
async fn a_client_who_is_sent_again_in_other_words_is_the_first_one() {
    let host = Host::new().await;
    let (alone, partner) = (Uuid::now_v7(), Uuid::now_v7());
    for (id, partner_of) in [(alone, None), (partner, Some(alone))] {
        assert_eq!(made(&host, id, partner_of, "+61 491 570 156").await, 201);
        assert_eq!(made(&host, id, partner_of, "+61 491 570 156").await, 200, "word by word");
        assert_eq!(made(&host, id, partner_of, "+61491570156").await, 200, "in other words");
        assert_eq!(made(&host, id, partner_of, "+61491570157").await, 409, "somebody else");
    }
    // Whose partner somebody is belongs to who they are.
    assert_eq!(made(&host, partner, None, "+61 491 570 156").await, 409);
}
