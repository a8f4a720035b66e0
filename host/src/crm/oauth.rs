//! OAuth 2 with a site: the authorization code grant with PKCE, and renewing (RFC 6749, 7636).
//!
//! Serves what keeps the tokens. It knows the protocol, and where a CRM has its two addresses it is told.

mod answer;

use std::time::Duration;

use bytes::Bytes;
use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, EndpointNotSet, EndpointSet, PkceCodeChallenge, RedirectUrl};
use reqwest::ClientBuilder;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, RETRY_AFTER};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::crm::http::chain;
use crate::crm::{SiteUnusable, outside};
use crate::domain::Timestamp;

/// The longest that one exchange may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest answer that is read: tokens are short.
const LARGEST_ANSWER: usize = 256 << 10;

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointNotSet>;

/// Asks one site for tokens.
pub struct OAuth {
    client: Client,
    http: reqwest::Client,
    authorise_url: String,
    token_url: String,
    client_secret: SecretString,
}

/// The pair of tokens that a site gave.
#[derive(Clone, Debug)]
pub struct TokenPair {
    /// The token for calls; none where the site gave only the one for the next pair.
    pub access: Option<SecretString>,
    /// The token for the next pair; none where the site gave none.
    pub refresh: Option<SecretString>,
    /// The moment at which the access token was asked for.
    pub asked_at: Timestamp,
    /// The moment at which it expires.
    pub expires_at: Timestamp,
}

/// The pair as text, to be sealed.
#[derive(Serialize, Deserialize)]
struct Written {
    access: Option<String>,
    refresh: Option<String>,
    asked_at: Timestamp,
    expires_at: Timestamp,
}

/// The reason why there are no tokens.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OAuthError {
    /// The site refuses, and the same again will not help.
    #[error("{message} ({code})")]
    Refused {
        /// `invalid_grant`, `invalid_client` and so on.
        code: String,
        /// The site's own words.
        message: String,
    },
    /// The site gave no answer, or one that says "later".
    #[error("the site cannot be reached: {message}")]
    Unreachable {
        /// The message about what happened.
        message: String,
        /// The time that the site asks to wait.
        retry_after: Option<Duration>,
    },
    /// The site answered something else than the protocol says.
    #[error("the site answered something else than OAuth: {0}")]
    Protocol(String),
}

/// A request to authorise: the address that a person opens, and what is kept until they come back.
pub struct Request {
    /// The site's address.
    pub url: String,
    /// The state, which comes back with the answer.
    pub state: SecretString,
    /// Proves that who exchanges the code is who asked.
    pub verifier: SecretString,
}

impl OAuth {
    /// OAuth with the site whose addresses are these, over the host's own client for it.
    ///
    /// # Errors
    /// Returns an error if an address is none, or there is no client.
    pub fn new(
        client_id: &str,
        client_secret: &SecretString,
        (authorise_url, token_url): (String, String),
        http: ClientBuilder,
    ) -> Result<Self, SiteUnusable> {
        let http = http.timeout(TIMEOUT).build()?;
        let auth = AuthUrl::new(authorise_url.clone())
            .map_err(|error| SiteUnusable::Address { host: authorise_url.clone(), source: error.into() })?;
        let client = BasicClient::new(ClientId::new(client_id.to_owned())).set_auth_uri(auth);
        Ok(Self { client, http, authorise_url, token_url, client_secret: client_secret.clone() })
    }

