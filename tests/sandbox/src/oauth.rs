//! The site's own OAuth server: `/oauth2/auth` with login and consent, `/oauth2/token`.
//!
//! It follows what is publicly known (a code holds once, a renewal gives a new pair and kills the old one, "No" sends
//! nobody back) and, where nothing is, the standard. Bearer tokens are accepted on every resource.

mod pages;
mod tokens;

use std::time::{Duration, Instant};

use crate::site::Answer;
pub(crate) use tokens::Tokens;

/// How the site authorises integrations.
#[derive(Debug, Clone)]
pub struct OAuthOptions {
    /// The id of the one integration that the site knows; none where it knows none.
    pub client_id: Option<String>,
    /// Its secret.
    pub client_secret: String,
    /// Where people may be sent back to; any address where it is none.
    pub redirect_uri: Option<String>,
    /// How long an access token holds.
    pub access_lifetime: Duration,
    /// How long a refresh token holds.
    pub refresh_lifetime: Duration,
    /// How long a code holds.
    pub code_lifetime: Duration,
    /// Whether PKCE is ignored, as by a site that does not know it.
    pub ignores_pkce: bool,
}

impl Default for OAuthOptions {
    fn default() -> Self {
        Self {
            client_id: None,
            client_secret: "sandbox-secret".to_owned(),
            redirect_uri: None,
            access_lifetime: Duration::from_hours(1),
            refresh_lifetime: Duration::from_hours(24 * 30),
            code_lifetime: Duration::from_secs(60),
            ignores_pkce: false,
        }
    }
}

/// What the token endpoint answers in place of its usual answer.
#[derive(Debug, Clone)]
pub struct TokenAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The `Content-Type`.
    pub kind: &'static str,
    /// The body, in which `{access}` and `{refresh}` stand for those of a new pair. One that names neither gives out
    /// nothing, and what was given before stays good.
    pub body: String,
    /// A header besides.
    pub header: Option<(&'static str, String)>,
    /// How many bytes of the body are sent before the connection is cut; all, where it is none.
    pub cut_after: Option<usize>,
}

impl TokenAnswer {
    /// JSON with this status.
    pub fn json(status: u16, body: &str) -> Self {
        Self { status, kind: "application/json", body: body.to_owned(), header: None, cut_after: None }
    }

    /// Whether a new pair is given out.
    pub(crate) fn gives(&self) -> bool {
        self.body.contains("{access}") || self.body.contains("{refresh}")
    }
}

/// What a person asks the site to authorise: the parameters of the address that they were sent to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) client_id: String,
    pub(crate) response_type: String,
    pub(crate) redirect_uri: String,
    pub(crate) state: String,
    pub(crate) code_challenge: String,
    pub(crate) code_challenge_method: String,
}

impl Request {
    pub(crate) fn of(form: &Form) -> Self {
        let text = |name| form.get(name).unwrap_or_default().to_owned();
        Self {
            client_id: text("client_id"),
            response_type: text("response_type"),
            redirect_uri: text("redirect_uri"),
            state: text("state"),
            code_challenge: text("code_challenge"),
            code_challenge_method: text("code_challenge_method"),
        }
    }

    fn problem(&self, options: &OAuthOptions) -> Option<&'static str> {
        if options.client_id.as_deref() != Some(&self.client_id) {
            return Some("This integration is not enabled on this site.");
        }
        if self.response_type != "code" {
            return Some("The response type has to be code.");
        }
        let expected = options.redirect_uri.as_deref();
        if self.redirect_uri.is_empty() || expected.is_some_and(|expected| expected != self.redirect_uri) {
            return Some("The redirect address is not the one that is registered.");
        }
        let is_pkce = !self.code_challenge.is_empty();
        (is_pkce && self.code_challenge_method != "S256").then_some("The challenge method has to be S256.")
    }
}

/// Names and values of a form or a query, decoded.
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn of(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
                .map(|(k, v)| (decoded(k), decoded(v)))
                .collect(),
        )
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let escaped = || {
            let mut ahead = rest.clone();
            let (high, low) = (ahead.next()?, ahead.next()?);
            let digit = |byte| char::from(byte).to_digit(16);
            u8::try_from(digit(high)? * 16 + digit(low)?).ok()
        };
        match (byte, escaped()) {
            (b'%', Some(value)) => {
                bytes.push(value);
                rest.nth(1);
            }
            (b'+', _) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Everything but letters, digits and `-._~` as `%XX`.
pub(crate) fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Answers `/oauth2/…`; none where there is no such page.
pub(crate) fn answer(site: &crate::site::Site, method: &str, path: &str, query: &str, body: &[u8]) -> Answer {
    let now = Instant::now();
    let body = String::from_utf8_lossy(body);
    match (method, path) {
        ("GET", "/oauth2/auth") => pages::login(&site.oauth, &Request::of(&Form::of(query))),
        ("POST", "/oauth2/auth") => pages::submitted(site, &Form::of(&body), now),
        ("POST", "/oauth2/token") => tokens::answer(site, &Form::of(&body), now),
        _ => Answer::html(404, "Not found"),
    }
}
