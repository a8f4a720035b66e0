//! Emergency access: the form that opens a household, one's own that are open, and, for those who see the whole book, what
//! was opened and whether a practice manager has looked at it.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Form};
use serde::Deserialize;

use super::answers::{AnswerQuery, Answers, Checked};
use super::components::{Badge, Moment, Paging, Tone};
use super::failure::{Failure, describe, led_back, named, page};
use super::format;
use super::inputs::PlainInput;
use super::layout::{Layout, Section};
use super::listing::Asked;
use super::session::SignedIn;
use crate::access::Book;
use crate::app::App;
use crate::domain::EmergencyId;
use crate::domain::access::Action;
use crate::domain::access::emergency::EmergencyAccess;
use crate::domain::field::FieldError;
use crate::ops::{self, Kind, Refusal};
use crate::store::household_access::EmergencyFilter;

/// The page's address.
const PATH: &str = "/emergency-access";

/// The filter of the list.
#[derive(Deserialize, Default)]
pub(super) struct Filter {
    /// `yes`: those alone that nobody has looked at.
    #[serde(default)]
    unreviewed: String,
}

#[derive(Template)]
#[template(path = "emergency-access.html")]
pub(super) struct EmergencyPage {
    pub(super) layout: Layout,
    pub(super) checked: Option<Checked>,
    pub(super) of: PlainInput,
    pub(super) reason: PlainInput,
    pub(super) problems: Vec<FieldError>,
    /// The time for which a household is open, in words; none where this practice opens none.
    pub(super) lasts: Option<String>,
    /// Whether the person may open households: those who see them all have nothing to open.
    pub(super) may_open: bool,
    /// Whether everybody's are listed.
    pub(super) is_everybodys: bool,
    pub(super) rows: Vec<Row>,
    pub(super) paging: Paging,
}

/// A household that was opened.
pub(super) struct Row {
    pub(super) id: EmergencyId,
    pub(super) who: String,
    /// The household's name, for those who see it.
    pub(super) household: String,
    /// The household's page; none where whoever looks does not see it.
    pub(super) household_path: Option<String>,
    pub(super) reason: String,
    pub(super) opened: Moment,
    pub(super) state: Badge,
    /// When it ends or ended, and by whom.
    pub(super) ends: Moment,
    pub(super) ended_by: Option<String>,
    pub(super) is_open: bool,
    pub(super) reviewed: Option<String>,
    /// Whether whoever looks can say that they looked at it.
    pub(super) may_review: bool,
}

/// `GET /emergency-access`
pub(super) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Query(answer): Query<AnswerQuery>,
    asked: Asked<Filter>,
) -> Result<Response, Failure> {
    let checked = answers.of(&answer, person.user());
    page(&load(&app, &person, &asked, (OpenForm::default(), Vec::new(), checked)).await?)
}

async fn load(
    app: &App,
    person: &SignedIn,
    asked: &Asked<Filter>,
    (typed, problems, checked): (OpenForm, Vec<FieldError>, Option<Checked>),
) -> Result<EmergencyPage, Failure> {
    person.may_somewhere(Action::ReadBook)?;
    let is_everybodys = person.can(Action::ReadWholeBook);
    let unreviewed = match asked.filter.unreviewed.as_str() {
        "" => false,
        "yes" => true,
        _ => return Err(Failure::Unreadable),
    };
    let filter = EmergencyFilter { user: (!is_everybodys).then(|| person.user()), unreviewed };
    let found = app.store.emergencies(filter, asked.page()).await?;
    let book = person.book(app, Action::ReadBook).await?;
    let mut rows = Vec::with_capacity(found.items.len());
    for access in found.items {
        rows.push(row(app, person, &book, access).await?);
    }
    crate::audit::counted(rows.len());
    let lasts = app.config.emergency_lasts;
    let query = if unreviewed { "unreviewed=yes" } else { "" };
    Ok(EmergencyPage {
        layout: Layout::load(app, person, Section::Households).await?,
        checked,
        of: PlainInput::text("of", "Whole email or CRM ID of a client, or the household’s ID", &typed.of)
            .hint("A name is not enough: it would say who is a client.")
            .problems(&problems),
        reason: PlainInput::text("reason", "Why you need it now", &typed.reason)
            .hint("A practice manager reads it, and sees in the audit log what you did.")
            .problems(&problems),
        problems,
        lasts: lasts.is_positive().then(|| format!("{lasts:#}")),
        may_open: person.can(Action::OpenInEmergency) && !person.can(Action::ReadBook),
        is_everybodys,
        rows,
        paging: asked.paging(PATH, query, found.next.as_deref()),
    })
}

