//! The form that erases somebody, with what goes and what stays.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};

use crate::app::App;
use crate::domain::access::Action;
use crate::domain::field::FieldError;
use crate::domain::privacy::retention::Retention;
use crate::domain::privacy::{self, ErasureCounts, ErasureOf, ErasureReason};
use crate::domain::stored::StoredClient;
use crate::domain::text::sentence;
use crate::domain::{ConnectionName, ExternalId, RecordKind};
use crate::ops::Refusal;
use crate::web::failure::{Failure, describe, page};
use crate::web::format;
use crate::web::inputs::{PlainInput, problem_of};
use crate::web::session::SignedIn;

/// An erasure that somebody may ask for. What goes and what stays costs as much as the erasure itself: it is worked out where
/// somebody looks at it, and not again for what they mistyped.
#[derive(Template)]
#[template(path = "components/erasure.html")]
pub(super) struct ErasureForm {
    /// The address that the form is sent to.
    action: String,
    /// What is sent along, which nobody types.
    hidden: Vec<(&'static str, String)>,
    heading: String,
    /// The page that shows what goes and what stays.
    path: String,
    /// The reason why nothing can be erased now. After an attempt the page says it with the refusal, and not here once more.
    refused: Option<Refused>,
    /// What goes and what stays, where that was worked out.
    preview: Option<Preview>,
    /// The reasons that somebody may choose: that the years are over is none where they are not.
    reasons: Vec<ErasureReason>,
    /// How long the practice keeps clients, and how long this one yet.
    retention: String,
    /// The text that has to be typed, and what it is.
    to_confirm: String,
    confirm: (&'static str, &'static str),
    /// What was typed before, where the form is shown again.
    typed: Option<Typed>,
    problems: Vec<FieldError>,
}

/// What an erasure takes away, what it leaves, and what it leaves to do.
struct Preview {
    goes: Vec<(String, u64)>,
    stays: Vec<(String, u64)>,
    /// The reasons of access that go from households that others are in, too.
    reasons: Vec<ReasonsOf>,
    left_to_do: String,
}

/// The reasons of access to a household that name whoever is erased.
struct ReasonsOf {
    household: String,
    path: String,
    count: u64,
}

/// The word of an erasure as somebody typed it.
#[derive(Default)]
pub(super) struct Typed {
    pub(super) reason: String,
    pub(super) confirm: String,
}

impl HtmlSafe for ErasureForm {}

/// The reason why nothing can be erased now, and the page where that is changed.
struct Refused {
    message: String,
    /// The page's path, and the words that lead to it.
    link: Option<(String, &'static str)>,
    /// Whether it passes, so that a form in which something was typed stays.
    passes: bool,
}

impl Refused {
    /// The reason, as the state before anybody asked; an error where there is nobody to erase.
    fn new(app: &App, refusal: privacy::Refusal) -> Result<Self, Failure> {
        use privacy::Refusal as Why;
        let (message, link) = match refusal {
            Why::Held(hold) => {
                let held = Refusal::words_of_hold(&hold, "", &app.config.practice.time_zone);
                (format!("Can’t be erased yet: {held}"), None)
            }
            Why::IsSending => (
                "Can’t be erased yet: a file note of theirs is being sent at this moment. Load the page again in a minute."
                    .to_owned(),
                None,
            ),
            Why::AwaitsReview => (
                "Can’t be erased yet: a client of the CRM waits in the review queue who may be this one, and would bring them \
                 back. Decide about that one first: link them, where they are the same person; leave them out or import \
                 them, where they are somebody else."
                    .to_owned(),
                Some(("/review?of=lookalikes".to_owned(), "Review possible duplicates")),
            ),
            Why::IsClient(id) => {
                let message = "This record belongs to a client here. Erase the client instead.".to_owned();
                let link = Some((format!("/clients/{id}/privacy"), "Erase that client"));
                return Ok(Self { message, link, passes: false });
            }
            none @ (Why::Unknown(_) | Why::NoRecord(..) | Why::NotErased(_)) => {
                return Err(Refusal::of_erasure(app, none).into());
            }
        };
        Ok(Self { message, link, passes: true })
    }
}

/// Whom or what an erasure is tried out on.
#[derive(Clone, Copy)]
pub(super) enum Rehearsed<'a> {
    /// A client.
    Client(&'a StoredClient),
    /// A record of a CRM that is no client here.
    Record(&'a ConnectionName, &'a ExternalId),
}

impl Rehearsed<'_> {
    fn erasure(self) -> ErasureOf {
        match self {
            Self::Client(client) => client.id.into(),
            Self::Record(connection, id) => ErasureOf::Record(connection.clone(), id.clone()),
        }
    }
}

/// What a form that erases somebody says.
pub(super) struct Asked {
    pub(super) action: String,
    pub(super) hidden: Vec<(&'static str, String)>,
    pub(super) heading: String,
    /// The page that shows what goes and what stays.
    pub(super) path: String,
    pub(super) to_confirm: String,
    /// The label of the input, and its hint.
    pub(super) confirm: (&'static str, &'static str),
    /// How long it is kept yet.
    pub(super) retention: Retention,
}

impl ErasureForm {
    /// The form, as an erasure at this moment would be. It goes through all of one, in the place of a write. Where there is
    /// nobody to erase, the failure is a refusal of the kind [`Kind::NotFound`](crate::ops::Kind::NotFound).
    pub(super) async fn rehearsed(
        app: &App,
        person: &SignedIn,
        asked: Asked,
        of: Rehearsed<'_>,
    ) -> Result<Self, Failure> {
        Ok(match app.store.rehearse_erasure(of.erasure(), person.clock.now).await? {
            Ok(counts) => {
                let left_to_do = match of {
                    Rehearsed::Client(client) => app.left_to_do(client, &counts).await,
                    Rehearsed::Record(connection, id) => privacy::left_to_do_of_record(connection, id),
                };
                let is_client = matches!(of, Rehearsed::Client(_));
                let mut reasons = Vec::with_capacity(counts.reasons.len());
                let book = person.book(app, Action::EraseClients).await?;
                for (household, count) in &counts.reasons {
                    let row = book.household(*household).await?;
                    let household_name = row.map(|row| format::name(&row.household.name)).unwrap_or_default();
                    let path = format!("/households/{household}/access");
                    reasons.push(ReasonsOf { household: household_name, path, count: *count });
                }
                let preview = Preview { reasons, ..Preview::new(is_client, &counts, left_to_do) };
                Self { preview: Some(preview), ..Self::bare(app, asked) }
            }
            Err(refusal) => Self { refused: Some(Refused::new(app, refusal)?), ..Self::bare(app, asked) },
        })
    }

