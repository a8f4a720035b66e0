//! Characters that no font has. Left alone they would be boxes that nobody reads and that PDF/UA forbids: they are found
//! in the set pages, replaced in the data, and told.

use std::collections::BTreeSet;

use serde_json::Value;
use typst::layout::{Frame, FrameItem, Point};
use typst::text::TextItem;

/// What stands in place of a character that no font has: U+FFFD, which is made for it.
pub(crate) const REPLACEMENT: char = '\u{FFFD}';

/// Collects the characters of a frame's text that were set as "no such glyph".
pub(crate) fn collect(frame: &Frame, into: &mut BTreeSet<char>) {
    for (_, item) in frame.items() {
        match item {
            FrameItem::Group(group) => collect(&group.frame, into),
            FrameItem::Text(text) => in_text(text, into),
            _ => {}
        }
    }
}

fn in_text(text: &TextItem, into: &mut BTreeSet<char>) {
    for glyph in text.glyphs.iter().filter(|glyph| glyph.id == 0) {
        into.extend(text.text[glyph.range()].chars().filter(|letter| !is_invisible(*letter)));
    }
}

/// Joiners and marks of direction and variation: no glyph is missing where they have none.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}')
        || matches!(letter, '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Replaces characters in every text of the data; answers those that were found there.
pub(crate) fn replace(data: &mut Value, missing: &BTreeSet<char>) -> BTreeSet<char> {
    let mut found = BTreeSet::new();
    replace_in(data, missing, &mut found);
    found
}

fn replace_in(value: &mut Value, missing: &BTreeSet<char>, found: &mut BTreeSet<char>) {
    match value {
        Value::String(text) if text.contains(|letter| missing.contains(&letter)) => {
            found.extend(text.chars().filter(|letter| missing.contains(letter)));
            let replaced = text.chars().map(|letter| if missing.contains(&letter) { REPLACEMENT } else { letter });
            *text = replaced.collect();
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace_in(item, missing, found)),
        Value::Object(members) => members.values_mut().for_each(|member| replace_in(member, missing, found)),
        _ => {}
    }
}

/// Points between two runs on a line from which on they stand apart.
const GAP: f64 = 4.0;

/// The text of a frame: runs of text that stand on one line together, those apart with blanks between, others a line each.
pub(crate) fn text_of(frame: &Frame) -> String {
    let mut runs = Vec::new();
    runs_of(frame, Point::zero(), &mut runs);
    let mut text = String::new();
    let mut last: Option<Point> = None;
    for (place, run) in runs {
        match last {
            Some(end) if end.y != place.y => text.push('\n'),
            Some(end) if (place.x - end.x).to_pt() > GAP => text.push_str("  "),
            _ => {}
        }
        text.push_str(&run.text);
        last = Some(place + Point::with_x(run.width()));
    }
    text
}

fn runs_of<'a>(frame: &'a Frame, origin: Point, into: &mut Vec<(Point, &'a TextItem)>) {
    for (place, item) in frame.items() {
        match item {
            FrameItem::Group(group) => runs_of(&group.frame, origin + *place, into),
            FrameItem::Text(text) => into.push((origin + *place, text)),
            _ => {}
        }
    }
}
