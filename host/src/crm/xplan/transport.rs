//! Exchanges with a site over HTTP, bounded in number, size and time: what a call carries to be let in, it is told.
//!
//! Serves [`super::session`], which signs in by exchanges, and [`super::site`], which signs the others.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, SET_COOKIE};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Notify;

use super::address::Address;
use super::answer::Answer;
use super::kind::{APP_ID, Gateway};
use super::limits::Limits;
use crate::crm::budget::{Allotment, Held};
use crate::crm::concurrency::{AdaptiveLimiter, Sign, Weight};
use crate::crm::http::{self, chain};
use crate::crm::spec::SiteAccess;
use crate::crm::{CrmError, SiteUnusable, Traffic, outside, repair};
use crate::domain::Timestamp;
use crate::domain::breaker::LONGEST_PAUSE;

/// The way to a site, on which nobody is signed in.
pub(super) struct Transport {
    pub(super) limits: Limits,
    pub(super) traffic: Traffic,
    client: reqwest::Client,
    base: Url,
    pub(super) limiter: AdaptiveLimiter,
    /// The moment until which the site asked to be left alone.
    closed_until: Mutex<Option<Instant>>,
    /// Tells who waits for that that they need not.
    pub(super) released: Notify,
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
    pub(super) is_awaited: bool,
    /// The allotment of bytes that holds its answer.
    room: Option<Arc<Allotment>>,
    /// An answer that says that there is nothing is an empty list.
    pub(super) may_be_nothing: bool,
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

/// The header that says who asks.
#[derive(Clone)]
pub(super) struct Credential {
    name: HeaderName,
    /// The header's value, marked as sensitive: never printed.
    value: HeaderValue,
}

impl Credential {
    /// A header that holds a secret behind some words; none where no header can hold it.
    pub(super) fn new(name: HeaderName, before: &str, secret: &SecretString) -> Option<Self> {
        let text: SecretString = format!("{before}{}", secret.expose_secret()).into();
        let mut value = HeaderValue::from_str(text.expose_secret()).ok()?;
        value.set_sensitive(true);
        Some(Self { name, value })
    }
}

impl Transport {
    /// The way to the site, or to the gateway that speaks for it; nothing is sent yet.
    pub(super) fn new(access: &SiteAccess, gateway: Option<&Gateway>, limits: Limits) -> Result<Self, SiteUnusable> {
        let spec = &access.spec;
        let scheme = if spec.insecure_http { "http" } else { "https" };
        let host = gateway.map_or(&spec.forward_host, |gateway| &gateway.host);
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
        if let Some(gateway) = gateway {
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
            limiter: AdaptiveLimiter::new(spec.rate_limits.max_requests_per_second, spec.rate_limits.max_side_by_side),
            closed_until: Mutex::new(None),
            released: Notify::new(),
            traffic: Traffic::default(),
            limits,
        })
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
        let permit = self
            .limiter
            .permit(call.is_awaited)
            .await
            .map_err(|closed| CrmError::Unknown { message: closed.to_string() })?;
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

/// An exchange that brought no answer.
fn failed(error: reqwest::Error) -> CrmError {
    let never_left = error.is_connect() || error.is_builder();
    // An address may hold a subject line, and that a client's name.
    let message = chain(&error.without_url());
    if never_left { CrmError::Unreachable { message } } else { CrmError::Unknown { message } }
}
