//! Coming in and going out: the sign-in form, the set-up link of a new host, and the sign-out button.

pub(super) mod code;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::header::{RETRY_AFTER, SET_COOKIE};
use axum::http::{Extensions, HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer};

use super::components::{Clock, pair};
use super::failure::{self, Failure, describe, named, page};
use super::inputs::problem_of;
use super::{assets, format};
use crate::access::SignedIn;
use crate::access::account::NewUser;
use crate::access::request::{Sender, cannot_keep_cookie, no_session_cookie, session_cookie, session_token};
use crate::access::source::Source;
use crate::app::App;
use crate::domain::access::Role;
use crate::domain::field::FieldError;
use crate::openid::OpenId;
use crate::ops::account::Entered;
use crate::ops::{self, Kind};

#[derive(Template)]
#[template(path = "sign-in.html")]
pub(super) struct SignInPage {
    pub(super) practice: String,
    pub(super) email: String,
    /// The path to go to afterwards.
    pub(super) to: String,
    pub(super) problems: Vec<FieldError>,
    /// The words for the identity provider on its button; none where there is no provider.
    pub(super) provider: Option<String>,
    /// Whether passwords are practice managers' alone.
    pub(super) for_managers: bool,
}

impl SignInPage {
    /// The empty form.
    pub(super) fn of(app: &App) -> Self {
        let settings = app.openid.as_ref().map(OpenId::settings);
        Self {
            practice: app.config.practice.name.clone(),
            email: String::new(),
            to: String::new(),
            problems: Vec::new(),
            provider: settings.map(|settings| settings.label.clone()),
            for_managers: settings.is_some_and(|settings| !settings.passwords),
        }
    }

    /// The way to the identity provider, and back to where the person was going.
    fn by_provider(&self) -> String {
        match self.to.as_str() {
            "" => "/sign-in/openid".to_owned(),
            to => format!("/sign-in/openid?{}", pair("to", to)),
        }
    }
}

#[derive(Template)]
#[template(path = "set-up.html")]
pub(super) struct SetUpPage {
    pub(super) practice: String,
    pub(super) token: String,
    pub(super) name: String,
    pub(super) email: String,
    /// Fields that do not fit, each with what would be right.
    pub(super) problems: Vec<FieldError>,
}

/// The path to which somebody was going when they were sent to sign in.
#[derive(Deserialize)]
pub(super) struct Destination {
    #[serde(default)]
    pub(super) to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignInForm {
    email: String,
    #[serde(deserialize_with = "secret")]
    password: SecretString,
    #[serde(default)]
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetUpForm {
    name: String,
    email: String,
    #[serde(deserialize_with = "secret")]
    password: SecretString,
}

pub(super) fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    String::deserialize(deserializer).map(SecretString::from)
}

/// `GET /sign-in`
pub(super) async fn form(State(app): State<App>, Query(destination): Query<Destination>) -> Result<Response, Failure> {
    page(&SignInPage { to: destination.to, ..SignInPage::of(&app) })
}

/// `POST /sign-in`
pub(super) async fn sign_in(
    State(app): State<App>,
    clock: Clock,
    sender: Sender,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Result<Response, Failure> {
    let refused = |problem: String| {
        let (email, to) = (form.email.clone(), form.to.clone());
        page(&SignInPage { email, to, problems: vec![FieldError::new("email", problem)], ..SignInPage::of(&app) })
    };
    if cannot_keep_cookie(&headers) {
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, refused(NOT_ENCRYPTED.to_owned())?).into_response());
    }
    let refusal = match ops::account::sign_in(&app, &form.email, &form.password, sender, clock.now).await {
        Ok(Entered::In(signed_in)) => return Ok(entered(&signed_in, own_path(&form.to))),
        Ok(Entered::CodeWanted(half)) => return code::asked(&app, &half, &form.to, None),
        Err(refusal) => refusal,
    };
    let (status, _) = describe(refusal.kind);
    match refusal.kind {
        Kind::NotSignedIn => Ok((status, refused(refusal.message)?).into_response()),
        Kind::TooMany(again) => {
            let page = refused(format::sentence(&refusal.message))?;
            Ok((status, [(RETRY_AFTER, failure::seconds(again))], page).into_response())
        }
        _ => Err(refusal.into()),
    }
}

