//! Speaking to one repository of a registry: signing in the way that it names, following where it stores its blobs, and
//! reading no more than is taken.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use reqwest::{Method, Response, StatusCode, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::challenge::{Challenge, challenges};
use super::manifest::{Descriptor, MANIFEST};
use super::{Reference, RegistryError, digest_of};
use crate::config::packs::Registries;
use crate::crm::hosts::HostRules;
use crate::crm::http;
use crate::crm::outside;
use crate::crm::proxy::Proxy;
use crate::domain::Timestamp;

/// The time for a connection, for the next bytes of an answer, and for all of one that is small or a pack.
const CONNECT: Duration = Duration::from_secs(10);
const SILENCE: Duration = Duration::from_secs(30);
const SMALL: Duration = Duration::from_secs(60);
const LARGE: Duration = Duration::from_secs(600);

/// How often a request is tried where the registry is busy, the pause where it names none, and the longest that is waited for.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How often a registry may send on.
const HOPS: u32 = 5;

/// The most bytes of an error's words, and of the answer to a sign-in.
const WORDS: usize = 64 << 10;
/// The most characters of an error's words that are told.
const TOLD: usize = 300;

/// The header with the digest of what is answered.
const CONTENT_DIGEST: &str = "docker-content-digest";

/// What is to be done in the repository.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Scope {
    Pull,
    Push,
}

/// A client for one repository.
pub(super) struct Client {
    http: reqwest::Client,
    /// The registry's host.
    pub(super) host: String,
    base: Url,
    repository: String,
    sign_in: Option<(String, SecretString)>,
    insecure: bool,
    scope: Scope,
    /// What was found to let it in.
    authorization: Option<HeaderValue>,
}

/// A request that can be made several times.
struct Ask<'a> {
    method: Method,
    url: Url,
    accept: Option<&'static str>,
    body: Option<(&'a [u8], &'static str)>,
    time: Duration,
}

impl Client {
    pub(super) fn new(
        reference: &Reference,
        (registries, proxy): (&Registries, Option<&Proxy>),
        scope: Scope,
    ) -> Result<Self, RegistryError> {
        let known = registries.known.iter().find(|known| known.host == reference.host);
        let insecure = known.is_some_and(|known| known.insecure);
        let scheme = if insecure { "http" } else { "https" };
        let base = Url::parse(&format!("{scheme}://{}/v2/{}/", reference.host, reference.repository));
        let why = "it has no host before its first slash";
        let base = base.map_err(|_| RegistryError::NotAReference { text: reference.to_string(), why })?;
        let client = http::operators_client(proxy, insecure).map(|client| client.connect_timeout(CONNECT));
        // While a pack is sent, the registry may be silent for as long as that takes.
        let client = client.map(|client| if scope == Scope::Pull { client.read_timeout(SILENCE) } else { client });
        let http = client.and_then(|client| client.build()).map_err(RegistryError::NoClient)?;
        Ok(Self {
            http,
            host: reference.host.clone(),
            base,
            repository: reference.repository.clone(),
            sign_in: known.and_then(|known| known.sign_in.clone()),
            insecure,
            scope,
            authorization: None,
        })
    }

    /// The manifest that a reference names, and its digest.
    pub(super) async fn manifest(
        &mut self,
        reference: &Reference,
        most: usize,
    ) -> Result<(Vec<u8>, String), RegistryError> {
        let what = format!("the manifest {}", reference.asked_by());
        let url = self.url(&["manifests", reference.asked_by()]);
        let ask = Ask { method: Method::GET, url, accept: Some(MANIFEST), body: None, time: SMALL };
        let response = self.send(&ask).await?;
        let response = self.good(response, &[StatusCode::OK], &what).await?;
        let (host, kind) = (host_of(&response), media_type(&response));
        let other = |expected: &str, got: String| RegistryError::Other {
            what: what.clone(),
            host: host.clone(),
            expected: expected.to_owned(),
            got,
        };
        if kind != MANIFEST {
            let got = if kind.contains("html") {
                format!("`{kind}`, the page of a proxy or a sign-in in place of the registry's answer")
            } else {
                format!("`{kind}`")
            };
            return Err(other(&format!("`{MANIFEST}`"), got));
        }
        let said = response.headers().get(CONTENT_DIGEST).and_then(|said| said.to_str().ok().map(str::to_owned));
        let bytes = self.body(response, most as u64, &what).await?;
        let digest = digest_of(&bytes);
        let expected = [reference.digest.clone(), said.filter(|said| said.starts_with("sha256:"))];
        match expected.into_iter().flatten().find(|expected| *expected != digest) {
            Some(expected) => Err(other(&expected, format!("{digest} (`{kind}`)"))),
            None => Ok((bytes, digest)),
        }
    }

