//! The caller: a program with a bearer token, a person's browser with a session cookie, or a command on this machine.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use crate::access::source::Source;
use crate::access::{LocalOperator, request};
use crate::api::problem::{Kind, Problem};
use crate::app::App;
use crate::domain::access::{Action, Actor, Decision, authorize};
use crate::domain::{Timestamp, UserId};

/// The caller of an operation: a person or a program that is known. What they may do is asked with [`Caller::may`].
pub struct Caller {
    actor: Actor,
    /// The account of the person whose session it is; none for a program.
    user: Option<UserId>,
}

impl Caller {
    /// Goes on where `authorize` allows the action: for what is read, and before a body is.
    pub fn may(&self, action: Action) -> Result<(), Problem> {
        match authorize(&self.actor, action) {
            Decision::Allow { .. } => Ok(()),
            Decision::Deny { because } => Err(Problem::new(Kind::Forbidden, because)),
        }
    }

    /// The caller as `ops` knows them, which asks by itself what they may do.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The person, where one signed in.
    pub fn user(&self) -> Option<UserId> {
        self.user
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        if let Some(operator) = parts.extensions.get::<LocalOperator>() {
            return Ok(Self { actor: operator.actor(), user: None });
        }
        if let Some(header) = parts.headers.get(AUTHORIZATION) {
            let token = header.to_str().ok().and_then(bearer);
            let holder = token.and_then(|token| app.access.token_holder(token));
            return holder.map(|actor| Self { actor, user: None }).ok_or_else(|| {
                let source = Source::in_extensions(&parts.extensions);
                match app.access.wrong_token(source, Timestamp::now()) {
                    Some(wait) => Problem::too_many("Too many tokens were sent that are not accepted.", wait),
                    None => unauthenticated(
                        "The Authorization header holds no token that is accepted. Send `Bearer <token>`.",
                    ),
                }
            });
        }
        let Some(token) = request::session_token(&parts.headers) else {
            return Err(unauthenticated("Send an API token as `Authorization: Bearer <token>`, or sign in."));
        };
        if !request::is_from_own_page(&parts.method, &parts.headers) {
            let detail = "Another site's page sent this with a person's session. Nothing was changed; programs send \
                          an API token.";
            return Err(Problem::new(Kind::Forbidden, detail));
        }
        let session = app.access.session(token, Timestamp::now()).await?;
        let session = session.ok_or_else(|| unauthenticated("The session is over. Sign in again."))?;
        Ok(Self { actor: session.actor(), user: Some(session.user.id) })
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
