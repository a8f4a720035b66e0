//! A file on its way in: as the body, or as a part of a form. Never held in memory as a whole.

use std::fs::File;

use axum::extract::Request;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::api::problem::Problem;
use crate::app::App;
use crate::import::LARGEST_FORM;
use crate::intake::{Form, named_by};

/// A file that came.
pub(super) struct Upload {
    /// Its content; none where the form has no part for it.
    pub file: Option<File>,
    /// The file's name.
    pub name: String,
}

/// Takes the file of a request.
pub(super) async fn read(app: &App, request: Request, name: Option<String>) -> Result<Upload, Problem> {
    let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.to_owned();
    let named = request.headers().get(CONTENT_DISPOSITION).and_then(|header| named_by(header.as_bytes()));
    let body = request.into_body().into_data_stream();
    if !media_type.starts_with("multipart/form-data") {
        let file = Some(app.imports.spool(body).await?);
        return Ok(Upload { file, name: name.or(named).unwrap_or_else(|| "list".to_owned()) });
    }
    let mut form = Form::new(&media_type, body, LARGEST_FORM)?.of_parts(&["file"]);
    let Some(part) = form.next().await? else { return Ok(Upload { file: None, name: String::new() }) };
    let name = part.file_name().unwrap_or_else(|| "list".to_owned());
    let file = Some(app.imports.spool(part.pieces()).await?);
    // What else is in the form is refused.
    form.next().await?;
    Ok(Upload { file, name })
}
