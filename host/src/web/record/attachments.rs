//! The attachments of a form that records an event. They are read as they come and kept before the rest is checked: a
//! form that is shown again still has them, each with a box that leaves it out.

use axum::body::Body;
use axum::extract::{Form, FromRequest as _, Request};
use axum::http::header::CONTENT_TYPE;

use crate::app::App;
use crate::documents::LARGEST;
use crate::domain::DocumentId;
use crate::domain::access::Action;
use crate::intake::{Part, Sending};
use crate::ops;
use crate::pack::{DocumentRule, EventType};
use crate::web::failure::Failure;
use crate::web::session::SignedIn;

/// The name of the field for a file, and of the boxes of documents that are kept.
pub(super) const FILE: &str = "file";
pub(super) const DOCUMENT: &str = "document";

/// A document that a form has already.
#[derive(Clone, Debug)]
pub(in crate::web) struct Kept {
    pub(in crate::web) id: DocumentId,
    pub(in crate::web) filename: String,
    pub(in crate::web) size: u64,
}

/// A form as it was sent.
#[derive(Default)]
pub(super) struct Sent {
    /// The form's fields; a file that was taken is among its documents.
    pub(super) pairs: Vec<(String, String)>,
    /// The reason why a file was not taken.
    pub(super) problem: Option<String>,
}

impl Sent {
    /// Reads a form with or without files.
    pub(super) async fn read(
        app: &App,
        person: &SignedIn,
        kind: &EventType,
        request: Request<Body>,
    ) -> Result<Self, Failure> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if media_type.trim_start().to_ascii_lowercase().starts_with("multipart/form-data") {
            return app.intake.take(person.actor().account(), Self::of_form(app, person, kind, request)).await;
        }
        let Form(pairs) = Form::from_request(request, app).await.map_err(|_| Failure::Unreadable)?;
        Ok(Self { pairs, problem: None })
    }

    async fn of_form(app: &App, person: &SignedIn, kind: &EventType, request: Request<Body>) -> Result<Self, Failure> {
        let mut form = Sending::of_whatever_size(request, 2 * LARGEST).form()?;
        let mut sent = Self::default();
        loop {
            let part = match form.next().await {
                Ok(Some(part)) => part,
                Ok(None) => return Ok(sent),
                // Too large a file, and more than is read to its end.
                Err(_) if sent.problem.is_some() => return Ok(sent),
                Err(error) => return Err(error.into()),
            };
            if part.name() == FILE && kind.documents != DocumentRule::None {
                sent.take(app, person, part).await?;
            } else {
                sent.pairs.push((part.name().to_owned(), part.text().await?));
            }
        }
    }

    /// Takes a file in. A browser sends one without a name where none was chosen.
    async fn take(&mut self, app: &App, person: &SignedIn, part: Part) -> Result<(), Failure> {
        let Some(name) = part.file_name() else { return Ok(()) };
        match ops::uploads::upload(app, person.actor(), Some(&name), part.pieces(), person.clock.now).await {
            Ok(kept) => {
                let pair = (DOCUMENT.to_owned(), kept.id.to_string());
                if !self.pairs.contains(&pair) {
                    self.pairs.push(pair);
                }
            }
            Err(refusal)
                if matches!(refusal.kind, ops::Kind::Internal | ops::Kind::Unavailable | ops::Kind::NotAllowed) =>
            {
                return Err(refusal.into());
            }
            // What else was typed is shown again.
            Err(refusal) => {
                let why = refusal.fields.into_iter().next().map_or(refusal.message, |field| field.message);
                self.problem = Some(format!("the file {name} was not taken: {why}"));
            }
        }
        Ok(())
    }
}

/// The documents that a form has already. Of one that the person may not attach it says what it says of one that is not there.
pub(super) async fn kept(app: &App, person: &SignedIn, pairs: &[(String, String)]) -> Result<Vec<Kept>, Failure> {
    let (book, mut kept) = (person.book(app, Action::WriteNotes).await?, Vec::new());
    for (_, value) in pairs.iter().filter(|(name, _)| name == DOCUMENT) {
        let id: DocumentId = value.parse().map_err(|_| Failure::Unreadable)?;
        let facts = if book.may_attach(id).await? { app.store.document_facts(id).await? } else { None };
        let gone = || ("A document that is not kept here any more".to_owned(), 0);
        let (filename, size) = facts.map_or_else(gone, |facts| (facts.filename, facts.size));
        kept.push(Kept { id, filename, size });
    }
    Ok(kept)
}
