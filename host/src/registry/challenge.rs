//! How a registry says who may ask it: the header `WWW-Authenticate` (RFC 9110, 11.6.1), of which there may be several, each
//! with several ways.

use std::collections::BTreeMap;

/// A way to sign in that a registry names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Challenge {
    /// `basic` or `bearer`, in lower case.
    pub(super) scheme: String,
    /// What it says of it, by names in lower case.
    pub(super) parameters: BTreeMap<String, String>,
}

/// All ways that the headers name, in their order.
pub(super) fn challenges<'a>(headers: impl Iterator<Item = &'a str>) -> Vec<Challenge> {
    let mut found: Vec<Challenge> = Vec::new();
    for header in headers {
        for item in items(header) {
            let (head, rest) = item.split_once([' ', '\t']).unwrap_or((item, ""));
            let parameter = if head.contains('=') {
                item
            } else {
                found.push(Challenge { scheme: head.to_ascii_lowercase(), parameters: BTreeMap::new() });
                rest.trim()
            };
            if let (Some(challenge), Some((name, value))) = (found.last_mut(), parameter.split_once('=')) {
                challenge.parameters.insert(name.trim().to_ascii_lowercase(), unquoted(value.trim()));
            }
        }
    }
    found
}

/// The items of a header between its commas; one within quotes is none.
fn items(header: &str) -> Vec<&str> {
    let (mut items, mut first, mut is_quoted, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, letter) in header.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => {
                items.push(header[first..at].trim());
                first = at + 1;
            }
            _ => {}
        }
    }
    items.push(header[first..].trim());
    items.retain(|item| !item.is_empty());
    items
}

fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let mut text = String::new();
    let mut letters = inner.strip_suffix('"').unwrap_or(inner).chars();
    while let Some(letter) = letters.next() {
        text.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[&str], expected: &[(&str, &[(&str, &str)])]) {
        let found = challenges(headers.iter().copied());
        let found: Vec<_> = found
            .iter()
            .map(|one| {
                (one.scheme.as_str(), one.parameters.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect::<Vec<_>>())
            })
            .collect();
        let expected: Vec<_> = expected.iter().map(|(scheme, parameters)| (*scheme, parameters.to_vec())).collect();
        assert_eq!(found, expected, "{headers:?}");
    }

    #[test]
    fn challenges_are_read_in_every_form() {
        let realm = ("realm", "https://auth.acme.example/token");
        check(
            &[r#"Bearer realm="https://auth.acme.example/token",service="registry",scope="repository:a/b:pull,push""#],
            &[("bearer", &[realm, ("scope", "repository:a/b:pull,push"), ("service", "registry")])],
        );
        // Two ways in one header, whichever comes first, and in two.
        let both: &[(&str, &[(&str, &str)])] = &[("basic", &[("realm", "Registry")]), ("bearer", &[realm])];
        check(&[r#"Basic realm="Registry", Bearer realm="https://auth.acme.example/token""#], both);
        check(&[r#"Basic realm="Registry""#, r#"Bearer realm="https://auth.acme.example/token""#], both);
        // Capitals, blanks, escapes, a comma in an address, and no quotes.
        check(&[r#"BASIC  realm = Registry"#], &[("basic", &[("realm", "Registry")])]);
        check(
            &[r#"bearer REALM="https://a.example/t?x=1,2" , service=r"#],
            &[("bearer", &[("realm", "https://a.example/t?x=1,2"), ("service", "r")])],
        );
        check(&[r#"Basic realm="a \"b\", c""#], &[("basic", &[("realm", "a \"b\", c")])]);
        check(&["Negotiate"], &[("negotiate", &[])]);
        check(&["", ", ,"], &[]);
        check(&[r#"Bearer realm="open"#], &[("bearer", &[("realm", "open")])]);
    }
}
