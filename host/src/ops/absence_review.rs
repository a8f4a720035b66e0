//! The answer of a person where many are gone at once.

use super::{Kind, Refusal, audited, may};
use crate::app::App;
use crate::domain::absence::AbsenceReview;
use crate::domain::access::{Action, Actor};
use crate::domain::audit::Subject;
use crate::domain::{ConnectionName, RecordKind, RunId, Timestamp};
use crate::store::absence_review::Answered;

/// An answer to the question whether many are gone.
#[derive(Debug)]
pub struct Answer {
    /// The connection that the question is about.
    pub connection: ConnectionName,
    /// The kind of record that is missing.
    pub kind: RecordKind,
    /// The run that asked, so that nobody answers a question that they have not seen.
    pub run: RunId,
    /// Whether they are gone.
    pub is_confirmed: bool,
}

/// Says that these are gone, or that they are not. Nothing is deleted.
///
/// # Errors
/// Returns an error if there is no such connection, or the question does not wait for an answer any more.
pub async fn answer(app: &App, actor: &Actor, answer: Answer, now: Timestamp) -> Result<AbsenceReview, Refusal> {
    audited(app, actor, ("absence_review.answer", Subject::new("connection", &answer.connection)), async move {
        may(actor, Action::ControlRuns)?;
        let Answer { connection, kind, run, is_confirmed } = answer;
        if app.connections.get(&connection).is_none() {
            return Err(Refusal::not_found(format_args!("connection `{connection}`")));
        }
        let by = actor.name.clone();
        match app.store.answer_absence_review((connection, kind), run, is_confirmed, by, now).await? {
            Answered::Done(answered) => Ok(answered),
            Answered::Stale(_) => Err(Refusal::new(
                Kind::WrongState,
                "This question does not wait for an answer any more: a later run put it anew, or somebody answered it. \
                 Nothing was changed. Read it again and answer that one.",
            )),
        }
    })
    .await
}