    /// The form without what goes and what stays.
    pub(super) fn bare(app: &App, asked: Asked) -> Self {
        let Asked { action, hidden, heading, path, to_confirm, confirm, retention } = asked;
        let mut reasons = ErasureReason::TO_ERASE.to_vec();
        reasons.retain(|reason| *reason != ErasureReason::RetentionOver || retention.is_over());
        Self {
            action,
            hidden,
            heading,
            path,
            refused: None,
            preview: None,
            reasons,
            retention: app.retention_in_words(retention),
            to_confirm,
            confirm,
            typed: None,
            problems: Vec::new(),
        }
    }

    /// The form with what was typed, and what does not fit in it.
    pub(super) fn again(self, typed: Typed, problems: &[FieldError]) -> Self {
        Self { typed: Some(typed), problems: problems.to_vec(), ..self }
    }

    /// Whether it was looked at whom the form would erase, so that there is somebody.
    pub(super) fn is_rehearsed(&self) -> bool {
        self.preview.is_some() || self.refused.is_some()
    }

    /// Whether somebody can ask for the erasure: now, or again in a moment with what they typed.
    fn is_open(&self) -> bool {
        self.refused.as_ref().is_none_or(|refused| refused.passes && self.typed.is_some())
    }

    fn is_chosen(&self, reason: &ErasureReason) -> bool {
        self.typed.as_ref().is_some_and(|typed| typed.reason == reason.as_str())
    }

    fn confirm_input(&self) -> PlainInput {
        let (label, hint) = self.confirm;
        let typed = self.typed.as_ref().map(|typed| typed.confirm.as_str()).unwrap_or_default();
        PlainInput::text("confirm", label, typed).hint(hint).problems(&self.problems)
    }
}

impl Preview {
    fn new(is_client: bool, counts: &ErasureCounts, left_to_do: String) -> Self {
        let lists = sentence(&RecordKind::LISTED.iter().map(|kind| kind.plural()).collect::<Vec<_>>().join(" and "));
        let of_any = |rows: Vec<(&str, u64)>| {
            let any = rows.into_iter().filter(|(_, count)| *count > 0);
            any.map(|(what, count)| (what.to_owned(), count)).collect()
        };
        Self {
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
                ("Documents of somebody else’s file notes, too, with those", counts.shared_documents),
                ("Records of others that name this person as partner", counts.partner_records()),
                (&format!("{lists} of the partner with this person as owner"), counts.partner_items()),
            ]),
            reasons: Vec::new(),
            left_to_do,
        }
    }
}

/// A page that is shown again with what does not fit in what was sent.
pub(super) fn refused(refusal: &Refusal, again: &impl Template) -> Result<Response, Failure> {
    let (status, _): (StatusCode, _) = describe(refusal.kind);
    Ok((status, page(again)?).into_response())
}
