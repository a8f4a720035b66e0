//! File notes: `docnote-v2`.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::address::{Address, PAGE_SIZE, segment};
use super::answer::Answer;
use super::pages::Descent;
use super::rows;
use super::site::Site;
use super::status::passed;
use super::transport::ApiCall;
use crate::crm::{Bookmark, CrmError, FoundNote, repair};
use crate::domain::note::FileNote;
use crate::domain::{Date, ExternalId};

pub(super) const PATH: &str = "/resourceful/docnote-v2";

#[derive(Deserialize)]
pub(super) struct Marked {
    pub(super) guid: Option<Value>,
    pub(super) created_date: Option<Value>,
}

#[derive(Serialize)]
struct NewNote<'a> {
    subject: &'a str,
    body: &'a str,
    mimetype: &'a str,
    entity_ids: Vec<u64>,
    doctype: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    docsubtype: Option<&'a str>,
    guid: &'a str,
}

#[derive(Deserialize)]
struct Made {
    #[serde(alias = "Id")]
    id: WrittenId,
}

/// An id as a site writes it: a number, or a text.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum WrittenId {
    Number(u64),
    Text(String),
}

impl WrittenId {
    /// The id, unless it is a text that is none, as one that came damaged.
    pub(super) fn id(self) -> Option<ExternalId> {
        let id = match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text,
        };
        segment(&id).is_ok().then(|| ExternalId::of_crm(&id))
    }
}

/// All notes against `entity`, each once, page by page until one brings nothing new.
pub(super) async fn find(site: &Site, entity: &ExternalId) -> Result<Vec<FoundNote>, CrmError> {
    let mut query = Address::of(PATH);
    query.push("entity_ids.0", entity.as_str());
    let mut notes = FoundNotes::default();
    let mut after: Option<Bookmark> = None;
    loop {
        let (answer, asked) = page(site, &query, after.as_ref()).await?;
        after = notes.take::<Marked>(&answer, asked, after.as_ref(), "each note as a JSON object with its `guid`")?;
        if after.is_none() {
            return Ok(notes.found);
        }
    }
}

/// The entities that a note is filed against: nobody where the site does not show it, none where it does not say.
pub(super) async fn filed_against(site: &Site, note: &ExternalId) -> Result<Option<Vec<ExternalId>>, CrmError> {
    #[derive(Deserialize)]
    struct Named {
        entity_ids: Option<Vec<WrittenId>>,
    }
    let call = ApiCall::get(Address::of(&format!("{PATH}/{}", segment(note.as_str())?))).awaited(true);
    let answer = match site.read(&call).await {
        Err(CrmError::Refused { status: 404 | 410, .. }) => return Ok(Some(Vec::new())),
        answered => answered?,
    };
    let named = repair::read::<Named>(&answer.body).ok().and_then(|named| named.entity_ids);
    let ids = named.map(|named| named.into_iter().filter_map(WrittenId::id).collect::<Vec<_>>());
    Ok(ids.filter(|ids| !ids.is_empty()))
}

/// The notes of a list that is read page by page.
#[derive(Default)]
pub(super) struct FoundNotes {
    pub(super) found: Vec<FoundNote>,
    ids: BTreeSet<String>,
}

impl FoundNotes {
    /// Takes a page in that was asked for by `after` and in the size `asked`; answers where the next begins, or none where
    /// the list is whole. Each note is read as `Note`, which is `wanted`.
    ///
    /// # Errors
    /// Returns an error if the page cannot be read, or pages follow one another and bring nothing new: the list would
    /// never end, and may not be whole.
    pub(super) fn take<Note: DeserializeOwned + Into<Marked>>(
        &mut self,
        answer: &Answer,
        asked: usize,
        after: Option<&Bookmark>,
        wanted: &'static str,
    ) -> Result<Option<Bookmark>, CrmError> {
        let before = self.found.len();
        let list = rows::list_of_notes(answer)?;
        for row in &list.rows {
            let note = repair::read::<Note>(row.text.as_bytes()).map_err(|_| rows::unexpected(answer, wanted))?;
            let Marked { guid, created_date } = note.into();
            self.add(row.id, guid, created_date.as_ref());
        }
        // A site that gives no bookmarks gives all notes at once, unless these are as many as it gives at most.
        if after.is_none() && list.is_unpaged() && list.rows.len() < asked {
            return Ok(None);
        }
        let next = rows::next(&list, after, answer)?;
        if next.is_some() && self.found.len() == before {
            let message = "the pages of a client's notes lead round in a circle".to_owned();
            return Err(CrmError::Protocol { message });
        }
        Ok(next)
    }

