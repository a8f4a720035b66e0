//! The second factor by pages and API: set up, asked for, lost, and wanted by the practice.

use axum::http::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::audit_log;
use super::host::{Answer, Host};
use crate::access::NewUser;
use crate::access::second_factor::totp_for_tests::shown;
use crate::domain::access::Role;
use crate::domain::{Timestamp, UserId};

const PASSWORD: &str = "correct horse battery";
const SIGN_IN: &str = "email=omar%40example.com&password=correct+horse+battery&to=%2Faccount";

/// Makes the account of Omar.
async fn omar(host: &Host, role: Role) -> UserId {
    let (email, name) = ("omar@example.com".to_owned(), "Omar Haddad".to_owned());
    let new = NewUser { email, name, role, password: Some(PASSWORD.into()) };
    host.app.access.add_user(new, Timestamp::now()).await.unwrap().account.user.id
}

/// What stands between two texts.
fn between<'t>(text: &'t str, before: &str, after: &str) -> &'t str {
    let from = text.find(before).unwrap_or_else(|| panic!("{before} is in {text}")) + before.len();
    &text[from..from + text[from..].find(after).unwrap()]
}

/// The secret that the page shows.
fn secret_of(page: &Answer) -> SecretString {
    between(&page.text, "<code id=\"secret\">", "</code>").replace(' ', "").into()
}

/// The code of so many half minutes from now. That of this one opens still when the next has begun, that of the next one
/// does after it.
fn code(secret: &SecretString, steps: i64) -> String {
    shown(secret, Timestamp::from_second(Timestamp::now().as_second() + steps * 30).unwrap())
}

/// Sets up what the page shows to a session; answers the secret and the recovery codes.
async fn set_up(host: &Host, cookie: &str) -> (SecretString, Vec<String>) {
    let page = host.open("/account/second-factor", cookie).await;
    assert!(page.status == 200 && page.text.contains("<svg class=\"qr\""), "{page}");
    let secret = secret_of(&page);
    let again = host.open("/account/second-factor", cookie).await;
    assert!(again.text.contains(between(&page.text, "<code id=\"secret\">", "</code>")), "the same after a reload");
    let done = host.submit("/account/second-factor", &format!("code={}", code(&secret, 0)), cookie).await;
    assert_eq!(done.status, 303, "{done}");
    let page = host.open(done.location.split('#').next().unwrap(), cookie).await;
    let codes: Vec<String> = page.text.split("<li><code>").skip(1).map(|rest| rest[..24].to_owned()).collect();
    assert_eq!(codes.len(), 10, "{page}");
    (secret, codes)
}

/// Opens a session over the API.
async fn session(host: &Host, password: &str, code: Option<&str>) -> Answer {
    let mut body = json!({"email": "omar@example.com", "password": password});
    if let Some(code) = code {
        body["code"] = code.into();
    }
    host.call(&Method::POST, "/sessions", &body, "").await
}

fn problem(answer: &Answer) -> String {
    let problem: Value = serde_json::from_str(&answer.text).unwrap();
    format!("{} {}", answer.status, problem["type"].as_str().unwrap().trim_start_matches("urn:tidegate:problem:"))
}

