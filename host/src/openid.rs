//! Signing in by an identity provider: the authorization code flow with PKCE of OpenID Connect, from the button to what the
//! provider says of the person. What becomes of their account by it is [`crate::domain::access::provider`]'s and the store's.
//!
//! Nothing is asked of the provider before somebody presses the button: a host starts and works without it.

mod attempts;
mod claims;
mod error;
mod provider;
mod token;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, RedirectUrl, Scope};
use secrecy::{ExposeSecret as _, SecretString};

pub use self::attempts::HOLDS;
use self::attempts::{Attempt, Attempts, digest};
use self::claims::{Claims, Expected};
pub use self::error::OpenIdError;
use self::provider::{Metadata, Provider};
use crate::config::OpenIdSettings;
use crate::crm::oauth::brief;
use crate::crm::proxy::Proxy;
use crate::domain::access::provider::{Entitlement, Groups, GroupsNote};
use crate::domain::{EmailAddress, SessionId, Timestamp};

/// The path to which the provider sends people back.
pub const CALLBACK: &str = "/sign-in/openid/callback";
/// The longest that a way back may take, all calls together.
const WHOLE: Duration = Duration::from_secs(12);
/// The bytes of randomness of a browser's mark and of a nonce.
const MARK: u32 = 32;

/// The identity provider of the settings. Cheap to clone.
#[derive(Clone)]
pub struct OpenId(Arc<Inner>);

struct Inner {
    settings: OpenIdSettings,
    redirect: String,
    provider: Provider,
    attempts: Mutex<Attempts>,
}

/// A person on their way to the provider.
#[derive(Debug)]
pub struct Begun {
    /// The address on the provider's site.
    pub url: String,
    /// What the browser's cookie is to hold, by which it is known when it comes back.
    pub browser: SecretString,
}

/// What a provider says of itself.
#[derive(Debug)]
pub struct Description {
    /// The address on its site at which people sign in.
    pub signs_in_at: String,
    /// The address of this host that it has to know, to which it sends them back.
    pub comes_back_to: String,
    /// The scopes of the settings that it does not name among its own.
    pub scopes_not_offered: Vec<String>,
}

/// What a sign-in is begun for.
#[derive(Clone, Debug)]
pub struct Beginning {
    /// What the browser's cookie holds already, from another page of the same person.
    pub browser: Option<SecretString>,
    /// The network that asks.
    pub source: IpAddr,
    /// The session whose person is asked for once more; none where somebody signs in.
    pub confirms: Option<SessionId>,
    /// The path of this host to go to afterwards.
    pub to: String,
}

/// What the browser brings back.
#[derive(Debug)]
pub struct Callback {
    /// What its cookie holds.
    pub browser: Option<SecretString>,
    /// The state that went out with it.
    pub state: Option<SecretString>,
    /// The code that is exchanged.
    pub code: Option<SecretString>,
    /// The reason why there is no code, in the protocol's words and in the provider's.
    pub error: Option<(String, Option<String>)>,
    /// The provider that says so (RFC 9207).
    pub issuer: Option<String>,
}

/// Somebody of whom the provider says who they are.
#[derive(Clone, Debug)]
pub struct Person {
    /// The provider's address.
    pub issuer: String,
    /// The provider's own name for the person.
    pub subject: String,
    /// The email, and whether the provider vouches for it; none where it says none.
    pub email: Option<(String, Vouched)>,
    /// The name; empty where it says none.
    pub name: String,
    /// What the groups entitle them to.
    pub entitlement: Entitlement,
    /// The moment at which they signed in with the provider; none where it does not say.
    pub signed_in_at: Option<Timestamp>,
}

/// Whether the provider vouches for an email.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Vouched {
    /// It does, and the settings take the email's domain.
    Yes(EmailAddress),
    /// It does not say that the email is verified.
    No,
    /// It does, and the domain is none of the settings', or the text is no address.
    NotTaken,
}

/// Somebody who came back.
#[derive(Debug)]
pub struct Returned {
    /// The person.
    pub person: Person,
    /// The session whose person was asked for once more.
    pub confirms: Option<SessionId>,
    /// The path of this host to go to.
    pub to: String,
}

