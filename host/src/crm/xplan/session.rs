//! Signing in, and staying signed in: by name and password, or by tokens that come from outside.
//!
//! Xplan has, with a name and a password, one session a user by default: a login elsewhere ends ours. Calls side by
//! side then share one sign-in; sign-ins that follow each other quickly are spaced out; and a refused one is not tried
//! again for a while, because sites lock accounts out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, COOKIE};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::address::Address;
use super::answer::Answer;
use super::kind::{PASSWORD, USERNAME};
use super::messages;
use super::status::succeeded;
use super::transport::{ApiCall, Credential, Transport};
use crate::crm::spec::SiteAccess;
use crate::crm::{CrmError, SiteUnusable, Tokens, repair};

/// The most that sign-ins are spaced out.
const LONGEST_SPACE: Duration = Duration::from_secs(60);

/// The number of times that one call signs in again before it gives up; calls side by side lose a session together, so
/// that one takeover may cost a call more than one try.
const SIGN_INS: usize = 8;
/// A token that was just renewed and is refused again is not helped by another.
const RENEWALS: usize = 1;

/// The session on the site, or the token, that calls are signed with for now.
#[derive(Clone)]
pub(super) struct Ticket {
    /// The ticket's number: it counts the sessions or tokens of this process.
    pub(super) number: u64,
    pub(super) credential: Credential,
}

/// Signs calls.
pub(super) enum Session {
    /// A name and password, then the session's cookie.
    Basic(Box<Basic>),
    /// Bearer tokens.
    Tokens(Arc<dyn Tokens>),
}

/// The session with the site, and how to get one.
pub(super) struct Basic {
    /// `Basic …`, or why the name and password cannot be sent.
    basic: Result<Credential, &'static str>,
    current: Mutex<Option<Ticket>>,
    history: tokio::sync::Mutex<History>,
}

/// The history of sign-ins. Whoever holds it is the one who signs in.
#[derive(Default)]
struct History {
    sign_ins: u64,
    last: Option<Instant>,
    /// The number of sign-ins that followed each other quickly.
    rapid: u32,
    refused: Option<RefusedSignIn>,
}

/// The last sign-in, where the site refused it.
struct RefusedSignIn {
    at: Instant,
    status: u16,
    message: String,
}

#[derive(Deserialize)]
struct User {
    /// A number, or a text of one.
    entity_id: serde_json::Value,
    user_name: Option<String>,
}

/// The user who is signed in, from an answer of `/resourceful/session/user`.
pub(super) fn user(answer: &Answer) -> Result<String, CrmError> {
    let Ok(user) = repair::read::<User>(&answer.body) else {
        let message = format!("to the sign-in, no user but {}", messages::outline(answer));
        return Err(CrmError::Protocol { message });
    };
    Ok(user.user_name.unwrap_or_else(|| format!("user {}", user.entity_id)))
}

impl Session {
    /// A session that is not signed in yet. `tokens` are for sites that are authorised with OAuth.
    pub(super) fn new(access: &SiteAccess, tokens: Option<Arc<dyn Tokens>>) -> Result<Self, SiteUnusable> {
        let sign_in = &access.spec.sign_in;
        let user = sign_in.values.get(USERNAME).zip(access.credentials.get(PASSWORD));
        match (user, tokens) {
            (Some((username, password)), _) => Ok(Self::Basic(Box::new(Basic::new(username, password)))),
            (None, Some(tokens)) => Ok(Self::Tokens(tokens)),
            (None, None) => Err(SiteUnusable::NoTokens),
        }
    }

    /// The ticket to sign with, unless it is number `stale`; else a new one.
    pub(super) async fn ticket(&self, transport: &Transport, stale: Option<u64>) -> Result<Ticket, CrmError> {
        match self {
            Self::Basic(basic) => basic.ticket(transport, stale).await,
            Self::Tokens(tokens) => {
                let token = tokens.token(stale).await?;
                let credential = Credential::new(AUTHORIZATION, "Bearer ", &token.value);
                let message = || "the site's token holds characters that no header can".to_owned();
                let credential = credential.ok_or_else(|| CrmError::Protocol { message: message() })?;
                Ok(Ticket { number: token.number, credential })
            }
        }
    }

    /// The number of times that one call may be signed anew.
    pub(super) fn renewals(&self) -> usize {
        match self {
            Self::Basic(_) => SIGN_INS,
            Self::Tokens(_) => RENEWALS,
        }
    }

