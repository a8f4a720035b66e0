//! Lines about the rules that begin with a place in them, a JSON Pointer (RFC 6901), as plugins and gates tell what is wrong.

/// The JSON Pointer at the beginning of a line, in its parts, and what is said of it; none where there is none.
pub fn split_pointer(line: &str) -> Option<(Vec<String>, &str)> {
    let end = line.find([':', ' '])?;
    let (pointer, message) = line.split_at(end);
    let parts = pointer.strip_prefix('/')?.split('/');
    let parts = parts.filter(|part| !part.is_empty()).map(|part| part.replace("~1", "/").replace("~0", "~"));
    Some((parts.collect(), message.trim_start_matches([':', ' '])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_leads_to_the_place_that_it_names() {
        let check = |line: &str, expected: Option<(&[&str], &str)>| {
            let found = split_pointer(line);
            let found =
                found.as_ref().map(|(place, said)| (place.iter().map(String::as_str).collect::<Vec<_>>(), *said));
            assert_eq!(found, expected.map(|(place, said)| (place.to_vec(), said)), "{line}");
        };
        check("/examples/3: the example", Some((&["examples", "3"], "the example")));
        check("/examples/3 (\"a\"): what", Some((&["examples", "3"], "(\"a\"): what")));
        check("/a~1b/c~0: x", Some((&["a/b", "c~"], "x")));
        check("rules.toml: no", None);
        check("", None);
    }
}
