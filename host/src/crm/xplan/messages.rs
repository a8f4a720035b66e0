//! Messages for people about answers: the CRM's own words where it refuses, and the outline of an answer that is not
//! what it should be. Never a record's values, an address with a query, or a secret.

use serde_json::Value;

use super::answer::Answer;
use crate::crm::repair;

/// The longest words that are kept.
const LONGEST: usize = 500;

/// The places where an error object says why: a site's own way first, then what gateways and others in front of it
/// send.
const REASONS: [&str; 8] =
    ["user_message", "api_message", "message", "error_description", "detail", "error_message", "error", "title"];

/// The CRM's own words in a refusal, else what the answer looks like.
pub(super) fn said(answer: &Answer) -> String {
    said_by(&answer.body).unwrap_or_else(|| outline(answer))
}

/// The words of an error object, if it is one: the first two that differ.
pub(super) fn said_by(body: &[u8]) -> Option<String> {
    let refusal: serde_json::Map<String, Value> = repair::read(body).ok()?;
    // Some wrap it once more: `{"error":{"code":429,"message":"…"}}`.
    let inner = refusal.get("error").and_then(Value::as_object);
    let texts = |of: &serde_json::Map<String, Value>| -> Vec<String> {
        let keys = REASONS.iter().filter_map(|key| of.get(*key).and_then(Value::as_str));
        keys.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect()
    };
    let mut said = texts(&refusal);
    said.extend(inner.map(texts).unwrap_or_default());
    said.dedup();
    said.truncate(2);
    if said.is_empty() {
        return None;
    }
    let message = said.join(" ");
    Some(message.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect())
}

/// The outline of an answer: its type, length and beginning, with every letter and digit of data masked.
pub(super) fn outline(answer: &Answer) -> String {
    let kind = if answer.content_type.is_empty() { "no content type" } else { &answer.content_type };
    let length = answer.body.len();
    if answer.body.is_empty() {
        return format!("an empty answer with status {} ({kind})", answer.status);
    }
    let beginning = String::from_utf8_lossy(&answer.body[..length.min(40)]).into_owned();
    let is_markup = beginning.trim_start().starts_with('<');
    let masked: String = if is_markup {
        beginning.lines().next().unwrap_or_default().split_inclusive('>').take(1).collect()
    } else {
        beginning.chars().map(masked).collect()
    };
    format!("{length} bytes with status {} ({kind}) that begin `{masked}`", answer.status)
}

fn masked(c: char) -> char {
    match c {
        '0'..='9' => '0',
        c if c.is_alphabetic() => 'a',
        c if c.is_ascii_punctuation() => c,
        _ => ' ',
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn answer(content_type: &str, body: &'static str) -> Answer {
        Answer { content_type: content_type.to_owned(), body: Bytes::from_static(body.as_bytes()), ..Answer::of(200) }
    }

    #[test]
    fn an_outline_shows_no_values() {
        let check = |kind, body, expected: &str| assert_eq!(outline(&answer(kind, body)), expected);
        check(
            "application/json",
            r#"{"first_name":"Pat","dob":"1970-01-01"}"#,
            r#"39 bytes with status 200 (application/json) that begin `{"aaaaa_aaaa":"aaa","aaa":"0000-00-00"}`"#,
        );
        check(
            "text/html",
            "<!DOCTYPE html>\n<html><body>Pat</body>",
            "38 bytes with status 200 (text/html) that begin `<!DOCTYPE html>`",
        );
        check("", "", "an empty answer with status 200 (no content type)");
    }

    #[test]
    fn a_refusal_is_told_in_the_crms_words() {
        let check = |body, expected: &str| assert_eq!(said(&answer("application/json", body)), expected);
        check(
            r#"{"user_message":"No access.","api_message":"Capability x missing."}"#,
            "No access. Capability x missing.",
        );
        check(r#"{"user_message":"No\naccess."}"#, "No access.");
        check(r#"{"user_message":"No access.","api_message":"No access."}"#, "No access.");
        check(r#"{"message":"Note type General is not allowed."}"#, "Note type General is not allowed.");
        check(
            r#"{"error":"forbidden","error_description":"Ask your administrator."}"#,
            "Ask your administrator. forbidden",
        );
        check(r#"{"error":{"code":429,"message":"Slow down."}}"#, "Slow down.");
        check(r#"{"title":"Not allowed","status":403,"detail":""}"#, "Not allowed");
        check("{}", "2 bytes with status 200 (application/json) that begin `{}`");
    }
}
