//! The formats of a workbook that show a number as a date or a time. A number with such a format is none.

use std::collections::HashSet;

use super::super::error::FileError;
use super::parts::{Parts, Piece};

/// Whether each of the workbook's cell formats shows a date, by the format's number.
pub(super) fn dates(parts: &mut Parts<'_>, name: &str) -> Result<Vec<bool>, FileError> {
    let Some(mut part) = parts.read_held(name)? else { return Ok(Vec::new()) };
    let (mut own, mut formats, mut is_in_cells) = (HashSet::new(), Vec::new(), false);
    while let Some(piece) = part.next()? {
        match piece {
            Piece::Open(tag) if tag.name() == "cellXfs" => is_in_cells = true,
            Piece::Close(end) if end.name() == "cellXfs" => is_in_cells = false,
            Piece::Open(tag) if tag.name() == "numFmt" => {
                let code = tag.attribute("formatCode")?.unwrap_or_default();
                if shows_date(&code) {
                    own.extend(number(tag.attribute("numFmtId")?));
                }
            }
            Piece::Open(tag) if tag.name() == "xf" && is_in_cells => formats.push(number(tag.attribute("numFmtId")?)),
            _ => {}
        }
    }
    let is_date = |format: Option<u32>| format.is_some_and(|format| is_built_in_date(format) || own.contains(&format));
    Ok(formats.into_iter().map(is_date).collect())
}

fn number(text: Option<String>) -> Option<u32> {
    text?.parse().ok()
}

/// The formats that have numbers of their own (ECMA-376, 18.8.30), with those of East Asian languages.
fn is_built_in_date(format: u32) -> bool {
    matches!(format, 14..=22 | 27..=36 | 45..=47 | 50..=58)
}

/// Whether a format has a part of a date or a time in it, outside of quoted words and conditions.
fn shows_date(code: &str) -> bool {
    let mut letters = code.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => drop(letters.by_ref().find(|letter| *letter == '"')),
            '\\' | '_' | '*' => drop(letters.next()),
            '[' => {
                let inner: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                // Hours, minutes or seconds that go on beyond a day.
                if !inner.is_empty() && inner.chars().all(|letter| "hms".contains(letter.to_ascii_lowercase())) {
                    return true;
                }
            }
            'd' | 'D' | 'm' | 'M' | 'y' | 'Y' | 'h' | 'H' | 's' | 'S' => return true,
            'G' | 'g' => {
                // The word General.
                let rest = letters.as_str();
                if let Some(rest) = rest.get(..6).filter(|rest| rest.eq_ignore_ascii_case("eneral")) {
                    letters = letters.as_str()[rest.len()..].chars();
                }
            }
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_that_show_dates() {
        let check = |code: &str, expected| assert_eq!(shows_date(code), expected, "{code}");
        for code in ["dd/mm/yyyy", "[$-409]d-mmm-yy;@", "[h]:mm", "[Red]yyyy", "hh:mm AM/PM"] {
            check(code, true);
        }
        for code in
            ["General", "0", "#,##0.00", "0\"days\"", "[Red]0;[Blue]-0", "_-* #,##0_-", "\\d0", "@", "\"unclosed d"]
        {
            check(code, false);
        }
        assert!(is_built_in_date(14) && !is_built_in_date(0) && !is_built_in_date(49));
    }
}
