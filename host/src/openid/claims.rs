//! What an ID token says, held against what was asked (OpenID Connect Core, 3.1.3.7), and what it says of the person.

use std::time::Duration;

use serde_json::{Map, Value};

use super::OpenIdError;
use crate::domain::Timestamp;
use crate::domain::access::provider::{Groups, GroupsNote};

/// How far the provider's clock may be off.
const SKEW: Duration = Duration::from_mins(1);
/// The age from which on a token is not one that was made for the code that was just exchanged.
const OLDEST: Duration = Duration::from_mins(10);
/// The most letters of a subject (OpenID Connect Core, 2).
const LONGEST_SUBJECT: usize = 255;
/// The most groups that are read, and the most letters of one.
const MOST_GROUPS: usize = 5_000;
const LONGEST_GROUP: usize = 1_000;

/// What a token is held against.
pub struct Expected<'a> {
    /// The provider's address.
    pub issuer: &'a str,
    /// This host's name with the provider.
    pub client_id: &'a str,
    /// What went out with the person.
    pub nonce: &'a str,
    /// The moment of the check.
    pub now: Timestamp,
}

/// What was said: claims by their names.
pub type Claims = Map<String, Value>;

/// Holds what a token says against what was asked; answers the provider's own name for the person.
///
/// # Errors
/// Says what does not hold.
pub fn check(claims: &Claims, expected: &Expected<'_>) -> Result<String, OpenIdError> {
    let bad = |why| Err(OpenIdError::BadToken(why));
    let text = |name: &str| claims.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.issuer) {
        return bad("it was made by another provider");
    }
    let is_ours = |value: &Value| value.as_str() == Some(expected.client_id);
    let (is_for_us, is_for_others) = match claims.get("aud") {
        Some(Value::Array(audience)) => (audience.iter().any(is_ours), audience.len() > 1),
        Some(audience) => (is_ours(audience), false),
        None => (false, false),
    };
    if !is_for_us {
        return bad("it was made for another application");
    }
    match claims.get("azp") {
        Some(party) if !is_ours(party) => return bad("it was given to another application"),
        None if is_for_others => return bad("it is for several applications and does not say to which it was given"),
        _ => {}
    }
    // A number of seconds in another form is none: what is not understood does not hold.
    let moment = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => match value.as_f64().and_then(|seconds| Timestamp::from_second(seconds as i64).ok()) {
            Some(moment) => Ok(Some(moment)),
            None => Err(OpenIdError::BadToken("its times cannot be read")),
        },
    };
    let now = expected.now;
    match moment("exp")? {
        Some(ends_at) if now < ends_at.saturating_add(SKEW).unwrap_or(Timestamp::MAX) => {}
        Some(_) => return bad("its time is over; the provider’s clock or this machine’s may be wrong"),
        None => return bad("it does not say when it ends"),
    }
    match moment("iat")? {
        Some(made_at) if made_at > now + SKEW => {
            return bad("it was made in the future; the provider’s clock or this machine’s is wrong");
        }
        Some(made_at) if made_at < now - OLDEST - SKEW => {
            return bad("it was made long ago; the provider’s clock or this machine’s may be wrong");
        }
        Some(_) => {}
        None => return bad("it does not say when it was made"),
    }
    if moment("nbf")?.is_some_and(|begins_at| begins_at > now + SKEW) {
        return bad("it does not hold yet; the provider’s clock or this machine’s is wrong");
    }
    if text("nonce") != Some(expected.nonce) {
        return bad("it was made for another sign-in");
    }
    match text("sub") {
        Some(subject) if !subject.is_empty() && subject.chars().count() <= LONGEST_SUBJECT => Ok(subject.to_owned()),
        _ => bad("it does not say who the person is"),
    }
}

/// The moment at which the person signed in with the provider; none where it does not say.
pub fn signed_in_at(claims: &Claims) -> Option<Timestamp> {
    let seconds = claims.get("auth_time")?.as_f64()?;
    Timestamp::from_second(seconds as i64).ok()
}

/// Whether the person signed in with the provider after this moment.
pub fn is_fresh(claims: &Claims, since: Timestamp, now: Timestamp) -> bool {
    signed_in_at(claims).is_some_and(|at| since - SKEW <= at && at <= now + SKEW)
}

