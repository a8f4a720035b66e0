//! Giving the password once more, before credentials, roles, tokens or secrets change.

use askama::Template;
use axum::Form;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::SecretString;
use serde::Deserialize;

use crate::access::FactorState;
use crate::access::request::Sender;
use crate::app::App;
use crate::domain::field::FieldError;
use crate::ops::{self, Kind, Refusal};
use crate::web::components::pair;
use crate::web::failure::{Failure, named, page, seconds};
use crate::web::format;
use crate::web::inputs::PlainInput;
use crate::web::layout::{Layout, Section};
use crate::web::session::SignedIn;
use crate::web::sign_in::{own_path, secret};

#[derive(Template)]
#[template(path = "confirm.html")]
pub(in crate::web) struct ConfirmPage {
    pub(in crate::web) layout: Layout,
    /// The path to go to afterwards.
    pub(in crate::web) to: String,
    /// The field for the password; none where there is none to give.
    pub(in crate::web) password: Option<PlainInput>,
    /// The code, where the person has a second factor.
    pub(in crate::web) code: Option<PlainInput>,
    /// The words for the identity provider, where the account is linked to it.
    pub(in crate::web) provider: Option<String>,
    pub(in crate::web) problems: Vec<FieldError>,
}

impl ConfirmPage {
    /// The way to the identity provider, and back to where the person was going.
    fn by_provider(&self) -> String {
        format!("/account/confirm/openid?{}", pair("to", &self.to))
    }
}

/// The path to which somebody was going when they were asked.
#[derive(Deserialize)]
pub(in crate::web) struct Destination {
    #[serde(default)]
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ConfirmForm {
    #[serde(deserialize_with = "secret")]
    current_password: SecretString,
    #[serde(default)]
    code: String,
    #[serde(default)]
    to: String,
}

/// `GET /account/confirm`
pub(in crate::web) async fn form(
    State(app): State<App>,
    person: SignedIn,
    Query(destination): Query<Destination>,
) -> Result<Response, Failure> {
    page(&view(&app, &person, destination.to, Vec::new()).await?)
}

/// `POST /account/confirm`
pub(in crate::web) async fn send(
    State(app): State<App>,
    person: SignedIn,
    sender: Sender,
    Form(form): Form<ConfirmForm>,
) -> Result<Response, Failure> {
    let now = person.clock.now;
    match ops::account::confirm(&app, person.session(), (&form.current_password, &form.code), &sender, now).await {
        Ok(()) => Ok(Redirect::to(own_path(&form.to)).into_response()),
        Err(refusal) if refusal.kind == Kind::Invalid => {
            let problems = refusal.fields.iter().map(named).collect();
            let page = page(&view(&app, &person, form.to, problems).await?)?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(Refusal { kind: Kind::TooMany(after), message, .. }) => {
            let problems = vec![FieldError::new("current_password", format::sentence(&message))];
            let page = page(&view(&app, &person, form.to, problems).await?)?;
            Ok((StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds(after))], page).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

async fn view(app: &App, person: &SignedIn, to: String, problems: Vec<FieldError>) -> Result<ConfirmPage, Failure> {
    let layout = Layout::load(app, person, Section::Account).await?;
    let account = app.store.account(person.user()).await?;
    let is_linked = account.as_ref().is_some_and(|account| account.identity.is_some());
    let has_password = account.is_some_and(|account| account.has_password);
    let provider = app.openid.as_ref().filter(|_| is_linked).map(|provider| provider.settings().label.clone());
    let is_taken = has_password && app.access.takes_password_of(person.account());
    // Where neither is left, the password is asked for: its answer says what to do.
    let asks = is_taken || provider.is_none();
    let password = asks.then(|| PlainInput::current_password("current_password").problems(&problems));
    let asks_code = asks && person.session().second_factor == FactorState::On;
    let code = asks_code.then(|| PlainInput::code().problems(&problems));
    Ok(ConfirmPage { layout, to, password, code, provider, problems })
}