    /// Forgets the session on the site and answers it, where there is one.
    pub(super) fn end(&self) -> Option<Ticket> {
        match self {
            Self::Basic(basic) => basic.current.lock().unwrap_or_else(PoisonError::into_inner).take(),
            Self::Tokens(_) => None,
        }
    }
}

impl Basic {
    fn new(username: &str, password: &SecretString) -> Self {
        let plain: SecretString = format!("{username}:{}", password.expose_secret()).into();
        let encoded: SecretString = STANDARD.encode(plain.expose_secret()).into();
        let basic = Credential::new(AUTHORIZATION, "Basic ", &encoded);
        let basic = basic.ok_or("the user name or password cannot be sent");
        Self { basic, current: Mutex::default(), history: tokio::sync::Mutex::default() }
    }

    /// The session, unless it is number `stale`; else a new one.
    async fn ticket(&self, transport: &Transport, stale: Option<u64>) -> Result<Ticket, CrmError> {
        if let Some(ticket) = self.fresh(stale) {
            return Ok(ticket);
        }
        let mut history = self.history.lock().await;
        // Somebody else may have signed in while this one waited.
        if let Some(ticket) = self.fresh(stale) {
            return Ok(ticket);
        }
        let limits = &transport.limits;
        if let Some(refused) = &history.refused
            && refused.at.elapsed() < limits.after_refusal
        {
            return Err(CrmError::Unauthorised { status: refused.status, message: refused.message.clone() });
        }
        tokio::time::sleep(history.space(limits.between_sign_ins)).await;
        history.last = Some(Instant::now());
        match self.sign_in(transport, history.sign_ins + 1).await {
            Ok(ticket) => {
                history.sign_ins += 1;
                history.refused = None;
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(ticket.clone());
                Ok(ticket)
            }
            Err(error) => {
                if let CrmError::Unauthorised { status, message } = &error {
                    let refused = RefusedSignIn { at: Instant::now(), status: *status, message: message.clone() };
                    history.refused = Some(refused);
                }
                Err(error)
            }
        }
    }

    /// The credential that each call carries where there are no sessions.
    pub(super) fn credential(&self) -> Result<&Credential, CrmError> {
        let unusable = |message: &&str| CrmError::Unauthorised { status: 0, message: (*message).to_owned() };
        self.basic.as_ref().map_err(unusable)
    }

    fn fresh(&self, stale: Option<u64>) -> Option<Ticket> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|ticket| Some(ticket.number) != stale).cloned()
    }

    async fn sign_in(&self, transport: &Transport, number: u64) -> Result<Ticket, CrmError> {
        let call = ApiCall::get(Address::of("/resourceful/session/user")).awaited(true);
        let answer = transport.exchange(&call, self.credential()?).await?;
        let is_page = answer.body.trim_ascii_start().starts_with(b"<");
        let answer = match succeeded(answer) {
            // What passes, or comes from somebody between, says nothing of the name and password.
            Err(CrmError::Refused { status: 409 | 423 | 425, message }) => return Err(CrmError::Unknown { message }),
            Err(CrmError::Refused { message, .. }) if is_page => return Err(CrmError::Unknown { message }),
            // Whatever else the site has against the sign-in, a person has to see to it.
            Err(CrmError::Refused { status, message }) => return Err(CrmError::Unauthorised { status, message }),
            answered => answered?,
        };
        user(&answer)?;
        let credential = session_cookie(&answer).ok_or_else(|| CrmError::Protocol {
            message: "the sign-in was accepted without a session cookie (XPLANID)".to_owned(),
        })?;
        tracing::info!(number, "signed in to the CRM");
        Ok(Ticket { number, credential })
    }
}

impl History {
    /// The time to wait before the next sign-in: none, unless they follow each other quickly.
    fn space(&mut self, between: Duration) -> Duration {
        let Some(since) = self.last.map(|last| last.elapsed()).filter(|since| *since < between * (self.rapid + 1))
        else {
            self.rapid = 0;
            return Duration::ZERO;
        };
        self.rapid = (self.rapid + 1).min(10);
        // The first takeover is answered at once; only what goes on is a storm.
        if self.rapid < 3 {
            Duration::ZERO
        } else {
            (between * (self.rapid - 2)).min(LONGEST_SPACE).saturating_sub(since)
        }
    }
}

/// `XPLANID=…` as it is sent back.
fn session_cookie(answer: &Answer) -> Option<Credential> {
    let cookies = answer.cookies.iter().filter_map(|cookie| cookie.to_str().ok());
    let pair = cookies.filter_map(|cookie| cookie.split(';').next()).find(|pair| pair.starts_with("XPLANID="))?;
    Credential::new(COOKIE, "", &pair.trim().to_owned().into())
}
