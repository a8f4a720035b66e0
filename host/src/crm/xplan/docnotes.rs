//! File notes: `docnote-v2`.

use jiff::{SignedDuration, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::address::{Address, PAGE_SIZE};
use super::rows;
use super::site::{Call, Site, succeeded};
use crate::crm::{Bookmark, CrmError, FoundNote};
use crate::domain::note::FileNote;
use crate::domain::{ExternalId, Timestamp};

pub(super) const PATH: &str = "/resourceful/docnote-v2";

/// Sites date notes by their own calendar, which may be a day behind UTC.
const CALENDARS: SignedDuration = SignedDuration::from_hours(24);

#[derive(Deserialize)]
struct Marked {
    guid: Option<String>,
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
    id: u64,
}

/// Notes against `entity` with this subject, made on the day of `since` or later.
pub(super) async fn find(
    site: &Site,
    entity: &ExternalId,
    subject: &str,
    since: Timestamp,
) -> Result<Vec<FoundNote>, CrmError> {
    let first_day = since.saturating_sub(CALENDARS).map_err(|error| CrmError::Protocol { words: error.to_string() })?;
    let mut address = Address::of(PATH);
    address.push("entity_ids.0", entity.as_str());
    address.push("subject", subject);
    address.push("created_date.start_date", &first_day.to_zoned(TimeZone::UTC).date().to_string());
    address.push("page_size", &PAGE_SIZE.to_string());
    let mut notes = Vec::new();
    let mut after: Option<Bookmark> = None;
    loop {
        let mut page = address.clone();
        if let Some(bookmark) = &after {
            page.push_raw("page_bookmark", &bookmark.0);
        }
        let answer = site.read(&Call::get(page).of_many().awaited(true)).await?;
        let list = rows::list_of_notes(&answer)?;
        for row in &list.rows {
            let marked: Marked = serde_json::from_str(row.text)
                .map_err(|_| rows::unexpected(&answer, "a text or nothing as the `guid` of each note"))?;
            notes.push(FoundNote { document_id: ExternalId(row.id.to_owned()), marker: marked.guid });
        }
        after = rows::next(&list, after.as_ref(), &answer)?;
        if after.is_none() {
            return Ok(notes);
        }
    }
}

/// Creates a note, once: every error but [`CrmError::Unknown`] means that there is none.
pub(super) async fn create(site: &Site, note: &FileNote, marker: &str) -> Result<ExternalId, CrmError> {
    let number = |id: &ExternalId| {
        let words = format!("`{id}` is no number of an Xplan entity");
        id.as_str().parse().map_err(|_| CrmError::Protocol { words })
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
    let body = serde_json::to_vec(&body).map_err(|error| CrmError::Protocol { words: error.to_string() })?;
    made(site, &Call::post(PATH, body).awaited(true), "the new note's `id`").await
}

/// Sends what makes something new, once, and answers its id: every error but [`CrmError::Unknown`] means that nothing
/// was made.
pub(super) async fn made(site: &Site, call: &Call, wanted: &str) -> Result<ExternalId, CrmError> {
    // A sign-in whose outcome is unknown sent nothing.
    site.ready().await.map_err(|error| match error {
        CrmError::Unknown { words } => CrmError::Unreachable { words },
        error => error,
    })?;
    let answered = site.signed(call).await.and_then(succeeded);
    let answer = answered.map_err(|error| match error {
        // Neither a redirect, an answer too large to read nor "unavailable" rules out that the work was done.
        CrmError::Protocol { words }
        | CrmError::TooLarge { words }
        | CrmError::Throttled { status: 503, retry_after: None, words } => CrmError::Unknown { words },
        error => error,
    })?;
    match serde_json::from_slice::<Made>(&answer.body) {
        Ok(made) => Ok(ExternalId(made.id.to_string())),
        Err(_) => Err(CrmError::Unknown { words: rows::unexpected(&answer, wanted).to_string() }),
    }
}