    /// Adds a note, unless it came already, as where rows move while pages are read.
    fn add(&mut self, id: &str, marker: Option<Value>, made_on: Option<&Value>) {
        if self.ids.insert(id.to_owned()) {
            // A site may keep markers of its own as numbers.
            let marker = marker.map(|marker| marker.as_str().map_or_else(|| marker.to_string(), str::to_owned));
            self.found.push(FoundNote {
                document_id: ExternalId(id.to_owned()),
                marker,
                made_on: made_on.and_then(day),
            });
        }
    }
}

/// The day of a date, wrapped or as text, with or without a time.
fn day(value: &Value) -> Option<Date> {
    let text = value.get("_val").unwrap_or(value).as_str()?;
    text.get(..10)?.parse().ok()
}

/// A page of notes, in the size that the site gives, with that size.
async fn page(site: &Site, query: &Address, after: Option<&Bookmark>) -> Result<(Answer, usize), CrmError> {
    let mut descent = Descent::new(site, "docnote-v2", PAGE_SIZE);
    loop {
        let mut address = query.clone();
        address.push("page_size", &descent.size.to_string());
        if let Some(bookmark) = after {
            address.push_raw("page_bookmark", &bookmark.0);
        }
        let call = ApiCall::get(address).of_many().awaited(true).or_nothing();
        match site.read_within(&call, descent.repeats()).await {
            Ok(answer) => {
                let asked = descent.size;
                descent.came();
                return Ok((answer, asked));
            }
            Err(error) => descent.smaller(error).await?,
        }
    }
}

/// Creates a note, once: every error but [`CrmError::Unknown`] means that there is none.
pub(super) async fn create(site: &Site, note: &FileNote, marker: &str) -> Result<ExternalId, CrmError> {
    // A number in another spelling may have been somebody else here, and is who has the number there.
    let number = |id: &ExternalId| {
        let number = id.as_str().parse::<u64>().ok().filter(|number| number.to_string() == id.as_str());
        number.ok_or_else(|| CrmError::Protocol { message: format!("`{id}` is no number of an Xplan entity") })
    };
    let body = NewNote {
        subject: &note.subject,
        body: &note.body,
        mimetype: &note.media_type,
        entity_ids: note.filed_against.iter().map(number).collect::<Result<_, _>>()?,
        doctype: &note.note_type,
        docsubtype: note.note_subtype.as_deref(),
        guid: marker,
    };
    let body = serde_json::to_vec(&body).map_err(|error| CrmError::Protocol { message: error.to_string() })?;
    made(site, &ApiCall::post(PATH, body).awaited(true), "the new note's `id`").await
}

/// Sends what makes something new, once, and answers its id: every error but [`CrmError::Unknown`] means that nothing
/// was made.
pub(super) async fn made(site: &Site, call: &ApiCall, wanted: &str) -> Result<ExternalId, CrmError> {
    // A sign-in whose outcome is unknown sent nothing.
    site.ready().await.map_err(|error| match error {
        CrmError::Unknown { message } => CrmError::Unreachable { message },
        CrmError::Throttled { retry_after, message, .. } => CrmError::Throttled { status: 429, retry_after, message },
        error => error,
    })?;
    let answered = site.signed(call).await.and_then(passed);
    let answer = answered.map_err(|error| match error {
        // Neither a redirect, an answer too large to read nor "unavailable" rules out that the work was done.
        CrmError::Protocol { message }
        | CrmError::TooLarge { message }
        | CrmError::Throttled { status: 503, retry_after: None, message } => CrmError::Unknown { message },
        error => error,
    })?;
    let made = repair::read::<Made>(&answer.body).ok().and_then(|made| made.id.id());
    made.ok_or_else(|| CrmError::Unknown { message: rows::unexpected(&answer, wanted).to_string() })
}
