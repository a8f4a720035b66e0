//! File notes and their way to the CRM.

mod body;
pub mod operator_actions;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

pub use body::NoteBody;

use crate::api::body::{List, Written};
use crate::api::caller::Caller;
use crate::api::extract::{NoParams, Params, PathParam, page};
use crate::api::problem::Problem;
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::note::{Note, NoteState, Stage};
use crate::domain::{ClientId, ConnectionName, ExternalId, HouseholdId, NoteId, Timestamp};
use crate::store::household_access::Visible;
use crate::store::outbox::{NoteFilter, Raised};

/// The choice of notes in a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NoteParams {
    /// The state of the notes that are listed; all if not said.
    #[param(schema_with = schema::note_state, required = false)]
    state: Option<NoteState>,
    /// The stage of the notes that are listed; all if not said.
    #[param(schema_with = schema::note_stage, required = false)]
    stage: Option<Stage>,
    /// The connection whose notes are listed; all if not said.
    #[param(value_type = Option<String>)]
    connection: Option<ConnectionName>,
    /// The type of event whose notes are listed; all if not said.
    event_type: Option<String>,
    /// The household that the notes are about; all if not said.
    #[param(value_type = Option<String>, format = Uuid)]
    household_id: Option<HouseholdId>,
    /// The client whom the notes are filed against, in whatever household it was then; all if not said.
    #[param(value_type = Option<String>, format = Uuid)]
    client_id: Option<ClientId>,
    /// The id in the CRM of the note that is listed; all if not said.
    document_id: Option<String>,
    /// Whether only those are listed of which the CRM has more than one.
    #[serde(default)]
    #[param(required = false)]
    twice: bool,
    /// Whether only delivered ones are listed that the CRM does not list any more.
    #[serde(default)]
    #[param(required = false)]
    missing: bool,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

impl NoteParams {
    fn filter(&self) -> NoteFilter {
        NoteFilter {
            state: self.state,
            stage: self.stage,
            connection: self.connection.clone(),
            event_type: self.event_type.clone(),
            household: self.household_id,
            client: self.client_id,
            document: self.document_id.as_deref().map(ExternalId::of_crm),
            raised: match (self.twice, self.missing) {
                (true, _) => Some(Raised::Twice),
                (false, true) => Some(Raised::Missing),
                (false, false) => None,
            },
            visible: Visible::Everything,
        }
    }
}

/// File notes, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/notes",
    operation_id = "list_notes",
    tag = "notes",
    security(("token" = []), ("session" = [])),
    params(NoteParams),
    responses((status = 200, body = List<NoteBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Params(params): Params<NoteParams>,
) -> Result<Json<List<NoteBody>>, Problem> {
    let book = caller.book(&app, Action::ReadNotes).await?;
    let filter = params.filter();
    let page = page(params.limit, params.cursor)?;
    let mut notes = book.notes(filter, page).await?;
    let now = Timestamp::now();
    notes.items = notes.items.into_iter().map(|note| app.notes.as_it_waits(note, now)).collect();
    Ok(Json(List::of(notes)))
}

/// One file note.
#[utoipa::path(
    get,
    path = "/api/v1/notes/{id}",
    operation_id = "get_note",
    tag = "notes",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The note's id")),
    responses((status = 200, body = NoteBody))
)]
pub async fn one(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<NoteId>,
    _: NoParams,
) -> Result<Json<NoteBody>, Problem> {
    let book = caller.book(&app, Action::ReadNotes).await?;
    let note = book.note(id).await?.ok_or_else(|| Problem::not_found(format_args!("note {id}")))?;
    Ok(Json(app.notes.as_it_waits(note, Timestamp::now()).into()))
}

/// A note that was made or changed, as far as the caller may see it.
pub fn written(caller: &Caller, note: Note) -> Written<NoteBody> {
    Written::of(caller.can_somewhere(Action::ReadNotes), note.id, note)
}
