//! The documents of a file note: `attachment-v3`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::address::{Address, segment};
use super::docnotes::{self, WrittenId};
use super::rows;
use super::site::Site;
use super::transport::ApiCall;
use crate::crm::{CrmError, repair};
use crate::domain::ExternalId;
use crate::domain::outbox::FoundAttachment;

#[derive(Serialize)]
struct NewAttachment<'a> {
    filename: &'a str,
    mimetype: &'a str,
    content: Binary,
}

#[derive(Serialize)]
struct Binary {
    #[serde(rename = "_type")]
    kind: &'static str,
    #[serde(rename = "_val")]
    value: String,
}

#[derive(Deserialize)]
struct AttachmentRow {
    id: WrittenId,
    filename: String,
    size: Option<u64>,
}

/// Attaches a document, once: every error but [`CrmError::Unknown`] means that it is not attached.
pub(super) async fn attach(
    site: &Site,
    note: &ExternalId,
    filename: &str,
    media_type: &str,
    content: &[u8],
) -> Result<ExternalId, CrmError> {
    let content = Binary { kind: "Binary", value: STANDARD.encode(content) };
    let body = serde_json::to_vec(&NewAttachment { filename, mimetype: media_type, content });
    let body = body.map_err(|error| CrmError::Protocol { message: error.to_string() })?;
    docnotes::made(site, &ApiCall::post(&path(note)?, body).awaited(true), "the new attachment's `id`").await
}

/// The attachments of a note.
pub(super) async fn list(site: &Site, note: &ExternalId) -> Result<Vec<FoundAttachment>, CrmError> {
    let answer = site.read(&ApiCall::get(Address::of(&path(note)?)).awaited(true).or_nothing()).await?;
    let unexpected = || rows::unexpected(&answer, "a list of attachments, each with `id` and `filename`");
    let listed: Vec<AttachmentRow> = repair::read(&answer.body).map_err(|_| unexpected())?;
    let found = |one: AttachmentRow| {
        let id = one.id.id().ok_or_else(unexpected)?;
        Ok(FoundAttachment { id, filename: one.filename, size: one.size })
    };
    listed.into_iter().map(found).collect()
}

fn path(note: &ExternalId) -> Result<String, CrmError> {
    Ok(format!("{}/{}/attachment-v3", docnotes::PATH, segment(note.as_str())?))
}
