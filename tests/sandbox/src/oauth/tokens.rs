//! Codes and tokens.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::{Form, Request, TokenAnswer};
use crate::lock::locked;
use crate::site::{Answer, Site};

/// What the site has given out.
#[derive(Default)]
pub(crate) struct Tokens {
    given: u64,
    codes: Vec<Code>,
    pairs: Vec<Pair>,
    /// Answered in place of the usual.
    pub(crate) odd: Option<TokenAnswer>,
}

struct Code {
    code: String,
    account: usize,
    request: Request,
    ends: Instant,
    is_used: bool,
}

struct Pair {
    access: String,
    refresh: String,
    account: usize,
    access_ends: Instant,
    refresh_ends: Instant,
}

impl Tokens {
    pub(super) fn issue_code(&mut self, account: usize, request: Request, ends: Instant) -> String {
        let code = self.secret("code");
        self.codes.push(Code { code: code.clone(), account, request, ends, is_used: false });
        code
    }

    /// The account of a bearer token.
    pub(crate) fn account_of(&self, access: &str, now: Instant) -> Option<usize> {
        self.pairs.iter().find(|pair| pair.access == access && pair.access_ends > now).map(|pair| pair.account)
    }

    /// Ends every access token, so that the next call is a 401; renewing works.
    pub(crate) fn expire_all(&mut self, now: Instant) {
        self.pairs.iter_mut().for_each(|pair| pair.access_ends = now);
    }

    /// Takes back everything that was authorised.
    pub(crate) fn revoke_all(&mut self) {
        self.pairs.clear();
    }

    /// Not secret, and never the same twice.
    fn secret(&mut self, kind: &str) -> String {
        self.given += 1;
        format!("sandbox-{kind}-{}-{:x}", self.given, std::process::id())
    }
}

/// `POST /oauth2/token`
pub(super) fn answer(site: &Site, form: &Form, now: Instant) -> Answer {
    let odd = locked(&site.tokens).odd.clone();
    if let Some(odd) = odd.as_ref().filter(|odd| !odd.gives()) {
        return oddly(odd, "", "");
    }
    let known = site.oauth.client_id.as_deref();
    if known.is_none() || form.get("client_id") != known || form.get("client_secret") != Some(&site.oauth.client_secret)
    {
        return refused(401, "invalid_client", "The client id or the client secret is wrong.");
    }
    let account = match form.get("grant_type") {
        Some("authorization_code") => exchanged(site, form, now),
        Some("refresh_token") => renewed(site, form, now),
        _ => return refused(400, "unsupported_grant_type", "There is authorization_code and refresh_token."),
    };
    let account = match account {
        Ok(account) => account,
        Err(words) => return refused(400, "invalid_grant", words),
    };
    let mut tokens = locked(&site.tokens);
    let (access, refresh) = (tokens.secret("access"), tokens.secret("refresh"));
    let answer = match &odd {
        Some(odd) => oddly(odd, &access, &refresh),
        None => Answer::of(&json!({
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": site.oauth.access_lifetime.as_secs(),
            "refresh_token": refresh,
        })),
    };
    tokens.pairs.push(Pair {
        access,
        refresh,
        account,
        access_ends: now + site.oauth.access_lifetime,
        refresh_ends: now + site.oauth.refresh_lifetime,
    });
    answer.with_header("cache-control", "no-store".to_owned())
}

/// The answer that was asked for in place of the usual.
fn oddly(odd: &TokenAnswer, access: &str, refresh: &str) -> Answer {
    let body = odd.body.replace("{access}", access).replace("{refresh}", refresh);
    let answer = Answer { kind: odd.kind, cut_after: odd.cut_after, ..Answer::json(body) }.with_status(odd.status);
    match &odd.header {
        Some((name, value)) => answer.with_header(name, value.clone()),
        None => answer,
    }
}

fn exchanged(site: &Site, form: &Form, now: Instant) -> Result<usize, &'static str> {
    let mut tokens = locked(&site.tokens);
    let code = tokens.codes.iter_mut().find(|code| Some(code.code.as_str()) == form.get("code"));
    let code = code.filter(|code| code.ends > now).ok_or("The code is unknown or too old.")?;
    if std::mem::replace(&mut code.is_used, true) {
        return Err("The code was used already.");
    }
    if form.get("redirect_uri") != Some(&code.request.redirect_uri) {
        return Err("The redirect address is another one than the code was given for.");
    }
    let challenge = &code.request.code_challenge;
    let verifier = form.get("code_verifier").unwrap_or_default();
    if !site.oauth.ignores_pkce
        && !challenge.is_empty()
        && URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != *challenge
    {
        return Err("The code verifier does not fit the challenge.");
    }
    Ok(code.account)
}

fn renewed(site: &Site, form: &Form, now: Instant) -> Result<usize, &'static str> {
    let mut tokens = locked(&site.tokens);
    let place = tokens.pairs.iter().position(|pair| Some(pair.refresh.as_str()) == form.get("refresh_token"));
    let pair = place.map(|place| tokens.pairs.remove(place));
    pair.filter(|pair| pair.refresh_ends > now)
        .map(|pair| pair.account)
        .ok_or("The refresh token is unknown, was used already, or is too old.")
}

fn refused(status: u16, code: &str, words: &str) -> Answer {
    Answer::of(&json!({ "error": code, "error_description": words })).with_status(status)
}
