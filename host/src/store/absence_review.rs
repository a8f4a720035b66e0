//! More clients, goals or covers gone at once than a run may mark: one question a connection and kind, and its answer.
//!
//! Who and what is gone is found by `absent_clients` and `absent_items`; what follows from how many there are is decided here.

use super::engine::{Readable, Write};
use super::keys::ConnectionNumber;
use super::rows::listed::StoredItem as _;
use super::rows::{decode, encode};
use super::runs::{connection_key, number_for, number_of, put_run};
use super::tables::{ABSENCE_REVIEWS, QuestionTable, RUNS};
use super::{Store, StoreError, absent_clients, absent_items};
use crate::domain::absence::{AbsenceReview, AbsenceReviewState, Conclusion, Threshold, conclude};
use crate::domain::run::Run;
use crate::domain::{ConnectionName, RecordKind, RunId, Timestamp, with_listed};

/// What came of an answer to a question about departures.
#[derive(Clone, PartialEq, Debug)]
pub enum Answered {
    /// It was carried out.
    Done(AbsenceReview),
    /// There is no such question, or not that one any more: here is how it stands.
    Stale(Option<AbsenceReview>),
}

/// The questions about a kind.
fn questions(kind: RecordKind) -> QuestionTable {
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

impl Store {
    /// The latest question about many of a kind that are gone, answered or not; none where none stands.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn absence_review(
        &self,
        connection: ConnectionName,
        kind: RecordKind,
    ) -> Result<Option<AbsenceReview>, StoreError> {
        self.read(move |transaction| {
            let Some(number) = number_of(transaction, &connection)? else { return Ok(None) };
            asked(&transaction.open_table(questions(kind))?, number)
        })
        .await
    }

    /// Answers the question that a run put: `confirm` marks all that are missing, otherwise they stay as they are, and
    /// nobody is asked again unless many more go.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn answer_absence_review(
        &self,
        (connection, kind): (ConnectionName, RecordKind),
        run: RunId,
        confirm: bool,
        by: String,
        at: Timestamp,
    ) -> Result<Answered, StoreError> {
        self.write(move |transaction| {
            let number = number_for(transaction, &connection)?;
            let mut table = transaction.open_table(questions(kind))?;
            let asked = asked(&table, number)?;
            let is_it = |asked: &AbsenceReview| asked.standing == AbsenceReviewState::Waiting && asked.run == run;
            let Some(asked) = asked.clone().filter(is_it) else { return Ok(Answered::Stale(asked)) };
            let standing = if confirm { AbsenceReviewState::Confirmed } else { AbsenceReviewState::Dismissed };
            let answered = AbsenceReview { standing, answered: Some((by, at)), ..asked };
            table.put(&connection_key(number), encode(&answered)?.as_slice())?;
            drop(table);
            let stored = transaction.open_table(RUNS)?.get(&super::keys::own(run.0))?.map(|run| decode(run.value()));
            if let Some(mut run) = stored.transpose()? {
                if confirm {
                    if kind.is_listed() {
                        absent_items::mark(transaction, number, kind, &mut run, at)?;
                    } else {
                        absent_clients::mark_missing(transaction, number, &mut run, at)?;
                    }
                }
                run.counts.set_awaiting(kind, 0);
                put_run(transaction, &run)?;
            }
            Ok(Answered::Done(answered))
        })
        .await
    }
}

fn asked(
    table: &impl Readable<&'static [u8; 6], &'static [u8]>,
    connection: ConnectionNumber,
) -> Result<Option<AbsenceReview>, StoreError> {
    table.get(&connection_key(connection))?.map(|asked| decode(asked.value())).transpose()
}
