//! My account: name, email, password, sessions and tokens of the person who looks.

pub(super) mod confirm;
pub(super) mod second_factor;
pub(super) mod tokens;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use secrecy::SecretString;
use serde::Deserialize;

use self::second_factor::{CODES, FactorSection, REMOVAL};
use self::tokens::{ScopeChoice, TokenForm, TokenRow};
use super::answers::{AnswerQuery, Answers, Checked};
use super::failure::{Failure, led_back, named, page, seconds};
use super::inputs::PlainInput;
use super::layout::{Layout, Section};
use super::once::{Once, OnceQuery, Shown};
use super::people::person::IdentityLine;
use super::people::{SessionRow, title};
use super::session::SignedIn;
use super::sign_in::secret;
use crate::access::request::Sender;
use crate::app::App;
use crate::domain::SessionId;
use crate::domain::field::FieldError;
use crate::ops::{self, Kind, Refusal};

/// The page's address.
const PATH: &str = "/account";

#[derive(Template)]
#[template(path = "account.html")]
pub(super) struct AccountPage {
    pub(super) layout: Layout,
    pub(super) role: String,
    pub(super) username: String,
    /// The result of what was just done.
    pub(super) checked: Option<Checked>,
    /// The token that was just made, which is shown once.
    pub(super) token: Option<Shown>,
    pub(super) problems: Vec<FieldError>,
    pub(super) name: PlainInput,
    pub(super) email: PlainInput,
    pub(super) email_password: PlainInput,
    pub(super) current_password: PlainInput,
    pub(super) new_password: PlainInput,
    /// Whether there is a password that the forms can ask for.
    pub(super) has_password: bool,
    /// The account of the identity provider that the account is linked to.
    pub(super) identity: Option<IdentityLine>,
    pub(super) factor: FactorSection,
    pub(super) sessions: Vec<SessionRow>,
    pub(super) tokens: Vec<TokenRow>,
    /// Whether the password was given lately, without which no token is made.
    pub(super) is_fresh: bool,
    pub(super) token_name: PlainInput,
    pub(super) scopes: Vec<ScopeChoice>,
    pub(super) scopes_problem: Option<String>,
    pub(super) token_ends: PlainInput,
}

/// What stands in the forms of the page: what was typed, where something did not fit.
#[derive(Default)]
pub(super) struct Typed {
    name: Option<String>,
    email: Option<String>,
    token: TokenForm,
    problems: Vec<FieldError>,
}

/// `GET /account`
pub(super) async fn show(
    State(app): State<App>,
    person: SignedIn,
    (Extension(answers), Extension(once)): (Extension<Answers>, Extension<Once>),
    (Query(answer), Query(made)): (Query<AnswerQuery>, Query<OnceQuery>),
) -> Result<Response, Failure> {
    let checked = answers.of(&answer, person.user());
    let view = view(&app, &person, Typed::default()).await?;
    page(&AccountPage { checked, token: once.take(&made, &person), ..view })
}

async fn view(app: &App, person: &SignedIn, typed: Typed) -> Result<AccountPage, Failure> {
    let Typed { name, email, token, problems } = typed;
    let user = person.account();
    let now = person.clock.now;
    let session = |open| SessionRow::new(open, PATH, person.session(), &person.clock);
    let sessions = app.access.sessions(Some(user.id), now).await?;
    let tokens = app.store.tokens(Some(user.id)).await?;
    let account = app.store.account(user.id).await?;
    let has_password = account.as_ref().is_some_and(|account| account.has_password);
    let identity = account.and_then(|account| account.identity);
    Ok(AccountPage {
        layout: Layout::load(app, person, Section::Account).await?,
        role: title(user.role).to_lowercase(),
        username: user.email.as_str().to_owned(),
        checked: None,
        token: None,
        name: PlainInput::text("name", "Name", name.as_deref().unwrap_or(&user.name)).problems(&problems),
        email: PlainInput::email(email.as_deref().unwrap_or(user.email.as_str())).problems(&problems),
        email_password: PlainInput::current_password("email-current_password").problems(&problems),
        current_password: PlainInput::current_password("current_password").problems(&problems),
        new_password: PlainInput::new_password("New password").problems(&problems),
        has_password: has_password && app.access.takes_password_of(user),
        identity: identity.map(|identity| IdentityLine::new(identity, &person.clock)),
        factor: FactorSection::load(app, person, &problems).await?,
        sessions: sessions.into_iter().map(session).collect(),
        tokens: tokens.into_iter().map(|token| TokenRow::new(token, &person.clock)).collect(),
        is_fresh: person.actor().is_fresh(),
        token_name: token.name_input().problems(&problems),
        scopes: token.choices(person),
        scopes_problem: problems.iter().find(|error| error.field == "token-scopes").map(|error| error.message.clone()),
        token_ends: token.ends_input().problems(&problems),
        problems,
    })
}

