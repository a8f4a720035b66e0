//! Clients of a CRM who look like somebody whom the practice has made.

use super::{Kind, Refusal, audited, may};
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::access::{Action, Actor};
use crate::domain::audit::Subject;
use crate::domain::review::{Review, ReviewDecision};
use crate::store::review::{ReviewId, Undecided};

/// Decides about a client of a CRM: import, ignore, link, or wait, which takes a decision back.
///
/// # Errors
/// Returns an error if there is no such place in the queue, it is linked, or the link cannot be made.
pub async fn decide(
    app: &App,
    actor: &Actor,
    id: ReviewId,
    decision: ReviewDecision,
    now: Timestamp,
) -> Result<Review, Refusal> {
    audited(app, actor, ("review.decide", Subject::new("review", id)), async move {
        may(actor, Action::ManageBook)?;
        match app.store.decide_review(id, decision, now).await? {
            Ok(review) => Ok(review),
            Err(Undecided::Unknown) => Err(Refusal::not_found(format_args!("review {id}"))),
            Err(Undecided::IsLinked) => {
                let message = "The client is linked. Take that back first: let it wait, then decide otherwise.";
                Err(Refusal::new(Kind::WrongState, message))
            }
            Err(Undecided::Refused(refusal)) => Err(refusal.into()),
        }
    })
    .await
}
