//! The panel of documents on a household's page: who is printed on them, a preview of each, and their exports.

use askama::Template;
use askama::filters::HtmlSafe;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{NO_HOUSEHOLD, find};
use crate::app::{App, DocumentError, PrimaryProfessional, full_name};
use crate::documents;
use crate::domain::access::Action;
use crate::domain::note::Event;
use crate::domain::{ExternalId, HouseholdId, Timestamp};
use crate::intake::disposition;
use crate::ops;
use crate::store::book::HouseholdRow;
use crate::web::failure::Failure;
use crate::web::session::SignedIn;

/// Advisers to choose from, at most.
const ADVISERS: usize = 500;

/// The part of the household's page.
#[derive(Template)]
#[template(path = "components/document-panel.html")]
pub(in crate::web) struct DocumentPanel {
    /// `/households/{id}`
    pub(in crate::web) household: String,
    pub(in crate::web) professional: String,
    pub(in crate::web) because: &'static str,
    /// Advisers to choose from; empty where the person may not choose.
    pub(in crate::web) choices: Vec<Choice>,
    /// The documents there are.
    pub(in crate::web) kinds: Vec<Kind>,
    pub(in crate::web) may_export: bool,
    /// The idempotency key under which an export from this page is accepted once.
    pub(in crate::web) key: String,
}

impl HtmlSafe for DocumentPanel {}

/// An adviser who may answer for the household.
pub(in crate::web) struct Choice {
    pub(in crate::web) external_id: String,
    pub(in crate::web) name: String,
    pub(in crate::web) is_chosen: bool,
}

/// A document that can be made.
pub(in crate::web) struct Kind {
    pub(in crate::web) word: &'static str,
    pub(in crate::web) title: &'static str,
}

impl DocumentPanel {
    /// The panel with what the person may see and do.
    pub(in crate::web) async fn load(app: &App, person: &SignedIn, found: &HouseholdRow) -> Result<Self, Failure> {
        let household = &found.household;
        let primary = app.primary_professional(household).await?;
        let mut choices = Vec::new();
        if person.may(Action::ManageHouseholds).is_ok() {
            let chosen = match &primary {
                PrimaryProfessional::Chosen(adviser) => Some(&adviser.external_id),
                _ => None,
            };
            let found = app.store.active_advisers(household.connection.clone(), ADVISERS).await?;
            choices.extend(found.iter().map(|stored| Choice {
                external_id: stored.adviser.external_id.to_string(),
                name: full_name(&stored.adviser),
                is_chosen: chosen == Some(&stored.adviser.external_id),
            }));
        }
        let serving = app.connections.serving(&household.connection, found.is_anybody_linked());
        let made = serving.map(|connection| connection.revision());
        let is_made = |event: &&str| made.as_ref().is_some_and(|revision| revision.documents().contains(event));
        let kind = |event: &'static str| Kind { word: word(event), title: documents::title(event) };
        Ok(Self {
            household: format!("/households/{}", household.id),
            professional: primary.name(),
            because: because(&primary),
            choices,
            kinds: documents::EVENTS.into_iter().filter(is_made).map(kind).collect(),
            may_export: person.may(Action::WriteNotes).is_ok(),
            key: format!("page-{}", uuid::Uuid::now_v7()),
        })
    }
}

fn because(primary: &PrimaryProfessional) -> &'static str {
    match primary {
        PrimaryProfessional::Chosen(_) => "chosen here",
        PrimaryProfessional::CrmAdviser(_) => "the CRM’s adviser",
        PrimaryProfessional::FirstAdviser(_) => "the CRM names no adviser, so the practice’s first",
        PrimaryProfessional::Practice(_) => "the CRM shows no adviser, so the practice itself",
    }
}

/// The name of a document in addresses and forms: its event without `.exported`.
fn word(event: &'static str) -> &'static str {
    event.strip_suffix(".exported").unwrap_or(event)
}

pub(super) fn event_of(word: &str) -> Result<&'static str, Failure> {
    let found = documents::EVENTS.into_iter().find(|event| self::word(event) == word);
    found.ok_or(Failure::NotFound("There is no such document. The household's page shows those there are."))
}

#[derive(Deserialize)]
pub(in crate::web) struct Wanted {
    document: String,
}

/// `GET /households/{id}/document?document=best-life-plan`: as it would be exported now; nothing is kept.
pub(in crate::web) async fn preview(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Failure> {
    person.may(Action::ReadBook)?;
    person.may(Action::ReadNotes)?;
    let household = find(&app, &id).await?.household;
    let event = Event {
        event_type: event_of(&wanted.document)?.to_owned(),
        household_id: household.id,
        client_id: None,
        occurred_at: Timestamp::now(),
        data: serde_json::json!({}),
        attachments: Vec::new(),
    };
    let made = app.make_document(&event).await?;
    let name = disposition(&made.file_name);
    Ok(([(CONTENT_TYPE, "application/pdf"), (CONTENT_DISPOSITION, &name)], made.pdf).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct Chosen {
    /// Empty for the CRM's adviser.
    external_id: String,
}

/// `POST /households/{id}/professional`
pub(in crate::web) async fn choose(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Failure> {
    let id: HouseholdId = id.parse().map_err(|_| NO_HOUSEHOLD)?;
    let adviser = (!chosen.external_id.is_empty()).then_some(ExternalId(chosen.external_id));
    ops::households::choose_professional(&app, person.actor(), id, adviser, person.clock.now).await?;
    Ok(Redirect::to(&format!("/households/{id}#documents")).into_response())
}

impl From<DocumentError> for Failure {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::Store(error) => error.into(),
            DocumentError::NotDone(error) => error.into(),
            DocumentError::UnknownHousehold(_) | DocumentError::UnknownNote(_) => {
                Self::NotFound("There is no household here. Look for it in the list of households.")
            }
            other => Self::Refused(format!(
                "The document was not made, and no file note was written: {other}. Whoever runs the host can mend the \
                 pack or the logo; until then, upload a PDF."
            )),
        }
    }
}
