//! A file on its way in: as the body, or as a part of a form. Never held in memory as a whole.

use std::fs::File;

use axum::extract::Request;
use axum::http::header::CONTENT_DISPOSITION;

use crate::api::problem::Problem;
use crate::app::App;
use crate::import::LARGEST_FILE;
use crate::intake::{Sending, named_by};

/// A file that came.
pub(super) struct Upload {
    /// Its content; none where the form has no part for it.
    pub file: Option<File>,
    /// The file's name.
    pub name: String,
}

/// Takes the file of a request.
pub(super) async fn read(app: &App, request: Request, name: Option<String>) -> Result<Upload, Problem> {
    let named = request.headers().get(CONTENT_DISPOSITION).and_then(|header| named_by(header.as_bytes()));
    let sending = Sending::of(request, LARGEST_FILE)?;
    if !sending.is_form() {
        let file = Some(app.imports.spool(sending.body).await?);
        return Ok(Upload { file, name: name.or(named).unwrap_or_else(|| "list".to_owned()) });
    }
    let mut form = sending.form()?.of_parts(&["file"]);
    let Some(part) = form.next().await? else { return Ok(Upload { file: None, name: String::new() }) };
    let name = part.file_name().unwrap_or_else(|| "list".to_owned());
    let file = Some(app.imports.spool(part.pieces()).await?);
    // What else is in the form is refused.
    form.next().await?;
    Ok(Upload { file, name })
}
