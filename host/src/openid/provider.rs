//! The provider itself: what it says of itself, its keys, and the two calls for tokens and for UserInfo. Nothing is asked
//! before somebody signs in; every answer is bounded in time and size, and what was said is kept for an hour.

use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oauth2::url::form_urlencoded;
use reqwest::header::{ACCEPT, AUTHORIZATION};
use reqwest::{RequestBuilder, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use super::OpenIdError;
use super::claims::Claims;
use super::token::{FORGED, Keys, Looked};
use crate::config::OpenIdSettings;
use crate::config::openid::{WELL_KNOWN, is_loopback};
use crate::crm::http::{chain, operators_client};
use crate::crm::oauth::brief;
use crate::crm::proxy::Proxy;

/// The longest that the provider may take to say something of itself: somebody waits at a button.
const SAYS_WITHIN: Duration = Duration::from_secs(4);
/// The longest for a token, which it may have to think about.
const TOKEN_WITHIN: Duration = Duration::from_secs(8);
/// The most bytes of an answer.
const LARGEST: usize = 1 << 20;
/// The time for which what it said is taken for true.
const KEPT: Duration = Duration::from_hours(1);
/// The time for which it is not asked again after it failed, and between two looks for a new key.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
const BETWEEN_KEYS: Duration = Duration::from_mins(1);

/// A provider that can be asked.
pub struct Provider {
    http: reqwest::Client,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    metadata: Option<(Metadata, Instant)>,
    keys: Option<(Keys, Instant)>,
    failed: Option<(OpenIdError, Instant)>,
}

/// What the provider says of itself (OpenID Connect Discovery, 3).
#[derive(Clone, Debug, Deserialize)]
pub struct Metadata {
    issuer: String,
    pub authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    userinfo_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    pub scopes_supported: Option<Vec<String>>,
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// What was given for a code.
#[derive(Deserialize)]
pub struct Tokens {
    pub id_token: Option<String>,
    pub access_token: Option<String>,
}

impl Provider {
    /// The provider, reached by `proxy` where the company has one.
    pub fn new(settings: &OpenIdSettings, proxy: Option<&Proxy>) -> reqwest::Result<Self> {
        let http = operators_client(proxy, settings.is_insecure)?.connect_timeout(SAYS_WITHIN).build()?;
        Ok(Self { http, known: Mutex::default() })
    }

    /// What it says of itself.
    pub async fn metadata(&self, settings: &OpenIdSettings) -> Result<Metadata, OpenIdError> {
        // Whoever waits here while another asks has that one's answer.
        let mut known = self.known.lock().await;
        if let Some((metadata, asked_at)) = &known.metadata
            && asked_at.elapsed() < KEPT
        {
            return Ok(metadata.clone());
        }
        if let Some((error, failed_at)) = &known.failed
            && failed_at.elapsed() < AFTER_FAILURE
        {
            return Err(error.clone());
        }
        match self.discover(settings).await {
            Ok(metadata) => {
                known.metadata = Some((metadata.clone(), Instant::now()));
                known.failed = None;
                Ok(metadata)
            }
            // What it said before is better than nothing, where it is only away.
            Err(OpenIdError::Unreachable { .. }) if known.metadata.is_some() => {
                let (metadata, asked_at) = known.metadata.as_mut().ok_or(OpenIdError::NotBegun)?;
                *asked_at = Instant::now();
                Ok(metadata.clone())
            }
            Err(error) => {
                known.failed = Some((error.clone(), Instant::now()));
                Err(error)
            }
        }
    }

    async fn discover(&self, settings: &OpenIdSettings) -> Result<Metadata, OpenIdError> {
        let address = format!("{}{WELL_KNOWN}", settings.issuer.trim_end_matches('/'));
        let said = self.said(self.http.get(address), SAYS_WITHIN).await?;
        let unusable = |message: String| OpenIdError::Unusable(message);
        let metadata: Metadata = serde_json::from_value(said)
            .map_err(|error| unusable(format!("what it says of itself lacks something ({error})")))?;
        if metadata.issuer != settings.issuer {
            let (said, set) = (brief(&metadata.issuer), &settings.issuer);
            return Err(unusable(format!("it calls itself `{said}`, and the setting `openid.issuer` is `{set}`")));
        }
        let endpoints = [&metadata.authorization_endpoint, &metadata.token_endpoint, &metadata.jwks_uri];
        for endpoint in endpoints.into_iter().chain(&metadata.userinfo_endpoint) {
            let url = Url::parse(endpoint).ok();
            let is_safe = url.is_some_and(|url| match settings.is_insecure {
                true => url.scheme() == "http" && is_loopback(&url),
                false => url.scheme() == "https",
            });
            if !is_safe {
                return Err(unusable(format!("it names `{}`, which is not encrypted or no address", brief(endpoint))));
            }
        }
        Ok(metadata)
    }

    /// What a token says, whose signature holds. Where no key is its own, or the one of its name has not signed it, the keys
    /// are asked for anew, once a minute.
    pub async fn verified(&self, token: &str, metadata: &Metadata) -> Result<Claims, OpenIdError> {
        let mut known = self.known.lock().await;
        if let Some((keys, asked_at)) = &known.keys
            && let Some(judged) = judged(keys.look(token)?, asked_at.elapsed())
        {
            return judged;
        }
        let keys = self.published_keys(metadata).await?;
        let looked = keys.look(token);
        known.keys = Some((keys, Instant::now()));
        match looked? {
            Looked::Holds(claims) => Ok(claims),
            Looked::UnknownKey => Err(NO_SUCH_KEY),
            Looked::Forged => Err(FORGED),
        }
    }

    /// The keys that it publishes now, one at least.
    pub async fn published_keys(&self, metadata: &Metadata) -> Result<Keys, OpenIdError> {
        let set = self.said(self.http.get(&metadata.jwks_uri), SAYS_WITHIN).await?;
        let keys = Keys::of(&set);
        match keys.is_empty() {
            true => Err(OpenIdError::Unusable("it publishes no key with which tokens can be checked".to_owned())),
            false => Ok(keys),
        }
    }

    /// Tokens for a code.
    pub async fn exchange(
        &self,
        settings: &OpenIdSettings,
        metadata: &Metadata,
        (code, verifier): (&SecretString, &SecretString),
        redirect: &str,
    ) -> Result<Tokens, OpenIdError> {
        let (id, secret) = (settings.client_id.as_str(), settings.client_secret.expose_secret());
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("code_verifier", verifier.expose_secret()),
            ("redirect_uri", redirect),
        ];
        let mut request = self.http.post(&metadata.token_endpoint).header(ACCEPT, "application/json");
        let methods = metadata.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
        // In the form, where the provider takes it there: servers disagree how the letters of a header are written.
        if methods.iter().any(|method| method == "client_secret_post") {
            form.extend([("client_id", id), ("client_secret", secret)]);
        } else {
            let written = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = STANDARD.encode(format!("{}:{}", written(id), written(secret)));
            request = request.header(AUTHORIZATION, format!("Basic {pair}"));
        }
        let said = self.said(request.form(&form), TOKEN_WITHIN).await?;
        serde_json::from_value(said).map_err(|_| OpenIdError::BadToken("there is none in the answer"))
    }

    /// What UserInfo says of who the access token is for.
    pub async fn user_info(&self, metadata: &Metadata, access: &str) -> Result<Option<Claims>, OpenIdError> {
        let Some(endpoint) = &metadata.userinfo_endpoint else { return Ok(None) };
        let request = self.http.get(endpoint).header(ACCEPT, "application/json").bearer_auth(access);
        let said = self.said(request, SAYS_WITHIN).await?;
        match said {
            Value::Object(claims) => Ok(Some(claims)),
            _ => Err(OpenIdError::BadToken("what it says of the person is no object")),
        }
    }

    /// The JSON of an answer.
    async fn said(&self, request: RequestBuilder, within: Duration) -> Result<Value, OpenIdError> {
        let (status, body) = tokio::time::timeout(within, read(request))
            .await
            .map_err(|_| OpenIdError::unreachable(format!("no answer within {} seconds", within.as_secs())))??;
        let said = serde_json::from_slice::<Value>(&body).ok();
        let reason = |said: &Value| {
            let text = |name: &str| said.get(name).and_then(Value::as_str).map(brief);
            text("error").map(|code| match text("error_description") {
                Some(more) => format!("{more} ({code})"),
                None => code,
            })
        };
        match (status, said) {
            (status, Some(said)) if status.is_success() => Ok(said),
            (status, None) if status.is_success() => {
                Err(OpenIdError::Unusable("it answered something else than JSON".to_owned()))
            }
            (status, _) if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(OpenIdError::unreachable(format!("it answered {status}")))
            }
            (status, said) => match said.as_ref().and_then(reason) {
                Some(reason) => Err(OpenIdError::Denied(reason)),
                None => Err(OpenIdError::Unusable(format!("it answered {status}"))),
            },
        }
    }
}

