//! File notes and attachments that the site has received. In memory: a site that ends forgets them.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};

/// The number of the first note.
const FIRST_NOTE: u32 = 9001;
/// The number of the first attachment.
const FIRST_ATTACHMENT: u32 = 70_001;

/// A file note as the site keeps it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Note {
    /// The site's number.
    pub id: u32,
    /// The sender's marker; two notes may have the same.
    pub guid: Option<String>,
    /// Its subject line.
    pub subject: String,
    /// The clients it concerns.
    pub entity_ids: Vec<u32>,
    /// When it was made: an instant in RFC 3339, UTC.
    pub created_date: String,
    /// The user who made it.
    pub created_by: u32,
    /// Everything that was sent, by name: `body`, `doctype`, `docsubtype`, …
    pub fields: Map<String, Value>,
    /// What was attached, in order.
    pub attachments: Vec<Attachment>,
}

/// A file attached to a note.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attachment {
    /// The site's number.
    pub id: u32,
    /// As sent.
    pub filename: String,
    /// As sent.
    pub mimetype: String,
    /// Length of the content in bytes.
    pub size: usize,
    /// The content itself; left out of JSON.
    #[serde(skip)]
    pub content: Vec<u8>,
}

impl Note {
    /// A field as it was sent; `Null` where it was not.
    pub fn field(&self, name: &str) -> &Value {
        self.fields.get(name).unwrap_or(&Value::Null)
    }
}

/// The notes of a site, by number and by client.
#[derive(Default)]
pub(crate) struct Notes {
    all: Vec<Note>,
    by_client: HashMap<u32, Vec<usize>>,
    /// How many notes were ever made: numbers go on after a clearing, so that an old one never names a new note.
    made: u32,
    attached: u32,
}

impl Notes {
    pub(crate) fn all(&self) -> &[Note] {
        &self.all
    }

    pub(crate) fn clear(&mut self) {
        self.all.clear();
        self.by_client.clear();
    }

    /// Whether there was such a note.
    pub(crate) fn remove(&mut self, id: u32) -> bool {
        let Some(at) = self.at(id) else { return false };
        self.all.remove(at);
        self.by_client.clear();
        for (at, note) in self.all.iter().enumerate() {
            for client in &note.entity_ids {
                self.by_client.entry(*client).or_default().push(at);
            }
        }
        true
    }

    /// Those of a client, or all, oldest first.
    pub(super) fn of_client(&self, client: Option<u32>) -> Box<dyn DoubleEndedIterator<Item = &Note> + '_> {
        match client {
            None => Box::new(self.all.iter()),
            Some(client) => {
                let places = self.by_client.get(&client).map_or(&[][..], Vec::as_slice);
                Box::new(places.iter().map(|place| &self.all[*place]))
            }
        }
    }

    pub(crate) fn note(&self, id: u32) -> Option<&Note> {
        self.all.get(self.at(id)?)
    }

    fn at(&self, id: u32) -> Option<usize> {
        self.all.binary_search_by_key(&id, |note| note.id).ok()
    }

    /// Keeps a note under the next number, which is answered.
    pub(crate) fn add(&mut self, mut note: Note) -> u32 {
        note.id = FIRST_NOTE + self.made;
        self.made += 1;
        for client in &note.entity_ids {
            self.by_client.entry(*client).or_default().push(self.all.len());
        }
        let id = note.id;
        self.all.push(note);
        id
    }

    /// Attaches a file to a note; `None` if there is no such note.
    pub(super) fn attach(&mut self, note: u32, filename: String, mimetype: String, content: Vec<u8>) -> Option<u32> {
        let at = self.at(note)?;
        let id = FIRST_ATTACHMENT + self.attached;
        self.attached += 1;
        self.all[at].attachments.push(Attachment { id, filename, mimetype, size: content.len(), content });
        Some(id)
    }
}