#[tokio::test]
async fn a_second_factor_is_set_up_and_asked_for_by_page_and_api() {
    let host = Host::new().await;
    omar(&host, Role::Adviser).await;
    let cookie = host.enter("/sign-in", SIGN_IN).await.unwrap();
    let wrong = host.submit("/account/second-factor", "code=000000", &cookie).await;
    assert!(wrong.status == 422 && wrong.says("What was shown is over"), "{wrong}");
    let (secret, codes) = set_up(&host, &cookie).await;
    let account = host.open("/account", &cookie).await;
    assert!(account.text.contains("10 of your 10 recovery codes are left"), "{account}");
    let twice = host.open("/account/second-factor", &cookie).await;
    assert!(twice.status == 409 && !twice.text.contains("<svg class=\"qr\""), "{twice}");

    // The page: two steps, and nothing is open between them.
    let step = host.enter("/sign-in", SIGN_IN).await.unwrap_err();
    assert!(step.status == 200 && step.text.contains("autocomplete=\"one-time-code\" inputmode=\"numeric\""), "{step}");
    let form = |step: &Answer, code: &str| {
        format!("step={}&to=%2Fpeople&code={code}", between(&step.text, "name=\"step\" value=\"", "\""))
    };
    let wrong_code = host.enter("/sign-in/code", &form(&step, "000000")).await.unwrap_err();
    assert!(wrong_code.status == 422 && wrong_code.says("This code is not accepted"), "{wrong_code}");
    let replayed = host.enter("/sign-in/code", &form(&step, &code(&secret, 1))).await.unwrap_err();
    assert!(replayed.status == 422 && replayed.says("This sign-in has expired"), "{replayed}");
    let spaced = code(&secret, 1);
    let spaced = format!("{}+{}", &spaced[..3], &spaced[3..]);
    let other = host.enter("/sign-in/code", &form(&wrong_code, &spaced)).await.unwrap();
    assert_eq!(host.open("/account", &other).await.status, 200);

    // The API: nothing is said of it where the password is wrong.
    assert_eq!(problem(&session(&host, PASSWORD, None).await), "401 code-wanted");
    assert_eq!(problem(&session(&host, PASSWORD, Some("000000")).await), "401 code-wanted");
    for wrong in [session(&host, "wrong", None).await, session(&host, "wrong", Some(&codes[0])).await] {
        assert!(problem(&wrong) == "401 unauthenticated" && !wrong.text.contains("code"), "{wrong}");
    }
    assert_eq!(session(&host, PASSWORD, Some(&codes[0])).await.status, 201);
    assert_eq!(problem(&session(&host, PASSWORD, Some(&codes[0])).await), "401 code-wanted");
    for spent in &codes[1..8] {
        assert_eq!(session(&host, PASSWORD, Some(spent)).await.status, 201);
    }
    let account = host.open("/account", &other).await;
    assert!(
        account.text.contains("Few left") && account.text.contains("2 of your 10 recovery codes are left"),
        "{account}"
    );

    let confirm = host.open("/account/confirm", &other).await;
    assert!(confirm.text.contains("name=\"code\""), "{confirm}");
    let bare = host.submit("/account/confirm", "current_password=correct+horse+battery", &other).await;
    assert!(bare.status == 422 && bare.names("code"), "{bare}");
    let removed = host.submit("/account/second-factor/remove", &format!("code={}", codes[8]), &other).await;
    assert_eq!(removed.status, 303, "{removed}");
    assert_eq!(session(&host, PASSWORD, None).await.status, 201);

    let log = audit_log(&host).await;
    let told = |verb: &str, detail: &str| {
        assert!(
            log.iter().any(|entry| entry.act.verb == verb && entry.act.detail.contains(detail)),
            "{verb} {detail} is in {log:#?}"
        );
    };
    told("second_factor.set_up", "");
    told("account.sign_in", "the code is asked for");
    told("account.sign_in_by_code", "");
    told("account.sign_in_program", "by a recovery code, 9 left");
    told("second_factor.remove", "by a recovery code");
    let text = format!("{log:?}");
    let secrets = codes.iter().map(String::as_str).chain([secret.expose_secret(), &*spaced]);
    secrets.for_each(|secret| assert!(!text.contains(secret), "a code is in the audit log"));
}

#[tokio::test]
async fn a_link_to_choose_a_password_leaves_the_second_factor() {
    let host = Host::new().await;
    let id = omar(&host, Role::Support).await;
    let cookie = host.enter("/sign-in", SIGN_IN).await.unwrap();
    let (secret, _) = set_up(&host, &cookie).await;
    let made = host.call(&Method::POST, &format!("/users/{id}/reset"), &Value::Null, &host.manager).await;
    let link = between(&made.text, "/join/", "\"").to_owned();
    let step = host.enter(&format!("/join/{link}"), "password=a+tide+gate+lets+water+out").await.unwrap_err();
    assert!(step.status == 200 && step.text.contains("<h1>Your code</h1>"), "{step}");
    assert_eq!(host.open("/account", &cookie).await.status, 303, "earlier sessions end");
    let form = format!("step={}&code={}", between(&step.text, "name=\"step\" value=\"", "\""), code(&secret, 1));
    let entered = host.enter("/sign-in/code", &form).await.unwrap();
    assert_eq!(host.open("/account", &entered).await.status, 200);
}

