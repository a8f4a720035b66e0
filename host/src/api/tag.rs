//! Entity tags: the version of what is answered, and the one that a change names.

use axum::http::header::{ETAG, IF_MATCH};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use serde::Serialize;

use crate::api::problem::Problem;

/// The tag of a body, by all that is in it.
///
/// # Errors
/// Returns an error if the body has no form in JSON.
pub fn of(body: &impl Serialize) -> Result<String, Problem> {
    let json = serde_json::to_vec(body).map_err(|error| {
        tracing::error!(%error, "an answer has no form in JSON");
        Problem::internal()
    })?;
    Ok(blake3::hash(&json).to_hex()[..32].to_owned())
}

/// Puts the tag of a version on an answer.
pub fn put(answer: &mut Response, tag: &str) {
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{tag}\"")) {
        answer.headers_mut().insert(ETAG, tag);
    }
}

/// The tags that `If-Match` names, any of which will do; none where it names none, or any at all. A proxy that compresses
/// makes a tag weak, or marks it: it names the same version.
pub fn wanted(headers: &HeaderMap) -> Option<Vec<String>> {
    let mut given = headers.get_all(IF_MATCH).into_iter().peekable();
    given.peek()?;
    let mut tags = Vec::new();
    for tag in given.flat_map(|line| line.to_str().unwrap_or_default().split(',')) {
        let tag = tag.trim();
        if tag == "*" {
            return None;
        }
        let bare = tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"');
        tags.push(bare.strip_suffix("-gzip").unwrap_or(bare).to_owned());
    }
    Some(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_if_match_names_is_read_whatever_a_proxy_made_of_it() {
        let of = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(IF_MATCH, HeaderValue::from_static(line));
            }
            wanted(&headers)
        };
        let tags = |tags: &[&str]| Some(tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&[]), None);
        assert_eq!(of(&["*"]), None);
        assert_eq!(of(&["\"a-1\""]), tags(&["a-1"]));
        assert_eq!(of(&["W/\"a-1-gzip\", \"a-2\"", "a-3"]), tags(&["a-1", "a-2", "a-3"]));
        assert_eq!(of(&[""]), tags(&[""]), "what is no tag names no version that there is");
    }
}
