//! Events, and what people do with file notes that do not go out by themselves.

use super::{Refusal, audited, book};
use crate::app::App;
use crate::domain::access::{Action, Actor};
use crate::domain::audit::Subject;
use crate::domain::note::{Event, Note};
use crate::domain::{HouseholdId, IdempotencyKey, NoteId, Timestamp};
use crate::notes::{Accepted, MOST_DOCUMENTS, NoteEdit, NotesError};
use crate::store::audit::scope;
use crate::store::outbox::NoteFilter;

/// Accepts an event: when this answers, it and its file note are durable.
///
/// # Errors
/// Returns an error if the event does not fit, its key was used for another one, or the pack cannot write the note.
pub async fn accept(app: &App, actor: &Actor, event: Event, key: &IdempotencyKey) -> Result<Accepted, Refusal> {
    audited(app, actor, ("notes.accept", Subject::of_kind("note")), async move {
        scope::in_household(event.household_id);
        let book = book(app, actor, Action::WriteNotes).await?;
        if !book.sees(event.household_id).await? {
            return Err(NotesError::UnknownHousehold(event.household_id).into());
        }
        let mut hidden = Vec::new();
        for document in event.attachments.iter().take(MOST_DOCUMENTS) {
            if !book.may_attach(*document).await? {
                hidden.push(*document);
            }
        }
        Ok(app.notes.accept(event, key, &hidden).await?)
    })
    .await
}

/// A document that the host makes and sends to the CRM with a file note.
#[derive(Debug)]
pub struct Export {
    /// The household that the document is for.
    pub household: HouseholdId,
    /// The name of the document, as its pack has it.
    pub document: String,
    /// The key under which it is exported once.
    pub key: IdempotencyKey,
}

/// Exports a document of a household as of now; answers its file note. The same under the same key a moment later is the
/// first one's.
///
/// # Errors
/// Fails as [`accept`] does, and if the document cannot be made.
pub async fn export(app: &App, actor: &Actor, export: Export, now: Timestamp) -> Result<NoteId, Refusal> {
    audited(app, actor, ("notes.export", Subject::of_kind("note")), async move {
        let Export { household, document, key } = export;
        scope::in_household(household);
        if !book(app, actor, Action::WriteNotes).await?.sees(household).await? {
            return Err(Refusal::not_found(format_args!("household {household}")));
        }
        let event = app.document_event(household, &document, now).await.map_err(NotesError::from)?;
        let event_type = event.event_type.clone();
        match app.notes.accept(event, &key, &[]).await {
            Ok(accepted) => Ok(accepted.note.id),
            Err(NotesError::KeyReused { note, event_type: sent, household: of })
                if (&sent, of) == (&event_type, household) =>
            {
                scope::about(note);
                scope::detail("exported before");
                Ok(note)
            }
            Err(other) => Err(other.into()),
        }
    })
    .await
}

/// Delivers a waiting or dead note now, whatever the CRM asked for.
///
/// # Errors
/// Returns an error if there is no such note, or its state does not allow it.
pub async fn retry(app: &App, actor: &Actor, id: NoteId) -> Result<Note, Refusal> {
    audited(app, actor, ("notes.retry", Subject::new("note", id)), async move {
        find(app, actor, id).await?;
        Ok(app.notes.retry(id).await?)
    })
    .await
}

/// Delivers all dead notes of a filter now; answers how many.
///
/// # Errors
/// Returns an error if the store fails; those before it are on their way.
pub async fn retry_all(app: &App, actor: &Actor, which: NoteFilter) -> Result<usize, Refusal> {
    audited(app, actor, ("notes.retry_all", Subject::of_kind("note")), async move {
        let visible = book(app, actor, Action::WriteNotes).await?.visible().clone();
        Ok(app.notes.retry_all(NoteFilter { visible, ..which }).await?)
    })
    .await
}

/// Changes a note that the CRM has not got, and delivers it now.
///
/// # Errors
/// Returns an error if a field does not fit, there is no such note, or the CRM may have it.
pub async fn edit(app: &App, actor: &Actor, id: NoteId, edit: NoteEdit) -> Result<Note, Refusal> {
    audited(app, actor, ("notes.edit", Subject::new("note", id)), async move {
        find(app, actor, id).await?;
        Ok(app.notes.edit(id, edit).await?)
    })
    .await
}

/// Takes a person's word for whether a note in doubt is in the CRM: there under this id, or not there (none).
///
/// # Errors
/// Returns an error if the id is none or another note's, there is no such note, nobody asked, or the CRM cannot say.
pub async fn resolve(app: &App, actor: &Actor, id: NoteId, found: Option<&str>) -> Result<Note, Refusal> {
    audited(app, actor, ("notes.resolve", Subject::new("note", id)), async move {
        find(app, actor, id).await?;
        Ok(app.notes.resolve(id, found).await?)
    })
    .await
}

/// Gives a note up for a reason that stays with it.
///
/// # Errors
/// Returns an error if the reason is none, there is no such note, or its state does not allow it.
pub async fn discard(app: &App, actor: &Actor, id: NoteId, reason: &str) -> Result<Note, Refusal> {
    audited(app, actor, ("notes.discard", Subject::new("note", id)), async move {
        find(app, actor, id).await?;
        Ok(app.notes.discard(id, reason).await?)
    })
    .await
}

/// The note that the actor may see to.
async fn find(app: &App, actor: &Actor, id: NoteId) -> Result<Note, Refusal> {
    let book = book(app, actor, Action::WriteNotes).await?;
    book.note(id).await?.ok_or_else(|| NotesError::UnknownNote(id).into())
}