#[tokio::test]
async fn who_lost_it_is_let_in_by_a_practice_manager_and_nobody_by_themselves() {
    let host = Host::new().await;
    let id = omar(&host, Role::PracticeManager).await;
    let cookie = host.enter("/sign-in", SIGN_IN).await.unwrap();
    set_up(&host, &cookie).await;
    let reset = format!("/users/{id}/reset-second-factor");
    let own = host.call(&Method::POST, &reset, &Value::Null, &cookie).await;
    assert!(problem(&own) == "409 wrong-state" && own.says("this is your own account"), "{own}");
    let own = host.open(&format!("/people/{id}"), &cookie).await;
    assert!(!own.text.contains("reset-second-factor"), "{own}");
    let token = json!({"name": "Nightly", "scopes": ["read", "manage"]});
    let made = host.call(&Method::POST, "/tokens", &token, &host.manager).await;
    assert_eq!(made.status, 201, "{made}");

    let page = host.open(&format!("/people/{id}"), &host.manager).await;
    assert!(page.text.contains("Reset the second factor"), "{page}");
    let listed = host.call(&Method::GET, &format!("/users/{id}"), &Value::Null, &host.manager).await;
    assert!(listed.text.contains("\"second_factor\":true"), "{listed}");
    let listed = host.call(&Method::GET, &format!("/users/{id}"), &Value::Null, &host.support).await;
    assert!(listed.text.contains("\"second_factor\":null"), "{listed}");
    let done = host.submit(&format!("/people/{id}/reset-second-factor"), "", &host.manager).await;
    assert_eq!(done.status, 303, "{done}");
    assert_eq!(host.open("/account", &cookie).await.status, 303, "signed out everywhere");
    host.enter("/sign-in", SIGN_IN).await.unwrap();
    let log = audit_log(&host).await;
    let entry =
        log.iter().find(|entry| entry.act.verb == "people.reset_second_factor" && entry.act.outcome.as_str() == "done");
    assert_eq!(entry.map(|entry| entry.act.subject.id.clone()), Some(id.to_string()));
}

#[tokio::test]
async fn of_whom_the_practice_wants_one_nothing_is_open_until_it_is_set_up() {
    for (rule, role, is_wanted) in [
        ("managers", Role::PracticeManager, true),
        ("managers", Role::Compliance, false),
        ("everybody", Role::Adviser, true),
        ("everybody", Role::Associate, true),
        ("everybody", Role::Paraplanner, true),
        ("everybody", Role::Support, true),
        ("everybody", Role::Compliance, true),
        ("optional", Role::PracticeManager, false),
    ] {
        let host = Host::by(&format!("[people]\nsecond-factor = \"{rule}\"\n"), Vec::new()).await;
        omar(&host, role).await;
        let cookie = host.enter("/sign-in", SIGN_IN).await.unwrap();
        let pages = ["/", "/account", "/households", "/people", "/people/roles", "/audit", "/settings/integrations"];
        for path in pages {
            let page = host.open(path, &cookie).await;
            let is_led = page.status == 303 && page.location == "/account/second-factor";
            assert_eq!(is_led, is_wanted, "{rule} {role} {path}: {page}");
        }
        let opened = session(&host, PASSWORD, None).await;
        assert_eq!(opened.status, 201, "{opened}");
        for path in ["/users", "/runs", "/sessions", "/households"] {
            let answer = host.call(&Method::GET, path, &Value::Null, &cookie).await;
            let is_refused = answer.status == 403 && answer.text.contains("second-factor-needed");
            assert_eq!(is_refused, is_wanted, "{rule} {role} {path}: {answer}");
        }
        if !is_wanted {
            continue;
        }
        let named = host.submit("/account/name", "name=Omar+H", &cookie).await;
        assert_eq!(named.location, "/account/second-factor", "{named}");
        let page = host.open("/account/second-factor", &cookie).await;
        assert!(page.text.contains("Your practice asks for one") && !page.text.contains("/households"), "{page}");
        let (secret, _) = set_up(&host, &cookie).await;
        assert_eq!(host.open("/account", &cookie).await.status, 200);
        assert_eq!(host.call(&Method::GET, "/users", &Value::Null, &cookie).await.status, 200);
        let removed =
            host.submit("/account/second-factor/remove", &format!("code={}", code(&secret, 0)), &cookie).await;
        assert!(removed.status == 409 && removed.says("The practice wants a second factor of you"), "{removed}");
        let account = host.open("/account", &cookie).await;
        assert!(!account.text.contains("Remove the second factor"), "{account}");
    }
}
