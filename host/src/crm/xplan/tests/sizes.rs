//! Pages and batches that are too much for the site, or for this process.

use super::*;

async fn limited(clients: u32, limits: Limits, faults: &[&str]) -> (Sandbox, Xplan) {
    let sandbox = Sandbox::start(Options { clients, ..Options::default() }).await.unwrap();
    sandbox.admin().set_faults(plan(faults));
    let xplan = to(&sandbox, limits);
    (sandbox, xplan)
}

fn to(sandbox: &Sandbox, limits: Limits) -> Xplan {
    let site = Site::new(&access(&sandbox.addr().to_string()), None, limits).unwrap();
    Xplan { site, site_lists: SiteLists::default() }
}

fn whole(records: &[RawRecord]) -> usize {
    records.iter().filter(|record| record.fault.is_none() && record.parts.len() == 3).count()
}

#[tokio::test]
async fn what_is_too_much_for_the_site_comes_in_smaller_pieces_and_is_remembered() {
    for fault in ["gateway_timeout:rows=60", "cut_body:rows=60", "truncated:rows=60", "slow:rows=60,ms=5000"] {
        let limits = Limits { exchange: Duration::from_millis(400), ..quick() };
        let (sandbox, xplan) = limited(400, limits.clone(), &[fault]).await;
        let records = walk(&xplan, &clients()).await.unwrap_or_else(|error| panic!("{fault}: {error}"));
        assert_eq!((records.len(), whole(&records)), (400, 400), "{fault}");
        let memory = xplan.memory();
        let sizes: std::collections::BTreeMap<String, serde_json::Value> = serde_json::from_slice(&memory).unwrap();
        assert_eq!(sizes.keys().collect::<Vec<_>>(), ["batch", "client-v4"], "{fault}");
        // Another process goes on with what was found, and tries more now and then.
        let again = to(&sandbox, limits);
        again.recall(&memory);
        sandbox.admin().set_faults(plan(&[fault]));
        assert_eq!(whole(&walk(&again, &clients()).await.unwrap()), 400, "{fault}");
        let struck = sandbox.admin().stats().faults[0].struck;
        assert!(struck <= 8, "{fault}: {struck}");
        // The site is well again: soon nothing is left of it.
        sandbox.admin().set_faults(FaultPlan::default());
        for _ in 0..12 {
            walk(&again, &clients()).await.unwrap();
        }
        assert!(again.memory().is_empty(), "{fault}");
    }
}

#[tokio::test]
async fn notes_and_ids_are_asked_for_in_smaller_pieces_too() {
    let (sandbox, xplan) = limited(80, quick(), &[]).await;
    let records = walk(&xplan, &clients()).await.unwrap();
    let ids: Vec<ExternalId> = records.iter().map(|record| record.id.clone()).collect();
    let note = note(&ids[0]);
    xplan.create_note(&note, "tidegate-1").await.unwrap();
    sandbox.admin().set_faults(plan(&["gateway_timeout:rows=30"]));
    assert_eq!(xplan.find_notes(&ids[0]).await.unwrap().len(), 1);
    let found = xplan.by_id(&clients(), &ids).await.unwrap();
    assert_eq!((whole(&found.page.records), found.unanswered.len()), (80, 0));
}

#[tokio::test]
async fn a_row_that_fails_by_itself_stays_out_under_its_name() {
    for (fault, message) in [("huge_row:on=fields.0", "more than 1048576 bytes"), ("server_error:on=fields.0", "500")] {
        let limits = Limits {
            page_bytes: 1 << 20,
            pages_held: 100,
            retry: RetryPolicy { repeats: 2, ..quick().retry },
            ..quick()
        };
        let (_sandbox, xplan) = limited(5, limits.clone(), &[fault]).await;
        let records = walk(&xplan, &clients()).await.unwrap_or_else(|error| panic!("{fault}: {error}"));
        let faults: Vec<_> = records.iter().filter_map(|record| record.fault.as_deref()).collect();
        assert_eq!((records.len(), faults.len()), (5, 5), "{fault}");
        assert!(faults.iter().all(|fault| fault.contains(message)), "{faults:?}");
        // Where that goes on and on, it is the site that fails.
        let (_sandbox, xplan) = limited(30, limits, &[fault]).await;
        assert!(walk(&xplan, &clients()).await.is_err(), "{fault}");
    }
}

#[tokio::test]
async fn a_huge_list_costs_its_client_alone() {
    let limits = Limits { page_bytes: 1 << 20, pages_held: 100, ..quick() };
    let (sandbox, xplan) = limited(40, limits, &[]).await;
    let id = walk(&xplan, &clients()).await.unwrap()[7].id.clone();
    sandbox.admin().set_faults(plan(&[&format!("huge_text:on=/{id}/address")]));
    let records = walk(&xplan, &clients()).await.unwrap();
    let faulty: Vec<_> = records.iter().filter(|record| record.fault.is_some()).map(|record| &record.id).collect();
    assert_eq!((records.len(), faulty), (40, vec![&id]));
}

#[tokio::test]
async fn what_pages_hold_together_is_bounded() {
    // Each client's list has two megabytes: the book has 120.
    let limits = Limits { page_bytes: 8 << 20, pages_held: 2, ..quick() };
    let (_sandbox, xplan) = limited(60, limits, &["huge_text:on=/contact"]).await;
    let (source, mut after, mut seen, mut most) = (clients(), None, 0, 0);
    let mut before: Option<RawPage> = None;
    loop {
        // One page is read while the one before is still mapped.
        let page = xplan.page(&source, after.as_ref()).await.unwrap();
        most = most.max(xplan.site.held());
        assert!(page.records.iter().all(|record| record.parts.len() == 3));
        seen += page.records.len();
        after.clone_from(&page.next);
        if after.is_none() {
            break;
        }
        before = Some(page);
    }
    assert!((4 << 20..=16 << 20).contains(&most), "{most}");
    drop(before);
    assert_eq!((seen, xplan.site.held()), (60, 0));
}

#[tokio::test]
async fn rows_that_came_and_cannot_be_read_are_halved_without_pauses() {
    // How often it paused on the way down to one row.
    let down = async |failure: fn(CrmError) -> PageError| {
        let (_sandbox, xplan) = site(10, &[]).await;
        let mut descent = Descent::new(&xplan.site, "client-v4", PAGE_SIZE);
        let unknown = || CrmError::Unknown { message: "expected rows".to_owned() };
        while descent.size > 1 {
            descent.failed(failure(unknown())).await.unwrap();
        }
        assert!(descent.failed(failure(unknown())).await.is_err());
        xplan.site.transport.traffic.totals().retries
    };
    // The first time, they may have been cut on their way.
    assert_eq!(down(PageError::Damaged).await, 1);
    assert!(down(PageError::Rows).await > 4);
}
