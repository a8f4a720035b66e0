//! The answer of a token endpoint, read as leniently as can be: a site that gives a new pair has forgotten the one
//! before, so that whatever tokens can be read are kept, however odd the rest of the answer is. And only a refusal that
//! is about the authorisation itself asks a person to give another.

use std::time::Duration;

use bytes::Bytes;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::{OAuthError, brief};
use crate::crm::{outside, repair};

/// The tokens that the site gave.
pub(super) struct Given {
    pub(super) access: Option<SecretString>,
    pub(super) refresh: Option<SecretString>,
    /// The time for which the access token holds.
    pub(super) lifetime: Duration,
}

const ACCESS: &str = "access_token";
const REFRESH: &str = "refresh_token";

/// The members that are looked for in an answer.
const MEMBERS: [&str; 5] = [ACCESS, REFRESH, "expires_in", "error", "error_description"];

/// Refusals after which the same again does not help and another authorisation may: those of RFC 6749 (5.2) that are
/// about who asks and with what, and what servers in use say in their place.
const FINAL: [&str; 12] = [
    "invalid_grant",
    "invalid_client",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "access_denied",
    "invalid_token",
    "expired_token",
    "invalid_refresh_token",
    "bad_refresh_token",
    "interaction_required",
    "consent_required",
];

/// Takes an answer apart. One that broke off in the middle is read as far as it goes.
///
/// # Errors
/// [`OAuthError::Refused`] where another authorisation is needed, [`OAuthError::Unreachable`] where the same may be asked
/// again later, [`OAuthError::Protocol`] where it is something else.
pub(super) fn read(status: u16, content_type: &str, body: Bytes) -> Result<Given, OAuthError> {
    let body = repair::utf8(body, content_type);
    let members = members(&String::from_utf8_lossy(&body));
    let given = Given {
        access: token(members.get(ACCESS)),
        refresh: token(members.get(REFRESH)),
        lifetime: outside::lifetime(members.get("expires_in")),
    };
    if given.access.is_some() || given.refresh.is_some() {
        return Ok(given);
    }
    let error = members.get("error");
    let code = text(error).or_else(|| ["code", "type", "error"].iter().find_map(|name| text(error?.get(name))));
    let description = text(members.get("error_description"));
    match code.map(|code| brief(&code)) {
        // A site in trouble says many things.
        Some(code) if status < 500 && is_final(&code, description.as_deref().unwrap_or_default()) => {
            let message = description.unwrap_or_else(|| "the site refused".to_owned());
            Err(OAuthError::Refused { code, message: brief(&message) })
        }
        Some(code) => {
            let message = brief(&description.unwrap_or_else(|| "no reason given".to_owned()));
            Err(later(format!("it answered {status}: {message} ({code})")))
        }
        None if status >= 300 => Err(later(format!("it answered {status} and gave no reason"))),
        None => Err(OAuthError::Protocol("no tokens in its answer".to_owned())),
    }
}

/// Whether a refusal is about the authorisation. `invalid_request` is mostly about the request, and some servers say it of
/// a refresh token that they do not know any more.
fn is_final(code: &str, description: &str) -> bool {
    let code = code.trim().to_ascii_lowercase();
    let is_of_token = || ["token", "session", "expired", "revoked"].iter().any(|word| description.contains(word));
    FINAL.contains(&code.as_str()) || code == "invalid_request" && is_of_token()
}

fn later(message: String) -> OAuthError {
    OAuthError::Unreachable { message, retry_after: None }
}

/// A token that a header can hold.
fn token(value: Option<&Value>) -> Option<SecretString> {
    let token = match value? {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let is_usable = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
    is_usable.then(|| token.into())
}

fn text(value: Option<&Value>) -> Option<String> {
    value?.as_str().map(str::to_owned)
}

/// The members of an answer: of the JSON object that has them, at the top or inside; of a form; or found one by one in
/// what is neither, because it is damaged or broke off.
fn members(body: &str) -> Map<String, Value> {
    if let Ok(value) = repair::read::<Value>(body.as_bytes()) {
        return holder(value).unwrap_or_default();
    }
    if body.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
        let pairs = oauth2::url::form_urlencoded::parse(body.trim().as_bytes());
        return pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect();
    }
    MEMBERS.iter().filter_map(|name| Some(((*name).to_owned(), found(body, name)?))).collect()
}

/// The first object that has any of the members, the outermost first.
fn holder(value: Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(members) if MEMBERS.iter().any(|name| members.contains_key(*name)) => Some(members),
        Value::Object(members) => members.into_iter().find_map(|(_, value)| holder(value)),
        Value::Array(values) => values.into_iter().find_map(holder),
        _ => None,
    }
}

