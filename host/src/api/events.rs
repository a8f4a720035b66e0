//! Events: what a program reports so that a file note goes to the CRM.

pub mod types;

use axum::Json;
use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use crate::api::body::Written;
use crate::api::caller::Caller;
use crate::api::extract::{Body, BodyLimit, Mismatch, NoParams};
use crate::api::notes::{NoteBody, written};
use crate::api::problem::{FieldError, Kind, Problem};
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::field::pointer_to;
use crate::domain::note::Event;
use crate::domain::{ClientId, DocumentId, HouseholdId, IdempotencyKey, Timestamp};
use crate::ops;

const LIMIT: BodyLimit = BodyLimit { what: "An event", megabytes: 1 };
/// The members of an event.
const MEMBERS: [&str; 6] = ["type", "household_id", "client_id", "occurred_at", "data", "attachments"];

/// Something that happened in the practice.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Event)]
pub struct EventBody {
    /// The type of what happened, one of those that the pack of the household's connection takes (`/events/types`).
    #[serde(rename = "type")]
    event_type: String,
    /// The household it is about.
    #[schema(value_type = String, format = Uuid)]
    household_id: HouseholdId,
    /// The one client of the household it is about, where it is about one.
    #[schema(value_type = Option<String>, format = Uuid)]
    client_id: Option<ClientId>,
    /// The moment at which it happened.
    #[schema(value_type = String, format = DateTime, example = "2026-03-02T01:30:00Z")]
    occurred_at: Timestamp,
    /// The event's own data, in the shape that its type demands.
    #[serde(default)]
    data: Value,
    /// Documents that go with the file note, in order: ids of documents that were uploaded before.
    #[serde(default)]
    #[schema(schema_with = schema::document_ids, required = false)]
    attachments: Vec<DocumentId>,
}

impl From<EventBody> for Event {
    fn from(body: EventBody) -> Self {
        let EventBody { event_type, household_id, client_id, occurred_at, data, attachments } = body;
        Self { event_type, household_id, client_id, occurred_at, data, attachments }
    }
}

/// Reads an event, or tells all that is wrong with it.
async fn read(app: &App, body: &Value) -> Result<Event, Problem> {
    match EventBody::deserialize(body) {
        Ok(event) => Ok(event.into()),
        Err(error) => {
            let errors = errors(app, body).await?;
            let other = || {
                let detail = Mismatch::read(&error.to_string()).detail;
                vec![FieldError { pointer: String::new(), detail }]
            };
            Err(Problem::invalid(if errors.is_empty() { other() } else { errors }))
        }
    }
}

/// The errors in each member of an event that cannot be read, its data among them.
async fn errors(app: &App, body: &Value) -> Result<Vec<FieldError>, Problem> {
    let error = |pointer: &str, detail: &str| FieldError { pointer: pointer.to_owned(), detail: detail.to_owned() };
    let Some(members) = body.as_object() else { return Ok(vec![error("", "must be an object")]) };
    let mut errors = Vec::new();
    let mut check = |name: &str, is_needed: bool, fits: &dyn Fn(&Value) -> bool, wanted: &str| match members.get(name) {
        None if is_needed => errors.push(error(&format!("/{name}"), "is missing")),
        None => {}
        Some(value) if fits(value) => {}
        Some(_) => errors.push(error(&format!("/{name}"), wanted)),
    };
    check("type", true, &Value::is_string, "must be a text: one of the types that /api/v1/events/types lists");
    check("household_id", true, &is::<HouseholdId>, "must be a household's id, as the list of households has it");
    check("client_id", false, &is::<Option<ClientId>>, "must be a client's id, or left out");
    check("occurred_at", true, &is::<Timestamp>, "must be a moment with its offset, such as 2026-03-02T01:30:00Z");
    check("attachments", false, &is::<Vec<DocumentId>>, "must be a list of the ids of documents that were uploaded");
    for name in members.keys().filter(|name| !MEMBERS.contains(&name.as_str())) {
        errors.push(error(&pointer_to(name), "is not known; remove it"));
    }
    if let Some(event_type) = members.get("type").and_then(Value::as_str) {
        let household = members.get("household_id").and_then(|id| HouseholdId::deserialize(id).ok());
        let data = members.get("data").unwrap_or(&Value::Null);
        let of_data = app.notes.data_errors(household, event_type, data).await.map_err(ops::Refusal::from)?;
        errors.extend(of_data.iter().map(|of_data| error(&of_data.field, &of_data.message)));
    }
    Ok(errors)
}

fn is<T: DeserializeOwned>(value: &Value) -> bool {
    T::deserialize(value).is_ok()
}

/// `POST /api/v1/events`, with its own limit of the body.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(types::list)).routes(routes!(accept).layer(LIMIT.layers()))
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
    params(("Idempotency-Key" = String, Header, description = "Chosen by the sender, new for each event, at most 255 visible characters of ASCII. A key identifies one event across the whole practice, whichever account or token sends it, so a service that changes its token files nothing twice")),
    request_body = EventBody,
    responses(
        (status = 201, description = "Accepted", body = Written<NoteBody>, headers(("Location" = String, description = "The note's address"))),
        (status = 200, description = "Accepted before", body = Written<NoteBody>, headers(("Location" = String, description = "The note's address")))
    )
)]
pub async fn accept(
    caller: Caller,
    State(app): State<App>,
    _: NoParams,
    headers: HeaderMap,
    event: Result<Body<Value>, Problem>,
) -> Result<impl IntoResponse, Problem> {
    caller.may_somewhere(Action::WriteNotes)?;
    let Body(event) = event?;
    let key = idempotency_key(&headers)?;
    let accepted = ops::notes::accept(&app, caller.actor(), read(&app, &event).await?, &key).await?;
    let status = if accepted.is_new { StatusCode::CREATED } else { StatusCode::OK };
    let location = format!("/api/v1/notes/{}", accepted.note.id);
    Ok((status, [(LOCATION, location)], Json(written(&caller, accepted.note))))
}

fn idempotency_key(headers: &HeaderMap) -> Result<IdempotencyKey, Problem> {
    let malformed = |what: &str| {
        let detail = format!(
            "Nothing was kept. {what} Send one `Idempotency-Key` header of 1 to {} visible ASCII characters without spaces: \
             a new one for each event, the same one when an event is sent again.",
            IdempotencyKey::LONGEST
        );
        Problem::new(Kind::Malformed, detail)
    };
    let mut keys = headers.get_all("idempotency-key").iter();
    match (keys.next(), keys.next()) {
        (None, _) => Err(malformed("The `Idempotency-Key` header is missing.")),
        (Some(_), Some(_)) => Err(malformed("The `Idempotency-Key` header is there more than once.")),
        (Some(key), None) => {
            let key = key.to_str().ok().and_then(|key| key.parse().ok());
            key.ok_or_else(|| malformed("The `Idempotency-Key` header cannot be used."))
        }
    }
}
