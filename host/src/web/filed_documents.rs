//! Filed documents, which went with file notes: a household's past plans, each with its note and its place in the CRM.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::components::{Badge, Clock, Moment, Paging};
use super::document::download;
use super::failure::{Failure, page};
use super::format;
use super::layout::{Layout, Section};
use super::listing::Asked;
use super::notes::{self, Filter, Whose};
use super::session::SignedIn;
use crate::app::App;
use crate::domain::access::Action;
use crate::store::documents::Source;
use crate::store::outbox::NoteDocument;

#[derive(Template)]
#[template(path = "filed-documents.html")]
pub(super) struct DocumentsPage {
    pub(super) layout: Layout,
    /// The household or client whose documents are listed, where it is not everybody's.
    pub(super) of: Option<Whose>,
    pub(super) rows: Vec<DocumentRow>,
    pub(super) paging: Paging,
}

/// A document with its note.
pub(super) struct DocumentRow {
    pub(super) id: String,
    /// Whether the note goes on by itself: the row is fetched anew from time to time.
    pub(super) is_moving: bool,
    pub(super) filename: String,
    /// The path of the download; none where the document is not kept here any more.
    pub(super) download: Option<String>,
    pub(super) size: String,
    pub(super) source: &'static str,
    pub(super) kept: Option<Moment>,
    /// Characters that no font has; its note says more.
    pub(super) replaced: String,
    pub(super) household: String,
    pub(super) household_path: String,
    pub(super) note: String,
    pub(super) note_path: String,
    pub(super) badge: Badge,
    pub(super) note_in_crm: String,
    pub(super) in_crm: String,
}

/// `GET /documents?household_id=…&cursor=…`
pub(super) async fn list(State(app): State<App>, person: SignedIn, asked: Asked<Filter>) -> Result<Response, Failure> {
    let book = person.book(&app, Action::ReadNotes).await?;
    let filter = asked.filter.of_store()?;
    let of = notes::whose(&book, &filter).await?;
    let found = book.note_documents(filter, asked.page()).await?;
    crate::audit::counted(found.items.len());
    let mut rows = Vec::with_capacity(found.items.len());
    for document in &found.items {
        rows.push(row(document, notes::household(&book, &document.note).await?, &person.clock));
    }
    let paging = asked.paging("/documents", &asked.filter.query(), found.next.as_deref());
    let layout = Layout::load(&app, &person, Section::Notes).await?;
    page(&DocumentsPage { layout, of, rows, paging })
}

pub(super) fn row(
    NoteDocument { attachment, facts, note }: &NoteDocument,
    household: String,
    clock: &Clock,
) -> DocumentRow {
    DocumentRow {
        id: format!("{}-{}", note.id, attachment.document),
        is_moving: notes::is_moving(note),
        filename: attachment.filename.clone(),
        download: facts.is_some().then(|| download(&attachment.document.to_string())),
        size: format::size(attachment.size),
        source: match facts.as_ref().map(|facts| facts.source) {
            Some(Source::Made) => "Made here",
            Some(Source::Uploaded) => "Uploaded",
            None => "Not kept here any more",
        },
        kept: facts.as_ref().map(|facts| Moment::new(facts.kept_at(), clock)),
        replaced: attachment.replaced.clone(),
        household,
        household_path: format!("/households/{}", note.household_id),
        note: note.note.subject.clone(),
        note_path: format!("/notes/{}", note.id),
        badge: notes::badge(note),
        note_in_crm: note.document_id().map(ToString::to_string).unwrap_or_default(),
        in_crm: attachment.attached_as.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}
