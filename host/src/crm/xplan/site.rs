//! One site over HTTP: exchanges with it, signed in, bounded in number, size and time.
//!
//! Serves the rest of `xplan`. It knows statuses and headers, never what an answer holds.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, SET_COOKIE};
use reqwest::{Method, Url};
use secrecy::ExposeSecret as _;
use tokio::sync::Notify;

use super::address::Address;
use super::kind::{APP_ID, Gateway};
use super::limits::Limits;
use super::messages;
use super::session::{Basic, Credential, Session, Ticket};
use crate::crm::budget::{Allotment, Budget, Held};
use crate::crm::concurrency::{AdaptiveLimiter, Sign, Weight};
use crate::crm::http::{self, chain};
use crate::crm::sizes::Found;
use crate::crm::spec::SiteAccess;
use crate::crm::{CrmError, SiteUnusable, Tokens, Traffic, outside, repair};
use crate::domain::Timestamp;
use crate::domain::breaker::LONGEST_PAUSE;

/// A site and the session there.
pub(super) struct Site {
    pub(super) limits: Limits,
    pub(super) traffic: Traffic,
    client: reqwest::Client,
    base: Url,
    session: Session,
    is_gateway: bool,
    pub(super) limiter: AdaptiveLimiter,
    /// The sizes that the site gives at once.
    pub(super) sizes: Found,
    budget: Budget,
    /// Rows that failed by themselves since the last page.
    pub(super) rows_failed: AtomicUsize,
    /// The lists that came for somebody since this process began.
    lists_that_come: Mutex<BTreeSet<String>>,
    /// The moment until which the site asked to be left alone.
    closed_until: Mutex<Option<Instant>>,
    /// Tells who waits for that that they need not.
    released: Notify,
}

/// One call of the site's API, as it is sent.
#[derive(Clone, Debug)]
pub(super) struct ApiCall {
    method: Method,
    address: Address,
    /// The body, as JSON.
    body: Option<Bytes>,
    weight: Weight,
    /// Whether somebody waits for it: it waits behind no walk.
    is_awaited: bool,
    /// The allotment of bytes that holds its answer.
    room: Option<Arc<Allotment>>,
    /// An answer that says that there is nothing is an empty list.
    may_be_nothing: bool,
}

impl ApiCall {
    /// A question.
    pub(super) fn get(address: Address) -> Self {
        Self {
            method: Method::GET,
            address,
            body: None,
            weight: Weight::One,
            is_awaited: false,
            room: None,
            may_be_nothing: false,
        }
    }

    /// JSON sent to a path.
    pub(super) fn post(path: &str, body: Vec<u8>) -> Self {
        Self { method: Method::POST, body: Some(body.into()), ..Self::get(Address::of(path)) }
    }

    /// A removal.
    pub(super) fn delete(path: &str) -> Self {
        Self { method: Method::DELETE, ..Self::get(Address::of(path)) }
    }

    /// The same, for many things at once.
    pub(super) fn of_many(self) -> Self {
        Self { weight: Weight::Many, ..self }
    }

    /// The same, its answer held by a page.
    pub(super) fn held_by(self, room: Option<Arc<Allotment>>) -> Self {
        Self { room, ..self }
    }

    /// The same, for a list of which a site may say with 204 that it is empty.
    pub(super) fn or_nothing(self) -> Self {
        Self { may_be_nothing: true, ..self }
    }

    /// The same, for somebody who waits.
    pub(super) fn awaited(self, is_awaited: bool) -> Self {
        Self { is_awaited, ..self }
    }
}

/// An answer of the site.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) retry_after: Option<Duration>,
    pub(super) cookies: Vec<HeaderValue>,
    pub(super) body: Bytes,
}

