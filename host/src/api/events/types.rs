//! The types of events that the packs in force take.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Params, page};
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::ConnectionName;
use crate::domain::access::Action;
use crate::pack::events::HostDocument;
use crate::pack::{About, DocumentRule, EventType};

/// A type of event, as the pack of a connection declares it.
#[derive(Serialize, ToSchema)]
#[schema(as = EventType)]
pub struct EventTypeBody {
    /// The connection whose pack it is of: events of households of that connection may have this type.
    #[schema(value_type = String)]
    connection: ConnectionName,
    /// The type, as events name it.
    #[serde(rename = "type")]
    #[schema(example = "annual-review.completed")]
    event_type: String,
    /// What people call it.
    #[schema(example = "Annual review completed")]
    label: String,
    /// A sentence that says what recording it does.
    what: String,
    /// Whether its file note carries documents: `none`, `optional`, or `required`, where the host makes the document of
    /// `document` if none is sent.
    documents: DocumentRule,
    /// Whom it may be about: `household`, one `client`, or `either`.
    about: About,
    /// The document that the host makes; null where it makes none.
    #[schema(required)]
    document: Option<DocumentBody>,
    /// The JSON Schema (draft 2020-12) of the event's `data`. `x-form` says how forms ask for it: `order` of members, `lines`
    /// of a long text, `labels` of choices.
    #[schema(value_type = Object)]
    schema: Value,
}

/// A document that the host makes of an event.
#[derive(Serialize, ToSchema)]
#[schema(as = EventDocument)]
pub struct DocumentBody {
    /// Its name, by which it is looked at beforehand (`/households/{id}/document`).
    name: String,
    /// Its title.
    title: String,
}

impl EventTypeBody {
    fn of((connection, event_type): (ConnectionName, Arc<EventType>)) -> Self {
        let document = event_type.document.as_ref();
        let document =
            document.map(|HostDocument { name, title, .. }| DocumentBody { name: name.clone(), title: title.clone() });
        Self {
            connection,
            event_type: event_type.name.clone(),
            label: event_type.label.clone(),
            what: event_type.what.clone(),
            documents: event_type.documents,
            about: event_type.about,
            document,
            schema: event_type.schema.clone(),
        }
    }
}

/// The types that are listed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct TypesParams {
    /// Those of one connection's pack alone.
    #[param(value_type = Option<String>)]
    connection: Option<ConnectionName>,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// The types of events that the packs in force take, by connection, each in its pack's order. What is in force decides when an
/// event is sent: of a household, the pack of its connection.
#[utoipa::path(
    get,
    path = "/api/v1/events/types",
    operation_id = "list_event_types",
    tag = "events",
    security(("token" = []), ("session" = [])),
    params(TypesParams),
    responses((status = 200, body = List<EventTypeBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<TypesParams>, Problem>,
) -> Result<Json<List<EventTypeBody>>, Problem> {
    caller.may_somewhere(Action::ReadNotes)?;
    let TypesParams { connection, limit, cursor } = params?.0;
    let page = page(limit, cursor)?;
    let is_asked_for =
        |(of, _): &(ConnectionName, Arc<EventType>)| connection.as_ref().is_none_or(|wanted| wanted == of);
    let types = app.connections.event_types().into_iter().filter(is_asked_for);
    let key = |_: usize, one: &EventTypeBody| format!("{}/{}", one.connection, one.event_type);
    Ok(Json(List::cut("event types", types.map(EventTypeBody::of).collect(), &page, key)?))
}
