//! The sender of a request, as its headers tell: the session cookie, and whether one of the host's own pages asks. And how
//! they came in, which an answer that goes on for long looks up again and again.

use std::time::Duration;

use axum::http::header::{COOKIE, HOST, ORIGIN, USER_AGENT};
use axum::http::{Extensions, HeaderMap, Method, Uri};
use futures::{Stream, StreamExt as _, stream};
use secrecy::{ExposeSecret as _, SecretString};

use crate::access::session::LONGEST;
use crate::access::source::Source;
use crate::access::{Access, FactorState, Holder, LocalOperator, Session, device};
use crate::domain::Timestamp;
use crate::domain::access::{Action, Actor, Decision, authorize};
use crate::store::StoreError;

/// The longest time for which an answer that goes on does not look whether it still may.
const LOOKED_EVERY: Duration = Duration::from_secs(2);

/// How somebody came in.
#[derive(Clone, Debug)]
pub enum WayIn {
    /// By the socket of this machine, which is open to its operator for as long as the host runs.
    Machine(LocalOperator),
    /// By the token of a program.
    Token(SecretString),
    /// By the session of a person.
    Session(Session),
}

impl WayIn {
    /// Whoever came in so, as they are now; none where the way is closed meanwhile.
    async fn actor(&self, access: &Access, now: Timestamp) -> Result<Option<Actor>, StoreError> {
        Ok(match self {
            Self::Machine(operator) => Some(operator.actor()),
            Self::Token(token) => match access.holder(token.expose_secret(), now).await? {
                Holder::Actor(actor, _) => Some(actor),
                Holder::Expired(_) | Holder::Nobody => None,
            },
            Self::Session(session) => {
                let session = access.session_now(session, now).await?;
                let session = session.filter(|session| session.second_factor != FactorState::Wanted);
                session.map(|session| session.actor(now))
            }
        })
    }

    /// The same where they may still do the action in the whole practice. Where the store cannot tell, they may not.
    async fn actor_who_may(&self, access: &Access, action: Action) -> Option<Actor> {
        let now = Timestamp::now();
        let actor = self.actor(access, now).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "an answer is cut off: it is not known whether it still may be seen");
            None
        })?;
        matches!(authorize(&actor, action, None), Decision::Allow { .. }).then_some(actor)
    }
}

impl Access {
    /// The parts of an answer that goes on for long, each with whoever asked as they are when it is sent. It ends within
    /// seconds where the session or token by which they came in is over, the account is disabled, or its role no longer
    /// allows the action.
    pub fn while_allowed<S: Stream>(
        &self,
        parts: S,
        way_in: WayIn,
        action: Action,
    ) -> impl Stream<Item = (S::Item, Actor)> + use<S> {
        stream::unfold((Box::pin(parts), self.clone(), way_in), move |(mut parts, access, way_in)| async move {
            loop {
                let part = tokio::time::timeout(LOOKED_EVERY, parts.next()).await;
                let actor = way_in.actor_who_may(&access, action).await?;
                if let Ok(part) = part {
                    return Some(((part?, actor), (parts, access, way_in)));
                }
            }
        })
    }
}

/// The sender of a request that opens a session.
#[derive(Clone, Debug)]
pub struct Sender {
    /// The address that it came from.
    pub source: Source,
    /// The browser or program, in a few words.
    pub device: Option<String>,
}

impl Sender {
    /// The sender of a request with these extensions and headers.
    pub fn of(extensions: &Extensions, headers: &HeaderMap) -> Self {
        let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Self { source: Source::in_extensions(extensions), device: user_agent.and_then(device::named) }
    }
}

impl From<Source> for Sender {
    fn from(source: Source) -> Self {
        Self { source, device: None }
    }
}

/// `__Host-` makes browsers insist on `Secure`, on `Path=/` and on no `Domain`, so that no other host can set it.
const COOKIE_NAME: &str = "__Host-tidegate";

/// The session token that a request brings.
pub fn session_token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE_NAME).then_some(value)
    })
}