/// The message of the sign-in page over plain HTTP: without it a person would sign in, be sent on, and find the
/// form again without a word of why.
pub(super) const NOT_ENCRYPTED: &str = "This page came over a connection that is not encrypted, and browsers keep a sign-in only \
                             from one that is. Open the address with https:// (whoever runs this host puts a proxy \
                             with a certificate before it), or use a browser on the host's own machine.";

/// `POST /sign-out`
pub(super) async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Failure> {
    if let Some(token) = session_token(&headers) {
        ops::account::sign_out(&app, token).await?;
    }
    Ok(([(SET_COOKIE, no_session_cookie())], Redirect::to("/sign-in")).into_response())
}

/// `GET /set-up/{token}`: the link that a new host prints where nobody has an account yet.
pub(super) async fn set_up_form(
    State(app): State<App>,
    clock: Clock,
    extensions: Extensions,
    Path(token): Path<String>,
) -> Result<Response, Failure> {
    if !app.access.is_set_up_open(&token, clock.now) {
        return Err(wrong_link(&app, &extensions, &clock));
    }
    let practice = app.config.practice.name.clone();
    page(&SetUpPage { practice, token, name: String::new(), email: String::new(), problems: Vec::new() })
}

/// `POST /set-up/{token}`
pub(super) async fn set_up(
    State(app): State<App>,
    clock: Clock,
    Path(token): Path<String>,
    sender: Sender,
    extensions: Extensions,
    headers: HeaderMap,
    Form(form): Form<SetUpForm>,
) -> Result<Response, Failure> {
    if cannot_keep_cookie(&headers) {
        return Err(Failure::Refused(NOT_ENCRYPTED.to_owned()));
    }
    let SetUpForm { name, email, password } = form;
    let new =
        NewUser { email: email.clone(), name: name.clone(), role: Role::PracticeManager, password: Some(password) };
    match ops::account::set_up(&app, &token, new, sender, clock.now).await {
        Ok(signed_in) => Ok(entered(&signed_in, "/")),
        Err(refusal) if refusal.kind == Kind::NotFound => Err(wrong_link(&app, &extensions, &clock)),
        Err(refusal) if refusal.kind == Kind::Invalid => {
            let practice = app.config.practice.name.clone();
            let problems = refusal.fields.iter().map(named).collect();
            let page = page(&SetUpPage { practice, token, name, email, problems })?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// A set-up link that is over, or was never given.
fn wrong_link(app: &App, extensions: &Extensions, clock: &Clock) -> Failure {
    counted(app, Source::in_extensions(extensions), clock, Failure::LinkIsOver)
}

/// A link that does not hold: too many of them make their source wait.
pub(super) fn counted(app: &App, source: Source, clock: &Clock, over: Failure) -> Failure {
    match app.access.wrong_token(source, clock.now) {
        Some(wait) => Failure::Busy("Too many links were tried that do not hold.".to_owned(), wait),
        None => over,
    }
}

pub(super) fn entered(signed_in: &SignedIn, to: &str) -> Response {
    ([(SET_COOKIE, session_cookie(&signed_in.token))], Redirect::to(to)).into_response()
}

/// The longest path that somebody is led back to, in bytes: it is kept while they are elsewhere.
const LONGEST_PATH: usize = 2_000;

/// A path of this host, else the overview: an address that leads elsewhere (`//evil.example`) is not followed.
pub(super) fn own_path(to: &str) -> &str {
    let is_own = to.len() <= LONGEST_PATH
        && to.starts_with('/')
        && !to[1..].starts_with(['/', '\\'])
        && !to.contains(char::is_control);
    if is_own { to } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stays_on_this_host() {
        let check = |to: &str, expected: &str| assert_eq!(own_path(to), expected, "{to}");
        check("/households?search=khan", "/households?search=khan");
        check("", "/");
        check("//evil.example", "/");
        check("/\\evil.example", "/");
        check("https://evil.example", "/");
        check("/\r\nx: y", "/");
        let (longest, longer) = (format!("/{}", "x".repeat(1_999)), format!("/{}", "x".repeat(2_000)));
        check(&longest, &longest);
        check(&longer, "/");
    }
}