    /// A blob, whole and as its descriptor says.
    pub(super) async fn blob(&mut self, of: &Descriptor) -> Result<Vec<u8>, RegistryError> {
        let what = format!("the layer {}", of.digest);
        let url = self.url(&["blobs", &of.digest]);
        let ask = Ask { method: Method::GET, url, accept: None, body: None, time: LARGE };
        let response = self.send(&ask).await?;
        let response = self.good(response, &[StatusCode::OK], &what).await?;
        let (host, kind) = (host_of(&response), media_type(&response));
        let bytes = self.body(response, of.size, &what).await?;
        let other = |expected: String, got: String| {
            Err(RegistryError::Other {
                what: what.clone(),
                host: host.clone(),
                expected,
                got: format!("{got} (`{kind}`)"),
            })
        };
        if bytes.len() as u64 != of.size {
            return other(format!("{} bytes", of.size), format!("{}", bytes.len()));
        }
        let digest = digest_of(&bytes);
        if digest == of.digest { Ok(bytes) } else { other(of.digest.clone(), digest) }
    }

    /// Stores a blob, unless it is there.
    pub(super) async fn upload(&mut self, bytes: Vec<u8>) -> Result<(), RegistryError> {
        let digest = digest_of(&bytes);
        let what = format!("the blob {digest}");
        let url = self.url(&["blobs", &digest]);
        let ask = Ask { method: Method::HEAD, url, accept: None, body: None, time: SMALL };
        if self.send(&ask).await?.status() == StatusCode::OK {
            return Ok(());
        }
        let url = self.url(&["blobs", "uploads", ""]);
        let ask = Ask { method: Method::POST, url, accept: None, body: Some((&[], "")), time: SMALL };
        let begun = self.send(&ask).await?;
        let begun = self.good(begun, &[StatusCode::ACCEPTED], &what).await?;
        let mut url = self.location(&begun)?;
        url.query_pairs_mut().append_pair("digest", &digest);
        let body = Some((bytes.as_slice(), "application/octet-stream"));
        let ask = Ask { method: Method::PUT, url, accept: None, body, time: LARGE };
        let stored = self.send(&ask).await?;
        self.good(stored, &[StatusCode::CREATED], &what).await.map(drop)
    }

    /// Stores a manifest under a tag.
    pub(super) async fn tag(&mut self, tag: &str, bytes: Vec<u8>, digest: &str) -> Result<(), RegistryError> {
        let what = format!("the manifest {tag}");
        let url = self.url(&["manifests", tag]);
        let body = Some((bytes.as_slice(), MANIFEST));
        let ask = Ask { method: Method::PUT, url, accept: None, body, time: SMALL };
        let stored = self.send(&ask).await?;
        let stored = self.good(stored, &[StatusCode::CREATED], &what).await?;
        let said = stored.headers().get(CONTENT_DIGEST).and_then(|said| said.to_str().ok()).unwrap_or(digest);
        if said == digest {
            return Ok(());
        }
        let (expected, got) = (digest.to_owned(), said.to_owned());
        Err(RegistryError::Other { what, host: host_of(&stored), expected, got })
    }

