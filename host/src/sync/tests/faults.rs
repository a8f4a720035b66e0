//! Runs that end by a fault of this program.

use super::super::in_words;
use super::super::walk_error::FAULT;
use super::Practice;

#[tokio::test]
async fn a_mapping_that_panics_fails_the_run_without_its_words_and_the_next_one_works() {
    let practice = Practice::new(&["Ayda Khan", "Bo Osei", "Cy Lee", "Dee Panic"]);
    let (_, outcome) = practice.run().await;
    let fault = outcome.unwrap_err();
    assert_eq!(fault.for_log(), FAULT);
    let message = in_words(&fault);
    assert!(message.starts_with("a fault in Tidegate; the log has its place."), "{message}");
    assert!(!message.contains("Dee"), "{message}");

    practice.edit(4, "Dee Lee");
    let counts = practice.complete().await;
    assert_eq!((counts.seen, counts.created, counts.quarantined), (4, 4, 0));
}