/// The page once more, with what does not fit: fields of the form have their ids with this before them.
async fn again(
    app: &App,
    person: &SignedIn,
    refusal: Refusal,
    prefix: &str,
    typed: Typed,
) -> Result<Response, Failure> {
    if let Kind::TooMany(after) = refusal.kind {
        // Said on the form, which keeps what was typed.
        let field = if prefix == CODES || prefix == REMOVAL { "code" } else { "current_password" };
        let problems = vec![FieldError::new(&format!("{prefix}{field}"), &refusal.message)];
        let page = page(&view(app, person, Typed { problems, ..typed }).await?)?;
        return Ok((StatusCode::TOO_MANY_REQUESTS, [(RETRY_AFTER, seconds(after))], page).into_response());
    }
    if refusal.kind != Kind::Invalid {
        return Err(led_back(refusal, PATH));
    }
    let field = |error| {
        let named = named(error);
        FieldError { field: format!("{prefix}{}", named.field), ..named }
    };
    let problems = refusal.fields.iter().map(field).collect();
    let page = page(&view(app, person, Typed { problems, ..typed }).await?)?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, page).into_response())
}

fn done(answers: &Answers, person: &SignedIn, message: &str) -> Response {
    answers.lead(PATH, person.user(), Checked::good(message.to_owned()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NameForm {
    name: String,
}

/// `POST /account/name`
pub(super) async fn rename(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Form(form): Form<NameForm>,
) -> Result<Response, Failure> {
    match ops::account::rename(&app, person.session(), &form.name).await {
        Ok(_) => Ok(done(&answers, &person, "Your name is changed.")),
        Err(refusal) => again(&app, &person, refusal, "", Typed { name: Some(form.name), ..Typed::default() }).await,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EmailForm {
    email: String,
    #[serde(deserialize_with = "secret")]
    current_password: SecretString,
}

/// `POST /account/email`
pub(super) async fn change_email(
    State(app): State<App>,
    person: SignedIn,
    sender: Sender,
    Extension(answers): Extension<Answers>,
    Form(form): Form<EmailForm>,
) -> Result<Response, Failure> {
    let given = (form.email.as_str(), &form.current_password);
    match ops::account::change_email(&app, person.session(), given, &sender, person.clock.now).await {
        Ok(_) => Ok(done(&answers, &person, "Your email is changed. You sign in with it from now on.")),
        Err(refusal) => {
            let is_of_password = refusal.fields.iter().any(|error| error.name() == "current_password");
            let prefix = if is_of_password || refusal.fields.is_empty() { "email-" } else { "" };
            again(&app, &person, refusal, prefix, Typed { email: Some(form.email), ..Typed::default() }).await
        }
    }
}

#[derive(Deserialize)]
pub(super) struct PasswordForm {
    #[serde(deserialize_with = "secret")]
    current_password: SecretString,
    #[serde(deserialize_with = "secret")]
    password: SecretString,
}

/// `POST /account/password`
pub(super) async fn change_password(
    State(app): State<App>,
    person: SignedIn,
    sender: Sender,
    Extension(answers): Extension<Answers>,
    Form(form): Form<PasswordForm>,
) -> Result<Response, Failure> {
    let passwords = (&form.current_password, &form.password);
    match ops::account::change_password(&app, person.session(), passwords, &sender, person.clock.now).await {
        Ok(_) => Ok(done(&answers, &person, "Your password is changed, and you are signed out everywhere else.")),
        Err(refusal) => again(&app, &person, refusal, "", Typed::default()).await,
    }
}

/// `POST /account/sessions/{id}/end`
pub(super) async fn end_session(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let unknown = |_| Failure::NotFound("There is no such session. Your account lists those there are.");
    let id: SessionId = id.parse().map_err(unknown)?;
    let ended = ops::account::end_session(&app, person.actor(), id).await;
    if ended.is_ok() && id == person.session().id() {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    let checked = Checked::gone(ended, "The session has ended.", "The session had ended already.")?;
    Ok(answers.lead(PATH, person.user(), checked))
}

/// `POST /account/sessions/end-others`
pub(super) async fn end_other_sessions(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
) -> Result<Response, Failure> {
    let ended = ops::account::end_other_sessions(&app, person.session()).await?;
    let sessions = super::format::count(ended as u64, "other session has", "other sessions have");
    Ok(done(&answers, &person, &format!("{sessions} ended.")))
}
