//! Folding names for search and order: case, accents and macrons do not matter.

/// Base letters of U+00E0 to U+017F in lower case, one a code point; `-` where there is none or more than one.
const LATIN: &str = "\
    aaaaaa-ceeeeiiiidnooooo-ouuuuy-yaaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii--jjkk-lllllllllln\
    nnnnn---oooooo--rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/// Base letters of U+1E00 to U+1EF9 in lower case: Vietnamese and Welsh among others.
const LATIN_ADDITIONAL: &str = "\
    aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrrssss\
    ssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwyasss--aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeee\
    iiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy";

/// The words of a text, folded, one after the other with one space between: `O'Brien-Māia` → `obrien maia`.
/// Apostrophes and combining marks are taken out, everything else that is no letter or digit parts words, and letters
/// of other scripts stay.
pub fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut parted = false;
    for c in text.chars() {
        if is_silent(c) {
            continue;
        }
        if !c.is_alphanumeric() {
            parted = !folded.is_empty();
            continue;
        }
        if parted {
            folded.push(' ');
            parted = false;
        }
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
        } else {
            c.to_lowercase().filter(|c| !is_silent(*c)).for_each(|c| push_base(&mut folded, c));
        }
    }
    folded
}

/// Apostrophes of all kinds, the Hawaiian okina, and combining accents.
fn is_silent(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{02bb}' | '\u{02bc}' | '`' | '\u{0300}'..='\u{036f}')
}

fn push_base(folded: &mut String, c: char) {
    let two = match c {
        'æ' => "ae",
        'œ' => "oe",
        'ß' => "ss",
        'þ' => "th",
        'ĳ' => "ij",
        'ŋ' => "ng",
        'ĸ' => "k",
        'ŉ' => "n",
        _ => "",
    };
    if !two.is_empty() {
        folded.push_str(two);
        return;
    }
    let base = |first: char, letters: &str| {
        let index = usize::try_from(u32::from(c) - u32::from(first)).ok()?;
        letters.as_bytes().get(index).map(|byte| char::from(*byte)).filter(|base| *base != '-')
    };
    let found = match c {
        'à'..='ſ' => base('à', LATIN),
        'ḁ'..='ỹ' => base('\u{1e00}', LATIN_ADDITIONAL),
        'ș' => Some('s'),
        'ț' => Some('t'),
        'ǎ' => Some('a'),
        'ǐ' => Some('i'),
        'ǒ' => Some('o'),
        'ǔ' => Some('u'),
        'ơ' => Some('o'),
        'ư' => Some('u'),
        _ => None,
    };
    folded.push(found.unwrap_or(c));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_cover_their_ranges() {
        assert_eq!(LATIN.len(), 0x17f - 0xe0 + 1);
        assert_eq!(LATIN_ADDITIONAL.len(), 0x1ef9 - 0x1e00 + 1);
    }

    #[test]
    fn names() {
        let check = |text: &str, expected: &str| assert_eq!(fold(text), expected, "{text}");
        check("Ayda  Khan", "ayda khan");
        check("O'Brien-Māia", "obrien maia");
        check("D’Souza", "dsouza");
        check("Ærø Straße", "aero strasse");
        check("Nguyễn Thị Hồng", "nguyen thi hong");
        check("Zoë Čapek Łukasz Şahin Ōtāhuhu", "zoe capek lukasz sahin otahuhu");
        check("Zoe\u{308}", "zoe");
        check("王 芳", "王 芳");
        check("İbrahim", "ibrahim");
        check("Дмитрий", "дмитрий");
        check(" - ", "");
    }
}
