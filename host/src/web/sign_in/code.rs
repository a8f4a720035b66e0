//! The second step of signing in, where the account has a second factor: the code. The page has a token that stands for the
//! password that was right, for five minutes and one try; there is no session before the code.

use askama::Template;
use axum::Form;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{SignInPage, entered, own_path, secret};
use crate::access::request::Sender;
use crate::app::App;
use crate::domain::field::FieldError;
use crate::ops::{self, Kind};
use crate::web::components::Clock;
use crate::web::failure::{Failure, describe, page, seconds};
use crate::web::inputs::PlainInput;
use crate::web::{assets, format};

#[derive(Template)]
#[template(path = "sign-in-code.html")]
pub(in crate::web) struct CodePage {
    pub(in crate::web) practice: String,
    /// The token by which the sign-in goes on.
    pub(in crate::web) step: String,
    /// The path to go to afterwards.
    pub(in crate::web) to: String,
    pub(in crate::web) code: PlainInput,
    pub(in crate::web) problems: Vec<FieldError>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct CodeForm {
    #[serde(deserialize_with = "secret")]
    step: SecretString,
    code: String,
    #[serde(default)]
    to: String,
}

/// Asks for the code of somebody whose password was right.
pub(in crate::web) fn asked(
    app: &App,
    half: &SecretString,
    to: &str,
    problem: Option<&str>,
) -> Result<Response, Failure> {
    let problems: Vec<FieldError> =
        problem.map(|message| FieldError::new("code", format::sentence(message))).into_iter().collect();
    page(&CodePage {
        practice: app.config.practice.name.clone(),
        step: half.expose_secret().to_owned(),
        to: to.to_owned(),
        code: PlainInput::code().problems(&problems),
        problems,
    })
}

/// `POST /sign-in/code`
pub(in crate::web) async fn send(
    State(app): State<App>,
    clock: Clock,
    sender: Sender,
    Form(form): Form<CodeForm>,
) -> Result<Response, Failure> {
    let CodeForm { step, code, to } = form;
    let outcome = ops::account::sign_in_by_code(&app, step.expose_secret(), &code, sender, clock.now).await;
    let (refusal, half) = match outcome {
        Ok(signed_in) => return Ok(entered(&signed_in, own_path(&to))),
        Err(refused) => refused,
    };
    let (status, _) = describe(refusal.kind);
    match (half, refusal.kind) {
        (Some(half), Kind::TooMany(after)) => {
            let page = asked(&app, &half, &to, Some(&refusal.message))?;
            Ok((status, [(RETRY_AFTER, seconds(after))], page).into_response())
        }
        (Some(half), _) => Ok((status, asked(&app, &half, &to, Some(&refusal.message))?).into_response()),
        (None, Kind::NotSignedIn) => {
            let problems = vec![FieldError::new("email", format::sentence(&refusal.message))];
            let page = page(&SignInPage { to, problems, ..SignInPage::of(&app) })?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        (None, _) => Err(refusal.into()),
    }
}
