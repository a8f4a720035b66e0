//! Email addresses in the form that people use.

/// RFC 5321's limit for the part before the `@`, in bytes.
pub const LOCAL_PART_LIMIT: usize = 64;

/// RFC 5321's limit for the whole, in bytes.
const LIMIT: usize = 254;

/// Whether the host takes a text for an email address: RFC 5322's `dot-atom@domain`, without quotes, comments or white
/// space; letters beyond ASCII as RFC 6531 allows. To the letter what the host asks, so that a plugin can fall back on
/// something else where this is false.
#[must_use]
pub fn is_email_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_letter = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric();
    let is_atom =
        |atom: &str| !atom.is_empty() && atom.chars().all(|c| is_letter(c) || "!#$%&'*+-/=?^_`{|}~".contains(c));
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| is_letter(c) || c == '-')
    };
    text.len() <= LIMIT
        && local.len() <= LOCAL_PART_LIMIT
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
        && local.split('.').all(is_atom)
        && domain.contains('.')
        && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::is_email_address;

    #[test]
    fn addresses_are_told_from_what_people_write_in_their_place() {
        for text in ["pat.lee@example.com", "o'neil+x@mail.example.org", "Māia@example.com", "a@b.c"] {
            assert!(is_email_address(text), "{text}");
        }
        for text in [
            "alex..lee@example.com",
            ".alex@example.com",
            "alex.@example.com",
            "pat lee@example.com",
            "pat@example",
            "@example.com",
            "pat@-example.com",
            "pat@example..com",
            "pat@a@example.com",
            "Pat <pat@example.com>",
            "pat@example_x.com",
            "none",
            "",
        ] {
            assert!(!is_email_address(text), "{text}");
        }
    }

    #[test]
    fn addresses_are_as_long_as_they_may_be_and_no_longer() {
        let of = |local: usize, domain: usize| {
            let labels = format!("{}.au", "d".repeat(domain - 3));
            is_email_address(&format!("{}@{labels}", "l".repeat(local)))
        };
        assert_eq!([of(64, 20), of(65, 20), of(64, 189), of(64, 190)], [true, false, true, false]);
    }

    #[test]
    fn labels_of_a_domain_have_hyphens_inside_only() {
        let of = |domain: &str| is_email_address(&format!("pat@{domain}"));
        assert_eq!(["a-b.example", "a.b", "ā.example"].map(of), [true; 3]);
        let wrong = [
            "-a.example",
            "a-.example",
            "a.-example",
            "a.example-",
            "a..example",
            ".example",
            "example.",
            "a+b.example",
        ];
        assert_eq!(wrong.map(of), [false; 8]);
        // Blanks of every script and controls, which are no letters here either.
        let texts = ["p\u{a0}t@a.example", "p\u{85}t@a.example", "pat@a\u{2003}.example"];
        assert_eq!(texts.map(is_email_address), [false; 3]);
    }
}
