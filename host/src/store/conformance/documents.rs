//! Documents are kept by their name and bytes, for good once an event names them.

use jiff::SignedDuration;

use super::*;
use crate::domain::{DocumentId, NoteId, UserId};
use crate::store::documents::{Document, KEPT_UNCLAIMED, LARGEST_DOCUMENT, claim, remove};

on_each_engine![
    a_document_comes_back_as_it_was_whatever_its_size,
    the_same_bytes_under_another_name_are_another_document_and_too_many_are_refused,
    what_no_event_names_is_removed_after_a_week,
    who_brought_a_document_may_name_it_for_a_week,
];

/// Bytes of a piece in which documents are kept.
const PIECE: usize = 256 * 1024;

fn document(filename: &str, content: Vec<u8>) -> Document {
    let at = Timestamp::from_millisecond(1_800_000_000_123).unwrap();
    Document::new(filename.to_owned(), "application/pdf".to_owned(), content, at)
}

async fn a_document_comes_back_as_it_was_whatever_its_size(on: On) {
    let place = on.place();
    let store = place.open();
    for size in [0, 1, PIECE, 3 * PIECE + 7] {
        let mut kept = document("a.pdf", (0..size).map(|at| (at % 251) as u8).collect());
        if size == 1 {
            kept = kept.made("中".to_owned());
        }
        store.put_document(kept.clone(), None).await.unwrap();
        assert_eq!(store.document(kept.id).await.unwrap(), Some(kept));
    }
    assert_eq!(store.document(DocumentId([0; 32])).await.unwrap(), None);
}

async fn the_same_bytes_under_another_name_are_another_document_and_too_many_are_refused(on: On) {
    let place = on.place();
    let store = place.open();
    let first = document("Fees for Smith.pdf", b"%PDF-1.7".to_vec());
    store.put_document(first.clone(), None).await.unwrap();
    let renamed = document("Fees for Jones.pdf", b"%PDF-1.7".to_vec());
    assert_ne!(renamed.id, first.id);
    store.put_document(renamed.clone(), None).await.unwrap();
    let later = Document { kept_at: first.kept_at + SignedDuration::from_hours(1), ..first.clone() };
    store.put_document(later, None).await.unwrap();
    assert_eq!(store.document(renamed.id).await.unwrap(), Some(renamed));
    assert_eq!(store.document(first.id).await.unwrap(), Some(first.clone()), "sent again, it is as it was");
    // What is letter by letter the same together is not the same.
    assert_ne!(document("a", b"b%PDF".to_vec()).id, document("ab", b"%PDF".to_vec()).id);
    assert_eq!(store.document_facts(first.id).await.unwrap().map(|facts| facts.size), Some(8));
    let large = document("c.pdf", vec![0; LARGEST_DOCUMENT + 1]);
    assert!(store.put_document(large, None).await.is_err());
}

async fn who_brought_a_document_may_name_it_for_a_week(on: On) {
    let place = on.place();
    let store = place.open();
    let [one, other] = [1, 2].map(|number| UserId(Uuid::from_u128(number)));
    let kept = document("a.pdf", b"%PDF-1.7".to_vec());
    let later = Document { kept_at: kept.kept_at + SignedDuration::from_hours(24), ..kept.clone() };
    store.put_document(kept.clone(), Some(one)).await.unwrap();
    assert!(store.has_brought(kept.id, one).await.unwrap());
    assert!(!store.has_brought(kept.id, other).await.unwrap(), "they have not seen it");
    let id = kept.id;
    store.write(move |transaction| claim(transaction, id, NoteId(Uuid::nil()))).await.unwrap();
    store.put_document(later, Some(other)).await.unwrap();
    assert!(store.has_brought(kept.id, other).await.unwrap(), "they have the file");
    store.forget_unclaimed_documents(kept.kept_at + KEPT_UNCLAIMED).await.unwrap();
    let brought = [store.has_brought(kept.id, one).await.unwrap(), store.has_brought(kept.id, other).await.unwrap()];
    assert_eq!(brought, [false, true]);
    store.write(move |transaction| remove(transaction, id)).await.unwrap();
    assert!(!store.has_brought(kept.id, other).await.unwrap());
}

async fn what_no_event_names_is_removed_after_a_week(on: On) {
    let place = on.place();
    let store = place.open();
    let [named, again, left] = ["named", "again", "left"].map(|text| document("a.pdf", text.into()));
    for kept in [&named, &again, &left] {
        store.put_document(kept.clone(), None).await.unwrap();
    }
    let id = named.id;
    store.write(move |transaction| claim(transaction, id, NoteId(Uuid::nil()))).await.unwrap();
    store.put_document(named.clone(), None).await.unwrap();
    let brought = left.kept_at;
    store
        .put_document(Document { kept_at: brought + SignedDuration::from_hours(24), ..again.clone() }, None)
        .await
        .unwrap();

    let week = brought + KEPT_UNCLAIMED;
    assert_eq!(store.forget_unclaimed_documents(week - SignedDuration::from_secs(1)).await.unwrap(), 0);
    assert_eq!(store.forget_unclaimed_documents(week).await.unwrap(), 1);
    assert_eq!(store.document(left.id).await.unwrap(), None);
    assert_eq!(store.document(named.id).await.unwrap(), Some(named.clone()));
    assert!(store.document(again.id).await.unwrap().is_some());
    assert_eq!(store.forget_unclaimed_documents(week + SignedDuration::from_hours(24)).await.unwrap(), 1);
    assert_eq!(store.document(named.id).await.unwrap(), Some(named));
    let gone = left.id;
    assert!(store.write(move |transaction| claim(transaction, gone, NoteId(Uuid::nil()))).await.is_err());
    store.put_document(left.clone(), None).await.unwrap();
    assert_eq!(store.document(left.id).await.unwrap(), Some(left));
}