impl OpenId {
    /// The provider of the settings, for a host with this address.
    ///
    /// # Errors
    /// Returns an error if the proxy's address is none.
    pub fn new(settings: OpenIdSettings, base_url: &str, proxy: Option<&Proxy>) -> reqwest::Result<Self> {
        let provider = Provider::new(&settings, proxy)?;
        let redirect = format!("{base_url}{CALLBACK}");
        Ok(Self(Arc::new(Inner { settings, redirect, provider, attempts: Mutex::default() })))
    }

    /// The settings.
    pub fn settings(&self) -> &OpenIdSettings {
        &self.0.settings
    }

    /// Asks the provider what it says of itself, and for its keys, as a sign-in does; nobody is signed in.
    ///
    /// # Errors
    /// Fails as [`OpenIdError`] says where the provider cannot be used.
    pub async fn look(&self) -> Result<Description, OpenIdError> {
        let Inner { settings, redirect, provider, .. } = &*self.0;
        let metadata = provider.metadata(settings).await?;
        provider.published_keys(&metadata).await?;
        let offered = metadata.scopes_supported;
        let is_unknown = |scope: &&String| offered.as_ref().is_some_and(|offered| !offered.contains(scope));
        Ok(Description {
            signs_in_at: metadata.authorization_endpoint,
            comes_back_to: redirect.clone(),
            scopes_not_offered: settings.scopes.iter().filter(is_unknown).cloned().collect(),
        })
    }

    /// Begins a sign-in: where the person goes. One that confirms asks the provider to have them sign in anew.
    ///
    /// # Errors
    /// Fails as [`OpenIdError`] says where the provider cannot be asked.
    pub async fn begin(&self, beginning: Beginning, now: Timestamp) -> Result<Begun, OpenIdError> {
        let Inner { settings, redirect, provider, .. } = &*self.0;
        // Before anything is asked of the provider.
        if let Some(wait) = self.attempts().wait(beginning.source, now) {
            return Err(OpenIdError::TooMany(wait));
        }
        let metadata = provider.metadata(settings).await?;
        let unusable = |error: oauth2::url::ParseError| OpenIdError::Unusable(error.to_string());
        let auth = AuthUrl::new(metadata.authorization_endpoint).map_err(unusable)?;
        let client = BasicClient::new(ClientId::new(settings.client_id.clone())).set_auth_uri(auth);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce: SecretString = CsrfToken::new_random_len(MARK).into_secret().into();
        let to = RedirectUrl::new(redirect.clone()).map_err(unusable)?;
        let mut request = client
            .authorize_url(CsrfToken::new_random)
            .set_redirect_uri(std::borrow::Cow::Owned(to))
            .set_pkce_challenge(challenge)
            .add_scopes(settings.scopes.iter().cloned().map(Scope::new))
            .add_extra_param("nonce", nonce.expose_secret().to_owned());
        if beginning.confirms.is_some() {
            request = request.add_extra_param("prompt", "login").add_extra_param("max_age", "0");
        }
        let (url, state) = request.url();
        let state: SecretString = state.into_secret().into();
        let browser =
            beginning.browser.filter(is_mark).unwrap_or_else(|| CsrfToken::new_random_len(MARK).into_secret().into());
        let attempt = Attempt {
            browser: digest(&browser),
            source: beginning.source,
            nonce,
            verifier: verifier.into_secret().into(),
            confirms: beginning.confirms,
            to: beginning.to,
            began_at: now,
        };
        match self.attempts().add(&state, attempt, now) {
            Some(wait) => Err(OpenIdError::TooMany(wait)),
            None => Ok(Begun { url: url.into(), browser }),
        }
    }

    /// Takes what a browser brings back: who the person is. The attempt is used up.
    ///
    /// # Errors
    /// Fails as [`OpenIdError`] says.
    pub async fn finish(&self, callback: Callback, now: Timestamp) -> Result<Returned, OpenIdError> {
        let late = |_| OpenIdError::unreachable(format!("it took longer than {} seconds", WHOLE.as_secs()));
        tokio::time::timeout(WHOLE, self.finish_in_time(callback, now)).await.map_err(late)?
    }

