//! Signing in, and staying signed in.
//!
//! Xplan has one session a user by default: a login elsewhere ends ours. Calls side by side then share one sign-in;
//! sign-ins that follow each other quickly are spaced out; and a refused one is not tried again for a while, because
//! sites lock accounts out.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::address::Address;
use super::site::{Answer, Call, Signed, Site, succeeded};
use super::words;
use crate::crm::CrmError;

/// The most that sign-ins are spaced out.
const LONGEST_SPACE: Duration = Duration::from_secs(60);

/// A session on the site.
#[derive(Clone)]
pub(super) struct Ticket {
    /// Counts the sessions of this process.
    pub(super) number: u64,
    /// `XPLANID=…`.
    pub(super) cookie: HeaderValue,
    /// As whom, in the site's words.
    pub(super) user: Arc<str>,
}

/// The session with the site, and how to get one.
pub(super) struct Session {
    /// `Basic …`, or why the name and password cannot be sent.
    basic: Result<HeaderValue, &'static str>,
    current: Mutex<Option<Ticket>>,
    history: tokio::sync::Mutex<History>,
}

/// What was tried. Whoever holds it is the one who signs in.
#[derive(Default)]
struct History {
    sign_ins: u64,
    last: Option<Instant>,
    /// How many followed each other quickly.
    rapid: u32,
    refused: Option<(Instant, u16, String)>,
}

#[derive(Deserialize)]
struct User {
    entity_id: serde_json::Number,
    user_name: Option<String>,
}

impl Session {
    /// Not signed in yet.
    pub(super) fn new(username: &str, password: &SecretString) -> Self {
        let plain: SecretString = format!("{username}:{}", password.expose_secret()).into();
        let value: SecretString = format!("Basic {}", STANDARD.encode(plain.expose_secret())).into();
        let basic = HeaderValue::from_str(value.expose_secret())
            .map(|mut value| {
                value.set_sensitive(true);
                value
            })
            .map_err(|_| "the user name or password cannot be sent");
        Self { basic, current: Mutex::default(), history: tokio::sync::Mutex::default() }
    }

    /// The session, unless it is number `stale`; else a new one.
    pub(super) async fn ticket(&self, site: &Site, stale: Option<u64>) -> Result<Ticket, CrmError> {
        if let Some(ticket) = self.fresh(stale) {
            return Ok(ticket);
        }
        let mut history = self.history.lock().await;
        // Somebody else may have signed in while this one waited.
        if let Some(ticket) = self.fresh(stale) {
            return Ok(ticket);
        }
        let limits = &site.limits;
        if let Some((at, status, words)) = &history.refused
            && at.elapsed() < limits.after_refusal
        {
            return Err(CrmError::Unauthorised { status: *status, words: words.clone() });
        }
        tokio::time::sleep(history.space(limits.between_sign_ins)).await;
        history.last = Some(Instant::now());
        match self.sign_in(site, history.sign_ins + 1).await {
            Ok(ticket) => {
                history.sign_ins += 1;
                history.refused = None;
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(ticket.clone());
                Ok(ticket)
            }
            Err(error) => {
                if let CrmError::Unauthorised { status, words } = &error {
                    history.refused = Some((Instant::now(), *status, words.clone()));
                }
                Err(error)
            }
        }
    }

    /// What each call carries where there are no sessions.
    pub(super) fn basic(&self) -> Result<&HeaderValue, CrmError> {
        let unusable = |words: &&str| CrmError::Unauthorised { status: 0, words: (*words).to_owned() };
        self.basic.as_ref().map_err(unusable)
    }

    /// Forgets the session and answers it.
    pub(super) fn end(&self) -> Option<Ticket> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn fresh(&self, stale: Option<u64>) -> Option<Ticket> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|ticket| Some(ticket.number) != stale).cloned()
    }

    async fn sign_in(&self, site: &Site, number: u64) -> Result<Ticket, CrmError> {
        let basic = self.basic()?;
        let call = Call::get(Address::of("/resourceful/session/user")).awaited(true);
        let answer = match succeeded(site.exchange(&call, &Signed::Basic(basic)).await?) {
            // Whatever the site has against the sign-in, a person has to see to it.
            Err(CrmError::Refused { status, words }) => return Err(CrmError::Unauthorised { status, words }),
            answered => answered?,
        };
        let Ok(user) = serde_json::from_slice::<User>(&answer.body) else {
            let words = format!("to the sign-in, no user but {}", words::outline(&answer));
            return Err(CrmError::Protocol { words });
        };
        let cookie = session_cookie(&answer).ok_or_else(|| CrmError::Protocol {
            words: "the sign-in was accepted without a session cookie (XPLANID)".to_owned(),
        })?;
        let user = user.user_name.unwrap_or_else(|| format!("user {}", user.entity_id));
        tracing::info!(number, "signed in to the CRM");
        Ok(Ticket { number, cookie, user: user.into() })
    }
}

impl History {
    /// How long to wait before the next sign-in: not at all, unless they follow each other quickly.
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
fn session_cookie(answer: &Answer) -> Option<HeaderValue> {
    let cookies = answer.cookies.iter().filter_map(|cookie| cookie.to_str().ok());
    let pair = cookies.filter_map(|cookie| cookie.split(';').next()).find(|pair| pair.starts_with("XPLANID="))?;
    let mut value = HeaderValue::from_str(pair.trim()).ok()?;
    value.set_sensitive(true);
    Some(value)
}