/// The email that the provider vouches for. `email_verified` is true or, with some, the word for it; left out, it is not.
pub fn verified_email(claims: &Claims) -> Result<&str, Option<&str>> {
    let email = claims.get("email").and_then(Value::as_str).filter(|email| !email.is_empty());
    let is_verified = match claims.get("email_verified") {
        Some(Value::Bool(is_verified)) => *is_verified,
        Some(Value::String(word)) => word.eq_ignore_ascii_case("true"),
        _ => false,
    };
    match email {
        Some(email) if is_verified => Ok(email),
        email => Err(email),
    }
}

/// The name by which colleagues know the person; empty where the provider says none.
pub fn name(claims: &Claims) -> String {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::trim).unwrap_or_default();
    match text("name") {
        "" => format!("{} {}", text("given_name"), text("family_name")).trim().to_owned(),
        name => name.to_owned(),
    }
}

/// The groups in a claim. One that begins with `/` is a JSON pointer (RFC 6901).
///
/// Who is in too many groups is sent none, and a place where they could be asked for (`_claim_names`, Microsoft) or a mark
/// that there are some (`hasgroups`): that is told apart from a person without groups.
pub fn groups(claims: &Claims, claim: &str) -> Groups {
    let first = claim.trim_start_matches('/').split('/').next().unwrap_or_default();
    let is_elsewhere =
        claims.get("_claim_names").and_then(Value::as_object).is_some_and(|names| names.contains_key(first));
    let says_too_many = claims.get("hasgroups").is_some_and(|has| *has == Value::Bool(true) || *has == "true");
    let found = match claim.strip_prefix('/') {
        Some(path) => {
            let mut steps = path.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
            let top = steps.next().and_then(|step| claims.get(&step));
            steps.fold(top, |value, step| value?.get(&step))
        }
        None => claims.get(claim),
    };
    match found {
        None | Some(Value::Null) if is_elsewhere || says_too_many => Groups::Unknown(GroupsNote::TooMany),
        None | Some(Value::Null) => Groups::Unknown(GroupsNote::Absent),
        // Together with a list it is a part of them: what is missing may be the strongest.
        Some(_) if is_elsewhere => Groups::Unknown(GroupsNote::TooMany),
        // One group, as some providers send it.
        Some(Value::String(one)) if is_name(one) => Groups::Named(vec![one.clone()]),
        Some(Value::Array(names)) if names.len() > MOST_GROUPS => Groups::Unknown(GroupsNote::TooMany),
        Some(Value::Array(names)) => {
            let named = names.iter().map(|name| name.as_str().filter(|name| is_name(name)).map(str::to_owned));
            named.collect::<Option<Vec<String>>>().map_or(Groups::Unknown(GroupsNote::Unreadable), Groups::Named)
        }
        Some(_) => Groups::Unknown(GroupsNote::Unreadable),
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST_GROUP
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claims(value: &Value) -> Claims {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_was_not_made_for_this_sign_in_does_not_hold() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let good = json!({
            "iss": "https://login.example", "aud": "tidegate", "sub": "17", "nonce": "n", "iat": 1_799_999_990,
            "exp": 1_800_000_300,
        });
        let check = |change: Value, expected: Result<&str, &str>| {
            let mut changed = claims(&good);
            for (name, value) in change.as_object().unwrap() {
                if value.is_null() {
                    drop(changed.remove(name));
                } else {
                    drop(changed.insert(name.clone(), value.clone()));
                }
            }
            let asked = Expected { issuer: "https://login.example", client_id: "tidegate", nonce: "n", now };
            match (check(&changed, &asked), expected) {
                (Ok(subject), Ok(expected)) => assert_eq!(subject, expected, "{change}"),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{change}: {error}"),
                (result, expected) => panic!("{change}: {result:?} is not {expected:?}"),
            }
        };
        check(json!({}), Ok("17"));
        check(json!({"aud": ["tidegate"]}), Ok("17"));
        check(json!({"aud": ["tidegate", "api"], "azp": "tidegate"}), Ok("17"));
        check(json!({"iss": "https://login.example/"}), Err("another provider"));
        check(json!({"iss": null}), Err("another provider"));
        check(json!({"aud": "other"}), Err("another application"));
        check(json!({"aud": []}), Err("another application"));
        check(json!({"aud": null}), Err("another application"));
        check(json!({"aud": ["tidegate", "api"]}), Err("several applications"));
        check(json!({"azp": "other"}), Err("given to another"));
        check(json!({"aud": ["tidegate", "api"], "azp": "api"}), Err("given to another"));
        check(json!({"exp": 1_799_999_941}), Ok("17"));
        check(json!({"exp": 1_799_999_940}), Err("is over"));
        check(json!({"exp": null}), Err("when it ends"));
        check(json!({"exp": "1800000300"}), Err("cannot be read"));
        check(json!({"exp": 1e300}), Err("cannot be read"));
        check(json!({"iat": 1_800_000_060}), Ok("17"));
        check(json!({"iat": 1_800_000_061}), Err("in the future"));
        check(json!({"iat": 1_799_999_340}), Ok("17"));
        check(json!({"iat": 1_799_999_339}), Err("long ago"));
        check(json!({"iat": null}), Err("when it was made"));
        check(json!({"iat": "x"}), Err("cannot be read"));
        check(json!({"nbf": 1_800_000_061}), Err("not hold yet"));
        check(json!({"nonce": "other"}), Err("another sign-in"));
        check(json!({"nonce": null}), Err("another sign-in"));
        check(json!({"sub": null}), Err("who the person is"));
        check(json!({"sub": ""}), Err("who the person is"));
        check(json!({"sub": 17}), Err("who the person is"));
        check(json!({"sub": "x".repeat(256)}), Err("who the person is"));
    }

    #[test]
    fn groups_that_were_not_sent_are_told_from_none() {
        let named = |names: &[&str]| Groups::Named(names.iter().map(|name| (*name).to_owned()).collect());
        let unknown = Groups::Unknown;
        let check = |value: Value, claim: &str, expected: Groups| {
            assert_eq!(groups(&claims(&value), claim), expected, "{value}");
        };
        check(json!({"groups": ["a", "b"]}), "groups", named(&["a", "b"]));
        check(json!({"groups": []}), "groups", named(&[]));
        check(json!({"groups": "a, b"}), "groups", named(&["a, b"]));
        check(json!({}), "groups", unknown(GroupsNote::Absent));
        check(json!({"groups": null}), "groups", unknown(GroupsNote::Absent));
        let overage =
            json!({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "https://x.example"}}});
        check(overage, "groups", unknown(GroupsNote::TooMany));
        check(json!({"groups": ["a"], "_claim_names": {"groups": "src1"}}), "groups", unknown(GroupsNote::TooMany));
        check(json!({"groups": ["a"], "_claim_names": {"other": "src1"}}), "groups", named(&["a"]));
        check(json!({"hasgroups": true}), "groups", unknown(GroupsNote::TooMany));
        check(json!({"groups": ["a", 7]}), "groups", unknown(GroupsNote::Unreadable));
        check(json!({"groups": {"a": true}}), "groups", unknown(GroupsNote::Unreadable));
        check(json!({"groups": true}), "groups", unknown(GroupsNote::Unreadable));
        check(json!({"groups": vec!["a"; MOST_GROUPS + 1]}), "groups", unknown(GroupsNote::TooMany));
        check(json!({"realm_access": {"roles": ["a"]}}), "/realm_access/roles", named(&["a"]));
        check(json!({"realm_access": {}}), "/realm_access/roles", unknown(GroupsNote::Absent));
        check(json!({"https://x.example/groups": ["a"]}), "https://x.example/groups", named(&["a"]));
    }

    #[test]
    fn an_email_counts_where_the_provider_vouches_for_it() {
        let check = |value: Value, expected: Result<&str, Option<&str>>| {
            assert_eq!(verified_email(&claims(&value)), expected, "{value}");
        };
        check(json!({"email": "pat@example.com", "email_verified": true}), Ok("pat@example.com"));
        check(json!({"email": "pat@example.com", "email_verified": "true"}), Ok("pat@example.com"));
        for not in [json!(false), json!("false"), json!(null), json!(1), json!("yes")] {
            check(json!({"email": "pat@example.com", "email_verified": not}), Err(Some("pat@example.com")));
        }
        check(json!({"email": "pat@example.com"}), Err(Some("pat@example.com")));
        check(json!({"email_verified": true}), Err(None));
        check(json!({"email": 7, "email_verified": true}), Err(None));
    }
}
