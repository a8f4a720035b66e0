//! `docnote-v2` and its attachments: creating, searching and reading file notes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::answer::{Answer, Refusal};
use super::notes::{Attachment, Note, NoteHabits};
use super::query::{Paging, Query, bookmark};
use super::{Asker, Site};
use crate::lock::{locked, reading};

impl Site {
    /// `POST /docnote-v2`: makes a note, also when one with the same `guid` is there already.
    pub(super) fn make_note(&self, asker: &Asker<'_>, body: &[u8]) -> Result<Answer, Refusal> {
        let fields: Map<String, Value> = parsed(body)?;
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let subject = text("subject").filter(|subject| !subject.is_empty());
        let subject = subject.ok_or_else(|| Refusal::bad("subject: a text is required"))?;
        let entity_ids: Vec<u32> = fields
            .get("entity_ids")
            .and_then(|ids| serde_json::from_value(ids.clone()).ok())
            .filter(|ids: &Vec<u32>| !ids.is_empty())
            .ok_or_else(|| Refusal::bad("entity_ids: a list of client numbers is required"))?;
        let book = reading(&self.book);
        let seen = |id: &u32| book.place_of(*id).is_some_and(|place| asker.sees(&book, place));
        if let Some(unseen) = entity_ids.iter().find(|id| !seen(id)) {
            return Err(Refusal::bad(format!("entity_ids: client {unseen} does not exist or is not visible")));
        }
        drop(book);
        let note = Note {
            id: 0,
            guid: text("guid"),
            subject,
            entity_ids,
            created_date: jiff::Timestamp::now().to_string(),
            created_by: asker.account.user_id,
            fields,
            attachments: Vec::new(),
        };
        let mut notes = locked(&self.notes);
        let id = notes.add(note);
        Ok(Answer::of(&json!({ "id": notes.habits.id(id) })).with_status(201))
    }

    /// `GET /docnote-v2`: notes by client, subject, type, author and date of creation.
    pub(super) fn find_notes(&self, query: Query<'_>) -> Result<Answer, Refusal> {
        let paging = Paging::of(query)?;
        let clients = query.numbers("entity_ids")?.unwrap_or_default();
        let subject = query.get("subject");
        let (doctype, docsubtype) = (query.get("doctype"), query.get("docsubtype"));
        let (from, to) = (query.get("created_date.start_date"), query.get("created_date.end_date"));
        let created_by = query.get("created_by");
        let notes = locked(&self.notes);
        let paging = notes.habits.page(paging);
        let matches = |note: &&Note| {
            let same = |name, wanted: Option<&str>| wanted.is_none_or(|wanted| note.field(name) == wanted);
            let day = note.created_date.get(..10).unwrap_or_default();
            clients.iter().all(|client| note.entity_ids.contains(client))
                && subject.as_ref().is_none_or(|subject| note.subject == *subject)
                && same("doctype", doctype.as_deref())
                && same("docsubtype", docsubtype.as_deref())
                && created_by.as_ref().is_none_or(|user| note.created_by.to_string() == *user)
                && from.as_ref().is_none_or(|from| day >= from.as_ref())
                && to.as_ref().is_none_or(|to| day <= to.as_ref())
                && paging.after.is_none_or(|after| if paging.descending { note.id < after } else { note.id > after })
                && notes.habits.list(note)
        };
        let found = notes.of_client(clients.first().copied());
        let found: Box<dyn Iterator<Item = &Note>> =
            if paging.descending { Box::new(found.rev()) } else { Box::new(found) };
        let rows: Vec<Value> = found.filter(matches).take(paging.size).map(|note| row(note, &notes.habits)).collect();
        Ok(notes.habits.answer(&rows))
    }

    /// `GET /docnote-v2/{id}`: one note with its body.
    pub(super) fn single_note(&self, id: u32) -> Result<Answer, Refusal> {
        let notes = locked(&self.notes);
        let note = notes.note(id).ok_or_else(Refusal::missing)?;
        let mut whole = row(note, &notes.habits);
        for name in ["body", "mimetype", "summary", "categories", "reference_date", "permission"] {
            whole[name] = note.field(name).clone();
        }
        Ok(Answer::of(&whole))
    }

    /// `POST /docnote-v2/{id}/attachment-v3`.
    pub(super) fn attach(&self, note: u32, body: &[u8]) -> Result<Answer, Refusal> {
        #[derive(Deserialize)]
        struct Sent {
            filename: String,
            mimetype: String,
            content: Binary,
        }
        #[derive(Deserialize)]
        struct Binary {
            _type: String,
            _val: String,
        }
        let Sent { filename, mimetype, content } = parsed(body)?;
        if content._type != "Binary" {
            return Err(Refusal::bad(format!("content: a Binary is required, not a {}", content._type)));
        }
        let content = STANDARD.decode(&content._val).map_err(|_| Refusal::bad("content: not base64"))?;
        let mut notes = locked(&self.notes);
        let id = notes.attach(note, &filename, mimetype, content).ok_or_else(Refusal::missing)?;
        Ok(Answer::of(&json!({ "id": notes.habits.id(id) })).with_status(201))
    }

    /// `GET /docnote-v2/{id}/attachment-v3`.
    pub(super) fn attachments(&self, note: u32) -> Result<Answer, Refusal> {
        let notes = locked(&self.notes);
        let note = notes.note(note).ok_or_else(Refusal::missing)?;
        let shown = note.attachments.iter().filter(|one| !notes.habits.hide(&one.attached_at));
        let rows: Vec<Value> = shown.map(|one| attachment_row(one, &notes.habits)).collect();
        Ok(notes.habits.answer(&rows))
    }

    /// `GET /docnote-v2/{id}/attachment-v3/{attachment}`: with its content.
    pub(super) fn single_attachment(&self, note: u32, id: u32) -> Result<Answer, Refusal> {
        let notes = locked(&self.notes);
        let note = notes.note(note).ok_or_else(Refusal::missing)?;
        let attachment = note.attachments.iter().find(|kept| kept.id == id).ok_or_else(Refusal::missing)?;
        let mut whole = attachment_row(attachment, &notes.habits);
        whole["content"] = json!({ "_type": "Binary", "_val": STANDARD.encode(&attachment.content) });
        Ok(Answer::of(&whole))
    }
}

fn parsed<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::bad(format!("the body does not fit: {error}")))
}

fn row(note: &Note, habits: &NoteHabits) -> Value {
    let bookmark = (!habits.unpaged).then(|| ("bookmark".to_owned(), bookmark(note.id).into()));
    let mut row = Map::from_iter(bookmark);
    let rest = json!({
        "id": habits.id(note.id),
        "guid": note.guid,
        "subject": note.subject,
        "entity_ids": note.entity_ids,
        "doctype": note.field("doctype"),
        "docsubtype": note.field("docsubtype"),
        "created_date": { "_type": "Date", "_val": note.created_date.get(..10) },
        "created_by": note.created_by,
    });
    row.extend(rest.as_object().cloned().unwrap_or_default());
    row.into()
}

fn attachment_row(attachment: &Attachment, habits: &NoteHabits) -> Value {
    let Attachment { id, filename, mimetype, size, .. } = attachment;
    let size = Some(size).filter(|_| !habits.hides_sizes);
    json!({ "id": habits.id(*id), "filename": filename, "mimetype": mimetype, "size": size })
}
