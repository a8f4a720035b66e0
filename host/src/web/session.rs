//! The session of a page's request: the person whom the request's cookie signs in.

use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};

use super::components::{Clock, pair};
use super::failure::{Failure, SECOND_FACTOR};
use crate::access::request::{Sender, session_token};
use crate::access::{Book, BookError, FactorState, Session};
use crate::app::App;
use crate::audit;
use crate::domain::access::{Action, Actor, Decision, Reach, User, authorize, reach};
use crate::domain::{Timestamp, UserId};

/// The address of the page that shows recovery codes once.
pub(super) const RECOVERY_CODES: &str = "/account/second-factor/codes";
/// The pages by which somebody sets a second factor up: all that is open to who has to.
const ON_THE_WAY: [&str; 4] = [SECOND_FACTOR, RECOVERY_CODES, "/account/confirm", "/account/confirm/openid"];

/// The person who is signed in. A handler that takes one answers nobody else: they are sent to sign in, and back.
pub(super) struct SignedIn {
    session: Session,
    actor: Actor,
    /// The moment at which the request came, in the practice's zone: the only place where a page reads the clock.
    pub(super) clock: Clock,
}

impl SignedIn {
    /// The person as `ops` knows them, which asks by itself what they may do.
    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The person's name, as pages show it.
    pub(super) fn name(&self) -> &str {
        &self.session.user.name
    }

    /// The session, for what somebody changes of their own.
    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    /// The account, as the session began with it.
    pub(super) fn account(&self) -> &User {
        &self.session.user
    }

    /// Goes on where the person may do this in some households at least.
    pub(super) fn may_somewhere(&self, action: Action) -> Result<(), Failure> {
        match reach(&self.actor, action) {
            Reach::Nowhere { because } => Err(denied(because)),
            Reach::Practice { .. } | Reach::Households { .. } => Ok(()),
        }
    }

    /// Whether the person may do this in some households at least: for what the page of one offers.
    pub(super) fn can_somewhere(&self, action: Action) -> bool {
        !matches!(reach(&self.actor, action), Reach::Nowhere { .. })
    }

    /// The book as the person sees it for an action.
    pub(super) async fn book(&self, app: &App, action: Action) -> Result<Book, Failure> {
        Book::of(&app.store, &self.actor, action, self.clock.now).await.map_err(|error| match error {
            BookError::Denied(because) => denied(because),
            BookError::Store(error) => error.into(),
        })
    }

    /// Whether the person may do this in the whole practice: for what a page offers.
    pub(super) fn can(&self, action: Action) -> bool {
        matches!(authorize(&self.actor, action, None), Decision::Allow { .. })
    }

    /// Goes on where the person has lately confirmed who they are, else asks for it and leads back to `path`: before a form
    /// whose content would be lost otherwise.
    pub(super) fn is_fresh_for(&self, path: &str) -> Result<(), Failure> {
        if self.actor.is_fresh() { Ok(()) } else { Err(Failure::ConfirmFirst(path.to_owned())) }
    }

    /// The id of the person's account.
    pub(super) fn user(&self) -> UserId {
        self.session.user.id
    }

    /// Goes on where the person may do this in the whole practice: for what a page reads.
    pub(super) fn may(&self, action: Action) -> Result<(), Failure> {
        match authorize(&self.actor, action, None) {
            Decision::Allow { .. } => Ok(()),
            Decision::Deny { because } => Err(denied(because)),
        }
    }
}

/// The refusal of what somebody may not, of which the audit log knows.
fn denied(because: &'static str) -> Failure {
    audit::denied(because);
    Failure::NotAllowed(because)
}

impl FromRequestParts<App> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let clock = Clock::from_request_parts(parts, app).await?;
        let session = match session_token(&parts.headers) {
            Some(token) => app.access.session(token, clock.now).await.map_err(|e| Failure::from(e).into_response())?,
            None => None,
        };
        let Some(session) = session else { return Err(sign_in_first(parts)) };
        let actor = session.actor(clock.now);
        audit::known(&actor);
        if session.second_factor == FactorState::Wanted && !ON_THE_WAY.contains(&parts.uri.path()) {
            return Err(Failure::SecondFactorFirst.into_response());
        }
        Ok(Self { session, actor, clock })
    }
}

impl FromRequestParts<App> for Sender {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Response> {
        Ok(Self::of(&parts.extensions, &parts.headers))
    }
}

impl FromRequestParts<App> for Clock {
    type Rejection = Response;

    async fn from_request_parts(_: &mut Parts, app: &App) -> Result<Self, Response> {
        Ok(Self { now: Timestamp::now(), zone: app.config.practice.time_zone.clone() })
    }
}

/// An answer that leads to the sign-in page, with the way back for pages that can be opened again.
fn sign_in_first(parts: &Parts) -> Response {
    let wanted = parts.uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    let address = match (&parts.method, wanted) {
        (_, "/") => "/sign-in".to_owned(),
        (&Method::GET, wanted) => format!("/sign-in?{}", pair("to", wanted)),
        _ => "/sign-in".to_owned(),
    };
    Redirect::to(&address).into_response()
}