/// The last whole value under a name, wherever it is.
fn found(body: &str, name: &str) -> Option<Value> {
    let quoted = format!("\"{name}\"");
    let values = body.split(&quoted).skip(1).filter_map(|rest| {
        let value = rest.trim_start().strip_prefix(':')?;
        serde_json::Deserializer::from_str(value).into_iter::<Value>().next()?.ok()
    });
    values.last()
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn said(status: u16, body: &[u8]) -> Result<Given, OAuthError> {
        read(status, "application/json", Bytes::copy_from_slice(body))
    }

    #[test]
    fn tokens_are_kept_however_odd_the_answer_is() {
        let check = |status: u16, body: &[u8], access: Option<&str>, refresh: Option<&str>, lifetime: u64| {
            let message = String::from_utf8_lossy(body);
            let given = said(status, body).unwrap_or_else(|error| panic!("{message}: {error}"));
            let shown = |token: &Option<SecretString>| token.as_ref().map(|token| token.expose_secret().to_owned());
            let found = (shown(&given.access), shown(&given.refresh), given.lifetime.as_secs());
            assert_eq!(found, (access.map(str::to_owned), refresh.map(str::to_owned), lifetime), "{message}");
        };
        let both = |body: &str, lifetime| check(200, body.as_bytes(), Some("a"), Some("r"), lifetime);
        both(r#"{"access_token":"a","token_type":"Bearer","expires_in":1800,"refresh_token":"r"}"#, 1800);
        both(r#"{"access_token":"a","expires_in":"1800","refresh_token":"r"}"#, 1800);
        both(r#"{"access_token":"a","refresh_token":"r"}"#, 3600);
        both(r#"{"access_token":"a","expires_in":null,"refresh_token":"r"}"#, 3600);
        both(r#"{"access_token":"a","expires_in":-1,"refresh_token":"r"}"#, 3600);
        both(r#"{"access_token":"a","expires_in":1800.5,"refresh_token":"r"}"#, 1800);
        both(r#"{"access_token":"a","expires_in":18446744073709551616,"refresh_token":"r"}"#, 86_400);
        both(r#"{"access_token":"a","expires_in":{},"refresh_token":"r"}"#, 3600);
        both(r#"{"access_token":"a","token_type":"BEARER","scope":["x","y"],"refresh_token":"r"}"#, 3600);
        both(r#"{"access_token":"a","token_type":null,"scope":7,"refresh_token":" r\n"}"#, 3600);
        both("\u{feff}{\"access_token\":\"a\",\"refresh_token\":\"r\"}", 3600);
        both(
            r#"{"access_token":"old","access_token":"a","token_type":"x","token_type":"x","refresh_token":"r"}"#,
            3600,
        );
        both(r#"{"access_token":"a","refresh_token":"r","user":"Pat \ud83d"}"#, 3600);
        both("{\"access_token\":\"a\",\"refresh_token\":\"r\",\"user\":\"Pat \0\"}", 3600);
        both(r#"{"data":{"access_token":"a","refresh_token":"r","expires_in":60}}"#, 60);
        both(r#"[{"access_token":"a","refresh_token":"r"}]"#, 3600);
        both("access_token=a&refresh_token=r&expires_in=60", 60);
        both(r#"{"access_token":"a","refresh_token":"r","expires_in":1800,}"#, 1800);
        // It broke off.
        both(r#"{"access_token":"a","refresh_token":"r","expi"#, 3600);
        check(200, br#"{"access_token":"a","refresh_token":"r"#, Some("a"), None, 3600);
        check(
            200,
            b"{\"access_token\":\"a\",\"refresh_token\":\"r\",\"user\":\"Ren\xe9\"}",
            Some("a"),
            Some("r"),
            3600,
        );
        check(500, br#"{"access_token":"a","refresh_token":"r"}"#, Some("a"), Some("r"), 3600);
        check(200, br#"{"access_token":"a"}"#, Some("a"), None, 3600);
        check(200, br#"{"access_token":null,"refresh_token":"r"}"#, None, Some("r"), 3600);
        check(200, "{\"access_token\":\"Māia\",\"refresh_token\":\"r\"}".as_bytes(), None, Some("r"), 3600);
        check(200, br#"{"access_token":17,"refresh_token":""}"#, Some("17"), None, 3600);
    }

    #[test]
    fn only_a_refusal_of_the_authorisation_is_final() {
        let check = |status: u16, body: &str, expected: &str| {
            let error = said(status, body.as_bytes()).err().unwrap();
            let kind = match error {
                OAuthError::Refused { .. } => "final",
                OAuthError::Unreachable { .. } => "later",
                OAuthError::Protocol(_) => "other",
            };
            assert_eq!(kind, expected, "{status} {body}: {error}");
        };
        check(400, r#"{"error":"invalid_grant","error_description":"used"}"#, "final");
        check(401, r#"{"error":"invalid_client"}"#, "final");
        check(400, r#"{"error":"unauthorized_client"}"#, "final");
        check(400, r#"{"error":"Invalid_Grant "}"#, "final");
        check(200, r#"{"error":"invalid_grant"}"#, "final");
        check(400, r#"{"error":{"code":"invalid_grant","message":"used"}}"#, "final");
        check(400, "\u{feff}{\"error\":\"invalid_grant\",\"error\":\"invalid_grant\"}", "final");
        check(400, "error=invalid_grant", "final");
        check(400, r#"{"error":"temporarily_unavailable"}"#, "later");
        check(400, r#"{"error":"server_error"}"#, "later");
        check(400, r#"{"error":"slow_down"}"#, "later");
        check(400, r#"{"error":"invalid_request"}"#, "later");
        check(400, r#"{"error":"invalid_request","error_description":"session not found"}"#, "final");
        check(400, r#"{"message":"Bad Request"}"#, "later");
        check(403, "<html>Forbidden</html>", "later");
        check(401, "<html>Unauthorized</html>", "later");
        check(400, "", "later");
        check(500, r#"{"error":"server_error"}"#, "later");
        check(502, r#"{"error":"invalid_grant"}"#, "later");
        check(503, "<html>Unavailable</html>", "later");
        check(302, "", "later");
        check(200, "<html>Maintenance</html>", "other");
        check(200, "{}", "other");
        check(200, r#"{"access_token":null}"#, "other");
    }
}
