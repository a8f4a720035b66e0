//! Operator actions: what a person does with a note that does not go out by itself.

use std::time::Duration;

use super::{Notes, NotesError};
use crate::connection::Connections;
use crate::crm::{Connector, CrmError};
use crate::domain::note::{Awaits, DeliveryStep, Note, NoteState, Stage};
use crate::domain::outbox::{Edit, NotNow};
use crate::domain::text;
use crate::domain::{ClientId, ConnectionName, ExternalId, NoteId, Timestamp};
use crate::store::book::PageRequest;
use crate::store::outbox::NoteFilter;

/// The longest subject, text and reason, in characters.
const LONGEST_SUBJECT: usize = 200;
const LONGEST_BODY: usize = 20_000;
const LONGEST_REASON: usize = 500;
/// The longest id that a CRM gives.
const LONGEST_ID: usize = 100;

/// The longest that the CRM may take to say whose note it has under an id.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A person's changes to a note; what is none stays.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct NoteEdit {
    /// Another subject, one line.
    pub subject: Option<String>,
    /// Another text.
    pub body: Option<String>,
    /// Others of the household's clients to file it against.
    pub clients: Option<Vec<ClientId>>,
}

/// The answer of the CRM to whose note it has under an id.
enum Whose {
    Theirs,
    Others,
    Nobodys,
}

/// Asks for the note itself; where the CRM does not say whom it is about, for the notes of each client. A note that is also
/// about somebody outside the household is somebody else's.
async fn whose(
    connector: &dyn Connector,
    document: &ExternalId,
    clients: &[ExternalId],
    household: &[ExternalId],
) -> Result<Whose, CrmError> {
    if let Some(filed) = connector.filed_against(document).await? {
        return Ok(match filed.as_slice() {
            [] => Whose::Nobodys,
            filed if filed.iter().any(|one| !clients.contains(one) && !household.contains(one)) => Whose::Others,
            filed if filed.iter().any(|one| clients.contains(one)) => Whose::Theirs,
            _ => Whose::Others,
        });
    }
    for client in clients {
        if connector.find_notes(client).await?.iter().any(|found| found.document_id == *document) {
            return Ok(Whose::Theirs);
        }
    }
    Ok(Whose::Nobodys)
}

impl Notes {
    /// Delivers a waiting or dead note now, whatever its site asked for. One whose clients are linked to others in the CRM
    /// than it was written for is filed against those.
    ///
    /// # Errors
    /// [`NotesError::UnknownNote`], [`NotesError::WrongState`], or where the store fails.
    pub async fn retry(&self, id: NoteId) -> Result<Note, NotesError> {
        let now = Timestamp::now();
        let refiled = self.refiled(id).await?;
        let retry = move |note: &mut Note| {
            if let Some((filed_against, connection)) = refiled {
                note.refile(filed_against, connection, now);
            }
            note.retry(now)
        };
        let note = self.change(id, retry).await?;
        self.inner.delivery.release(&note.connection);
        Ok(note)
    }

