//! OAuth 2 with a site: the authorization code grant with PKCE, and renewing (RFC 6749, 7636).
//!
//! Serves what keeps the tokens. It knows the protocol, and where a CRM has its two addresses it is told.

use std::pin::Pin;
use std::time::Duration;

use oauth2::basic::{BasicClient, BasicErrorResponse, BasicTokenResponse};
use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet,
    EndpointSet, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken,
    RequestTokenError, TokenResponse as _, TokenUrl, http,
};
use reqwest::ClientBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::crm::http::chain;
use crate::domain::Timestamp;

/// For one exchange.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest answer that is read: tokens are short.
const LARGEST_ANSWER: usize = 256 << 10;
/// Where the site does not say how long a token holds.
const ASSUMED_LIFETIME: Duration = Duration::from_hours(1);

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

/// Asks one site for tokens.
pub struct OAuth {
    client: Client,
    http: Http,
    authorise_url: String,
}

/// What a site gave.
#[derive(Clone, Debug)]
pub struct TokenPair {
    /// For calls.
    pub access: SecretString,
    /// For the next pair; none where the site gave none.
    pub refresh: Option<SecretString>,
    /// When the access token was asked for.
    pub asked_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// The pair as text, to be sealed.
#[derive(Serialize, Deserialize)]
struct Written {
    access: String,
    refresh: Option<String>,
    asked_at: Timestamp,
    expires_at: Timestamp,
}

/// Why there are no tokens.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OAuthError {
    /// The site refuses, and the same again will not mend it.
    #[error("{words} ({code})")]
    Refused {
        /// `invalid_grant`, `invalid_client` and so on.
        code: String,
        /// The site's own words.
        words: String,
    },
    /// No answer, or one that says "later".
    #[error("the site cannot be reached: {0}")]
    Unreachable(String),
    /// Something else than the protocol says.
    #[error("the site answered something else than OAuth: {0}")]
    Protocol(String),
}

/// Something a person is to open, and what is kept until they come back.
pub struct Request {
    /// The site's address.
    pub url: String,
    /// Comes back with the answer.
    pub state: SecretString,
    /// Proves that who exchanges the code is who asked.
    pub verifier: SecretString,
}

/// An exchange that brought no usable answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(String);

impl OAuth {
    /// For the site whose addresses are these, over the host's own client for it.
    ///
    /// # Errors
    /// In words, where an address is none.
    pub fn new(
        client_id: &str,
        client_secret: &SecretString,
        (authorise_url, token_url): (String, String),
        http: ClientBuilder,
    ) -> Result<Self, String> {
        let http = http.timeout(PATIENCE).build().map_err(|error| error.to_string())?;
        let auth = AuthUrl::new(authorise_url.clone()).map_err(|error| error.to_string())?;
        let token = TokenUrl::new(token_url).map_err(|error| error.to_string())?;
        let client = BasicClient::new(ClientId::new(client_id.to_owned()))
            .set_client_secret(ClientSecret::new(client_secret.expose_secret().to_owned()))
            .set_auth_type(AuthType::RequestBody)
            .set_auth_uri(auth)
            .set_token_uri(token);
        Ok(Self { client, http: Http(http), authorise_url })
    }

    /// A new request to authorise, coming back to `redirect`.
    ///
    /// # Errors
    /// Where `redirect` is no address.
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
        let answer = self.http.0.get(&self.authorise_url).send().await;
        let status = answer.map_err(|error| OAuthError::Unreachable(chain(&error.without_url())))?.status();
        match status.as_u16() {
            404 | 410 => Err(OAuthError::Protocol(format!("it has no page to authorise on ({status})"))),
            500.. => Err(OAuthError::Unreachable(format!("it answered {status}"))),
            _ => Ok(()),
        }
    }

    /// Tokens for a code that came back.
    ///
    /// # Errors
    /// As [`OAuthError`] says.
    pub async fn exchange(
        &self,
        code: &SecretString,
        verifier: &SecretString,
        redirect: &str,
    ) -> Result<TokenPair, OAuthError> {
        let redirect = redirect_url(redirect)?;
        let verifier = PkceCodeVerifier::new(verifier.expose_secret().to_owned());
        let code = AuthorizationCode::new(code.expose_secret().to_owned());
        let request = self.client.exchange_code(code).set_pkce_verifier(verifier);
        let asked_at = Timestamp::now();
        let answer = request.set_redirect_uri(std::borrow::Cow::Owned(redirect)).request_async(&self.http).await;
        answer.map(|answer| pair(&answer, None, asked_at)).map_err(sorted)
    }

    /// The next pair.
    ///
    /// # Errors
    /// As [`OAuthError`] says.
    pub async fn renew(&self, refresh: &SecretString) -> Result<TokenPair, OAuthError> {
        let token = RefreshToken::new(refresh.expose_secret().to_owned());
        let asked_at = Timestamp::now();
        let answer = self.client.exchange_refresh_token(&token).request_async(&self.http).await;
        answer.map(|answer| pair(&answer, Some(refresh), asked_at)).map_err(sorted)
    }
}

