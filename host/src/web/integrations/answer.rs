//! Authorising on the site: sending somebody there, waiting, and what they come back with.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use secrecy::SecretString;
use serde::Deserialize;

use super::{find, path};
use crate::app::App;
use crate::connection::AuthState;
use crate::crm::oauth::OAuthError;
use crate::domain::access::Action;
use crate::integrations::{Callback, CallbackError, Integration};
use crate::ops;
use crate::web::answers::{Answers, Checked};
use crate::web::components::Moment;
use crate::web::failure::{Failure, page};
use crate::web::layout::{Layout, Section};
use crate::web::session::SignedIn;

#[derive(Template)]
#[template(path = "integration-waiting.html")]
pub(in crate::web) struct WaitingPage {
    pub(in crate::web) layout: Layout,
    pub(in crate::web) title: String,
    pub(in crate::web) path: String,
    pub(in crate::web) host: String,
    /// The address on the site to which the person goes.
    pub(in crate::web) url: String,
    pub(in crate::web) ends: Moment,
    pub(in crate::web) is_again: bool,
}

#[derive(Template)]
#[template(path = "integration-answer.html")]
pub(in crate::web) struct AnswerPage {
    pub(in crate::web) layout: Layout,
    pub(in crate::web) message: String,
    /// The connection to begin again with; none where it is not known.
    pub(in crate::web) path: Option<String>,
}

/// `POST /settings/integrations/{name}/authorise`
pub(in crate::web) async fn authorise(
    State(app): State<App>,
    person: SignedIn,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    person.may(Action::ManageConnections)?;
    let one = find(&app, &name).await?;
    person.is_fresh_for(&path(one.name()))?;
    begin(&app, &person, one).await
}

/// Shows the way to the site, and what to do where nobody comes back from there.
pub(super) async fn begin(app: &App, person: &SignedIn, one: Integration) -> Result<Response, Failure> {
    let attempt = ops::connections::authorise(app, person.actor(), one.name(), Some(person.user())).await?;
    page(&WaitingPage {
        layout: Layout::load(app, person, Section::Settings).await?,
        path: path(one.name()),
        is_again: one.auth_state() != AuthState::Needed,
        title: one.title,
        host: one.spec.forward_host.clone(),
        url: attempt.url,
        ends: Moment::new(attempt.ends_at, &person.clock),
    })
}

/// The parameters that the site puts into the address by which people come back.
#[derive(Deserialize)]
pub(in crate::web) struct Parameters {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
    iss: Option<String>,
}

/// `GET /oauth/callback`, where the site sends people back to. The address holds the code, which holds once: where it is
/// used, the person is led to another.
pub(in crate::web) async fn callback(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Failure> {
    let callback = Callback {
        state: parameters.state.map(SecretString::from),
        code: parameters.code.map(SecretString::from),
        error: parameters.error.map(|code| (code, parameters.error_description)),
        issuer: parameters.iss,
    };
    let error = match ops::connections::finish_authorisation(&app, person.actor(), callback, person.user()).await? {
        Ok(granted) if granted.whoami.is_ok() => {
            return Ok(Redirect::to(&format!("{}?authorised", path(&granted.connection))).into_response());
        }
        Ok(granted) => {
            let one = find(&app, granted.connection.as_str()).await?;
            let mut checked = Checked::of(granted.whoami.as_deref(), &one.spec);
            checked.message = format!("The site authorised it, and then refused the first call. {}", checked.message);
            return Ok(answers.lead(&path(one.name()), person.user(), checked));
        }
        Err(error) => error,
    };
    tracing::warn!(
        connection = error.connection().map(ToString::to_string),
        "an authorisation did not come to its end"
    );
    let status = match &error {
        CallbackError::NoTokens { error: OAuthError::Unreachable { .. }, .. } => StatusCode::BAD_GATEWAY,
        CallbackError::AnotherPerson => StatusCode::FORBIDDEN,
        _ => StatusCode::BAD_REQUEST,
    };
    let page = page(&AnswerPage {
        layout: Layout::load(&app, &person, Section::Settings).await?,
        path: error.connection().map(path),
        message: error.to_string(),
    })?;
    Ok((status, page).into_response())
}