impl Site {
    /// A site that is ready to call; nothing is sent yet.
    pub(super) fn new(
        access: &SiteAccess,
        tokens: Option<Arc<dyn Tokens>>,
        limits: Limits,
    ) -> Result<Self, SiteUnusable> {
        let spec = &access.spec;
        let gateway = Gateway::of(spec);
        let scheme = if spec.insecure_http { "http" } else { "https" };
        let host = gateway.as_ref().map_or(&spec.forward_host, |gateway| &gateway.host);
        let base = Url::parse(&format!("{scheme}://{host}"))
            .map_err(|error| SiteUnusable::Address { host: host.clone(), source: error.into() })?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert("x-xplan-auth-failure-action", HeaderValue::from_static("error"));
        if let Some(app_id) = access.credentials.get(APP_ID) {
            let mut value = HeaderValue::from_str(app_id.expose_secret())
                .map_err(|_| SiteUnusable::Header { what: "the app id" })?;
            value.set_sensitive(true);
            headers.insert("x-xplan-app-id", value);
        }
        if let Some(gateway) = &gateway {
            for (name, value) in [("x-forwarded-host", &spec.forward_host), ("x-api-version", &gateway.api_version)] {
                let value = HeaderValue::from_str(value)
                    .map_err(|_| SiteUnusable::Header { what: "the site's host or the API's version" })?;
                headers.insert(name, value);
            }
        }
        let client = http::client(access, host)?;
        let client = client.default_headers(headers).connect_timeout(limits.connect).timeout(limits.exchange);
        Ok(Self {
            client: client.build()?,
            base,
            session: Session::new(access, tokens)?,
            is_gateway: gateway.is_some(),
            limiter: AdaptiveLimiter::new(spec.rate_limits.max_requests_per_second, spec.rate_limits.max_side_by_side),
            sizes: Found::default(),
            budget: Budget::new(limits.page_bytes, limits.pages_held, limits.largest_alone),
            rows_failed: AtomicUsize::new(0),
            lists_that_come: Mutex::default(),
            closed_until: Mutex::new(None),
            released: Notify::new(),
            traffic: Traffic::default(),
            limits,
        })
    }

    /// Reads: asks again where that may help.
    pub(super) async fn read(&self, call: &ApiCall) -> Result<Answer, CrmError> {
        self.read_within(call, usize::MAX).await
    }

    /// Reads: after failures on the way or in the CRM asks again so often at most.
    pub(super) async fn read_within(&self, call: &ApiCall, repeats: usize) -> Result<Answer, CrmError> {
        let ask = || async {
            let answer = self.signed(call).await?;
            match answer.status {
                204 if call.may_be_nothing => Ok(Answer { body: Bytes::from_static(b"[]"), ..answer }),
                _ => passed(answer),
            }
        };
        self.limits.retry.run(&self.traffic, &self.released, call.is_awaited, repeats, ask).await
    }

