//! The status of an answer: whether the call took effect, and if not, what that means for the caller.

use super::answer::Answer;
use super::messages;
use crate::crm::CrmError;

/// The answer, if its status says that the call took effect; else what its status means for the caller.
pub(super) fn succeeded(answer: Answer) -> Result<Answer, CrmError> {
    let status = answer.status;
    Err(match status {
        200..300 => return whole(answer),
        300..400 => CrmError::Protocol { message: format!("a redirect ({status}), which is not followed") },
        401 => CrmError::Unauthorised { status, message: messages::said(&answer) },
        429 | 503 => CrmError::Throttled { status, retry_after: answer.retry_after, message: messages::said(&answer) },
        500 | 502 if answer.retry_after.is_some() => {
            CrmError::Throttled { status, retry_after: answer.retry_after, message: messages::said(&answer) }
        }
        400..500 if status != 408 => CrmError::Refused { status, message: messages::said(&answer) },
        _ => CrmError::Unknown { message: messages::said(&answer) },
    })
}

/// The same as [`succeeded`], for calls on which a refusal may pass by itself.
pub(super) fn passed(answer: Answer) -> Result<Answer, CrmError> {
    let status = answer.status;
    if is_passing(status) {
        return Err(CrmError::Throttled { status, retry_after: answer.retry_after, message: messages::said(&answer) });
    }
    succeeded(answer)
}

/// Whether a refusal is about the moment, not about what is asked: a conflict, a record that somebody else has open, a
/// connection that is too young or the wrong one, a call that another one was in the way of.
pub(super) fn is_passing(status: u16) -> bool {
    matches!(status, 409 | 421 | 423 | 424 | 425 | 449)
}

/// The answer, if it goes to its end: what is empty, or begins as a list or an object and does not end so, was cut on the
/// way by somebody who did not say so.
fn whole(answer: Answer) -> Result<Answer, CrmError> {
    let body = answer.body.trim_ascii();
    match (body.first(), body.last()) {
        (Some(b'['), Some(b']')) | (Some(b'{'), Some(b'}')) => Ok(answer),
        (None, _) => Err(CrmError::Unknown { message: messages::outline(&answer) }),
        (Some(b'[' | b'{'), _) => {
            Err(CrmError::Unknown { message: format!("an answer that breaks off: {}", messages::outline(&answer)) })
        }
        _ => Ok(answer),
    }
}
