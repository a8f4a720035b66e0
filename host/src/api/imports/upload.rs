//! A file on its way in: as the body, or as a part of a form. Never held in memory as a whole.

use std::fs::File;

use axum::extract::Request;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};

use crate::api::problem::{Kind, Problem};
use crate::app::App;
use crate::import::LARGEST_FORM;
use crate::intake::{Form, named_by};

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
    let media_type = media_type.to_owned();
    let named = request.headers().get(CONTENT_DISPOSITION).and_then(|header| named_by(header.as_bytes()));
    let body = request.into_body().into_data_stream();
    if !media_type.starts_with("multipart/form-data") {
        let file = app.imports.spool(body).await?;
        return Ok(Upload { file, name: name.or(named).unwrap_or_else(|| "list".to_owned()) });
    }
    let mut form = Form::new(&media_type, body, LARGEST_FORM)?;
    let mut upload = None;
    while let Some(part) = form.next().await? {
        if part.name() != "file" {
            if part.file_name().is_some() {
                let other = part.name();
                let message =
                    format!("The form has a file `{other}`. Nothing was kept: put the list into the part `file`.");
                return Err(Problem::new(Kind::Malformed, message));
            }
            continue;
        }
        if upload.is_some() {
            let message = "The form has more than one part `file`. Nothing was kept: send each list by itself.";
            return Err(Problem::new(Kind::Malformed, message));
        }
        let name = part.file_name().unwrap_or_else(|| "list".to_owned());
        upload = Some(Upload { file: app.imports.spool(part.pieces()).await?, name });
    }
    upload.ok_or_else(|| Problem::new(Kind::Malformed, "The form has no part `file`. Nothing was kept."))
}