    async fn finish_in_time(&self, callback: Callback, now: Timestamp) -> Result<Returned, OpenIdError> {
        let Inner { settings, redirect, provider, .. } = &*self.0;
        let Callback { browser: Some(browser), state: Some(state), code, error, issuer } = callback else {
            return Err(OpenIdError::NotBegun);
        };
        let attempt = self.attempts().take(&state, &browser, now).ok_or(OpenIdError::NotBegun)?;
        let metadata = provider.metadata(settings).await?;
        match issuer {
            Some(issuer) if issuer != settings.issuer => return Err(OpenIdError::AnotherIssuer(brief(&issuer))),
            None if metadata.authorization_response_iss_parameter_supported => {
                return Err(OpenIdError::AnotherIssuer("it does not say which".to_owned()));
            }
            _ => {}
        }
        if let Some((code, description)) = error {
            let said = description.map(|text| brief(&text)).filter(|text| !text.is_empty());
            let code = brief(&code);
            return Err(OpenIdError::Denied(said.map_or(code.clone(), |said| format!("{said} ({code})"))));
        }
        let code = code.ok_or(OpenIdError::NotBegun)?;
        let tokens = provider.exchange(settings, &metadata, (&code, &attempt.verifier), redirect).await?;
        let token = tokens.id_token.ok_or(OpenIdError::BadToken("there is none in the answer"))?;
        let claims = provider.verified(&token, &metadata).await?;
        let nonce = attempt.nonce.expose_secret();
        let asked = Expected { issuer: &settings.issuer, client_id: &settings.client_id, nonce, now: Timestamp::now() };
        let subject = claims::check(&claims, &asked)?;
        if attempt.confirms.is_some() && !claims::is_fresh(&claims, attempt.began_at, asked.now) {
            return Err(OpenIdError::NotFresh);
        }
        let person = self.person(subject, claims, &metadata, tokens.access_token.as_deref()).await?;
        Ok(Returned { person, confirms: attempt.confirms, to: attempt.to })
    }

    /// The person of an ID token. Where it holds no groups or no email, UserInfo is asked, which is of the same person.
    async fn person(
        &self,
        subject: String,
        claims: Claims,
        metadata: &Metadata,
        access: Option<&str>,
    ) -> Result<Person, OpenIdError> {
        let settings = &self.0.settings;
        let mut groups = claims::groups(&claims, &settings.groups_claim);
        let lacks_groups = !settings.roles.is_empty() && groups == Groups::Unknown(GroupsNote::Absent);
        let mut more = Claims::new();
        if let Some(access) = access
            && (lacks_groups || !claims.contains_key("email"))
            && let Some(said) = self.0.provider.user_info(metadata, access).await?
        {
            if said.get("sub").and_then(|sub| sub.as_str()) != Some(&*subject) {
                return Err(OpenIdError::BadToken("what the provider says of the person is of somebody else"));
            }
            more = said;
        }
        if lacks_groups {
            groups = claims::groups(&more, &settings.groups_claim);
        }
        // An email and whether it is verified are believed together, from one place.
        let of_email = if claims.contains_key("email") { &claims } else { &more };
        let email = match claims::verified_email(of_email) {
            Ok(email) => {
                let taken = EmailAddress::typed(email).filter(|_| settings.takes_email(email));
                Some((email.to_owned(), taken.map_or(Vouched::NotTaken, Vouched::Yes)))
            }
            Err(email) => email.map(|email| (email.to_owned(), Vouched::No)),
        };
        let name = Some(claims::name(&claims)).filter(|name| !name.is_empty()).unwrap_or_else(|| claims::name(&more));
        Ok(Person {
            issuer: settings.issuer.clone(),
            signed_in_at: claims::signed_in_at(&claims),
            entitlement: settings.roles.entitlement(&groups),
            subject,
            email,
            name,
        })
    }

    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.0.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a cookie holds a mark as they are made here: 32 random bytes as text.
fn is_mark(text: &SecretString) -> bool {
    let text = text.expose_secret();
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}