/// The `Set-Cookie` that hands a session token to a browser.
pub fn session_cookie(token: &SecretString) -> String {
    let seconds = LONGEST.as_secs();
    let token = token.expose_secret();
    format!("{COOKIE_NAME}={token}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax")
}

/// The `Set-Cookie` that takes it away again.
pub fn no_session_cookie() -> String {
    format!("{COOKIE_NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
}

/// Whether a request that a cookie vouches for was meant by the person: other sites can make a browser send it, but
/// they cannot forge `Sec-Fetch-Site` or `Origin`. Browsers without either may read, which the sender cannot see the
/// answer of, and not change anything.
pub fn is_from_own_page(method: &Method, headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let own_origin = |origin: &str| {
        let authority = origin.parse::<Uri>().ok().and_then(|uri| uri.authority().map(ToString::to_string));
        authority.is_some() && authority.as_deref() == headers.get(HOST).and_then(|host| host.to_str().ok())
    };
    match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
        (Some("same-origin"), _) => true,
        // Typed into the address bar or opened from a bookmark.
        (Some("none"), _) => method.is_safe(),
        (Some(_), _) => false,
        (None, Some(origin)) => own_origin(origin),
        (None, None) => method.is_safe(),
    }
}

/// Whether the browser that sends a form will refuse the session cookie: it came from a page of plain HTTP, and from
/// elsewhere than this machine, so that `Secure` does not hold. Told by `Origin`, which browsers send with every form,
/// and not by how the request reached this host: a proxy may have taken the encryption off.
pub fn cannot_keep_cookie(headers: &HeaderMap) -> bool {
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok()?.parse::<Uri>().ok());
    let Some(origin) = origin.filter(|origin| origin.scheme_str() == Some("http")) else { return false };
    let host = origin.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_local_name = host == "localhost" || host.ends_with(".localhost");
    !is_local_name && !host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (axum::http::HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let check = |line: &str, expected| assert_eq!(session_token(&headers(&[("cookie", line)])), expected, "{line}");
        check("__Host-tidegate=abc", Some("abc"));
        check("theme=dark; __Host-tidegate=abc; x=y", Some("abc"));
        check("tidegate=abc", None);
        check("", None);
        assert_eq!(
            session_cookie(&"abc".into()),
            "__Host-tidegate=abc; Path=/; Max-Age=43200; Secure; HttpOnly; SameSite=Lax"
        );
    }

    #[test]
    fn only_own_pages_are_believed() {
        let check = |method: Method, pairs: &[(&'static str, &str)], expected| {
            let mut headers = headers(pairs);
            headers.insert(HOST, "tidegate.example:8080".parse().unwrap());
            assert_eq!(is_from_own_page(&method, &headers), expected, "{method} {pairs:?}");
        };
        check(Method::POST, &[("sec-fetch-site", "same-origin")], true);
        check(Method::POST, &[("sec-fetch-site", "none")], false);
        check(Method::GET, &[("sec-fetch-site", "none")], true);
        check(Method::GET, &[("sec-fetch-site", "cross-site")], false);
        check(Method::POST, &[("sec-fetch-site", "same-site")], false);
        check(Method::POST, &[("sec-fetch-site", "cross-site"), ("origin", "http://tidegate.example:8080")], false);
        check(Method::POST, &[("origin", "http://tidegate.example:8080")], true);
        check(Method::POST, &[("origin", "http://evil.example")], false);
        check(Method::POST, &[("origin", "null")], false);
        check(Method::GET, &[], true);
        check(Method::POST, &[], false);
    }

    #[test]
    fn a_browser_keeps_the_cookie_of_what_is_encrypted_or_local() {
        let check = |origin: &str, expected| {
            assert_eq!(cannot_keep_cookie(&headers(&[("origin", origin)])), expected, "{origin}");
        };
        check("http://practice.example", true);
        check("http://192.0.2.7:8080", true);
        check("http://localhost.example", true);
        check("https://practice.example", false);
        check("http://127.0.0.1:8080", false);
        check("http://[::1]:8080", false);
        check("http://localhost:8080", false);
        check("http://tidegate.localhost", false);
        check("null", false);
        assert!(!cannot_keep_cookie(&headers(&[])));
    }
}
