//! The caller: a program with a bearer token, a person's browser with a session cookie, or a command on this machine.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::access::request::WayIn;
use crate::access::source::Source;
use crate::access::{Book, BookError, FactorState, Holder, LocalOperator, Session, request};
use crate::api::problem::{Kind, Problem};
use crate::app::App;
use crate::audit;
use crate::domain::access::{Action, Actor, Decision, Reach, authorize, reach};
use crate::domain::audit::Subject;
use crate::domain::{Timestamp, UserId};

/// The caller of an operation: a person or a program that is known. What they may do is asked with [`Caller::may`].
pub struct Caller {
    actor: Actor,
    way_in: WayIn,
}

const SET_UP_FIRST: &str = "The practice wants a second factor of you. Sign in on the page and set it up under My account; \
                            nothing else is open until then.";

/// The verb of a token that opens nothing.
const TOKEN_REFUSED: &str = "tokens.use";

impl Caller {
    /// A caller of whom the audit log knows.
    fn known(actor: Actor, way_in: WayIn) -> Self {
        audit::known(&actor);
        Self { actor, way_in }
    }

    /// The same where nothing is to be done first.
    fn of(actor: Actor, way_in: WayIn) -> Result<Self, Problem> {
        let caller = Self::known(actor, way_in);
        match caller.session() {
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
            Reach::Nowhere { because } => Err(denied(because)),
            Reach::Practice { .. } | Reach::Households { .. } => Ok(()),
        }
    }

    /// Whether the action is allowed in some households at least: for the answer about one that the caller has changed.
    pub fn can_somewhere(&self, action: Action) -> bool {
        !matches!(reach(&self.actor, action), Reach::Nowhere { .. })
    }

    /// The book as the caller sees it for an action.
    pub async fn book(&self, app: &App, action: Action) -> Result<Book, Problem> {
        Book::of(&app.store, &self.actor, action, Timestamp::now()).await.map_err(|error| match error {
            BookError::Denied(because) => denied(because),
            BookError::Store(error) => error.into(),
        })
    }

    /// Whether `authorize` allows the action in the whole practice: for what is shown beside what everybody sees.
    pub fn can(&self, action: Action) -> bool {
        is_allowed(&self.actor, action)
    }

    /// The caller as `ops` knows them, which asks by itself what they may do.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The person, where one signed in.
    pub fn user(&self) -> Option<UserId> {
        self.session().map(|session| session.user.id)
    }

    /// The session, where a person asks.
    pub fn session(&self) -> Option<&Session> {
        match &self.way_in {
            WayIn::Session(session) => Some(session),
            WayIn::Machine(_) | WayIn::Token(_) => None,
        }
    }

    /// How the caller came in, for an answer that goes on for long.
    pub fn way_in(&self) -> WayIn {
        self.way_in.clone()
    }
}

fn allowed(decision: Decision) -> Result<(), Problem> {
    match decision {
        Decision::Allow { .. } => Ok(()),
        Decision::Deny { because } => Err(denied(because)),
    }
}

/// The refusal of what somebody may not, of which the audit log knows.
fn denied(because: &'static str) -> Problem {
    audit::denied(because);
    Problem::new(Kind::Forbidden, because)
}

/// Whether `authorize` allows somebody the action in the whole practice. To ask is no refusal, and the audit log does not
/// know of it.
pub fn is_allowed(actor: &Actor, action: Action) -> bool {
    matches!(authorize(actor, action, None), Decision::Allow { .. })
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if let Some(operator) = parts.extensions.get::<LocalOperator>() {
            return Ok(Self::known(operator.actor(), WayIn::Machine(*operator)));
        }
        let now = Timestamp::now();
        if let Some(header) = parts.headers.get(AUTHORIZATION) {
            let token = header.to_str().ok().and_then(bearer).unwrap_or_default();
            let holder = if token.is_empty() { Holder::Nobody } else { app.access.holder(token, now).await? };
            return match holder {
                Holder::Actor(actor, Some(session)) => Self::of(actor, WayIn::Session(session)),
                Holder::Actor(actor, None) => Self::of(actor, WayIn::Token(token.into())),
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
        Self::of(session.actor(now), WayIn::Session(session))
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
