//! Events: what a program reports so that a file note goes to the CRM.

use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams};
use crate::api::notes::NoteBody;
use crate::api::problem::{Kind, Problem};
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::note::Event;
use crate::domain::{ClientId, DocumentId, HouseholdId, Timestamp};

const LARGEST_BODY: usize = 1024 * 1024;
const LONGEST_KEY: usize = 255;

/// Something that happened in the practice.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Event)]
pub struct EventBody {
    /// What happened. The connection's pack says which types it can write a file note for.
    #[serde(rename = "type")]
    #[schema(example = "your-life-survey.completed")]
    event_type: String,
    /// The household it is about.
    #[schema(value_type = String, format = Uuid)]
    household_id: HouseholdId,
    /// The one client of the household it is about, where it is about one.
    #[schema(value_type = Option<String>, format = Uuid)]
    client_id: Option<ClientId>,
    /// When it happened.
    #[schema(value_type = String, format = DateTime, example = "2026-03-02T01:30:00Z")]
    occurred_at: Timestamp,
    /// The event's own data, in the shape that its type demands.
    #[serde(default)]
    data: serde_json::Value,
    /// Documents that go with the file note, in order: ids of documents that were uploaded before. An exported plan
    /// needs one.
    #[serde(default)]
    #[schema(value_type = Vec<String>, required = false)]
    attachments: Vec<DocumentId>,
}

impl From<EventBody> for Event {
    fn from(body: EventBody) -> Self {
        let EventBody { event_type, household_id, client_id, occurred_at, data, attachments } = body;
        Self { event_type, household_id, client_id, occurred_at, data, attachments }
    }
}

/// `POST /api/v1/events`, with its own limit of the body.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(accept).layer(DefaultBodyLimit::max(LARGEST_BODY)))
}

/// Accepts an event.
///
/// The answer, its file note, comes once both are durable; delivery to the CRM starts at once and can be followed at
/// the note. Sending the same event with the same key again answers with the same note (200).
#[utoipa::path(
    post,
    path = "/api/v1/events",
    operation_id = "accept_event",
    tag = "events",
    security(("token" = []), ("session" = [])),
    params(("Idempotency-Key" = String, Header, description = "Chosen by the sender, new for each event, at most 255 characters of ASCII")),
    request_body = EventBody,
    responses(
        (status = 201, description = "Accepted", body = NoteBody, headers(("Location" = String, description = "The note's address"))),
        (status = 200, description = "Accepted before", body = NoteBody, headers(("Location" = String, description = "The note's address")))
    )
)]
pub async fn accept(
    caller: Caller,
    State(app): State<App>,
    _: NoParams,
    headers: HeaderMap,
    event: Result<Body<EventBody>, Problem>,
) -> Result<impl IntoResponse, Problem> {
    caller.may(Action::WriteNotes)?;
    let Body(event) = event?;
    let key = idempotency_key(&headers)?;
    let accepted = app.notes.accept(event.into(), key).await?;
    let status = if accepted.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("/api/v1/notes/{}", accepted.note.id);
    Ok((status, [(LOCATION, location)], Json(NoteBody::from(accepted.note))))
}

fn idempotency_key(headers: &HeaderMap) -> Result<&str, Problem> {
    let key = headers.get("idempotency-key").and_then(|key| key.to_str().ok()).map(str::trim);
    key.filter(|key| !key.is_empty() && key.len() <= LONGEST_KEY).ok_or_else(|| {
        let detail = format!(
            "Nothing was kept. Send an `Idempotency-Key` header of 1 to {LONGEST_KEY} ASCII characters: a new one for \
             each event, the same one when an event is sent again."
        );
        Problem::new(Kind::Malformed, detail)
    })
}
