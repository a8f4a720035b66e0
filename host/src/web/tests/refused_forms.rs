//! What becomes of forms that are refused, in the audit log: every one, from a page of this host and from another site's.

use axum::http::Method;

use super::requests::{Host, OWN};
use super::roles::with_a_book;
use crate::audit::tests::new_entries;
use crate::audit::verbs;
use crate::domain::Timestamp;
use crate::domain::audit::ActorKind;
use crate::store::book::{ClientFilter, PageRequest};

/// The addresses of the pages' forms, with the ids of what there is.
async fn addresses(host: &Host) -> Vec<(&'static str, String)> {
    let page = PageRequest { cursor: None, limit: 1 };
    let client = host.app.store.clients(ClientFilter::default(), page).await.unwrap().items.remove(0);
    let household = client.household_id.to_string();
    let (client, other) = (client.id.to_string(), uuid::Uuid::from_u128(7).to_string());
    let places = verbs::places().filter(|place| place.starts_with("POST /") && !place.starts_with("POST /api/"));
    let filled = |place: &'static str| {
        let path = place.trim_start_matches("POST ");
        let path = match path.strip_prefix("/households/{id}") {
            Some(rest) => format!("/households/{household}{rest}"),
            None => path.to_owned(),
        };
        let path = if path.starts_with("/clients/") { path.replace("{id}", &client) } else { path };
        let path = path.replace("{client}", &client).replace("{type}", "survey_completed").replace("{name}", "main");
        let path = path.replace("{number}", "1").replace("{*file}", "rules/titles.toml").replace("{token}", "guessed");
        (
            place,
            ["{id}", "{user}", "{session}", "{revision}"].iter().fold(path, |path, part| path.replace(part, &other)),
        )
    };
    places.map(filled).collect()
}

#[tokio::test]
async fn a_form_that_is_refused_has_an_entry_whatever_its_answer_is() {
    let (host, mut manager) = with_a_book().await;
    let (mut seen, mut untold) = (0, Vec::new());
    for (place, path) in addresses(&host).await {
        // Some forms end the session that they are sent in.
        if host.get("/account", &manager).await.status != 200 {
            manager = host.signed_in_at(Timestamp::now()).await;
        }
        new_entries(&host.app.audit, &mut seen).await;
        let verb = verbs::of_change(place).unwrap();
        let area = verb.split('.').next().unwrap();
        for form in ["", "version=1", "nonsense=%FF"] {
            let answer = host.send(Method::POST, &path, &[OWN, ("cookie", &manager)], form).await;
            let told = new_entries(&host.app.audit, &mut seen).await;
            let is_refused = answer.status >= 400;
            let is_told = told.iter().any(|entry| {
                entry.act.verb.starts_with(area) && (!is_refused || entry.act.outcome.because().is_some())
            });
            if !is_told {
                untold.push(format!("{place} by {form:?}: {}", answer.status));
            }
        }
    }
    // What is typed is what there was.
    assert_eq!(untold, [r#"POST /households/{id}/clients/{client}/edit by "": 303"#]);
}

#[tokio::test]
async fn a_form_of_another_site_has_an_entry_of_nobody() {
    let (host, manager) = with_a_book().await;
    let mut seen = 0;
    new_entries(&host.app.audit, &mut seen).await;
    for (place, path) in addresses(&host).await {
        let from = ("sec-fetch-site", "cross-site");
        let answer = host.send(Method::POST, &path, &[("cookie", &manager), from], "version=1").await;
        assert_eq!(answer.status, 403, "{path}");
        let told = new_entries(&host.app.audit, &mut seen).await;
        let [entry] = told.as_slice() else { panic!("{path}: {told:?}") };
        let act = &entry.act;
        assert_eq!((act.by.kind, Some(act.verb.as_str())), (ActorKind::Nobody, verbs::of_change(place)), "{path}");
        assert_eq!(act.outcome.because(), Some("A page of another site sent it, or a program."), "{path}");
        assert_eq!(act.detail, place);
    }
}
