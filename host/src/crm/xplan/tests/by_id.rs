//! Clients asked for by their ids, many at once.

use super::*;

#[tokio::test]
async fn a_hundred_ids_cost_an_exchange_and_the_same_records_come() {
    let (sandbox, xplan) = site(300, &[]).await;
    let walked = walk(&xplan, &clients()).await.unwrap();
    let ids: Vec<ExternalId> = walked[..100].iter().map(|record| record.id.clone()).collect();
    for id in &ids[3..] {
        assert!(sandbox.admin().hide(id.as_str().parse().unwrap(), true));
    }
    let before = sandbox.admin().stats().requests;
    let found = xplan.by_id(&clients(), &ids).await.unwrap();
    // One for the rows, one for the lists of those who are shown.
    assert_eq!(sandbox.admin().stats().requests - before, 2);
    assert!(found.unanswered.is_empty());
    let prints = |records: &[RawRecord]| records.iter().map(|r| (r.id.clone(), r.fingerprint)).collect::<Vec<_>>();
    assert_eq!(prints(&found.page.records), prints(&walked[..3]));
    for (found, walked) in found.page.records.iter().zip(&walked) {
        let fields = |record: &RawRecord| {
            let json: serde_json::Value = serde_json::from_slice(&record.to_json().unwrap()).unwrap();
            (json["row"]["fields"].clone(), json["contact"].clone())
        };
        assert_eq!(fields(found), fields(walked));
    }
}

#[tokio::test]
async fn ids_that_the_site_fails_for_are_told_from_those_it_does_not_show() {
    for (faults, unanswered) in [
        (&["call_error:on=/client-v4/,times=2"][..], 0),
        (&["batch_short:times=2"], 0),
        (&["batch_reversed"], 0),
        (&["server_error:every=2", "cut_body:every=3"], 0),
        (&["call_error:on=/client-v4/,method=GET"], 4),
    ] {
        let (sandbox, xplan) = site(40, &[]).await;
        let mut ids: Vec<ExternalId> =
            walk(&xplan, &clients()).await.unwrap().into_iter().take(3).map(|record| record.id).collect();
        ids.push(ExternalId("999999999".to_owned()));
        sandbox.admin().set_faults(plan(faults));
        let found = xplan.by_id(&clients(), &ids).await.unwrap_or_else(|error| panic!("{faults:?}: {error}"));
        assert_eq!(found.unanswered.len(), unanswered, "{faults:?}");
        assert_eq!(found.page.records.len(), 3 - unanswered.min(3), "{faults:?}");
    }
}
