//! The caller: a program with a bearer token, a person's browser with a session cookie, or a command on this machine.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::access::source::Source;
use crate::access::{Book, FactorState, Holder, LocalOperator, Session, request};
use crate::api::problem::{Kind, Problem};
use crate::app::App;
use crate::audit;
use crate::domain::access::{Action, Actor, Decision, Reach, authorize, reach};
use crate::domain::audit::Subject;
use crate::domain::{Timestamp, UserId};

/// The caller of an operation: a person or a program that is known. What they may do is asked with [`Caller::may`].
pub struct Caller {
    actor: Actor,
    /// The session of the person who asks; none for a program that asks for itself.
    session: Option<Session>,
}

const SET_UP_FIRST: &str = "The practice wants a second factor of you. Sign in on the page and set it up under My account; \
                            nothing else is open until then.";

/// The verb of a token that opens nothing.
const TOKEN_REFUSED: &str = "tokens.use";

impl Caller {
    /// A caller of whom the audit log knows.
    fn known(actor: Actor, session: Option<Session>) -> Self {
        audit::known(&actor);
        Self { actor, session }
    }

    /// The same where nothing is to be done first.
    fn of(actor: Actor, session: Option<Session>) -> Result<Self, Problem> {
        let caller = Self::known(actor, session);
        match &caller.session {
            Some(session) if session.second_factor == FactorState::Wanted => {
                audit::denied(SET_UP_FIRST);
                Err(Problem::new(Kind::SecondFactorNeeded, SET_UP_FIRST))
            }
            _ => Ok(caller),
        }
    }

    /// Goes on where `authorize` allows the action in the whole practice: for what is read, and before a body is.
    pub fn may(&self, action: Action) -> Result<(), Problem> {
        allowed(authorize(&self.actor, action, None))
    }

    /// Goes on where the action is allowed in some households at least: before a body is read.
    pub fn may_somewhere(&self, action: Action) -> Result<(), Problem> {
        match reach(&self.actor, action) {
            Reach::Nowhere { because } => allowed(Decision::Deny { because }),
            Reach::Practice { .. } | Reach::Households { .. } => Ok(()),
        }
    }

    /// Whether the action is allowed in some households at least: for the answer about one that the caller has changed.
    pub fn can_somewhere(&self, action: Action) -> bool {
        self.may_somewhere(action).is_ok()
    }

    /// The book as the caller sees it for an action.
    pub async fn book(&self, app: &App, action: Action) -> Result<Book, Problem> {
        Ok(Book::of(&app.store, &self.actor, action, Timestamp::now()).await?)
    }

    /// Whether `authorize` allows the action in the whole practice: for what is shown beside what everybody sees.
    pub fn can(&self, action: Action) -> bool {
        self.may(action).is_ok()
    }

    /// The caller as `ops` knows them, which asks by itself what they may do.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The person, where one signed in.
    pub fn user(&self) -> Option<UserId> {
        self.session.as_ref().map(|session| session.user.id)
    }

    /// The session, where a person asks.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }
}

fn allowed(decision: Decision) -> Result<(), Problem> {
    match decision {
        Decision::Allow { .. } => Ok(()),
        Decision::Deny { because } => {
            audit::denied(because);
            Err(Problem::new(Kind::Forbidden, because))
        }
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if let Some(operator) = parts.extensions.get::<LocalOperator>() {
            return Ok(Self::known(operator.actor(), None));
        }
        let now = Timestamp::now();
        if let Some(header) = parts.headers.get(AUTHORIZATION) {
            let holder = match header.to_str().ok().and_then(bearer) {
                Some(token) => app.access.holder(token, now).await?,
                None => Holder::Nobody,
            };
            return match holder {
                Holder::Actor(actor, session) => Self::of(actor, session),
                Holder::Expired(token) => {
                    let subject = Subject::new("token", token.id);
                    app.audit.refused(audit::by_nobody(TOKEN_REFUSED, subject, "The token has expired.")).await;
                    Err(unauthenticated(&format!(
                        "The token “{}” has expired. Make another one; whoever made it can, or a practice manager.",
                        token.name
                    )))
                }
                Holder::Nobody => {
                    let subject = Subject::of_kind("token");
                    app.audit.refused(audit::by_nobody(TOKEN_REFUSED, subject, "No token that is accepted.")).await;
                    let source = Source::in_extensions(&parts.extensions);
                    Err(match app.access.wrong_token(source, now) {
                        Some(wait) => Problem::too_many("Too many tokens were sent that are not accepted.", wait),
                        None => unauthenticated(
                            "The Authorization header holds no token that is accepted. Send `Bearer <token>`.",
                        ),
                    })
                }
            };
        }
        let Some(token) = request::session_token(&parts.headers) else {
            return Err(unauthenticated("Send an API token as `Authorization: Bearer <token>`, or sign in."));
        };
        if !request::is_from_own_page(&parts.method, &parts.headers) {
            let detail = "Another site's page sent this with a person's session. Nothing was changed; programs send \
                          an API token.";
            return Err(Problem::new(Kind::Forbidden, detail));
        }
        let session = app.access.session(token, now).await?;
        let session = session.ok_or_else(|| unauthenticated("The session is over. Sign in again."))?;
        Self::of(session.actor(now), Some(session))
    }
}

fn unauthenticated(detail: &str) -> Problem {
    Problem::new(Kind::Unauthenticated, detail)
}

/// The token of `Bearer <token>`; the scheme's case does not matter (RFC 9110).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim_start())
}
