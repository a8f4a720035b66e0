//! Uploads: a PDF that a program made itself, to go with an event's note.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, LOCATION};
use axum::response::IntoResponse;
use bytes::Bytes;
use futures::Stream;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::caller::Caller;
use crate::api::extract::NoParams;
use crate::api::problem::{FieldError, Kind, Problem};
use crate::app::App;
use crate::documents::{Kept, LARGEST};
use crate::domain::access::Action;
use crate::domain::{DocumentId, Timestamp};
use crate::intake::{Sending, named_by};
use crate::ops::{self, Refusal};

/// A document that is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = Document)]
pub struct DocumentBody {
    /// Its id, of its name and its bytes. An event names it among its `attachments`.
    #[schema(value_type = String)]
    id: DocumentId,
    /// The name of the file in the CRM.
    #[schema(example = "Best Life Plan.pdf")]
    filename: String,
    /// The media type.
    #[schema(example = "application/pdf")]
    media_type: String,
    /// The size in bytes.
    size: usize,
}

/// `POST /api/v1/documents`. The size of a document is bounded where it is read.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(upload))
}

/// Takes in a PDF of at most 25 MB.
///
/// Either as the body, with `Content-Type: application/pdf` (and a name by `Content-Disposition: attachment;
/// filename="…"`), or as the part `file` of a `multipart/form-data` body. The same bytes under the same name are kept once
/// and answer with the same id; under another name they are another document. Kept for good once an event names it;
/// removed after a week where none does.
#[utoipa::path(
    post,
    path = "/api/v1/documents",
    operation_id = "upload_document",
    tag = "documents",
    security(("token" = []), ("session" = [])),
    request_body(content = Vec<u8>, content_type = "application/pdf"),
    responses((status = 201, body = DocumentBody, headers(("Location" = String, description = "The document's address"))))
)]
pub async fn upload(
    caller: Caller,
    State(app): State<App>,
    _: NoParams,
    request: Request,
) -> Result<impl IntoResponse, Problem> {
    caller.may_somewhere(Action::WriteNotes)?;
    app.store.space().admit()?;
    let name = request.headers().get(CONTENT_DISPOSITION).and_then(|header| named_by(header.as_bytes()));
    let sending = Sending::of(request, LARGEST)?;
    let media_type = sending.kind();
    let Kept { id, filename, media_type, size } = match media_type.as_str() {
        "application/pdf" => {
            app.intake.take(caller.actor().account(), keep(&app, &caller, name.as_deref(), sending.body)).await?
        }
        "multipart/form-data" => app.intake.take(caller.actor().account(), from_form(&app, &caller, sending)).await?,
        other => {
            let detail = format!(
                "Nothing was kept. Send a PDF as `application/pdf`, or as the part `file` of `multipart/form-data`, not \
                 `{other}`."
            );
            return Err(Problem::new(Kind::WrongMediaType, detail));
        }
    };
    let body = DocumentBody { id, filename, media_type, size };
    Ok((StatusCode::CREATED, [(LOCATION, format!("/api/v1/documents/{id}"))], Json(body)))
}

async fn keep<E: std::fmt::Display>(
    app: &App,
    caller: &Caller,
    name: Option<&str>,
    pieces: impl Stream<Item = Result<Bytes, E>>,
) -> Result<Kept, Problem> {
    Ok(ops::uploads::upload(app, caller.actor(), name, pieces, Timestamp::now()).await?)
}

async fn from_form(app: &App, caller: &Caller, sending: Sending) -> Result<Kept, Problem> {
    let mut form = sending.form()?.of_parts(&["file"]);
    let Some(part) = form.next().await? else {
        return Err(at_file("the form has no part of this name; put the PDF there".to_owned()));
    };
    let name = part.file_name();
    let taken = ops::uploads::upload(app, caller.actor(), name.as_deref(), part.pieces(), Timestamp::now()).await;
    let kept = match taken {
        // What does not fit is the part, and not the body.
        Err(Refusal { kind: ops::Kind::Invalid, fields, .. }) => {
            return Err(at_file(fields.into_iter().map(|field| field.message).collect()));
        }
        taken => taken?,
    };
    // What else is in the form is refused; a document that no event names is removed after a while.
    form.next().await?;
    Ok(kept)
}

fn at_file(detail: String) -> Problem {
    Problem::invalid(vec![FieldError { pointer: "/file".to_owned(), detail }])
}
