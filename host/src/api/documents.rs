//! Documents: a look at one before it is exported, what is kept and went with notes, and uploads.

pub mod list;
pub mod upload;

use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::api::caller::Caller;
use crate::api::extract::{NoParams, Params, PathParam};
use crate::api::problem::{FieldError, Kind, Problem};
use crate::app::{App, DocumentError};
use crate::documents::NotMade;
use crate::domain::access::Action;
use crate::domain::{DocumentId, HouseholdId, Timestamp};
use crate::intake::disposition;
use crate::telemetry;

/// The most characters that an answer's header tells of.
const MOST_REPLACED: usize = 500;

/// The document to look at.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PreviewParams {
    /// The document's name, as the pack of the household's connection has it (`document` of its types of events).
    document: String,
}

/// A household's document as it would be exported now. Nothing is kept and no file note is written.
#[utoipa::path(
    get,
    path = "/api/v1/households/{id}/document",
    operation_id = "preview_document",
    tag = "documents",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The household's id"), PreviewParams),
    responses((
        status = 200,
        description = "The document",
        body = Vec<u8>,
        content_type = "application/pdf",
        headers((
            "Replaced-Characters" = String,
            description = "Characters that no font has and that stand in it as U+FFFD, where there are any: `U+4E2D U+6587`"
        ))
    ))
)]
pub async fn preview(
    caller: Caller,
    State(app): State<App>,
    PathParam(household_id): PathParam<HouseholdId>,
    params: Result<Params<PreviewParams>, Problem>,
) -> Result<Response, Problem> {
    let book = caller.book(&app, Action::ReadBook).await?;
    caller.may_somewhere(Action::ReadNotes)?;
    let Params(params) = params?;
    if !book.sees(household_id).await? {
        return Err(Problem::not_found(format_args!("household {household_id}")));
    }
    let event = app.document_event(household_id, &params.document, Timestamp::now()).await?;
    let made = app.make_document(&event).await?;
    let answer = pdf(made.pdf, &made.file_name);
    if made.replaced.is_empty() {
        return Ok(answer);
    }
    let replaced = made.replaced.chars().take(MOST_REPLACED).map(|letter| format!("U+{:04X}", u32::from(letter)));
    Ok(([("replaced-characters", replaced.collect::<Vec<_>>().join(" "))], answer).into_response())
}

/// A document that is kept: as it went to the CRM.
#[utoipa::path(
    get,
    path = "/api/v1/documents/{id}",
    operation_id = "get_document",
    tag = "documents",
    security(("token" = []), ("session" = [])),
    params(("id" = String, Path, description = "The document's id")),
    responses((status = 200, description = "The document", body = Vec<u8>, content_type = "application/pdf"))
)]
pub async fn one(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<DocumentId>,
    _: NoParams,
) -> Result<Response, Problem> {
    let book = caller.book(&app, Action::ReadNotes).await?;
    let found = book.document(id).await?.ok_or_else(|| Problem::not_found(format_args!("document {id}")))?;
    Ok(pdf(found.content, &found.filename))
}

/// A PDF as a download: never shown in a page of this host.
pub fn pdf(bytes: Vec<u8>, file_name: &str) -> Response {
    let headers = [(CONTENT_TYPE, "application/pdf"), (CONTENT_DISPOSITION, &disposition(file_name))];
    (headers, bytes).into_response()
}

impl From<DocumentError> for Problem {
    fn from(error: DocumentError) -> Self {
        match error {
            DocumentError::UnknownHousehold(id) => Self::not_found(format_args!("household {id}")),
            DocumentError::UnknownNote(id) => Self::not_found(format_args!("note {id}")),
            error @ DocumentError::UnknownDocument { .. } => {
                Self::invalid(vec![FieldError { pointer: "/document".to_owned(), detail: error.to_string() }])
            }
            DocumentError::NoConnection(_)
            | DocumentError::NeedsData(_)
            | DocumentError::NotMade(NotMade::NoTemplate { .. }) => {
                Self::new(Kind::WrongState, format!("Nothing was kept: {error}."))
            }
            DocumentError::NotMade(error) => {
                tracing::error!(reason = telemetry::length(&error.to_string()), "a document was not made");
                let detail = format!(
                    "The document was not made and nothing was kept: {error}. Mend the pack or the logo, or upload a PDF."
                );
                Self::new(Kind::DocumentFailed, detail)
            }
            DocumentError::Store(error) => error.into(),
            DocumentError::NotDone(error) => error.into(),
        }
    }
}
