//! Signing in and out.

use super::visitor::Visitor;
use crate::{Account, Options};

const PAGE: &str = "/resourceful/entity/client-v4?page_size=1";

#[tokio::test]
async fn the_cookie_serves_until_another_login_takes_over() {
    let mut visitor = Visitor::to(Options::default()).await;
    assert_eq!(visitor.get(PAGE).await.status, 200);
    let first = visitor.cookie.clone();
    visitor.sign_in("svc:sandbox").await;
    assert_eq!(visitor.get(PAGE).await.status, 200);
    visitor.cookie = first;
    let html = visitor.get(PAGE).await;
    assert_eq!((html.status, html.header("content-type")), (401, Some("text/html; charset=utf-8")));
    visitor.headers.push(("X-XPLAN-auth-failure-action", "error".into()));
    let error = visitor.get(PAGE).await;
    assert_eq!(error.status, 401);
    assert!(error.json()["api_message"].as_str().unwrap().contains("took it over"));
}

#[tokio::test]
async fn logging_out_ends_the_session() {
    let visitor = Visitor::to(Options::default()).await;
    assert_eq!(visitor.call("DELETE", "/resourceful/session", "").await.unwrap().status, 204);
    assert_eq!(visitor.get(PAGE).await.status, 401);
}

#[tokio::test]
async fn wrong_words_are_refused() {
    let mut visitor = Visitor::to(Options::default()).await;
    for words in ["svc:wrong", "nobody:sandbox", "svc", ""] {
        assert_eq!(visitor.sign_in(words).await.status, 401, "{words}");
    }
}

#[tokio::test]
async fn several_sessions_where_the_site_allows_them() {
    let mut visitor = Visitor::to(Options { sessions_per_user: 2, ..Options::default() }).await;
    let first = visitor.cookie.clone();
    visitor.sign_in("svc:sandbox").await;
    visitor.cookie = first;
    assert_eq!(visitor.get(PAGE).await.status, 200);
}

#[tokio::test]
async fn a_site_may_ask_for_an_app_id_and_a_code() {
    let mut account = Account::new("svc", "sandbox");
    account.one_time_code = Some("109885".into());
    let options = Options { accounts: vec![account], app_id: Some("app".into()), ..Options::default() };
    let sandbox = crate::Sandbox::start(options).await.unwrap();
    let mut visitor = Visitor { sandbox, cookie: None, headers: Vec::new() };
    assert_eq!(visitor.sign_in("svc:sandbox\n\r\t\u{7}109885").await.status, 403, "no app id");
    assert_eq!(visitor.get(PAGE).await.status, 403);
    visitor.headers.push(("x-xplan-app-id", "app".into()));
    assert_eq!(visitor.get(PAGE).await.status, 401);
    assert_eq!(visitor.sign_in("svc:sandbox").await.status, 401, "no code");
    assert_eq!(visitor.sign_in("svc:sandbox\n\r\t\u{7}109885").await.status, 200);
    assert_eq!(visitor.get(PAGE).await.status, 200);
}