impl TokenPair {
    /// As text, to be sealed.
    pub fn to_text(&self) -> SecretString {
        let written = Written {
            access: self.access.expose_secret().to_owned(),
            refresh: self.refresh.as_ref().map(|token| token.expose_secret().to_owned()),
            asked_at: self.asked_at,
            expires_at: self.expires_at,
        };
        serde_json::to_string(&written).unwrap_or_default().into()
    }

    /// From the text; none where it is no pair.
    pub fn of_text(text: &SecretString) -> Option<Self> {
        let written: Written = serde_json::from_str(text.expose_secret()).ok()?;
        Some(Self {
            access: written.access.into(),
            refresh: written.refresh.map(Into::into),
            asked_at: written.asked_at,
            expires_at: written.expires_at,
        })
    }
}

/// The site's answer. Where it gives no new refresh token, the old one stays good (RFC 6749, 6).
fn pair(answer: &BasicTokenResponse, before: Option<&SecretString>, asked_at: Timestamp) -> TokenPair {
    let lifetime = answer.expires_in().unwrap_or(ASSUMED_LIFETIME);
    TokenPair {
        access: answer.access_token().secret().clone().into(),
        refresh: answer.refresh_token().map(|token| token.secret().clone().into()).or_else(|| before.cloned()),
        asked_at,
        expires_at: asked_at.saturating_add(lifetime).unwrap_or(Timestamp::MAX),
    }
}

fn redirect_url(redirect: &str) -> Result<RedirectUrl, OAuthError> {
    RedirectUrl::new(redirect.to_owned()).map_err(|error| OAuthError::Protocol(format!("{redirect}: {error}")))
}

fn sorted(error: RequestTokenError<Failed, BasicErrorResponse>) -> OAuthError {
    match error {
        RequestTokenError::ServerResponse(answer) => {
            let code = answer.error().to_string();
            let words = answer.error_description().cloned().unwrap_or_else(|| "the site refused".to_owned());
            OAuthError::Refused { code: brief(&code), words: brief(&words) }
        }
        RequestTokenError::Request(failed) => OAuthError::Unreachable(failed.0),
        // What was answered may hold a token: it is not repeated.
        RequestTokenError::Parse(error, _) => OAuthError::Protocol(format!("no tokens, at {}", error.path())),
        RequestTokenError::Other(words) => OAuthError::Protocol(words),
    }
}

/// A site's words, short and on one line.
pub fn brief(words: &str) -> String {
    words.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

/// The protocol's library over the host's own client.
struct Http(reqwest::Client);

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = Failed;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, Failed>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(send(&self.0, request))
    }
}

async fn send(client: &reqwest::Client, request: HttpRequest) -> Result<HttpResponse, Failed> {
    let (head, body) = request.into_parts();
    let request = client.request(head.method, head.uri.to_string()).headers(head.headers).body(body);
    let failed = |error: reqwest::Error| Failed(chain(&error.without_url()));
    let mut response = request.send().await.map_err(failed)?;
    let status = response.status();
    if status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS {
        return Err(Failed(format!("it answered {status}")));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST_ANSWER {
            return Err(Failed("its answer is too long".to_owned()));
        }
    }
    let mut answer = http::Response::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = response.headers().clone();
    Ok(answer)
}
