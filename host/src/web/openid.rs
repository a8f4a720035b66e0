//! The way to the identity provider and back: from the sign-in page, and from the page that asks who somebody is once more.
//!
//! Links and no forms: what a form leads to may not be on another host, by the guard's headers.

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::header::{COOKIE, RETRY_AFTER, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::answers::{Answers, Checked};
use super::components::Clock;
use super::failure::{Failure, describe, page, seconds};
use super::session::SignedIn;
use super::sign_in::{Destination, SignInPage, own_path};
use crate::access::request::{Sender, session_cookie, session_token};
use crate::access::source::Source;
use crate::app::App;
use crate::domain::SessionId;
use crate::domain::field::FieldError;
use crate::openid::{Beginning, Callback, OpenIdError};
use crate::ops::{self, Kind, Refusal};

/// Holds the browser's mark while its person is with the provider. Sent with the provider's way back (`Lax`), and with
/// nothing else of other sites.
const COOKIE_NAME: &str = "__Host-tidegate-openid";

/// The parameters that the provider puts into the address by which people come back.
#[derive(Deserialize)]
pub(super) struct Parameters {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    iss: Option<String>,
}

/// `GET /sign-in/openid`
pub(super) async fn begin(
    State(app): State<App>,
    clock: Clock,
    sender: Sender,
    headers: HeaderMap,
    Query(destination): Query<Destination>,
) -> Result<Response, Failure> {
    let to = own_path(&destination.to).to_owned();
    match go(&app, &clock, sender.source, &headers, (None, to.clone())).await {
        Ok(response) => Ok(response),
        Err(error) => refused(&app, error.into(), to),
    }
}

/// `GET /account/confirm/openid`
pub(super) async fn confirm(
    State(app): State<App>,
    person: SignedIn,
    sender: Sender,
    headers: HeaderMap,
    Query(destination): Query<Destination>,
) -> Result<Response, Failure> {
    let to = own_path(&destination.to).to_owned();
    let session = Some(person.session().id());
    let gone = go(&app, &person.clock, sender.source, &headers, (session, to)).await;
    gone.map_err(|error| Failure::NotDone(error.into()))
}

async fn go(
    app: &App,
    clock: &Clock,
    source: Source,
    headers: &HeaderMap,
    (confirms, to): (Option<SessionId>, String),
) -> Result<Response, OpenIdError> {
    admitted(app, clock, source)?;
    let missing = || OpenIdError::Unusable("the settings name none".to_owned());
    let provider = app.openid.as_ref().ok_or_else(missing)?;
    let beginning = Beginning { browser: mark(headers), source: source.network(), confirms, to };
    let begun = provider.begin(beginning, clock.now).await?;
    let (mark, seconds) = (begun.browser.expose_secret(), crate::openid::HOLDS.as_secs());
    let cookie = format!("{COOKIE_NAME}={mark}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax");
    Ok(([(SET_COOKIE, cookie)], Redirect::to(&begun.url)).into_response())
}

/// Goes on where not too many ways back from the provider came to nothing for this source: each costs the provider a call.
fn admitted(app: &App, clock: &Clock, source: Source) -> Result<(), OpenIdError> {
    app.access.waits_for_provider(source, clock.now).map_or(Ok(()), |wait| Err(OpenIdError::TooMany(wait)))
}

/// `GET /sign-in/openid/callback`, where the provider sends people back to. The address holds the code, which holds once:
/// where it is used, the person is led to another.
pub(super) async fn callback(
    State(app): State<App>,
    clock: Clock,
    sender: Sender,
    headers: HeaderMap,
    Extension(answers): Extension<Answers>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Failure> {
    let callback = Callback {
        browser: mark(&headers),
        state: parameters.state.map(SecretString::from),
        code: parameters.code.map(SecretString::from),
        error: parameters.error.map(|code| (code, parameters.error_description)),
        issuer: parameters.iss,
    };
    let session = match session_token(&headers) {
        Some(token) => app.access.session(token, clock.now).await?,
        None => None,
    };
    let source = sender.source;
    let tried = match admitted(&app, &clock, source) {
        Ok(()) => ops::openid::sign_in(&app, callback, session.as_ref(), sender, clock.now).await,
        Err(error) => Err(error.into()),
    };
    let entered = match tried {
        Ok(entered) => entered,
        Err(refusal) => {
            if refusal.kind == Kind::NotSignedIn {
                app.access.wrong_callback(source, clock.now);
            }
            let is_for_the_form = matches!(refusal.kind, Kind::NotSignedIn | Kind::Unavailable | Kind::TooMany(_));
            return match session.is_none() && is_for_the_form {
                true => refused(&app, refusal, String::new()),
                false => Err(refusal.into()),
            };
        }
    };
    let answer = match entered.note {
        Some(note) => answers.lead("/account", entered.user, Checked::bad(note.reason().to_owned())),
        None => Redirect::to(own_path(&entered.to)).into_response(),
    };
    match &entered.signed_in {
        Some(signed_in) => Ok(([(SET_COOKIE, session_cookie(&signed_in.token))], answer).into_response()),
        None => Ok(answer),
    }
}

/// The sign-in page, with why not and the ways that are left.
fn refused(app: &App, refusal: Refusal, to: String) -> Result<Response, Failure> {
    let (status, _) = describe(refusal.kind);
    let status = if refusal.kind == Kind::Unavailable { StatusCode::SERVICE_UNAVAILABLE } else { status };
    let page = page(&SignInPage { to, problems: vec![FieldError::new("", refusal.message)], ..SignInPage::of(app) })?;
    Ok(match refusal.kind {
        Kind::TooMany(again) => (status, [(RETRY_AFTER, seconds(again))], page).into_response(),
        _ => (status, page).into_response(),
    })
}

/// What the browser's cookie holds.
fn mark(headers: &HeaderMap) -> Option<SecretString> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let found = cookies.flat_map(|line| line.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE_NAME).then_some(value)
    });
    found.map(SecretString::from)
}