    /// Delivers all dead notes of a filter now, but those that were given up, the oldest first, so that each client's
    /// arrive in order; answers how many.
    ///
    /// # Errors
    /// Returns an error if the store fails; those before it are on their way.
    pub async fn retry_all(&self, filter: NoteFilter) -> Result<usize, NotesError> {
        let filter = NoteFilter { state: Some(NoteState::Dead), ..filter };
        let (mut dead, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.inner.store.notes(filter.clone(), PageRequest { cursor, limit: 500 }).await?;
            dead.extend(page.items.into_iter().filter(|note| !note.discarded).map(|note| note.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let mut retried = 0;
        for id in dead.into_iter().rev() {
            match self.retry(id).await {
                Ok(_) => retried += 1,
                // Somebody else was faster.
                Err(NotesError::WrongState(_) | NotesError::UnknownNote(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(retried)
    }

    /// Changes what a note says or whom it is filed against, and delivers it now.
    ///
    /// # Errors
    /// [`NotesError::Invalid`] with the field, [`NotesError::UnknownNote`], [`NotesError::WrongState`] where the note
    /// is or may be in the CRM, or where the store fails.
    pub async fn edit(&self, id: NoteId, edit: NoteEdit) -> Result<Note, NotesError> {
        let note = self.inner.store.note(id).await?.ok_or(NotesError::UnknownNote(id))?;
        let subject = edit.subject.map(|subject| one_line(&subject));
        if let Some(subject) = &subject {
            check_length("/subject", subject, LONGEST_SUBJECT)?;
        }
        let body = edit.body.map(|body| lines(&body));
        if let Some(body) = body.as_ref().filter(|body| body.chars().count() > LONGEST_BODY) {
            check_length("/body", body, LONGEST_BODY)?;
        }
        let filed_against = match edit.clients {
            Some(clients) => Some(self.filed_against(&note, &clients).await?),
            None => None,
        };
        let now = Timestamp::now();
        let edit = Edit { subject, body, filed_against };
        let refiled = self.refiled(id).await?;
        let change = move |note: &mut Note| {
            if let Some((filed_against, connection)) = refiled {
                note.refile(filed_against, connection, now);
            }
            note.edit(edit, now)
        };
        let note = self.change(id, change).await?;
        self.inner.delivery.release(&note.connection);
        Ok(note)
    }

    /// Takes a person's word for whether a note in doubt is in the CRM: there under this id, or not there (none). An id is
    /// looked at first: the note's documents go to it, and it may be somebody else's. What is not there is looked for once
    /// more before it is sent.
    ///
    /// # Errors
    /// [`NotesError::Invalid`] where the id is none or another note's, [`NotesError::UnknownNote`],
    /// [`NotesError::WrongState`] where nobody asked or the CRM cannot say, or where the store fails.
    pub async fn resolve(&self, id: NoteId, found: Option<&str>) -> Result<Note, NotesError> {
        let found = match found.map(str::trim) {
            Some(document) => {
                let is_id = document.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                if !is_id || !(1..=LONGEST_ID).contains(&document.len()) {
                    let message = "must be the CRM's id of the note: digits, letters and hyphens".to_owned();
                    return Err(NotesError::at("/document_id", message));
                }
                let document = ExternalId::of_crm(document);
                self.check_found(id, &document).await?;
                Some(document)
            }
            None => None,
        };
        let now = Timestamp::now();
        let note = self.change(id, move |note| note.resolve(found, now)).await?;
        self.inner.delivery.release(&note.connection);
        Ok(note)
    }

    /// Refuses an id under which the CRM has no note about the clients of this one.
    async fn check_found(&self, id: NoteId, document: &ExternalId) -> Result<(), NotesError> {
        let note = self.inner.store.note(id).await?.ok_or(NotesError::UnknownNote(id))?;
        let is_of_document = matches!(note.step, DeliveryStep::Attaching { .. });
        if !note.is_raised() && (note.stage() != Stage::InDoubt || is_of_document) {
            return Ok(());
        }
        let wrong = |message: String| Err(NotesError::at("/document_id", message));
        let connection = Some(note.connection.clone());
        let same = NoteFilter { document: Some(document.clone()), connection, ..NoteFilter::default() };
        let others = self.inner.store.notes(same, PageRequest { cursor: None, limit: 2 }).await?.items;
        if let Some(other) = others.into_iter().find(|other| other.id != id) {
            return wrong(format!("{document} is the CRM's id of another file note of this host, {}", other.id));
        }
        let unsaid =
            |why: String| NotesError::WrongState(format!("whether {document} is this note cannot be said: {why}"));
        let Some(connector) = self.inner.delivery.connector(&note.connection) else {
            return Err(unsaid(Connections::not_at_work(&note.connection)));
        };
        let household = self.inner.store.household(note.household_id).await?;
        let people = household.map(|row| row.people).unwrap_or_default();
        let ids = people.into_iter().map(|person| person.client.external_id).collect::<Vec<_>>();
        let asked = whose(connector.as_ref(), document, &note.note.filed_against, &ids);
        match tokio::time::timeout(TIMEOUT, asked).await {
            Ok(Ok(Whose::Theirs)) => Ok(()),
            Ok(Ok(Whose::Others)) => wrong(format!(
                "{document} is in the CRM and about others, too; copy the id of this client's own note from the CRM"
            )),
            Ok(Ok(Whose::Nobodys)) => {
                wrong(format!("the CRM shows no note {document}; copy the id of this client's note from the CRM"))
            }
            Ok(Err(error)) => Err(unsaid(format!("{error}; try again once the CRM answers"))),
            Err(_) => Err(unsaid("the CRM takes too long to answer; try again later".to_owned())),
        }
    }

    /// Gives a note up, for a reason that stays with it. Those behind it go on.
    ///
    /// # Errors
    /// [`NotesError::Invalid`] without a reason, [`NotesError::UnknownNote`], [`NotesError::WrongState`], or where the
    /// store fails.
    pub async fn discard(&self, id: NoteId, reason: &str) -> Result<Note, NotesError> {
        let reason = one_line(reason);
        check_length("/reason", &reason, LONGEST_REASON)?;
        let note = self.change(id, move |note| note.discard(&reason)).await?;
        self.inner.delivery.wake.notify_one();
        Ok(note)
    }

    /// The clients in the CRM to whom a note's clients are linked now, where it waits for somebody to say whom it is
    /// filed against.
    async fn refiled(&self, id: NoteId) -> Result<Option<(Vec<ExternalId>, ConnectionName)>, NotesError> {
        let note = self.inner.store.note(id).await?.ok_or(NotesError::UnknownNote(id))?;
        match note.awaits {
            Some(Awaits::Refiling) => self.linked(&note).await,
            _ => Ok(None),
        }
    }

    async fn change(
        &self,
        id: NoteId,
        change: impl FnOnce(&mut Note) -> Result<(), NotNow> + Send + 'static,
    ) -> Result<Note, NotesError> {
        let changed = self.inner.store.change_note(id, change).await?;
        let (note, answer) = changed.ok_or(NotesError::UnknownNote(id))?;
        answer.map_err(|not_now| NotesError::WrongState(not_now.to_string()))?;
        Ok(note)
    }

    /// The CRM's ids of people of the note's household.
    async fn filed_against(
        &self,
        note: &Note,
        clients: &[ClientId],
    ) -> Result<Vec<(ExternalId, ClientId)>, NotesError> {
        let household = self.inner.store.household(note.household_id).await?;
        let members = household.map(|row| row.household.members).unwrap_or_default();
        if clients.is_empty() {
            return Err(NotesError::at("/client_ids", "must name at least one client".to_owned()));
        }
        let found = clients.iter().enumerate().map(|(place, id)| {
            let member = members.iter().find(|member| member.client_id == *id);
            let message = || format!("{id} is no client of the note's household who is linked to the CRM");
            let member = member.filter(|member| member.external_id.in_crm().is_some());
            let member = member.ok_or_else(|| NotesError::at(&format!("/client_ids/{place}"), message()))?;
            Ok((member.external_id.clone(), member.client_id))
        });
        found.collect()
    }
}

fn check_length(field: &str, text: &str, longest: usize) -> Result<(), NotesError> {
    match text.chars().count() {
        0 => Err(NotesError::at(field, "must have at least 1 character".to_owned())),
        length if length > longest => {
            Err(NotesError::at(field, format!("must have at most {longest} characters, and has {length}")))
        }
        _ => Ok(()),
    }
}

/// Text of one line, with single blanks.
fn one_line(given: &str) -> String {
    text::value(given).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Text with its line ends, without blank lines at its end.
fn lines(given: &str) -> String {
    text::lines(given).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_text() {
        assert_eq!(one_line(" Called\nAyda\u{7} <b> "), "Called Ayda <b>");
        assert_eq!(lines("She said:\r\n\r\n  yes\u{0}\n"), "She said:\n\n  yes");
        assert!(check_length("/reason", "", 5).is_err() && check_length("/reason", "ā".repeat(6).as_str(), 5).is_err());
        assert!(check_length("/reason", "ā".repeat(5).as_str(), 5).is_ok());
    }
}
