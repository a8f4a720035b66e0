//! Characters that no document can be set with, which are taken out of the data, and those that no font has. Left alone
//! these would be boxes that nobody reads and that PDF/UA forbids: they are found in the set pages, replaced in the data,
//! and told.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;
use tidegate_domain::text;
use typst::layout::{Frame, FrameItem, Point};
use typst::text::TextItem;

/// The character that stands in place of one that no font has: U+FFFD, which is made for it.
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
        // A mark that no font has is set as one glyph with the letter below it, which is missing nowhere: dates and amounts
        // are written with such letters.
        let cluster = text.text[glyph.range()].chars().filter(|letter| !is_invisible(*letter));
        let (others, european): (Vec<char>, Vec<char>) = cluster.partition(|letter| is_of_other_script(*letter));
        let is_alone = others.is_empty();
        into.extend(others);
        into.extend(european.into_iter().filter(|letter| is_alone && !letter.is_ascii()));
    }
}

/// Whether a character is beyond the European alphabets, their punctuation and currencies, which every font here has.
fn is_of_other_script(letter: char) -> bool {
    letter > '\u{52F}' && !matches!(letter, '\u{1E00}'..='\u{206F}' | '\u{20A0}'..='\u{20CF}')
}

/// Joiners, fillers and marks of direction and variation (Unicode's `Default_Ignorable_Code_Point`): no glyph is missing
/// where they have none.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}')
        || matches!(letter, '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
        || matches!(letter, '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}')
        || matches!(letter, '\u{FFF0}'..='\u{FFF8}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}')
        || matches!(letter, '\u{E0000}'..='\u{E0FFF}')
}

/// Takes out of every text of the data what no document can be set with, however it came to be kept.
pub(crate) fn clean(data: &mut Value) {
    match data {
        Value::String(given) => {
            if let Cow::Owned(clean) = text::lines(given) {
                *given = clean;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(members) => members.values_mut().for_each(clean),
        _ => {}
    }
}

/// Makes the data's texts simpler where a document of them is no PDF/UA: first by what only steers how letters are shown,
/// then by every letter that is not of a European alphabet. Answers what was replaced; none where nothing is left to do.
pub(crate) fn reduce(data: &mut Value) -> Option<BTreeSet<char>> {
    let mut steering = BTreeSet::new();
    find(data, &is_invisible, &mut steering);
    if !steering.is_empty() {
        change(data, &mut |letter| Some(letter).filter(|letter| !is_invisible(*letter)));
        return Some(BTreeSet::new());
    }
    let mut others = BTreeSet::new();
    find(data, &|letter| is_of_other_script(letter) && letter != REPLACEMENT, &mut others);
    change(data, &mut |letter| Some(if is_of_other_script(letter) { REPLACEMENT } else { letter }));
    Some(others).filter(|others| !others.is_empty())
}

fn find(value: &Value, is_wanted: &dyn Fn(char) -> bool, found: &mut BTreeSet<char>) {
    match value {
        Value::String(text) => found.extend(text.chars().filter(|letter| is_wanted(*letter))),
        Value::Array(items) => items.iter().for_each(|item| find(item, is_wanted, found)),
        Value::Object(members) => members.values().for_each(|member| find(member, is_wanted, found)),
        _ => {}
    }
}

fn change(value: &mut Value, change_one: &mut dyn FnMut(char) -> Option<char>) {
    match value {
        Value::String(text) => *text = text.chars().filter_map(&mut *change_one).collect(),
        Value::Array(items) => items.iter_mut().for_each(|item| change(item, change_one)),
        Value::Object(members) => members.values_mut().for_each(|member| change(member, change_one)),
        _ => {}
    }
}

/// Replaces characters in every text of the data; answers those that were found there.
pub(crate) fn replace(data: &mut Value, missing: &BTreeSet<char>) -> BTreeSet<char> {
    let mut found = BTreeSet::new();
    find(data, &|letter| missing.contains(&letter), &mut found);
    change(data, &mut |letter| Some(if missing.contains(&letter) { REPLACEMENT } else { letter }));
    found
}

/// Points by which the base lines of runs on one line may differ: places are sums, and round differently.
const SAME_LINE: f64 = 0.1;

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
            Some(end) if (end.y - place.y).to_pt().abs() > SAME_LINE => text.push('\n'),
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
