//! HTML's entities in text that was written for a web page and stored as such.

use std::borrow::Cow;

/// The entities of U+00A0 to U+00FF, in order.
const LATIN_1: &str = "\
    nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr \
    deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest \
    Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml \
    ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig \
    agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml \
    eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

/// The others that names, addresses and sentences are written with.
const OTHERS: [(&str, char); 30] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("Amacr", 'Ā'),
    ("Emacr", 'Ē'),
    ("Imacr", 'Ī'),
    ("Omacr", 'Ō'),
    ("Umacr", 'Ū'),
    ("amacr", 'ā'),
    ("emacr", 'ē'),
    ("imacr", 'ī'),
    ("omacr", 'ō'),
    ("umacr", 'ū'),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Scaron", 'Š'),
    ("scaron", 'š'),
    ("Yuml", 'Ÿ'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bull", '•'),
    ("hellip", '…'),
    ("euro", '€'),
    ("commat", '@'),
];

/// What web pages read the numbers 128 to 159 as: the code page of Windows; `-` where it has nothing.
const WINDOWS: &str = "€-‚ƒ„…†‡ˆ‰Š‹Œ-Ž--‘’“”•–—˜™š›œ-žŸ";

/// The longest name or number of an entity.
const LONGEST: usize = 8;

/// The text with its entities read as what they stand for, once: `O&#39;Brien &amp;amp; Lee` is `O'Brien &amp; Lee`.
/// What only looks like one (`R&D; sales`) stays. Text without entities, nearly all, is not copied.
#[must_use]
pub fn decode_entities(text: &str) -> Cow<'_, str> {
    if !text.as_bytes().contains(&b'&') {
        return Cow::Borrowed(text);
    }
    let mut decoded = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        let (before, entity) = rest.split_at(start);
        decoded.push_str(before);
        let end = entity.bytes().take(LONGEST + 2).position(|byte| byte == b';');
        match end.and_then(|end| Some((meaning(&entity[1..end])?, end))) {
            Some((meaning, end)) => {
                decoded.push(meaning);
                rest = &entity[end + 1..];
            }
            None => {
                decoded.push('&');
                rest = &entity[1..];
            }
        }
    }
    decoded.push_str(rest);
    if decoded == text { Cow::Borrowed(text) } else { Cow::Owned(decoded) }
}

fn meaning(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let number = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16).ok()?,
            None => number.parse().ok()?,
        };
        return match number {
            128..160 => WINDOWS.chars().nth(number as usize - 128).filter(|meaning| *meaning != '-'),
            number => char::from_u32(number).filter(|meaning| *meaning != '\0'),
        };
    }
    if let Some((_, meaning)) = OTHERS.iter().find(|(known, _)| *known == name) {
        return Some(*meaning);
    }
    let place = LATIN_1.split_ascii_whitespace().position(|known| known == name)?;
    char::from_u32(0xa0 + u32::try_from(place).ok()?)
}

#[cfg(test)]
mod tests {
    use super::{LATIN_1, WINDOWS, decode_entities};

    #[track_caller]
    fn check(text: &str, decoded: &str) {
        assert_eq!(decode_entities(text), decoded, "{text}");
    }

    #[test]
    fn entities_are_decoded_once() {
        check("O&#39;Brien &amp; Lee", "O'Brien & Lee");
        check("O&#x27;Brien", "O'Brien");
        check("O&apos;Brien &lt;Pat&gt; &quot;Paddy&quot;", "O'Brien <Pat> \"Paddy\"");
        check("Ren&eacute;e &Oslash;rsted", "Renée Ørsted");
        check("M&amacr;ia &#256;wh&#x113;", "Māia Āwhē");
        check("D&#146;Arcy &ndash; D&rsquo;Arcy", "D’Arcy – D’Arcy");
        check("12&nbsp;High St", "12\u{a0}High St");
        check("O&amp;#39;Brien", "O&#39;Brien");
        check("&amp;amp;", "&amp;");
    }

    #[test]
    fn what_only_looks_like_an_entity_stays() {
        for text in
            ["R&D; sales", "Smith & Lee", "A&", "&;", "&#;", "&#0;", "&#x110000;", "&#55357;", "a&b;c", "&#129;"]
        {
            check(text, text);
        }
        check("Lee &中文字; Smith", "Lee &中文字; Smith");
    }

    #[test]
    fn the_tables_are_whole() {
        assert_eq!(LATIN_1.split_ascii_whitespace().count(), 0x100 - 0xa0);
        assert_eq!(WINDOWS.chars().count(), 32);
        check("&frac14;&yuml;&divide;", "¼ÿ÷");
    }
}
