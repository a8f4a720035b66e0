//! HTML's entities in text that was written for a web page and stored as such.

use std::borrow::Cow;

/// The characters that web pages read the numbers 128 to 159 as: the code page of Windows; `-` where it has nothing.
const WINDOWS: &str = "€-‚ƒ„…†‡ˆ‰Š‹Œ-Ž--‘’“”•–—˜™š›œ-žŸ";

/// The text with its entities read as what they stand for, once: `O&#39;Brien &amp;amp; Lee` is `O'Brien &amp; Lee`.
/// What only looks like one (`R&D; sales`) stays. Text without entities, nearly all, is not copied.
#[must_use]
pub fn decode_entities(text: &str) -> Cow<'_, str> {
    match html_escape::decode_html_entities(text) {
        Cow::Owned(decoded) if decoded.contains(is_of_windows) => Cow::Owned(decoded.chars().map(shown).collect()),
        decoded => decoded,
    }
}

fn is_of_windows(c: char) -> bool {
    ('\u{80}'..'\u{a0}').contains(&c)
}

/// The character as a web page shows it.
fn shown(c: char) -> char {
    let place = is_of_windows(c).then(|| c as usize - 0x80);
    place.and_then(|place| WINDOWS.chars().nth(place)).filter(|shown| *shown != '-').unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::{WINDOWS, decode_entities};

    #[track_caller]
    fn check(text: &str, decoded: &str) {
        assert_eq!(decode_entities(text), decoded, "{text}");
    }

    #[test]
    fn entities_are_decoded_once() {
        check("O&#39;Brien &amp; Lee", "O'Brien & Lee");
        check("O&#x27;Brien", "O'Brien");
        check("O&apos;Brien &lt;Pat&gt; &quot;Paddy&quot;", "O'Brien <Pat> \"Paddy\"");
        check("Ren&eacute;e &Oslash;rsted &ccaron;", "Renée Ørsted č");
        check("M&amacr;ia &#256;wh&#x113;", "Māia Āwhē");
        check("D&#146;Arcy &ndash; D&rsquo;Arcy", "D’Arcy – D’Arcy");
        check("&#128;5 &#159;", "€5 Ÿ");
        check("12&nbsp;High St", "12\u{a0}High St");
        check("O&amp;#39;Brien", "O&#39;Brien");
        check("&amp;amp;", "&amp;");
        check("&frac14;&yuml;&divide;", "¼ÿ÷");
    }

    #[test]
    fn numbers_of_windows_are_read_as_web_pages_read_them() {
        check("&#127;|&#128;|&#130;|&#159;|&#160;", "\u{7f}|€|‚|Ÿ|\u{a0}");
        // Those that stand for nothing there, and text that has them already.
        check("&#129;&#141;&#158;", "\u{81}\u{8d}ž");
        check("a-b\u{93}", "a-b\u{93}");
        check("&amp;-", "&-");
        assert!(matches!(decode_entities("R&D; sales"), std::borrow::Cow::Borrowed(_)));
    }

    #[test]
    fn what_only_looks_like_an_entity_stays() {
        for text in
            ["R&D; sales", "Smith & Lee", "A&", "&;", "&#;", "&#0;", "&#x110000;", "&#55357;", "a&b;c", "&#+39;"]
        {
            check(text, text);
        }
        check("Lee &中文字; Smith", "Lee &中文字; Smith");
        // A number that stands for nothing is a control character, which cleaning takes out.
        check("&#129;", "\u{81}");
        assert_eq!(WINDOWS.chars().count(), 32);
    }
}
