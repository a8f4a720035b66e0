//! The link by which somebody chooses a password: of an invitation, or in place of one that is forgotten. Looking at the
//! page uses nothing up, however often a mail's scanner or a browser does; sending the form does.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use secrecy::SecretString;
use serde::Deserialize;

use super::assets;
use super::components::Clock;
use super::failure::{Failure, named, page};
use super::inputs::PlainInput;
use super::sign_in::{NOT_ENCRYPTED, code, counted, entered, secret};
use crate::access::SignInError;
use crate::access::request::{Sender, cannot_keep_cookie};
use crate::app::App;
use crate::domain::account::Account;
use crate::domain::field::FieldError;
use crate::ops::account::Entered;
use crate::ops::{self, Kind};

#[derive(Template)]
#[template(path = "join.html")]
pub(super) struct JoinPage {
    pub(super) practice: String,
    pub(super) token: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) password: PlainInput,
    /// The number of API tokens that go on with the new password.
    pub(super) tokens: usize,
    pub(super) problems: Vec<FieldError>,
}

#[derive(Deserialize)]
pub(super) struct JoinForm {
    #[serde(deserialize_with = "secret")]
    password: SecretString,
    /// There where it is ticked.
    revoke_tokens: Option<String>,
}

/// `GET /join/{token}`
pub(super) async fn form(
    State(app): State<App>,
    clock: Clock,
    sender: Sender,
    Path(token): Path<String>,
) -> Result<Response, Failure> {
    let Some(account) = app.access.account_of_link(&token, clock.now).await? else {
        return Err(counted(&app, sender.source, &clock, Failure::AccountLinkIsOver));
    };
    if !app.access.takes_password_of(&account.user) {
        // Before somebody thinks of a password that nobody takes.
        return Err(Failure::NotDone(SignInError::ByProvider.into()));
    }
    page(&view(&app, token, account, Vec::new()).await?)
}

/// `POST /join/{token}`
pub(super) async fn join(
    State(app): State<App>,
    clock: Clock,
    sender: Sender,
    headers: HeaderMap,
    Path(token): Path<String>,
    Form(form): Form<JoinForm>,
) -> Result<Response, Failure> {
    if cannot_keep_cookie(&headers) {
        return Err(Failure::Refused(NOT_ENCRYPTED.to_owned()));
    }
    let source = sender.source;
    let ends_tokens = form.revoke_tokens.is_some();
    match ops::account::join(&app, &token, &form.password, ends_tokens, sender, clock.now).await {
        Ok(Entered::In(signed_in)) => Ok(entered(&signed_in, "/")),
        Ok(Entered::CodeWanted(half)) => code::asked(&app, &half, "/", None),
        Err(refusal) if refusal.kind == Kind::NotFound => {
            Err(counted(&app, source, &clock, Failure::AccountLinkIsOver))
        }
        Err(refusal) if refusal.kind == Kind::Invalid => {
            let Some(account) = app.access.account_of_link(&token, clock.now).await? else {
                return Err(Failure::AccountLinkIsOver);
            };
            let problems = refusal.fields.iter().map(named).collect();
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page(&view(&app, token, account, problems).await?)?).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

async fn view(app: &App, token: String, account: Account, problems: Vec<FieldError>) -> Result<JoinPage, Failure> {
    Ok(JoinPage {
        tokens: app.store.tokens(Some(account.user.id)).await?.len(),
        practice: app.config.practice.name.clone(),
        token,
        name: account.user.name,
        email: account.user.email.as_str().to_owned(),
        password: PlainInput::new_password("Password").problems(&problems),
        problems,
    })
}
