//! A list of a client's own record that comes empty where it held entries.

use super::*;
use crate::domain::run::LISTS_EMPTY;

const EMAIL: &str = "ayda@example.com";
const CODE: &str = "list-empty-once";

/// The address that Ayda has, and whether her record says that it was kept.
async fn email(practice: &Practice) -> (Option<String>, bool) {
    let external_id = Some(("main".parse().unwrap(), ExternalId("1".to_owned())));
    let filter = ClientFilter { external_id, ..ClientFilter::default() };
    let stored = practice.store.clients(filter, PageRequest { cursor: None, limit: 1 }).await.unwrap().items.remove(0);
    let is_told = stored.diagnostics.iter().any(|said| said.code == CODE);
    (stored.client.email.map(|email| email.to_string()), is_told)
}

/// Checks what one walk after the other finds in Ayda's list, and what her address is after each.
async fn check(walks: &[(&str, Option<&str>, bool)]) {
    let practice = Practice::new(&BOOK);
    practice.crm.emails.lock().unwrap().insert(1, EMAIL.to_owned());
    practice.complete().await;
    for (number, (what, expected, is_told)) in walks.iter().enumerate() {
        let place = format!("{number}: {what} of {walks:?}");
        let found = match *what {
            what if what.ends_with("full") => EMAIL,
            "damaged" => "…",
            _ => "",
        };
        practice.crm.emails.lock().unwrap().insert(1, found.to_owned());
        match *what {
            "alone" | "alone full" => drop(practice.one("1").await),
            "cut" => {
                let (run, outcome) = practice.run().await;
                outcome.unwrap();
                let run = Run { state: RunState::Failed, ..run };
                practice.store.finish_run(run, Threshold::default()).await.unwrap();
            }
            "absent" => {
                practice.crm.emails.lock().unwrap().remove(&1);
                practice.complete().await;
            }
            "renamed" => {
                practice.edit(1, "Ayda Rossi|8");
                practice.complete().await;
                assert_eq!(practice.last_name("1").await, "Rossi", "{place}");
            }
            "broken full" => {
                practice.edit(1, &format!("Ayda {}", "x".repeat(2 << 20)));
                practice.complete().await;
                practice.edit(1, "Ayda Khan|8");
            }
            _ => {
                let warned = practice.complete().await.warnings.contains_key(CODE);
                assert_eq!(warned, *is_told, "{place}");
            }
        }
        assert_eq!(email(&practice).await, (expected.map(str::to_owned), *is_told), "{place}");
    }
}

#[tokio::test]
async fn a_list_is_empty_when_two_complete_walks_found_it_so() {
    let kept = Some(EMAIL);
    check(&[("empty", kept, true), ("full", kept, false), ("empty", kept, true), ("empty", None, false)]).await;
    // The record is what it was but for that.
    check(&[("empty", kept, true), ("empty", None, false), ("empty", None, false), ("full", kept, false)]).await;
    check(&[("renamed", kept, true), ("empty", None, false)]).await;
    check(&[("absent", kept, true), ("absent", None, false)]).await;
}

#[tokio::test]
async fn neither_a_walk_that_was_cut_nor_a_client_alone_proves_it() {
    let kept = Some(EMAIL);
    check(&[("alone", kept, true), ("alone", kept, true), ("empty", kept, true), ("empty", None, false)]).await;
    check(&[("cut", kept, true), ("cut", kept, true), ("empty", kept, true), ("alone", kept, true)]).await;
    // By itself, the client can show that the entries are there.
    check(&[("empty", kept, true), ("alone full", kept, false), ("empty", kept, true)]).await;
    // A record that could not be put together in between is no proof either.
    check(&[("broken full", kept, false), ("empty", kept, true), ("empty", None, false)]).await;
}

#[tokio::test]
async fn an_empty_list_behind_a_record_that_cannot_be_read_is_not_believed_either() {
    let kept = Some(EMAIL);
    check(&[("damaged", kept, false), ("empty", kept, false), ("empty", None, false), ("full", kept, false)]).await;
    check(&[("damaged", kept, false), ("absent", kept, false), ("full", kept, false), ("empty", kept, true)]).await;
    check(&[("damaged", kept, false), ("alone", kept, false), ("alone", kept, false), ("empty", kept, false)]).await;
}

#[tokio::test]
async fn ordinary_records_are_still_skipped() {
    let practice = Practice::new(&BOOK);
    practice.crm.emails.lock().unwrap().extend([(1, EMAIL.to_owned()), (2, String::new())]);
    practice.complete().await;
    let mapped = practice.mapper.mapped.load(Ordering::Relaxed);
    practice.complete().await;
    assert_eq!(practice.mapper.mapped.load(Ordering::Relaxed), mapped);
    practice.crm.emails.lock().unwrap().insert(1, String::new());
    for expected in [1, 2, 2] {
        practice.complete().await;
        assert_eq!(practice.mapper.mapped.load(Ordering::Relaxed), mapped + expected, "until it is settled");
    }
}

#[tokio::test]
async fn a_list_that_is_empty_for_many_at_once_is_never_believed_by_itself() {
    let practice = Practice::new(&BOOK);
    let all = 1..=u32::try_from(BOOK.len()).unwrap();
    let fill = |email: &str| practice.crm.emails.lock().unwrap().extend(all.clone().map(|id| (id, email.to_owned())));
    fill(EMAIL);
    practice.complete().await;
    fill("");
    for walk in 1..=4 {
        let counts = practice.complete().await;
        assert_eq!(counts.doubts.get(LISTS_EMPTY).copied(), Some(BOOK.len() as u64), "walk {walk}");
        assert_eq!(email(&practice).await, (Some(EMAIL.to_owned()), true), "walk {walk}");
    }
    // The right is given back, and Ayda's entries are truly gone.
    fill(EMAIL);
    practice.crm.emails.lock().unwrap().insert(1, String::new());
    assert_eq!(practice.complete().await.doubts.get(LISTS_EMPTY), None);
    practice.complete().await;
    assert_eq!(email(&practice).await, (None, false));
}
