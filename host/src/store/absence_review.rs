//! More clients, goals or covers gone at once than a run may mark: one question a connection and kind, and its answer.
//!
//! The clients and items that are gone are found by `absent_clients` and `absent_items`; what follows from how many
//! there are is decided here.

use super::engine::Readable;
use super::rows::{decode, encode};
use super::tables::RUNS;
use super::{Store, StoreError, absent_clients, absent_items};
use crate::domain::absence::{AbsenceReview, AbsenceReviewState};
use crate::domain::{ConnectionName, RecordKind, RunId, Timestamp};
use crate::store::absence_questions::{asked, questions};
use crate::store::connection_numbers::{connection_key, number_for, number_of};
use crate::store::walks::put_run;

/// The outcome of an answer to a question about departures.
#[derive(Clone, PartialEq, Debug)]
pub enum Answered {
    /// The answer was carried out.
    Done(AbsenceReview),
    /// No such question waits, or not that one any more: here is how it stands.
    Stale(Option<AbsenceReview>),
}

impl Store {
    /// The latest question about many of a kind that are gone, answered or not; none where none stands.
    ///
    /// # Errors
    /// Returns an error if the store fails.
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
    /// Returns an error if the store fails.
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
