//! Each page as each role: what the roles' table lets somebody see is shown, what it does not is refused, and no page
//! leads where its reader is refused or offers what they may not do.

use std::collections::BTreeSet;

use axum::http::Method;

use super::operations::run;
use super::requests::{Host, OWN};
use crate::connection::for_tests::with_shipped_events;
use crate::domain::absence::Threshold;
use crate::domain::access::{Action, Grant, Role, rule};
use crate::domain::run::{Run, RunState};
use crate::store::book::{ClientFilter, PageRequest};

/// Pages of the navigation and below it, each with what it needs.
const PAGES: [(&str, Action); 26] = [
    ("/", Action::ReadRuns),
    ("/households", Action::ReadBook),
    ("/clients?diagnostic=no-country-code", Action::ReadWholeBook),
    ("/clients/new", Action::AddClients),
    ("/imports", Action::ReadWholeBook),
    ("/documents", Action::ReadNotes),
    ("/notes", Action::ReadNotes),
    ("/notes?state=dead", Action::ReadNotes),
    ("/runs", Action::ReadRuns),
    ("/review", Action::ReadWholeBook),
    ("/review?of=left-out", Action::ReadWholeBook),
    ("/review?of=lookalikes", Action::ReadWholeBook),
    ("/review?of=not-visible", Action::ReadWholeBook),
    ("/troubleshoot", Action::ReadWholeBook),
    ("/connections/main/departures", Action::ReadWholeBook),
    ("/settings/integrations", Action::ReadRuns),
    ("/settings/integrations/new", Action::ManageConnections),
    ("/people", Action::ReadPeople),
    ("/people/roles", Action::ReadPeople),
    ("/people/professionals", Action::ReadPeople),
    ("/people/teams", Action::ReadPeople),
    ("/emergency-access", Action::ReadBook),
    ("/people/invite", Action::ManagePeople),
    ("/settings/privacy", Action::ExportClients),
    ("/settings/privacy/record", Action::EraseClients),
    ("/account", Action::ManageTokens),
];

/// A host with a client under legal holds, a connection, and a run that said something about one row.
pub(super) async fn with_a_book() -> (Host, String) {
    let host = Host::new();
    let manager = host.signed_in(Role::PracticeManager).await;
    let headers = [OWN, ("cookie", manager.as_str())];
    let made = host.send(Method::POST, "/clients", &headers, "first_name=Zoe&last_name=Ng").await;
    assert_eq!(made.status, 303, "{}", made.text);
    host.app.connections.put(with_shipped_events());
    let mut of_rows = run(RunState::Running);
    of_rows.counts.told = vec!["The row of Zoe Ng was not used.".to_owned()];
    of_rows.counts.warnings.insert("no-country-code".to_owned(), 1);
    of_rows.counts.listed = 1;
    let client =
        &host.app.store.clients(ClientFilter::default(), PageRequest { cursor: None, limit: 1 }).await.unwrap().items
            [0];
    for of in ["of=client", "of=household"] {
        let path = format!("/clients/{}/hold", client.id);
        let held = host.send(Method::POST, &path, &headers, &format!("{of}&hold_reason=A+complaint")).await;
        assert_eq!(held.status, 303, "{}", held.text);
    }
    let under_way = host.app.store.begin_run(of_rows).await.unwrap();
    let failed = Run { state: RunState::Failed, ..under_way };
    host.app.store.finish_run(failed, Threshold::default()).await.unwrap();
    (host, manager)
}

/// The parts of a page that stand between these.
fn between<'p>(page: &'p str, begin: &str, end: char) -> Vec<&'p str> {
    page.split(begin).skip(1).filter_map(|rest| rest.split(end).next()).collect()
}

/// The addresses of this host to which a page leads.
fn links(page: &str) -> BTreeSet<String> {
    let all = between(page, "href=\"", '"').into_iter().map(|link| link.replace("&amp;", "&").replace("&#38;", "&"));
    let without_place = all.map(|link| link.split('#').next().unwrap_or_default().to_owned());
    let is_page = |link: &String| link.starts_with('/') && !link.starts_with("/assets/") && !link.starts_with("/api/");
    without_place.filter(is_page).collect()
}

/// The addresses to which a page's forms are sent, but for what is everybody's own.
fn forms(page: &str) -> BTreeSet<String> {
    let posting = between(page, "method=\"post\" action=\"", '"').into_iter().map(str::to_owned);
    let is_own = |path: &String| path == "/sign-out" || path.starts_with("/account/");
    posting.filter(|path| !is_own(path)).collect()
}

