//! The documents that went with file notes: a household's past plans, and where they are in the CRM.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Params, page};
use crate::api::problem::Problem;
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::note::Stage;
use crate::domain::{ClientId, DocumentId, ExternalId, HouseholdId, NoteId, Timestamp};
use crate::store::documents::Source;
use crate::store::outbox::{NoteDocument, NoteFilter};

/// The choice of documents in a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DocumentParams {
    /// The household whose documents are listed; all if not said.
    #[param(value_type = Option<String>, format = Uuid)]
    household_id: Option<HouseholdId>,
    /// The client whom the documents are filed against, in whatever household it was then; all if not said.
    #[param(value_type = Option<String>, format = Uuid)]
    client_id: Option<ClientId>,
    /// The id in the CRM of the note whose documents are listed; all if not said.
    document_id: Option<String>,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A document with the file note that it went with.
#[derive(Serialize, ToSchema)]
#[schema(as = SentDocument)]
pub struct SentDocumentBody {
    /// The document; it is downloaded under this id.
    #[schema(value_type = String)]
    id: DocumentId,
    /// The name of the file in the CRM.
    filename: String,
    /// `application/pdf`.
    media_type: String,
    /// The size in bytes.
    size: u64,
    /// The source of the document; null where it is not kept here any more.
    #[schema(schema_with = schema::document_source)]
    source: Option<Source>,
    /// The moment at which it was made or uploaded; null where it is not kept here any more.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    kept_at: Option<Timestamp>,
    /// Characters that no font here has, each of which stands in it as U+FFFD; empty where all is well.
    replaced_characters: String,
    /// The CRM's id of the attachment, once it is there.
    #[schema(required, value_type = Option<String>)]
    attached_as: Option<ExternalId>,
    /// The household that the note is about.
    #[schema(value_type = String, format = Uuid)]
    household_id: HouseholdId,
    /// The practice's clients whom its note is filed against.
    #[schema(value_type = Vec<String>)]
    client_ids: Vec<ClientId>,
    /// The file note that it went with.
    #[schema(value_type = String, format = Uuid)]
    note_id: NoteId,
    /// The stage that the note has reached.
    #[schema(schema_with = schema::note_stage)]
    note_stage: Stage,
    /// The subject of the note.
    note_subject: String,
    /// The CRM's id of that note, once it is there.
    #[schema(required, value_type = Option<String>)]
    document_id: Option<ExternalId>,
}

impl From<NoteDocument> for SentDocumentBody {
    fn from(NoteDocument { attachment, facts, note }: NoteDocument) -> Self {
        Self {
            id: attachment.document,
            filename: attachment.filename,
            media_type: attachment.media_type,
            size: attachment.size,
            source: facts.as_ref().map(|facts| facts.source),
            kept_at: facts.as_ref().map(|facts| facts.kept_at()),
            replaced_characters: attachment.replaced,
            attached_as: attachment.attached_as,
            household_id: note.household_id,
            note_id: note.id,
            note_stage: note.stage(),
            document_id: note.document_id().cloned(),
            note_subject: note.note.subject,
            client_ids: note.clients,
        }
    }
}

/// Documents that went, or go, with file notes: of the newest note first.
#[utoipa::path(
    get,
    path = "/api/v1/documents",
    operation_id = "list_documents",
    tag = "documents",
    security(("token" = []), ("session" = [])),
    params(DocumentParams),
    responses((status = 200, body = List<SentDocumentBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Params(params): Params<DocumentParams>,
) -> Result<Json<List<SentDocumentBody>>, Problem> {
    let book = caller.book(&app, Action::ReadNotes).await?;
    let DocumentParams { household_id, client_id, document_id, limit, cursor } = params;
    let document = document_id.as_deref().map(ExternalId::of_crm);
    let filter = NoteFilter { household: household_id, client: client_id, document, ..NoteFilter::default() };
    Ok(Json(List::of(book.note_documents(filter, page(limit, cursor)?).await?)))
}
