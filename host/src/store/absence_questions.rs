//! The question to a person whether many clients, goals or covers are really gone, one a connection and kind.
//!
//! Who and what is gone is found by `absent_clients` and `absent_items`; what follows from how many there are is decided
//! in the domain.

use super::StoreError;
use super::connection_numbers::connection_key;
use super::engine::{Readable, Write};
use super::keys::ConnectionNumber;
use super::rows::listed::{QuestionTable, StoredItem as _};
use super::rows::{decode, encode};
use super::tables::ABSENCE_REVIEWS;
use crate::domain::absence::{AbsenceReview, AbsenceReviewState, Conclusion, Threshold, conclude};
use crate::domain::run::Run;
use crate::domain::{RecordKind, Timestamp, with_listed};

/// The questions about a kind.
pub(super) fn questions(kind: RecordKind) -> QuestionTable {
    with_listed!(kind, Item => Item::QUESTIONS).unwrap_or(ABSENCE_REVIEWS)
}

/// Decides what follows from so many that are missing, of so many; keeps the question where a person has to look.
pub(super) fn decide(
    transaction: &Write,
    (connection, kind): (ConnectionNumber, RecordKind),
    run: &mut Run,
    (missing, of): (u64, u64),
    threshold: Threshold,
    at: Timestamp,
) -> Result<Conclusion, StoreError> {
    let mut table = transaction.open_table(questions(kind))?;
    let asked = asked(&table, connection)?;
    let left =
        asked.as_ref().filter(|asked| asked.standing == AbsenceReviewState::Dismissed).map(|asked| asked.missing);
    let conclusion = conclude(missing, of, left, threshold);
    match conclusion {
        Conclusion::Mark => drop(table.delete(&connection_key(connection))?),
        Conclusion::Leave => {}
        Conclusion::Ask => {
            run.counts.set_awaiting(kind, missing);
            let waiting = asked.filter(|asked| asked.standing == AbsenceReviewState::Waiting);
            let question = AbsenceReview {
                connection: run.connection.clone(),
                run: run.id,
                since: waiting.map_or(at, |waiting| waiting.since),
                missing,
                of,
                limit: threshold.of(of),
                standing: AbsenceReviewState::Waiting,
                answered: None,
            };
            table.put(&connection_key(connection), encode(&question)?.as_slice())?;
        }
    }
    Ok(conclusion)
}

/// The question as it stands.
pub(super) fn asked(
    table: &impl Readable<&'static [u8; 6], &'static [u8]>,
    connection: ConnectionNumber,
) -> Result<Option<AbsenceReview>, StoreError> {
    table.get(&connection_key(connection))?.map(|asked| decode(asked.value())).transpose()
}