    /// The number of bytes that the pages hold, or have been allotted.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.budget.taken(self.limits.pages_held as usize)
    }

    /// The room for a page's answers, or for those of one record that somebody waits for.
    pub(super) async fn room(&self, is_awaited: bool) -> Option<Arc<Allotment>> {
        self.budget.allot(is_awaited).await.map(Arc::new)
    }

    /// The lists that came for somebody since this process began.
    pub(super) fn lists_that_come(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.lists_that_come.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One exchange within the session, signing in first or again where needed; any answer but "sign in". A gateway
    /// keeps no sessions: each call carries the name and password, or the token.
    pub(super) async fn signed(&self, call: &ApiCall) -> Result<Answer, CrmError> {
        if let Some(basic) = self.signs_each_call() {
            return self.exchange(call, basic.credential()?).await;
        }
        let mut ticket = self.ticket(None).await?;
        let mut answer = self.exchange(call, &ticket.credential).await?;
        for _ in 0..self.session.renewals() {
            if answer.status != 401 {
                return Ok(answer);
            }
            ticket = self.ticket(Some(ticket.number)).await?;
            answer = self.exchange(call, &ticket.credential).await?;
        }
        match (&self.session, answer.status) {
            (Session::Basic(_), 401) => {
                let message = "every session ended at once; does somebody else sign in as the same user?".to_owned();
                Err(CrmError::Unauthorised { status: 401, message })
            }
            _ => Ok(answer),
        }
    }

    /// Sees to it that a call can be signed, so that what fails later is the call.
    pub(super) async fn ready(&self) -> Result<(), CrmError> {
        match self.signs_each_call() {
            Some(basic) => basic.credential().map(drop),
            None => self.ticket(None).await.map(drop),
        }
    }

    /// The sign-in by which each call is signed where there are no sessions.
    fn signs_each_call(&self) -> Option<&Basic> {
        match &self.session {
            Session::Basic(basic) if self.is_gateway => Some(basic),
            _ => None,
        }
    }

    /// The ticket to sign with that is not number `stale`, signing in or renewing where there is none.
    pub(super) async fn ticket(&self, stale: Option<u64>) -> Result<Ticket, CrmError> {
        self.session.ticket(self, stale).await
    }

    /// Ends the session. What the site says to that changes nothing.
    pub(super) async fn sign_out(&self) {
        if let Some(ticket) = self.session.end() {
            let _ = self.exchange(&ApiCall::delete("/resourceful/session"), &ticket.credential).await;
        }
    }

    /// One exchange, whatever its status.
    pub(super) async fn exchange(&self, call: &ApiCall, signed: &Credential) -> Result<Answer, CrmError> {
        if let Some(remaining) = self.closed_for() {
            let message =
                "it asked to be left alone for a while, and an hour at most; a sync that somebody starts asks it at \
                         once"
                    .to_owned();
            return Err(CrmError::Throttled { status: 429, retry_after: Some(remaining), message });
        }
        // Never closed: it lives as long as the site.
        let permit = self.limiter.permit(call.is_awaited).await.map_err(|closed| unknown(closed.to_string()))?;
        self.traffic.count_request();
        let began = Instant::now();
        let answered = self.send(call, signed).await;
        let sign = match &answered {
            Ok(answer) if matches!(answer.status, 429 | 503) => Sign::TooMuch,
            Ok(answer) if answer.status >= 500 => Sign::Failed,
            Ok(_) | Err(CrmError::Protocol { .. } | CrmError::TooLarge { .. }) => Sign::Answered,
            Err(_) => Sign::Failed,
        };
        if self.limiter.observe(call.weight, began.elapsed(), sign) {
            self.traffic.count_slow_down();
            tracing::debug!(?sign, "asking the CRM less at once");
        }
        drop(permit);
        let answer = answered?;
        if let (429 | 500 | 502 | 503, Some(pause)) = (answer.status, answer.retry_after) {
            self.close_for(pause);
        }
        Ok(answer)
    }

    async fn send(&self, call: &ApiCall, signed: &Credential) -> Result<Answer, CrmError> {
        let mut url = self.base.clone();
        url.set_path(&call.address.path);
        url.set_query((!call.address.query.is_empty()).then_some(&call.address.query));
        let mut request = self.client.request(call.method.clone(), url);
        request = request.header(signed.name.clone(), signed.value.clone());
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let response = request.send().await.map_err(failed)?;
        self.received(response, call.room.as_deref()).await
    }

    /// Leaves the site alone, but for no longer than a site can ask for.
    fn close_for(&self, pause: Duration) {
        let until = Instant::now() + pause.min(LONGEST_PAUSE.unsigned_abs());
        *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(until);
    }

    /// Takes up until when an earlier process was asked to leave the site alone.
    pub(super) fn leave_alone_until(&self, until: Timestamp) {
        if let Ok(pause) = until.duration_since(Timestamp::now()).try_into() {
            self.close_for(pause);
        }
    }

    /// The moment until which the site asked to be left alone.
    pub(super) fn left_alone_until(&self) -> Option<Timestamp> {
        Timestamp::now().checked_add(self.closed_for()?).ok()
    }

    /// Forgets that the site asked to be left alone.
    pub(super) fn release(&self) {
        *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.released.notify_waiters();
    }

    /// The time for which the site still wants to be left alone.
    fn closed_for(&self) -> Option<Duration> {
        let until = *self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        until?.checked_duration_since(Instant::now()).filter(|remaining| !remaining.is_zero())
    }

    async fn received(&self, mut response: reqwest::Response, room: Option<&Allotment>) -> Result<Answer, CrmError> {
        let headers = response.headers();
        let text = |value: Option<&HeaderValue>| value.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let answer = Answer {
            content_type: text(headers.get(CONTENT_TYPE)).unwrap_or_default(),
            retry_after: text(headers.get(RETRY_AFTER)).and_then(|value| outside::wait(&value, Timestamp::now())),
            cookies: headers.get_all(SET_COOKIE).iter().cloned().collect(),
            ..Answer::of(response.status().as_u16())
        };
        let most = room.map_or(self.limits.largest_alone as usize, Allotment::most);
        let too_large = || CrmError::TooLarge { message: format!("an answer of more than {most} bytes") };
        let announced = response.content_length();
        if announced.is_some_and(|length| length > most as u64) {
            return Err(too_large());
        }
        let mut held = Held::nothing();
        let mut take = |bytes: usize| room.is_none_or(|room| room.take(&mut held, bytes));
        let mut body = BytesMut::with_capacity(outside::set_aside(announced));
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > most || !take(chunk.len()) {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        let length = body.len();
        let mut body = repair::utf8(body.freeze(), &answer.content_type);
        if (repair::has_controls(&body) || repair::may_hold_no_number(&body))
            && let Some(repaired) = repair::strings(&body)
        {
            body = Bytes::from(repaired);
        }
        if body.len() > length && !take(body.len() - length) {
            return Err(too_large());
        }
        Ok(Answer { body: held.by(body), ..answer })
    }
}

impl Answer {
    /// An empty answer with this status.
    pub(super) fn of(status: u16) -> Self {
        Self { status, content_type: String::new(), retry_after: None, cookies: Vec::new(), body: Bytes::new() }
    }
}

/// The answer, if its status says that the call took effect; else what its status means for the caller.
pub(super) fn succeeded(answer: Answer) -> Result<Answer, CrmError> {
    let status = answer.status;
    Err(match status {
        200..300 => return whole(answer),
        300..400 => CrmError::Protocol { message: format!("a redirect ({status}), which is not followed") },
        401 => CrmError::Unauthorised { status, message: messages::said(&answer) },
        429 | 503 => CrmError::Throttled { status, retry_after: answer.retry_after, message: messages::said(&answer) },
        500 | 502 if answer.retry_after.is_some() => {
            CrmError::Throttled { status, retry_after: answer.retry_after, message: messages::said(&answer) }
        }
        400..500 if status != 408 => CrmError::Refused { status, message: messages::said(&answer) },
        _ => unknown(messages::said(&answer)),
    })
}

/// The same as [`succeeded`], for calls on which a refusal may pass by itself.
pub(super) fn passed(answer: Answer) -> Result<Answer, CrmError> {
    let status = answer.status;
    if is_passing(status) {
        return Err(CrmError::Throttled { status, retry_after: answer.retry_after, message: messages::said(&answer) });
    }
    succeeded(answer)
}

/// Whether a refusal is about the moment, not about what is asked: a conflict, a record that somebody else has open, a
/// connection that is too young or the wrong one, a call that another one was in the way of.
pub(super) fn is_passing(status: u16) -> bool {
    matches!(status, 409 | 421 | 423 | 424 | 425 | 449)
}

/// The answer, if it goes to its end: what is empty, or begins as a list or an object and does not end so, was cut on the
/// way by somebody who did not say so.
fn whole(answer: Answer) -> Result<Answer, CrmError> {
    let body = answer.body.trim_ascii();
    match (body.first(), body.last()) {
        (Some(b'['), Some(b']')) | (Some(b'{'), Some(b'}')) => Ok(answer),
        (None, _) => Err(unknown(messages::outline(&answer))),
        (Some(b'[' | b'{'), _) => Err(unknown(format!("an answer that breaks off: {}", messages::outline(&answer)))),
        _ => Ok(answer),
    }
}

/// An exchange that brought no answer.
fn failed(error: reqwest::Error) -> CrmError {
    let never_left = error.is_connect() || error.is_builder();
    // An address may hold a subject line, and that a client's name.
    let message = chain(&error.without_url());
    if never_left { CrmError::Unreachable { message } } else { unknown(message) }
}

fn unknown(message: String) -> CrmError {
    CrmError::Unknown { message }
}