    fn url(&self, parts: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(parts);
        }
        url
    }

    /// Asks until there is an answer that is neither a way to sign in, nor elsewhere, nor "later".
    async fn send(&mut self, ask: &Ask<'_>) -> Result<Response, RegistryError> {
        let (mut url, mut hops, mut tries, mut has_signed_in) = (ask.url.clone(), 0, 1, false);
        loop {
            let response = self.once(ask, &url).await?;
            match response.status() {
                StatusCode::UNAUTHORIZED if self.is_own(&url) && !has_signed_in => {
                    has_signed_in = true;
                    let named = response.headers().get_all(WWW_AUTHENTICATE).iter();
                    let named = challenges(named.filter_map(|value| value.to_str().ok()));
                    self.authorization = Some(self.sign_in(&named).await?);
                }
                StatusCode::UNAUTHORIZED if self.is_own(&url) => {
                    let who = self.sign_in.as_ref().map_or("nobody in particular", |(user, _)| user.as_str());
                    let why = format!("it does not let in `{who}`; check packs.registries in the settings");
                    return Err(RegistryError::SignIn { host: self.host.clone(), why });
                }
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                    let said = response.headers().get(RETRY_AFTER).and_then(|said| said.to_str().ok());
                    let wait = said.and_then(|said| outside::wait(said, Timestamp::now()));
                    let pause = wait.unwrap_or(PAUSE * tries);
                    if tries >= TRIES || pause > LONGEST_WAIT {
                        return Err(RegistryError::Busy { host: host_of(&response), wait });
                    }
                    tries += 1;
                    tokio::time::sleep(pause).await;
                }
                status if status.is_redirection() && matches!(ask.method, Method::GET | Method::HEAD) => {
                    hops += 1;
                    url = self.location(&response)?;
                    if hops > HOPS {
                        return Err(self.leads_away(&response, &url, "it was sent on too often"));
                    }
                }
                _ => return Ok(response),
            }
        }
    }

    async fn once(&self, ask: &Ask<'_>, url: &Url) -> Result<Response, RegistryError> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = ask.accept {
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
        }
        // Where blobs are stored elsewhere, the address itself lets in, and what lets in here is nobody else's business.
        if let Some(authorization) = self.authorization.as_ref().filter(|_| self.is_own(url)) {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        let mut request = self.http.request(ask.method.clone(), url.clone()).timeout(ask.time);
        if let Some((bytes, kind)) = ask.body {
            if kind.is_empty() {
                headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            } else {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            }
            request = request.body(bytes.to_vec());
        }
        let sent = request.headers(headers).send().await;
        sent.map_err(|source| self.unreachable(url, source))
    }

    fn unreachable(&self, url: &Url, error: reqwest::Error) -> RegistryError {
        const HINT: &str = ". A registry on this machine without TLS is named in the settings: registries = [{ host = \
                            \"localhost:5000\", insecure = true }] in [packs]";
        let hint = if error.is_connect() && !self.insecure && is_loopback(url) { HINT } else { "" };
        let host = url.host_str().unwrap_or(&self.host).to_owned();
        // What lets in may stand in an address.
        RegistryError::Unreachable { host, error: error.without_url(), hint }
    }

    /// Whether an address is the registry's own.
    fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// Where an answer leads: over HTTPS to wherever the registry stores its blobs, and over plain HTTP on this machine only.
    fn location(&self, response: &Response) -> Result<Url, RegistryError> {
        let said = response.headers().get(LOCATION).and_then(|said| said.to_str().ok()).unwrap_or_default();
        let url = response.url().join(said).unwrap_or_else(|_| response.url().clone());
        let is_followed = match url.scheme() {
            "https" => true,
            "http" => self.insecure && is_loopback(&url),
            _ => false,
        };
        let why = "it is not encrypted";
        if is_followed { Ok(url) } else { Err(self.leads_away(response, &url, why)) }
    }

    fn leads_away(&self, response: &Response, to: &Url, why: &'static str) -> RegistryError {
        // What lets in may stand behind the path.
        let to = format!("{}://{}{}", to.scheme(), to.host_str().unwrap_or_default(), to.path());
        RegistryError::LeadsAway { host: host_of(response), to, why }
    }

    /// What lets in, by the way that the registry names: a token where it names one, else the user and the password.
    async fn sign_in(&self, named: &[Challenge]) -> Result<HeaderValue, RegistryError> {
        let failed = |why: String| RegistryError::SignIn { host: self.host.clone(), why };
        if let Some(bearer) = named.iter().find(|challenge| challenge.scheme == "bearer") {
            return self.token(bearer).await;
        }
        if !named.iter().any(|challenge| challenge.scheme == "basic") {
            let why = if named.is_empty() {
                "it answers 401 and does not say how to sign in; a proxy may stand between".to_owned()
            } else {
                let ways: Vec<&str> = named.iter().map(|challenge| challenge.scheme.as_str()).collect();
                format!("it names no way that is known here, but {}", ways.join(", "))
            };
            return Err(failed(why));
        }
        let Some((user, password)) = &self.sign_in else {
            let why = "the settings name no user for it: registries = [{ host = …, username = …, password-file = … }] in [packs]";
            return Err(failed(why.to_owned()));
        };
        Ok(secret("Basic", &STANDARD.encode(format!("{user}:{}", password.expose_secret()))))
    }

    /// A token for the repository, from where the registry says.
    async fn token(&self, challenge: &Challenge) -> Result<HeaderValue, RegistryError> {
        let failed = |why: String| RegistryError::SignIn { host: self.host.clone(), why };
        let realm = challenge.parameters.get("realm").map(String::as_str).unwrap_or_default();
        let mut url = Url::parse(realm).map_err(|_| failed("it names no address that gives tokens".to_owned()))?;
        let is_trusted = url.scheme() == "https" || (self.insecure && url.scheme() == "http" && is_loopback(&url));
        let from = url.host_str().unwrap_or_default().to_owned();
        if !is_trusted {
            return Err(failed(format!("it has tokens from {from}, over a connection that is not encrypted")));
        }
        let actions = match self.scope {
            Scope::Pull => "pull",
            Scope::Push => "pull,push",
        };
        if let Some(service) = challenge.parameters.get("service") {
            url.query_pairs_mut().append_pair("service", service);
        }
        // What some name as scope is of no repository.
        url.query_pairs_mut().append_pair("scope", &format!("repository:{}:{actions}", self.repository));
        let mut request = self.http.get(url.clone()).timeout(SMALL);
        if let Some((user, password)) = &self.sign_in {
            request = request.basic_auth(user, Some(password.expose_secret()));
        }
        let response = request.send().await.map_err(|source| self.unreachable(&url, source))?;
        let (status, kind) = (response.status(), media_type(&response));
        if !status.is_success() {
            let who = self.sign_in.as_ref().map_or("nobody in particular", |(user, _)| user.as_str());
            let why = format!("{from} gives `{who}` no token ({status}); check packs.registries in the settings");
            return Err(failed(why));
        }
        let bytes = self.body(response, WORDS as u64, "the token").await?;
        let given: Token = serde_json::from_slice(&bytes).map_err(|_| RegistryError::Other {
            what: "the token".to_owned(),
            host: from,
            expected: "`application/json` with a token".to_owned(),
            got: format!("{} bytes of `{kind}`", bytes.len()),
        })?;
        Ok(secret("Bearer", &given.token.or(given.access_token).unwrap_or_default()))
    }

    /// An answer with one of these statuses; the registry's own words where it has another.
    async fn good(&self, response: Response, wanted: &[StatusCode], what: &str) -> Result<Response, RegistryError> {
        if wanted.contains(&response.status()) {
            return Ok(response);
        }
        let (host, status, kind) = (host_of(&response), response.status().as_u16(), media_type(&response));
        let words = self.body(response, WORDS as u64, what).await.unwrap_or_default();
        let said = serde_json::from_slice::<Errors>(&words).map(|errors| errors.said()).unwrap_or_default();
        let said = match (said.as_str(), kind.contains("html")) {
            ("", true) => format!(" (`{kind}`, the page of a proxy or a sign-in in place of the registry's answer)"),
            ("", false) => String::new(),
            (said, _) => format!(": {said}"),
        };
        Err(RegistryError::Refused { host, what: what.to_owned(), status, said })
    }

    /// The bytes of an answer, `most` at most: reading ends where there are more.
    async fn body(&self, mut response: Response, most: u64, what: &str) -> Result<Vec<u8>, RegistryError> {
        let host = host_of(&response);
        let url = response.url().clone();
        let mut bytes = Vec::with_capacity(outside::set_aside(response.content_length()));
        while let Some(piece) = response.chunk().await.map_err(|source| self.unreachable(&url, source))? {
            if (bytes.len() + piece.len()) as u64 > most {
                return Err(RegistryError::TooLarge { what: what.to_owned(), host, most });
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes)
    }
}

/// The answer of who gives tokens.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

/// A registry's errors.
#[derive(Deserialize)]
struct Errors {
    errors: Vec<ErrorLine>,
}

#[derive(Deserialize)]
struct ErrorLine {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

impl Errors {
    fn said(&self) -> String {
        let lines: Vec<String> = self.errors.iter().map(|line| format!("{} {}", line.code, line.message)).collect();
        let lines = lines.join("; ");
        lines.trim().chars().filter(|letter| !letter.is_control()).take(TOLD).collect()
    }
}

fn secret(scheme: &str, value: &str) -> HeaderValue {
    let mut header = HeaderValue::try_from(format!("{scheme} {value}")).unwrap_or(HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

fn host_of(response: &Response) -> String {
    let url = response.url();
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The media type of an answer, without parameters and in lower case.
fn media_type(response: &Response) -> String {
    let said = response.headers().get(CONTENT_TYPE).and_then(|said| said.to_str().ok()).unwrap_or("no media type");
    said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let with_port = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    HostRules::check_stand_in(&with_port).is_ok()
}