async fn row(app: &App, person: &SignedIn, book: &Book, access: EmergencyAccess) -> Result<Row, Failure> {
    let account = app.store.account(access.user).await?;
    let seen = book.household(access.household).await?;
    let now = person.clock.now;
    let is_open = access.is_open(now);
    let is_own = access.user == person.user();
    let state = match (&access.reviewed, is_open) {
        (_, true) => Badge::new(Tone::Attention, "Open"),
        (None, false) => Badge::new(Tone::Attention, "Not reviewed"),
        (Some(_), false) => Badge::new(Tone::Neutral, "Reviewed"),
    };
    let ended = access.ended.as_ref();
    let reviewed = access.reviewed.as_ref().map(|reviewed| {
        let finding = access.finding.as_ref().map(|finding| format!(": “{finding}”")).unwrap_or_default();
        format!("Reviewed by {} {}{finding}", reviewed.by, format::relative(reviewed.at, now))
    });
    Ok(Row {
        id: access.id,
        who: account.map_or_else(|| "Somebody".to_owned(), |account| account.user.name),
        household: seen
            .as_ref()
            .map_or_else(|| "A household that you do not see".to_owned(), |found| format::name(&found.household.name)),
        household_path: seen.map(|found| format!("/households/{}", found.household.id)),
        reason: access.reason.clone(),
        opened: Moment::new(access.opened_at, &person.clock),
        state,
        ends: Moment::new(ended.map_or(access.ends_at, |ended| ended.at), &person.clock),
        ended_by: ended.map(|ended| ended.by.clone()),
        is_open,
        may_review: !is_open && reviewed.is_none() && !is_own && person.can(Action::ManageHouseholds),
        reviewed,
    })
}

/// The household that is to be opened, and why.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
pub(super) struct OpenForm {
    of: String,
    reason: String,
}

/// `POST /emergency-access`
pub(super) async fn open(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Form(form): Form<OpenForm>,
) -> Result<Response, Failure> {
    match ops::emergency::open(&app, person.actor(), &form.of, &form.reason, person.clock.now).await {
        Ok(access) => {
            let message = "The household is open to you. A practice manager looks at it afterwards.".to_owned();
            Ok(answers.lead(&format!("/households/{}", access.household), person.user(), Checked::good(message)))
        }
        Err(refusal) if refusal.kind == Kind::Invalid => {
            let (status, _) = describe(refusal.kind);
            let problems = refusal.fields.iter().map(named).collect();
            Ok((status, page(&load(&app, &person, &Asked::default(), (form, problems, None)).await?)?).into_response())
        }
        Err(refusal) => said(&answers, &person, refusal),
    }
}

/// `POST /emergency-access/{id}/end`
pub(super) async fn end(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<EmergencyId>,
) -> Result<Response, Failure> {
    ops::emergency::end(&app, person.actor(), id, person.clock.now).await?;
    Ok(answers.lead(PATH, person.user(), Checked::good("Emergency access ended.".to_owned())))
}

/// What a practice manager found.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReviewForm {
    #[serde(default)]
    finding: String,
}

/// `POST /emergency-access/{id}/review`
pub(super) async fn review(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<EmergencyId>,
    Form(form): Form<ReviewForm>,
) -> Result<Response, Failure> {
    match ops::emergency::review(&app, person.actor(), id, Some(form.finding), person.clock.now).await {
        Ok(_) => Ok(answers.lead(PATH, person.user(), Checked::good("Marked as reviewed.".to_owned()))),
        Err(refusal) => said(&answers, &person, refusal),
    }
}

/// Says on the page why something was not done, where it can be corrected there.
fn said(answers: &Answers, person: &SignedIn, refusal: Refusal) -> Result<Response, Failure> {
    match refusal.kind {
        Kind::Invalid | Kind::WrongState => Ok(answers.lead(PATH, person.user(), Checked::refused(refusal))),
        _ => Err(led_back(refusal, PATH)),
    }
}
