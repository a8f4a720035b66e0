//! A file on its way in: as the body, or as a part of a form. Never held in memory as a whole.

use std::fs::File;

use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use futures::StreamExt as _;

use crate::api::problem::{Kind, Problem};
use crate::app::App;
use crate::documents::named_by;

/// A file that came.
pub(super) struct Upload {
    /// Its content.
    pub file: File,
    /// What it is called.
    pub name: String,
}

/// Takes the file of a request.
pub(super) async fn read(app: &App, request: Request, name: Option<String>) -> Result<Upload, Problem> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media_type.starts_with("multipart/form-data") {
        return of_form(app, request).await;
    }
    let named = request.headers().get(CONTENT_DISPOSITION).and_then(|header| named_by(header.as_bytes()));
    let mut spool = app.imports.spool()?;
    let mut body = request.into_body().into_data_stream();
    while let Some(chunk) = body.next().await {
        spool.write(&chunk.map_err(|_| broken_off())?)?;
    }
    Ok(Upload { file: spool.into_file(), name: name.or(named).unwrap_or_else(|| "list".to_owned()) })
}

async fn of_form(app: &App, request: Request) -> Result<Upload, Problem> {
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| broken_off())?;
    while let Some(mut part) = form.next_field().await.map_err(|_| broken_off())? {
        if part.name() != Some("file") {
            continue;
        }
        let name = part.headers().get(CONTENT_DISPOSITION).and_then(|header| named_by(header.as_bytes()));
        let name = name.unwrap_or_else(|| "list".to_owned());
        let mut spool = app.imports.spool()?;
        while let Some(chunk) = part.chunk().await.map_err(|_| broken_off())? {
            spool.write(&chunk)?;
        }
        return Ok(Upload { file: spool.into_file(), name });
    }
    Err(Problem::new(Kind::Malformed, "The form has no part `file`. Nothing was kept."))
}

fn broken_off() -> Problem {
    Problem::new(Kind::Malformed, "The body broke off before its end. Nothing was kept; send it again.")
}
