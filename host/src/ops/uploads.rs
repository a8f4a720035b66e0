//! Uploads: documents that are sent in, to go with a file note.

use std::io::ErrorKind;

use bytes::Bytes;
use futures::Stream;

use super::{Kind, Refusal, audited, may_somewhere};
use crate::app::App;
use crate::documents::{Kept, NotAPdf, NotTaken};
use crate::domain::Timestamp;
use crate::domain::access::{Action, Actor};
use crate::domain::audit::Subject;

/// Takes in a PDF as it comes, and keeps it. Who calls has a place and a time for it.
///
/// # Errors
/// Returns an error if it is no PDF, too large, breaks off, or there is no space.
pub async fn upload<E: std::fmt::Display>(
    app: &App,
    actor: &Actor,
    name: Option<&str>,
    pieces: impl Stream<Item = Result<Bytes, E>>,
    now: Timestamp,
) -> Result<Kept, Refusal> {
    audited(app, actor, ("uploads.upload", Subject::of_kind("document")), async move {
        may_somewhere(actor, Action::WriteNotes)?;
        Ok(app.uploads.keep(name, pieces, actor.account(), now).await?)
    })
    .await
}

impl From<NotTaken> for Refusal {
    fn from(error: NotTaken) -> Self {
        match error {
            NotTaken::NotAPdf(NotAPdf::TooLarge) => Self::new(Kind::TooLarge, format!("Nothing was kept: {error}.")),
            NotTaken::NotAPdf(_) => Self::at("", error.to_string()),
            NotTaken::NotRead(error) => error.into(),
            NotTaken::Store(error) => error.into(),
            NotTaken::Io(error) if error.kind() == ErrorKind::StorageFull => Self::no_space().because(error),
            NotTaken::Io(_) => {
                tracing::error!(%error, "an upload failed");
                Self::internal().because(error)
            }
        }
    }
}