    /// A new request to authorise, coming back to `redirect`.
    ///
    /// # Errors
    /// Returns an error if `redirect` is no address.
    pub fn request(&self, redirect: &str) -> Result<Request, OAuthError> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let redirect = redirect_url(redirect)?;
        let request = self.client.authorize_url(CsrfToken::new_random);
        let (url, state) =
            request.set_redirect_uri(std::borrow::Cow::Owned(redirect)).set_pkce_challenge(challenge).url();
        let verifier = verifier.into_secret().into();
        Ok(Request { url: url.into(), state: state.into_secret().into(), verifier })
    }

    /// Looks whether somebody answers where people will be sent, so that a mistyped host is told before they go.
    ///
    /// # Errors
    /// [`OAuthError::Unreachable`], or [`OAuthError::Protocol`] where there is no such page.
    pub async fn probe(&self) -> Result<(), OAuthError> {
        let answer = self.http.get(&self.authorise_url).send().await;
        let status = answer.map_err(unreachable)?.status();
        match status.as_u16() {
            404 | 410 => Err(OAuthError::Protocol(format!("it has no page to authorise on ({status})"))),
            500.. => Err(OAuthError::Unreachable { message: format!("it answered {status}"), retry_after: None }),
            _ => Ok(()),
        }
    }

    /// Tokens for a code that came back.
    ///
    /// # Errors
    /// Fails as [`OAuthError`] says.
    pub async fn exchange(
        &self,
        code: &SecretString,
        verifier: &SecretString,
        redirect: &str,
    ) -> Result<TokenPair, OAuthError> {
        let grant = [
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("code_verifier", verifier.expose_secret()),
            ("redirect_uri", redirect),
        ];
        self.pair(&grant, None).await
    }

    /// The next pair.
    ///
    /// # Errors
    /// Fails as [`OAuthError`] says.
    pub async fn renew(&self, refresh: &SecretString) -> Result<TokenPair, OAuthError> {
        let grant = [("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())];
        self.pair(&grant, Some(refresh)).await
    }

    /// A pair for a grant. Where the site gives no new refresh token, the one `before` stays good (RFC 6749, 6).
    async fn pair(&self, grant: &[(&str, &str)], before: Option<&SecretString>) -> Result<TokenPair, OAuthError> {
        let asked_at = Timestamp::now();
        let who =
            [("client_id", self.client.client_id().as_str()), ("client_secret", self.client_secret.expose_secret())];
        let form: Vec<&(&str, &str)> = grant.iter().chain(&who).collect();
        let request = self.http.post(&self.token_url).header(ACCEPT, "application/json").form(&form);
        let answer::Given { access, refresh, lifetime } = given(request.send().await.map_err(unreachable)?).await?;
        let refresh = refresh.or_else(|| before.cloned());
        let expires_at = asked_at.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
        Ok(TokenPair { access, refresh, asked_at, expires_at })
    }
}

impl TokenPair {
    /// The pair as text, to be sealed.
    pub fn to_text(&self) -> SecretString {
        let written = Written {
            access: self.access.as_ref().map(|token| token.expose_secret().to_owned()),
            refresh: self.refresh.as_ref().map(|token| token.expose_secret().to_owned()),
            asked_at: self.asked_at,
            expires_at: self.expires_at,
        };
        serde_json::to_string(&written).unwrap_or_default().into()
    }

    /// The pair that a text holds; none where it is no pair.
    pub fn of_text(text: &SecretString) -> Option<Self> {
        let written: Written = serde_json::from_str(text.expose_secret()).ok()?;
        Some(Self {
            access: written.access.map(Into::into),
            refresh: written.refresh.map(Into::into),
            asked_at: written.asked_at,
            expires_at: written.expires_at,
        })
    }
}

fn redirect_url(redirect: &str) -> Result<RedirectUrl, OAuthError> {
    RedirectUrl::new(redirect.to_owned()).map_err(|error| OAuthError::Protocol(format!("{redirect}: {error}")))
}

/// A site's words, short and on one line.
pub fn brief(message: &str) -> String {
    message.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

/// Reads an answer; one that breaks off, or is longer than what is read, as far as it came.
async fn given(mut response: reqwest::Response) -> Result<answer::Given, OAuthError> {
    let status = response.status();
    let header = |name: HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
    let retry_after = header(RETRY_AFTER).and_then(|value| outside::wait(value, Timestamp::now()));
    let content_type = header(CONTENT_TYPE).unwrap_or_default().to_owned();
    let (mut body, mut broken_off) = (Vec::new(), None);
    while body.len() < LARGEST_ANSWER {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => {
                broken_off = Some(unreachable(error));
                break;
            }
        }
    }
    answer::read(status.as_u16(), &content_type, Bytes::from(body)).map_err(|error| match (error, broken_off) {
        (error @ OAuthError::Refused { .. }, _) => error,
        (_, Some(broken_off)) => broken_off,
        (OAuthError::Unreachable { message, .. }, None) => OAuthError::Unreachable { message, retry_after },
        (error, None) => error,
    })
}

fn unreachable(error: reqwest::Error) -> OAuthError {
    OAuthError::Unreachable { message: chain(&error.without_url()), retry_after: None }
}
