//! The pieces of a JSON text that is none: what is between its commas, by its brackets and quotes alone.

/// The pieces of an array (`open` is `[`) or of an object's members (`{`), without those that are blank. None where
/// brackets do not match, so that one piece may hold more than it seems to.
pub(super) fn of(text: &str, open: u8) -> Option<Vec<&str>> {
    let text = text.trim();
    let mut closers = Vec::new();
    let (mut pieces, mut from, mut at, mut is_inside) = (Vec::new(), 1, 0, false);
    let bytes = text.as_bytes();
    if bytes.first() != Some(&open) {
        return None;
    }
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if is_inside => at += 1,
            b'"' => is_inside = !is_inside,
            _ if is_inside => {}
            b'[' => closers.push(b']'),
            b'{' => closers.push(b'}'),
            b']' | b'}' => {
                if closers.pop() != Some(byte) {
                    return None;
                }
                if closers.is_empty() {
                    pieces.push(text.get(from..at)?.trim());
                    pieces.retain(|piece| !piece.is_empty());
                    return (at + 1 == bytes.len()).then_some(pieces);
                }
            }
            b',' if closers.len() == 1 => {
                pieces.push(text.get(from..at)?.trim());
                from = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_nested_well_is_cut() {
        let check = |text: &str, expected: Option<&[&str]>| {
            assert_eq!(of(text, b'[').as_deref(), expected, "{text}");
        };
        check(r#" [ {"a":[1,2]} , oops,"]," ] "#, Some(&[r#"{"a":[1,2]}"#, "oops", r#""],""#]));
        check(r#"["\"],",]"#, Some(&[r#""\"],""#]));
        check("[]", Some(&[]));
        check("[{]}", None);
        check("[1] [2]", None);
        check("[1", None);
        check(r#"["1]"#, None);
        check("{}", None);
        check("", None);
    }
}
