//! The addresses of pages and forms: what is at one that takes a form alone, what a list makes of a cursor that it never gave, and what
//! becomes of a form that is sent twice.

use axum::http::Method;

use super::requests::{Answer, Host, OWN};
use crate::connection::for_tests::with_shipped_events;
use crate::domain::RecordKind;
use crate::domain::access::Role;
use crate::ops::tests::host::Host as WithNote;
use crate::store::book::{ClientFilter, PageRequest};
use crate::store::commit::Outcome;

/// The patterns of the routes, and whether each shows something and takes a form: as rustfmt lays `web.rs` out.
fn routes() -> Vec<(&'static str, bool, bool)> {
    let route = |part: &'static str| (part.split('"').nth(1).unwrap(), part.contains("get("), part.contains("post("));
    include_str!("../../web.rs").split(".route(").skip(1).map(route).collect()
}

async fn post(host: &Host, path: &str, cookie: &str, form: &str) -> Answer {
    host.send(Method::POST, path, &[OWN, ("cookie", cookie)], form).await
}

#[tokio::test]
async fn the_address_of_a_form_leads_to_the_page_that_has_it() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    let household = post(&host, "/clients", &cookie, "first_name=Zoe&last_name=Ng").await.header("location").to_owned();
    let page = PageRequest { cursor: None, limit: 1 };
    let client = host.app.store.clients(ClientFilter::default(), page).await.unwrap().items.remove(0);
    let household_id = household.rsplit('/').next().unwrap();
    let filled = |pattern: &str| {
        let path = pattern.replace("/clients/{id}", &format!("/clients/{}", client.id));
        path.replace("/households/{id}", &format!("/households/{household_id}")).replace(['{', '}'], "")
    };
    let mut asked = 0;
    for (pattern, shows, _) in routes().into_iter().filter(|(_, shows, takes)| *takes && !shows) {
        assert!(!shows);
        let address = filled(pattern);
        for method in [Method::GET, Method::HEAD] {
            let answer = host.send(method, &address, &[("cookie", &cookie)], "").await;
            if pattern == "/goals/{id}" {
                assert!(answer.status == 404, "there is no such goal: {}", answer.text);
                continue;
            }
            assert_eq!(answer.status, 303, "{pattern}: {}", answer.text);
            let page = answer.header("location");
            let is_page = routes()
                .into_iter()
                .any(|(pattern, shows, _)| shows && page.starts_with(filled(pattern).trim_end_matches('/')));
            assert!(is_page && page != address, "{pattern}: {page}");
            let led = host.get(page, &cookie).await;
            assert!(![400, 405].contains(&led.status), "{pattern}: {page} {}", led.status);
        }
        asked += 1;
    }
    assert!(asked > 50, "{asked}");
    for (form, page) in [
        (format!("/clients/{}/hold", client.id), format!("/clients/{}/privacy", client.id)),
        (format!("/clients/{}/unlink", client.id), household.clone()),
        (format!("{household}/access/staff/7/role"), format!("{household}/access")),
    ] {
        assert_eq!(host.get(&form, &cookie).await.header("location"), page);
    }
    // Who is not signed in any more comes there all the same.
    let hold = format!("/clients/{}/hold", client.id);
    let led = host.get(&hold, "").await;
    let to_sign_in = host.get(led.header("location"), "").await;
    assert!(to_sign_in.header("location").ends_with(&format!("to=%2Fclients%2F{}%2Fprivacy", client.id)));
    assert_eq!(host.get("/sign-in/code", "").await.header("location"), "/sign-in");
}

#[tokio::test]
async fn a_list_says_of_a_cursor_that_it_never_gave_that_there_is_no_such_page() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    let household = post(&host, "/clients", &cookie, "first_name=Zoe&last_name=Ng").await.header("location").to_owned();
    let lists = [
        "/households",
        "/clients?diagnostic=no-country-code",
        "/imports",
        "/documents",
        "/notes",
        "/runs",
        "/review",
        "/review?of=left-out",
        "/review?of=lookalikes",
        "/review?of=not-visible",
        "/troubleshoot?search=zoe",
        "/people",
        "/people/professionals",
        "/people/teams",
        "/emergency-access",
        "/audit",
        "/settings/integrations",
        "/settings/privacy",
        &format!("{household}/access"),
    ];
    for list in lists {
        let mark = if list.contains('?') { '&' } else { '?' };
        assert_eq!(host.get(list, &cookie).await.status, 200, "{list}");
        for cursor in ["junk", ""] {
            let answer = host.get(&format!("{list}{mark}cursor={cursor}"), &cookie).await;
            let is_said = answer.text.contains("This page of the list is not there any more.");
            assert!(answer.status == 404 && is_said, "{list} {cursor}: {} {}", answer.status, answer.text);
        }
    }
    for unknown in [
        "/settings/privacy?country=XX",
        "/households?sort=age",
        "/emergency-access?unreviewed=no",
        "/notes?state=unknown",
    ] {
        assert_eq!(host.get(unknown, &cookie).await.status, 400, "{unknown}");
    }
    for known in ["/settings/privacy?country=", "/settings/privacy?country=NZ", "/households?sort=-name"] {
        assert_eq!(host.get(known, &cookie).await.status, 200, "{known}");
    }
    for cursor in ["erased", "held"] {
        let answer = host.get(&format!("/settings/privacy?{cursor}=junk"), &cookie).await;
        assert_eq!(answer.status, 404, "{cursor}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_done_once_and_leads_where_it_led() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    let household = post(&host, "/clients", &cookie, "first_name=Zoe&last_name=Ng").await.header("location").to_owned();
    let access = format!("{household}/access");
    let page = host.get(&access, &cookie).await.text;
    let version = page.split("name=\"version\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = format!("version={version}&professional=");
    let path = format!("{access}/secondary");
    let (first, second) = tokio::join!(post(&host, &path, &cookie, &form), post(&host, &path, &cookie, &form));
    let third = post(&host, &path, &cookie, &form).await;
    for answer in [&first, &second, &third] {
        assert_eq!(answer.status, 303, "{}", answer.text);
        assert_eq!(answer.header("location"), first.header("location"));
    }
    let said = host.get(third.header("location"), &cookie).await.text;
    assert!(said.contains("There is no secondary professional now."), "{said}");

    let team = "name=Advice";
    let (first, second) =
        tokio::join!(post(&host, "/people/teams", &cookie, team), post(&host, "/people/teams", &cookie, team));
    assert_eq!((first.status, second.header("location")), (303, first.header("location")));
    assert_eq!(host.app.store.teams().await.unwrap().len(), 1);

    // Another form in between undoes the first, which is meant again, then.
    let team = host.app.store.teams().await.unwrap()[0].id;
    let name = async || host.app.store.teams().await.unwrap().remove(0).name;
    let rename =
        async |name: &str| post(&host, &format!("/people/teams/{team}"), &cookie, &format!("name={name}")).await;
    for name in ["Ann", "Bo", "Ann"] {
        assert_eq!(rename(name).await.status, 303);
    }
    assert_eq!(name().await, "Ann");
    // What was refused is asked again, and another person's is their own.
    for _ in 0..2 {
        assert_eq!(post(&host, "/clients", &cookie, "first_name=Zoe&last_name=Ng&email=zoe").await.status, 422);
    }
    let other = host.signed_in(Role::Support).await;
    let refused = post(&host, &path, &other, &form).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
}

#[tokio::test]
async fn a_form_with_a_secret_makes_one_and_shows_it_to_either_click() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    let token = "name=Nightly&scope-read=on";
    let (first, second) =
        tokio::join!(post(&host, "/account/tokens", &cookie, token), post(&host, "/account/tokens", &cookie, token));
    assert_eq!(first.header("location"), second.header("location"));
    for answer in [first, second] {
        let place = answer.header("location").split('#').next().unwrap();
        assert!(
            host.get(place, &cookie).await.text.contains("<code>tg_"),
            "the browser shows the last, whichever it is"
        );
    }
    assert_eq!(host.app.store.tokens(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_gone_already_is_no_failure() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    host.signed_in_long_ago().await;
    let sessions = async || {
        let page = host.get("/account", &cookie).await.text;
        let ends = page.split("action=\"").filter_map(|rest| rest.split('"').next());
        ends.filter(|path| path.ends_with("/end")).map(str::to_owned).collect::<Vec<_>>()
    };
    let other = sessions().await.pop().unwrap();
    post(&host, "/account/tokens", &cookie, "name=Nightly&scope-read=on").await;
    let token = host.app.store.tokens(None).await.unwrap()[0].id;
    post(&host, "/people/teams", &cookie, "name=Advice").await;
    let team = host.app.store.teams().await.unwrap()[0].id;
    for (path, now, before) in [
        (other, "The session has ended.", "The session had ended already."),
        (format!("/account/tokens/{token}/revoke"), "The token is revoked.", "The token was revoked already."),
        (format!("/people/teams/{team}/remove"), "The team was removed.", "The team was removed already."),
    ] {
        // What is sent besides makes the second no repetition of the same click.
        for (form, said) in [("", now), ("again=", before)] {
            let done = post(&host, &path, &cookie, form).await;
            assert_eq!(done.status, 303, "{path}: {}", done.text);
            let page = host.get(done.header("location"), &cookie).await.text;
            assert!(page.contains(said), "{path}: {said} is not in {page}");
        }
    }
}

#[tokio::test]
async fn a_page_of_a_list_that_nothing_is_left_on_leads_to_the_first() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    host.app.connections.put(with_shipped_events());
    let outcomes: Vec<String> = (100..151).map(|number: u32| number.to_string()).collect();
    let left_out = |id: &String| (id.clone(), Outcome::Excluded { quarantined: true });
    let all: Vec<(String, Outcome)> = outcomes.iter().map(left_out).collect();
    host.bring(RecordKind::Client, all.iter().map(|(id, outcome)| (id.as_str(), outcome.clone())).collect()).await;
    let list = "/review";
    let first = host.get(list, &cookie).await.text;
    let next = first.split("href=\"").filter_map(|rest| rest.split('"').next()).find(|path| path.contains("cursor="));
    let next = next.unwrap().replace("&#38;", "&");
    let last = host.get(&next, &cookie).await.text;
    let id = last.split("<th scope=\"row\">").nth(1).unwrap().split('<').next().unwrap();
    // The one that stood there is erased from another tab.
    let erase = format!("connection=main&external_id={id}&reason=mistake&confirm={id}");
    assert_eq!(post(&host, "/settings/privacy/record", &cookie, &erase).await.status, 303);
    let left = host.get(&next, &cookie).await.text;
    assert!(left.contains("Nothing is left on this page of the list."), "{left}");
    assert!(left.contains("<a href=\"/review\""), "it leads to the first page: {left}");
}

#[tokio::test]
async fn who_opened_a_household_in_an_emergency_is_told_so_there() {
    let host = WithNote::new().await;
    host.keep_for_the_manager().await;
    let adviser = host.signed_in(Role::Adviser).await;
    assert_eq!(host.open(&format!("/households/{}", host.household), &adviser).await.status, 404);
    let form = format!("of={}&reason=A+death+in+the+family", host.household);
    let opened = host.submit("/emergency-access", &form, &adviser).await;
    assert_eq!(opened.status, 303, "{opened}");
    let shown = host.open(&opened.location, &adviser).await;
    assert!(shown.text.contains("The household is open to you."), "{shown}");
}