/// What becomes of a token by keys of this age; none where they are to be asked for anew.
fn judged(looked: Looked, age: Duration) -> Option<Result<Claims, OpenIdError>> {
    match looked {
        Looked::Holds(claims) => (age < KEPT).then_some(Ok(claims)),
        Looked::UnknownKey => (age < BETWEEN_KEYS).then_some(Err(NO_SUCH_KEY)),
        Looked::Forged => (age < BETWEEN_KEYS).then_some(Err(FORGED)),
    }
}

const NO_SUCH_KEY: OpenIdError = OpenIdError::BadToken("it is signed by no key that the provider publishes");

/// Reads an answer, as long as one may be.
async fn read(request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), OpenIdError> {
    let unreachable = |error: reqwest::Error| {
        let words = if error.is_connect() { "no connection to it could be made" } else { "the connection broke off" };
        // The system's own words tell whoever runs the host more than the person at the button.
        let cause = brief(&chain(&error.without_url()));
        tracing::warn!(error = cause, "the identity provider was not reached: {words}");
        OpenIdError::Unreachable { why: words.to_owned(), cause: Some(cause) }
    };
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > LARGEST {
            return Err(OpenIdError::Unusable("its answer is longer than 1 MB".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A provider that puts another key under the name of the one of before is believed within a minute.
    #[test]
    fn keys_are_asked_for_anew_where_an_old_one_does_not_fit() {
        let is_asked_anew = |looked: Looked, age: Duration| judged(looked, age).is_none();
        let just_under = |time: Duration| time.checked_sub(Duration::from_secs(1)).unwrap();
        for looked in [|| Looked::UnknownKey, || Looked::Forged] {
            assert!(is_asked_anew(looked(), BETWEEN_KEYS));
            assert!(matches!(judged(looked(), just_under(BETWEEN_KEYS)), Some(Err(_))), "once a minute");
        }
        assert!(matches!(judged(Looked::Holds(Claims::new()), just_under(KEPT)), Some(Ok(_))));
        // It may have been taken back since.
        assert!(is_asked_anew(Looked::Holds(Claims::new()), KEPT));
    }
}
