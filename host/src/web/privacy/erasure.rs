//! The form that erases somebody, with what goes and what stays.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use crate::app::App;
use crate::domain::RecordKind;
use crate::domain::field::FieldError;
use crate::domain::privacy::{self, ErasureCounts, ErasureOf, ErasureReason};
use crate::domain::text::{full_stop, sentence};
use crate::ops::Refusal;
use crate::web::components::Clock;
use crate::web::failure::{Failure, describe, page};
use crate::web::format;
use crate::web::inputs::PlainInput;

/// An erasure that somebody may ask for.
#[derive(Template)]
#[template(path = "components/erasure.html")]
pub(super) struct ErasureForm {
    /// The address that the form is sent to.
    action: String,
    /// What is sent along, which nobody types.
    hidden: Vec<(&'static str, String)>,
    heading: String,
    /// The reason why nothing can be erased now.
    refused: Option<Refused>,
    goes: Vec<(String, u64)>,
    stays: Vec<(String, u64)>,
    left_to_do: String,
    reasons: &'static [ErasureReason],
    /// The text that has to be typed, and what it is.
    to_confirm: String,
    confirm: (&'static str, &'static str),
    /// The reason that was chosen before, where the form is shown again.
    reason: String,
    problems: Vec<FieldError>,
}

impl HtmlSafe for ErasureForm {}

/// The reason why nothing can be erased now, and the page where that is changed.
struct Refused {
    /// Sentences that follow on "No erasure now:".
    message: String,
    /// The page's path, and the words that lead to it.
    link: Option<(String, &'static str)>,
}

impl Refused {
    /// The reason, as the state before anybody asked; an error where there is nobody to erase.
    fn new(refusal: privacy::Refusal, clock: &Clock) -> Result<Self, Failure> {
        use privacy::Refusal as Why;
        let (message, link) = match refusal {
            Why::Held { by, reason, until } => {
                let until = until.map(|until| format!(" until {}", format::time(until, &clock.zone))).unwrap_or_default();
                let reason = full_stop(&reason);
                (format!("{by} put a legal hold on{until}. The reason: {reason} Take it off first, where it is over."), None)
            }
            Why::IsSending => {
                ("a file note of theirs is being sent at this moment. Load the page again in a minute.".to_owned(), None)
            }
            Why::AwaitsReview => (
                "a client of the CRM waits in the review queue who may be this one, and would bring them back. Decide about \
                 that one first: link them, where they are the same person; leave them out or import them, where they are \
                 somebody else."
                    .to_owned(),
                Some(("/review?of=lookalikes".to_owned(), "Review possible duplicates")),
            ),
            Why::IsClient(id) => (
                "the record is a client here, who is erased with all that is theirs.".to_owned(),
                Some((format!("/clients/{id}/privacy"), "Erase that client")),
            ),
            none @ (Why::Unknown(_) | Why::NoRecord(..) | Why::NotErased(_)) => return Err(Refusal::from(none).into()),
        };
        Ok(Self { message, link })
    }
}

/// Whom or what a form erases.
pub(super) struct Asked {
    pub(super) of: ErasureOf,
    pub(super) action: String,
    pub(super) hidden: Vec<(&'static str, String)>,
    pub(super) heading: String,
    pub(super) to_confirm: String,
    /// The label of the input, and its hint.
    pub(super) confirm: (&'static str, &'static str),
}

impl ErasureForm {
    /// The form, as an erasure at this moment would be. It goes through all of one, in the place of a write. Where there is
    /// nobody to erase, the failure is a refusal of the kind [`Kind::NotFound`](crate::ops::Kind::NotFound).
    pub(super) async fn rehearsed(
        app: &App,
        asked: Asked,
        left_to_do: impl FnOnce(&ErasureCounts) -> String,
        clock: &Clock,
    ) -> Result<Self, Failure> {
        let Asked { of, action, hidden, heading, to_confirm, confirm } = asked;
        let is_client = matches!(of, ErasureOf::Client(_));
        let (counts, refused) = match app.store.rehearse_erasure(of, clock.now).await? {
            Ok(counts) => (counts, None),
            Err(refusal) => (ErasureCounts::default(), Some(Refused::new(refusal, clock)?)),
        };
        let lists = sentence(&RecordKind::LISTED.iter().map(|kind| kind.plural()).collect::<Vec<_>>().join(" and "));
        let of_any = |rows: Vec<(&str, u64)>| {
            let any = rows.into_iter().filter(|(_, count)| *count > 0);
            any.map(|(what, count)| (what.to_owned(), count)).collect()
        };
        Ok(Self {
            goes: of_any(vec![
                ("The client", u64::from(is_client)),
                ("Records copied from the CRM", counts.raw_records),
                (&lists, counts.listed),
                ("File notes of this person alone", counts.notes),
                ("of these, never sent from now on", counts.notes_not_sent),
                ("of these, perhaps in the CRM: look there", counts.notes_in_doubt),
                ("Documents", counts.documents),
                ("Rows in reports of syncs", counts.report_rows),
                ("Rows of identity lists (blanked)", counts.import_rows),
                ("Entries of the review queue", counts.reviews),
                ("Records in quarantine or left out", counts.set_aside),
                ("Households that nobody is left in", counts.households),
            ]),
            stays: of_any(vec![
                ("File notes that the CRM has, there", counts.notes_in_crm),
                ("File notes of somebody else, too, with that person", counts.shared_notes),
                ("of these, ended and never sent", counts.shared_notes_ended),
            ]),
            left_to_do: left_to_do(&counts),
            action,
            hidden,
            heading,
            refused,
            reasons: &ErasureReason::TO_ERASE,
            to_confirm,
            confirm,
            reason: String::new(),
            problems: Vec::new(),
        })
    }

    /// The form with the reason that was chosen, and what does not fit in what was sent.
    pub(super) fn again(self, reason: String, problems: &[FieldError]) -> Self {
        Self { reason, problems: problems.to_vec(), ..self }
    }

    fn problem(&self, field: &str) -> Option<&str> {
        self.problems.iter().find(|problem| problem.field == field).map(|problem| problem.message.as_str())
    }

    fn confirm_input(&self) -> PlainInput {
        let (label, hint) = self.confirm;
        PlainInput::text("confirm", label, "").hint(hint).problems(&self.problems)
    }
}

/// A page that is shown again with what does not fit in what was sent.
pub(super) fn refused(refusal: &Refusal, again: &impl Template) -> Result<Response, Failure> {
    let (status, _): (StatusCode, _) = describe(refusal.kind);
    Ok((status, page(again)?).into_response())
}
