//! File notes and attachments that the site has received. In memory: a site that ends forgets them.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::answer::Answer;
use super::query::Paging;

/// The number of the first note.
const FIRST_NOTE: u32 = 9001;
/// The number of the first attachment.
const FIRST_ATTACHMENT: u32 = 70_001;

/// How the site keeps and lists file notes otherwise than they were sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NoteHabits {
    /// Lists leave out notes and attachments that are younger, in milliseconds.
    pub lag_ms: u64,
    /// Subjects are kept with HTML's entities: `O&#39;Brien &amp; Lee`.
    pub escapes_subjects: bool,
    /// Subjects are cut after so many characters.
    pub longest_subject: Option<usize>,
    /// So many notes on a page, whatever is asked for.
    pub page_cap: Option<usize>,
    /// Attachments' names are kept with `_` in place of all but letters, digits, blanks, dots and hyphens.
    pub renames_attachments: bool,
    /// Attachments are kept with so many bytes more.
    pub adds_bytes: usize,
    /// Markers are not kept.
    pub drops_markers: bool,
    /// Notes get markers of the site's own in place of those that were sent.
    pub own_markers: bool,
    /// Markers are kept in capitals and braces: `{TIDEGATE-0190…}`.
    pub dresses_markers: bool,
    /// Lists hold the first so many notes of the site and none that came later, as of an index that stands still.
    pub lists_first: Option<u32>,
    /// Ids are written as texts.
    pub text_ids: bool,
    /// Attachments are listed without their sizes.
    pub hides_sizes: bool,
    /// An empty list is answered with 204 and nothing.
    pub no_content: bool,
    /// Notes are listed all at once and without bookmarks, whatever page is asked for.
    pub unpaged: bool,
}

impl NoteHabits {
    /// Whether a list leaves out what was made then.
    pub(super) fn hide(&self, made_at: &str) -> bool {
        let made_at: Option<jiff::Timestamp> = made_at.parse().ok();
        let age = made_at.and_then(|at| u64::try_from(at.duration_until(jiff::Timestamp::now()).as_millis()).ok());
        age.is_some_and(|age| age < self.lag_ms)
    }

    /// Whether a list holds the note.
    pub(super) fn list(&self, note: &Note) -> bool {
        let is_first = self.lists_first.is_none_or(|first| note.id < FIRST_NOTE + first);
        is_first && !self.hide(&note.created_date)
    }

    /// The page of notes that is answered where another was asked for.
    pub(super) fn page(&self, asked: Paging) -> Paging {
        let asked = if self.unpaged { Paging { size: usize::MAX, after: None, ..asked } } else { asked };
        Paging { size: asked.size.min(self.page_cap.unwrap_or(usize::MAX)), ..asked }
    }

    /// An id as the site writes it.
    pub(super) fn id(&self, id: u32) -> Value {
        if self.text_ids { id.to_string().into() } else { id.into() }
    }

    /// A list as the site answers it.
    pub(super) fn answer(&self, rows: &[Value]) -> Answer {
        if rows.is_empty() && self.no_content { Answer::empty() } else { Answer::of(&rows) }
    }

    /// What is kept of a marker, of the note of this number.
    fn marker(&self, sent: Option<String>, id: u32) -> Option<String> {
        let sent = sent.filter(|_| !self.drops_markers);
        let kept = if self.own_markers { Some(format!("3f2504e0-4f89-41d3-9a0c-0305{id:08}")) } else { sent };
        kept.map(|kept| if self.dresses_markers { format!("{{{}}}", kept.to_uppercase()) } else { kept })
    }

    fn subject(&self, sent: &str) -> String {
        let kept = match self.escapes_subjects {
            true => sent.replace('&', "&amp;").replace('\'', "&#39;").replace('<', "&lt;"),
            false => sent.to_owned(),
        };
        kept.chars().take(self.longest_subject.unwrap_or(usize::MAX)).collect()
    }

    fn filename(&self, sent: &str) -> String {
        let keeps = |c: char| !self.renames_attachments || c.is_alphanumeric() || matches!(c, ' ' | '.' | '-');
        sent.chars().map(|c| if keeps(c) { c } else { '_' }).collect()
    }
}

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
    /// Length of the content in bytes, as the site says.
    pub size: usize,
    /// When it was attached: an instant in RFC 3339, UTC.
    pub attached_at: String,
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
    pub(crate) habits: NoteHabits,
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
        note.subject = self.habits.subject(&note.subject);
        note.guid = self.habits.marker(note.guid, note.id);
        self.made += 1;
        for client in &note.entity_ids {
            self.by_client.entry(*client).or_default().push(self.all.len());
        }
        let id = note.id;
        self.all.push(note);
        id
    }

    /// Attaches a file to a note; `None` if there is no such note.
    pub(super) fn attach(&mut self, note: u32, filename: &str, mimetype: String, content: Vec<u8>) -> Option<u32> {
        let at = self.at(note)?;
        let id = FIRST_ATTACHMENT + self.attached;
        self.attached += 1;
        let filename = self.habits.filename(filename);
        let size = content.len() + self.habits.adds_bytes;
        let attached_at = jiff::Timestamp::now().to_string();
        self.all[at].attachments.push(Attachment { id, filename, mimetype, size, attached_at, content });
        Some(id)
    }
}
