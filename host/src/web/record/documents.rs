//! The documents of a form. They are read as they come and kept before the rest is judged: a form that is shown again
//! has them still, each with a box that leaves it out.

use std::io::ErrorKind;

use axum::body::Body;
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, Form, FromRequest as _, Multipart, Request};
use axum::http::header::CONTENT_TYPE;

use super::form::Kept;
use crate::app::App;
use crate::documents::{NotTaken, READ_TO_ITS_END};
use crate::domain::DocumentId;
use crate::web::failure::Failure;
use crate::web::person::Person;

/// The largest of all texts together, bytes.
const LARGEST_TEXT: usize = 2 << 20;

/// The name of the field for a file, and of the boxes of documents that are kept.
pub(super) const FILE: &str = "file";
pub(super) const DOCUMENT: &str = "document";

/// A form as it was sent.
#[derive(Default)]
pub(super) struct Sent {
    /// Its fields; a file that was taken is among its documents.
    pub(super) pairs: Vec<(String, String)>,
    /// Why a file was not taken.
    pub(super) problem: Option<String>,
}

impl Sent {
    /// Reads a form with or without files.
    pub(super) async fn read(app: &App, person: &Person, mut request: Request<Body>) -> Result<Self, Failure> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if !media_type.trim_start().to_ascii_lowercase().starts_with("multipart/form-data") {
            let Form(pairs) = Form::from_request(request, app).await.map_err(|_| Failure::Unreadable)?;
            return Ok(Self { pairs, problem: None });
        }
        DefaultBodyLimit::max(READ_TO_ITS_END).apply(&mut request);
        let mut form = Multipart::from_request(request, app).await.map_err(|_| Failure::Unreadable)?;
        let (mut sent, mut text) = (Self::default(), 0);
        loop {
            let part = match form.next_field().await {
                Ok(Some(part)) => part,
                Ok(None) => return Ok(sent),
                // Too large a file, and more than is read to its end.
                Err(_) if sent.problem.is_some() => return Ok(sent),
                Err(_) => return Err(Failure::Unreadable),
            };
            let name = part.name().unwrap_or_default().to_owned();
            if name == FILE {
                sent.take(app, person, part).await?;
            } else {
                sent.pairs.push((name, read_text(part, &mut text).await?));
            }
        }
    }

    /// Takes a file in. A browser sends one without a name where none was chosen.
    async fn take(&mut self, app: &App, person: &Person, part: Field<'_>) -> Result<(), Failure> {
        let Some(name) = part.file_name().filter(|name| !name.is_empty()).map(ToOwned::to_owned) else { return Ok(()) };
        match app.uploads.receive(Some(&name), part, person.clock.now).await {
            // What else was typed is shown again.
            Ok(_) if app.store.space().admit().is_err() => {
                self.problem = Some(format!("the file {name} was not taken: the disk of the host is nearly full"));
            }
            Ok(document) => {
                let pair = (DOCUMENT.to_owned(), document.id.to_string());
                app.store.put_document(document).await?;
                if !self.pairs.contains(&pair) {
                    self.pairs.push(pair);
                }
            }
            Err(NotTaken::Io(error)) if error.kind() != ErrorKind::StorageFull => {
                return Err(Failure::Broken(error.to_string()));
            }
            Err(other) => self.problem = Some(format!("the file {name} was not taken: {other}")),
        }
        Ok(())
    }
}

async fn read_text(mut part: Field<'_>, so_far: &mut usize) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    while let Some(piece) = part.chunk().await.map_err(|_| Failure::Unreadable)? {
        *so_far += piece.len();
        if *so_far > LARGEST_TEXT {
            return Err(Failure::Refused("The form has more than 2 MB of text. Nothing was recorded.".to_owned()));
        }
        bytes.extend_from_slice(&piece);
    }
    String::from_utf8(bytes).map_err(|_| Failure::Unreadable)
}

/// The documents that a form has already.
pub(super) async fn kept(app: &App, pairs: &[(String, String)]) -> Result<Vec<Kept>, Failure> {
    let mut kept = Vec::new();
    for (_, value) in pairs.iter().filter(|(name, _)| name == DOCUMENT) {
        let id: DocumentId = value.parse().map_err(|_| Failure::Unreadable)?;
        let facts = app.store.document_facts(id).await?;
        let gone = || ("A document that is not kept here any more".to_owned(), 0);
        let (filename, size) = facts.map_or_else(gone, |facts| (facts.filename, facts.size));
        kept.push(Kept { id, filename, size });
    }
    Ok(kept)
}
