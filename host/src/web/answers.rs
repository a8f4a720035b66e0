//! What was done, said on the page to which a form leads: a form that changes something answers with a redirection, so that
//! a reload sends nothing twice, and what it has to say waits here for the page.
//!
//! In memory, and bounded: after a restart the page shows without it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use uuid::Uuid;

use super::components::pair;
use crate::audit;
use crate::domain::UserId;
use crate::ops::{Kind, Refusal};

/// The answers that are kept, the newest ones.
const KEPT: usize = 500;

/// The result of what was just asked or done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Checked {
    pub(super) is_good: bool,
    pub(super) message: String,
    /// The reasons, where there are several.
    pub(super) lines: Vec<String>,
}

impl Checked {
    /// It was done.
    pub(super) fn good(message: String) -> Self {
        Self { is_good: true, message, lines: Vec::new() }
    }

    /// It was refused: the message, or what is wrong with each field.
    pub(super) fn refused(refusal: Refusal) -> Self {
        if refusal.fields.is_empty() {
            return Self::bad(refusal.message);
        }
        let lines = refusal.fields.into_iter().map(|error| error.message).collect();
        Self { lines, ..Self::bad("Nothing was changed.".to_owned()) }
    }

    /// It is gone: by this, or by what was done before, such as from a page that is open twice.
    ///
    /// # Errors
    /// Returns the refusal where it is there still.
    pub(super) fn gone<T>(done: Result<T, Refusal>, now: &str, before: &str) -> Result<Self, Refusal> {
        match done {
            Ok(_) => Ok(Self::good(now.to_owned())),
            Err(refusal) if refusal.kind == Kind::NotFound => Ok(Self::good(before.to_owned())),
            Err(refusal) => Err(refusal),
        }
    }

    /// It was not done.
    pub(super) fn bad(message: String) -> Self {
        Self { is_good: false, message, lines: Vec::new() }
    }
}

/// The answer that a page was led to.
#[derive(Default, Deserialize)]
pub(super) struct AnswerQuery {
    answer: Option<Uuid>,
}

/// The answers that wait for their pages. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Answers(Arc<Mutex<VecDeque<(Uuid, UserId, Checked)>>>);

impl Answers {
    /// Leads to a page of the host, which says this to this person.
    pub(super) fn lead(&self, path: &str, to: UserId, answer: Checked) -> Response {
        if !answer.is_good {
            audit::led_back();
        }
        let id = Uuid::new_v4();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((id, to, answer));
        while kept.len() > KEPT {
            kept.pop_front();
        }
        let mark = if path.contains('?') { '&' } else { '?' };
        Redirect::to(&format!("{path}{mark}{}", pair("answer", &id.to_string()))).into_response()
    }

    /// The answer that a page was led to, for whom it is meant.
    pub(super) fn of(&self, query: &AnswerQuery, person: UserId) -> Option<Checked> {
        let id = query.answer?;
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, to, _)| (*known, *to) == (id, person)).map(|(_, _, answer)| answer.clone())
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header::LOCATION;

    use super::*;

    #[test]
    fn an_answer_is_for_whom_it_was_made_and_the_newest_are_kept() {
        let (answers, person, other) = (Answers::default(), UserId(Uuid::new_v4()), UserId(Uuid::new_v4()));
        let lead = |message: &str| {
            let checked = Checked::good(message.to_owned());
            let response = answers.lead("/settings?a=1", person, checked);
            assert_eq!(response.status(), 303, "a reload sends nothing twice");
            let place = response.headers()[LOCATION].to_str().unwrap().to_owned();
            let id = place.strip_prefix("/settings?a=1&answer=").unwrap();
            AnswerQuery { answer: Some(id.parse().unwrap()) }
        };
        let first = lead("first");
        assert_eq!(answers.of(&first, person).map(|said| said.message).as_deref(), Some("first"));
        assert_eq!(answers.of(&first, person).map(|said| said.message).as_deref(), Some("first"), "and on a reload");
        assert_eq!(answers.of(&first, other), None);
        assert_eq!(answers.of(&AnswerQuery::default(), person), None);
        for _ in 0..KEPT {
            lead("another");
        }
        assert_eq!(answers.of(&first, person), None);
    }
}
