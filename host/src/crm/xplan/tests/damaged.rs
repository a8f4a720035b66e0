//! Answers with damage in one place, and what it costs.

use super::*;
use crate::crm::repair::UNREADABLE;

/// The records as the mapping takes them.
fn texts(records: &[RawRecord]) -> Vec<String> {
    let text = |record: &RawRecord| String::from_utf8(record.to_json().unwrap()).unwrap();
    records.iter().map(text).collect()
}

#[tokio::test]
async fn what_cannot_be_read_costs_itself_alone() {
    for fault in ["bad_byte", "half_surrogate", "control_character", "not_a_number"] {
        for (on, damaged) in [("/entity/client-v4", 40), ("/contact", 40), ("/entity/client-v4,times=1", 1)] {
            let (sandbox, xplan) = site(40, &[]).await;
            let clean = walk(&xplan, &clients()).await.unwrap();
            sandbox.admin().set_faults(plan(&[&format!("{fault}:on={on}")]));
            let records = walk(&xplan, &clients()).await.unwrap_or_else(|error| panic!("{fault} {on}: {error}"));
            assert_eq!((records.len(), records.iter().filter(|record| record.parts.len() == 3).count()), (40, 40));
            let texts = texts(&records);
            let found = texts.iter().filter(|text| text.contains(UNREADABLE)).count();
            // Somebody may have no contacts.
            assert!((damaged * 3 / 4..=damaged).contains(&found), "{fault} {on}: {found}");
            for (text, clean) in texts.iter().zip(&clean) {
                let is_json = serde_json::from_str::<serde_json::Value>(text).is_ok();
                assert!(is_json && text.contains(clean.id.as_str()), "{fault}: {text}");
            }
            // The same damage is the same record.
            sandbox.admin().set_faults(plan(&[&format!("{fault}:on={on}")]));
            let again = walk(&xplan, &clients()).await.unwrap();
            let prints = |records: &[RawRecord]| records.iter().map(|record| record.fingerprint).collect::<Vec<_>>();
            assert_eq!(prints(&records), prints(&again));
            assert_ne!(prints(&records), prints(&clean));
        }
    }
}

#[tokio::test]
async fn a_row_that_is_no_json_is_known_by_its_id_and_the_walk_goes_on() {
    for fault in ["bare_word", "trailing_comma"] {
        for source in [clients(), users()] {
            let (sandbox, xplan) = site(40, &[]).await;
            let clean = walk(&xplan, &source).await.unwrap();
            sandbox.admin().set_faults(plan(&[&format!("{fault}:on=/entity/")]));
            let records = walk(&xplan, &source).await.unwrap_or_else(|error| panic!("{fault}: {error}"));
            let ids = |records: &[RawRecord]| records.iter().map(|record| record.id.clone()).collect::<BTreeSet<_>>();
            assert_eq!(ids(&records), ids(&clean), "{fault}");
            let failed = records.iter().filter(|record| record.fault.is_some()).count();
            assert!((1..=records.len() / 2).contains(&failed), "{fault}: {failed}");
        }
        // A site that damages every row is the site's fault, not that of rows.
        let (_sandbox, xplan) = site(40, &[&format!("{fault}:on=/entity/"), "gateway_timeout:rows=2"]).await;
        assert!(walk(&xplan, &clients()).await.is_err(), "{fault}");
    }
}

#[tokio::test]
async fn every_kind_of_answer_may_be_damaged() {
    let below = Source { kind: RecordKind::Goal, lists: vec!["goals".to_owned(), CHOICES.to_owned()], ..clients() };
    let source = Source { below: vec![below], ..clients() };
    for fault in ["byte_order_mark", "bad_byte", "half_surrogate", "control_character", "double_key"] {
        let (sandbox, xplan) = site(20, &[fault]).await;
        let page = xplan.page(&source, None).await.unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert_eq!((page.records.len(), page.below[0].records.len()), (20, 20), "{fault}");
        assert!(page.below[0].records.iter().all(|goals| goals.to_json().is_ok() && goals.parts.len() == 2), "{fault}");
        assert!(!walk(&xplan, &users()).await.unwrap().is_empty(), "{fault}");
        let client = page.records[0].id.clone();
        assert!(xplan.one(&source, &client).await.unwrap().is_some(), "{fault}");
        let found = xplan.by_id(&source, std::slice::from_ref(&client)).await.unwrap();
        assert_eq!((found.page.records.len(), found.unanswered.len()), (1, 0), "{fault}");
        sandbox.admin().set_faults(FaultPlan::default());
        let note = note(&client);
        let id = xplan.create_note(&note, "tidegate-1").await.unwrap();
        xplan.attach(&id, "plan.pdf", "application/pdf", b"%PDF-").await.unwrap();
        sandbox.admin().set_faults(plan(&[fault]));
        assert_eq!(xplan.attachments_of(&id).await.unwrap().len(), 1, "{fault}");
        assert_eq!(xplan.find_notes(&client).await.unwrap().len(), 1, "{fault}");
        assert!(xplan.create_note(&note, "tidegate-2").await.is_ok(), "{fault}");
    }
}

const CHOICES: &str = "/ufield/goals/category/choice";

#[tokio::test]
async fn an_answer_that_breaks_off_unsaid_is_asked_for_again() {
    for faults in [&["truncated:every=3"][..], &["truncated:on=session,times=2"], &["truncated:method=POST,every=2"]] {
        let (_sandbox, xplan) = site(600, faults).await;
        let records = walk(&xplan, &clients()).await.unwrap_or_else(|error| panic!("{faults:?}: {error}"));
        assert_eq!(records.iter().filter(|record| record.parts.len() == 3).count(), 600, "{faults:?}");
    }
}

#[tokio::test]
async fn a_list_that_fails_by_itself_is_the_fault_of_its_client() {
    let (sandbox, xplan) = site(501, &[]).await;
    let last = walk(&xplan, &clients()).await.unwrap()[500].id.clone();
    // The last page holds one client alone.
    sandbox.admin().set_faults(plan(&[&format!("call_error:on=/{last}/address")]));
    let records = walk(&xplan, &clients()).await.unwrap();
    let faulty: Vec<_> = records.iter().filter(|record| record.fault.is_some()).map(|record| &record.id).collect();
    assert_eq!(faulty, [&last]);
    // Who waits for one client is told.
    assert!(xplan.one(&clients(), &last).await.is_err());
}

#[tokio::test]
async fn a_sign_in_that_is_refused_in_passing_is_tried_again() {
    for fault in ["server_error:on=session,times=2", "gateway_timeout:on=session,times=2", "byte_order_mark"] {
        let (_sandbox, xplan) = site(10, &[fault]).await;
        assert_eq!(walk(&xplan, &clients()).await.unwrap().len(), 10, "{fault}");
    }
}
