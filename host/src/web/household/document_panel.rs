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
use crate::domain::access::Action;
use crate::domain::{ExternalId, HouseholdId};
use crate::intake::disposition;
use crate::ops;
use crate::pack::DocumentRule;
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
    /// The events that take a document of the practice's own, by their paths, each with its label.
    pub(in crate::web) uploads: Vec<(String, String)>,
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
    /// Its name in addresses and forms.
    pub(in crate::web) word: String,
    pub(in crate::web) title: String,
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
        let revision = serving.map(|connection| connection.revision());
        let path = format!("/households/{}", household.id);
        let (mut kinds, mut uploads) = (Vec::new(), Vec::new());
        for event in revision.iter().flat_map(|revision| revision.events().all()) {
            // What asks for data of its own is made where that is recorded.
            if let Some(document) = event.document.as_ref().filter(|_| event.needs_no_data()) {
                kinds.push(Kind { word: document.name.clone(), title: document.title.clone() });
            }
            if event.documents != DocumentRule::None {
                uploads.push((format!("{path}/record/{}", event.name), event.label.clone()));
            }
        }
        Ok(Self {
            household: path,
            professional: primary.name(),
            because: because(&primary),
            choices,
            kinds,
            uploads,
            may_export: person.can_somewhere(Action::WriteNotes),
            key: format!("page-{}", uuid::Uuid::now_v7()),
        })
    }
}

fn because(primary: &PrimaryProfessional) -> &'static str {
    match primary {
        PrimaryProfessional::Chosen(_) | PrimaryProfessional::Account(_) => "chosen here",
        PrimaryProfessional::CrmAdviser(_) => "the CRM’s adviser",
        PrimaryProfessional::FirstAccount(_) => "nobody was named, so the first adviser of the practice",
        PrimaryProfessional::FirstAdviser(_) => "the CRM names no adviser, so the practice’s first",
        PrimaryProfessional::Practice(_) => "the CRM shows no adviser, so the practice itself",
    }
}

#[derive(Deserialize)]
pub(in crate::web) struct Wanted {
    document: String,
}

/// `GET /households/{id}/document?document=…`: as it would be exported now; nothing is kept.
pub(in crate::web) async fn preview(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Failure> {
    person.may_somewhere(Action::ReadNotes)?;
    let household = find(&app, &person, Action::ReadBook, &id).await?.household;
    let event = app.document_event(household.id, &wanted.document, person.clock.now).await?;
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
            DocumentError::UnknownDocument { .. } => {
                Self::NotFound("There is no such document. The household's page shows those there are.")
            }
            other => Self::Refused(format!(
                "The document was not made, and no file note was written: {other}. Whoever runs the host can mend the \
                 pack or the logo; until then, upload a PDF."
            )),
        }
    }
}