#[tokio::test]
async fn what_the_table_lets_a_role_see_is_shown_and_nothing_else() {
    let (host, manager) = with_a_book().await;
    for role in Role::ALL {
        let cookie = if role == Role::PracticeManager { manager.clone() } else { host.signed_in(role).await };
        for (path, action) in PAGES {
            let answer = host.get(path, &cookie).await;
            let expected = match rule(action).grant(role) {
                Grant::Allowed(_) => 200,
                // Nobody of them has a household yet: the lists are there, and empty.
                Grant::InHouseholds(_) => 200,
                Grant::Denied(_) => 403,
            };
            assert_eq!(answer.status, expected, "{role} at {path}");
            let is_seen = matches!(rule(action).grant(role), Grant::InHouseholds(_)) && answer.text.contains("Zoe Ng");
            assert!(!is_seen, "{role} at {path}");
        }
    }
}

#[tokio::test]
async fn no_page_leads_where_its_reader_is_refused_or_offers_what_they_may_not_do() {
    let (host, manager) = with_a_book().await;
    for role in Role::ALL {
        let cookie = if role == Role::PracticeManager { manager.clone() } else { host.signed_in(role).await };
        let (mut seen, mut waiting) = (BTreeSet::new(), vec!["/".to_owned()]);
        while let Some(path) = waiting.pop() {
            if !seen.insert(path.clone()) {
                continue;
            }
            let answer = host.get(&path, &cookie).await;
            // A pack that makes no documents says so by 409.
            assert!([200, 303, 409].contains(&answer.status), "{role} is led to {path}: {}", answer.status);
            waiting.extend(links(&answer.text));
            // Practice managers may send every form, and sending them would change the book under the walk.
            let offered = if role == Role::PracticeManager { BTreeSet::new() } else { forms(&answer.text) };
            for form in offered {
                let sent = host.send(Method::POST, &form, &[OWN, ("cookie", &cookie)], "").await;
                assert_ne!(sent.status, 403, "{role} is offered {form} at {path}");
            }
        }
        assert!(seen.len() > 5, "{role} sees more than the overview: {seen:?}");
        let is_whole = role == Role::PracticeManager || role == Role::Compliance;
        assert_eq!(seen.iter().any(|path| path.starts_with("/households/")), is_whole, "{role}: {seen:?}");
    }
}

#[tokio::test]
async fn what_is_counted_in_the_book_is_told_to_those_who_see_all_of_it() {
    let (host, manager) = with_a_book().await;
    let support = host.signed_in(Role::Support).await;
    for (cookie, expected) in [(&manager, true), (&support, false)] {
        let overview = host.get("/", cookie).await.text;
        for part in ["id=\"book\"", "href=\"/review\""] {
            assert_eq!(overview.contains(part), expected, "{part}: {overview}");
        }
        assert!(overview.contains("The last sync of") && overview.contains("href=\"/settings/integrations\""));
    }
    let client = host.app.store.clients(ClientFilter::default(), PageRequest { cursor: None, limit: 1 }).await.unwrap();
    let household = format!("/households/{}", client.items[0].household_id);
    let compliance = host.signed_in(Role::Compliance).await;
    let page = host.get(&household, &compliance).await;
    assert_eq!(page.status, 200);
    for offered in ["/record\"", "/edit\"", "/remove\"", "/link\"", "Add a partner"] {
        assert!(!page.text.contains(offered), "{offered} is offered to compliance");
        assert!(host.get(&household, &manager).await.text.contains(offered), "{offered} is offered to who may");
    }
}

#[tokio::test]
async fn colleagues_are_known_to_all_staff_and_looked_after_by_managers() {
    let host = Host::new();
    host.signed_in(Role::PracticeManager).await;
    let support = host.signed_in(Role::Support).await;
    let id = host.app.store.accounts(PageRequest { cursor: None, limit: 1 }).await.unwrap().items[0].user.id;
    for path in ["/people".to_owned(), format!("/people/{id}")] {
        let page = host.get(&path, &support).await;
        assert!(page.status == 200 && page.text.contains("practice-manager@example.com"), "{path}");
        for kept in ["sign-in</", "Sign out<span", "method=\"post\" action=\"/people", "/people/invite"] {
            assert!(!page.text.contains(kept), "{path} shows {kept} to support");
        }
    }
    let post = host.send(Method::POST, &format!("/people/{id}/disable"), &[OWN, ("cookie", &support)], "").await;
    assert_eq!(post.status, 403);
}
