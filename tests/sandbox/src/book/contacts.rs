//! The list `contact`: telephones, emails and the rest, as people type them in.
//!
//! Numbers are from the ranges kept free for fiction where a country has any; every email is under an example domain.

use super::country::Country;
use super::dice::Dice;
use super::model::{Contact, Text};
use super::person::Person;

/// What the list is made for.
pub(super) struct Owner<'a> {
    pub(super) id: u32,
    pub(super) person: &'a Person,
    pub(super) country: Country,
    /// The email of the other half of a couple, when the two share one.
    pub(super) shared_email: Option<Text>,
}

/// The rows; at most one telephone and one email of them is preferred.
pub(super) fn contacts(dice: &mut Dice, owner: &Owner<'_>) -> Vec<Contact> {
    let mut rows = Vec::with_capacity(4);
    // Most advisers mark the mobile, some the landline, some nothing.
    let preferred_phone = dice.below(100);
    if dice.percent(88) {
        let value = mobile(dice, owner.country);
        push(&mut rows, dice, "mobile", value, preferred_phone < 70);
    }
    if dice.percent(45) {
        let value = landline(dice, owner.country);
        push(&mut rows, dice, "phone", value, (70..88).contains(&preferred_phone));
    }
    if dice.percent(6) {
        let value = mobile(dice, owner.country);
        push(&mut rows, dice, "mobile", value, false);
    }
    if let Some(value) = email_of(dice, owner) {
        let preferred = dice.percent(92);
        push(&mut rows, dice, "email", value, preferred);
        if dice.percent(12) {
            let value = format!("work{}@example.org", owner.id).into();
            push(&mut rows, dice, "email", value, false);
        }
    }
    if dice.percent(4) {
        let value = landline(dice, owner.country);
        push(&mut rows, dice, "fax", value, false);
    }
    if dice.percent(2) {
        push(&mut rows, dice, "web", format!("https://client{}.example", owner.id).into(), false);
    }
    rows
}

fn push(rows: &mut Vec<Contact>, dice: &mut Dice, kind: &'static str, value: Text, preferred: bool) {
    let kind: Text = match dice.below(100) {
        0..4 => kind.to_uppercase().into(),
        4..12 => (kind[..1].to_uppercase() + &kind[1..]).into(),
        _ => kind.into(),
    };
    let index = rows.len() as u32 * 2 + 1;
    rows.push(Contact { index, kind, value, preferred });
}

fn email_of(dice: &mut Dice, owner: &Owner<'_>) -> Option<Text> {
    match dice.below(1000) {
        0..110 => None,
        110..120 => {
            Some(dice.pick(&["none@", "n/a", "jo at example dot com", "a@b@example.com", "client@example"]).into())
        }
        120..130 => Some("office@example.com".into()),
        _ => owner
            .shared_email
            .clone()
            .or_else(|| Some(email(owner.id, owner.person.first_name.as_deref(), owner.person.last_name.as_deref()))),
    }
}

/// The person's own email: built of the name where it is plain ASCII, else of the number.
pub(super) fn email(id: u32, first_name: Option<&str>, last_name: Option<&str>) -> Text {
    let mut local = String::with_capacity(32);
    for name in [first_name, last_name].into_iter().flatten() {
        if !local.is_empty() {
            local.push('.');
        }
        local.extend(name.chars().filter(char::is_ascii_alphabetic).take(20).map(|letter| letter.to_ascii_lowercase()));
    }
    let domain = ["example.com", "example.net", "example.org"][id as usize % 3];
    if local.trim_matches('.').len() < 3 {
        return format!("client{id}@{domain}").into();
    }
    format!("{}{id}@{domain}", local.trim_matches('.')).into()
}

fn mobile(dice: &mut Dice, country: Country) -> Text {
    match dice.below(1000) {
        0..15 => return foreign_mobile(dice),
        15..20 => {
            return dice.pick(&["tba", "see partner", "0491 57", "n/a", "+61", "00000000"]).into();
        }
        _ => {}
    }
    // National significant number, then the ways people write it.
    let (code, a, b, c, width) = match country {
        Country::NewZealand => {
            let operator = dice.pick(&[21, 22, 27]);
            (64, operator, 555, dice.below(10_000), 4)
        }
        Country::Australia => {
            let tail = match dice.below(20) {
                0 => dice.pick(&[6, 110, 156, 157, 158, 159]),
                _ => dice.below(1000),
            };
            (61, 491, 570 + dice.below(10), tail, 3)
        }
        // No range is kept free for fiction that counts as valid: these are around the examples of the numbering plans.
        Country::UnitedKingdom => (44, 7400, 123, dice.below(1000), 3),
        Country::SouthAfrica => (27, 71, 123, dice.below(10_000), 4),
    };
    match dice.below(100) {
        0..52 => format!("+{code} {a} {b} {c:0width$}"),
        52..62 => format!("+{code}{a}{b}{c:0width$}"),
        62..78 => format!("0{a} {b} {c:0width$}"),
        78..88 => format!("0{a}{b}{c:0width$}"),
        88..91 => format!("{code}{a}{b}{c:0width$}"),
        91..93 => format!("00{code} {a} {b} {c:0width$}"),
        93..95 => format!("+{code} (0){a} {b} {c:0width$}"),
        95..97 => format!("(0{a}) {b}-{c:0width$}"),
        97 => format!("{a}{b}{c:0width$}"),
        98 => format!("0{a} {b} {c:0width$} (after 5pm)"),
        _ => format!("+{code}\u{a0}{a}\u{a0}{b}\u{a0}{c:0width$}"),
    }
    .into()
}

fn foreign_mobile(dice: &mut Dice) -> Text {
    let last = dice.below(1000);
    match dice.below(3) {
        0 => format!("+44 7700 900{last:03}"),
        1 => format!("+1 202 555 0{:03}", 100 + last % 100),
        _ => format!("+353 20 91{last:03}"),
    }
    .into()
}

fn landline(dice: &mut Dice, country: Country) -> Text {
    let last = dice.below(10_000);
    match country {
        // Numbers of dramas, in London and Leeds.
        Country::UnitedKingdom => {
            let (area, exchange) = dice.pick(&[("20", "7946 0"), ("113", "496 0")]);
            let last = last % 1000;
            return match dice.below(3) {
                0 => format!("+44 {area} {exchange}{last:03}"),
                _ => format!("0{area} {exchange}{last:03}"),
            }
            .into();
        }
        Country::SouthAfrica => {
            let area = dice.pick(&[11, 12, 21, 31, 41]);
            return match dice.below(3) {
                0 => format!("+27 {area} 555 {last:04}"),
                _ => format!("0{area} 555 {last:04}"),
            }
            .into();
        }
        Country::Australia | Country::NewZealand => {}
    }
    if country == Country::NewZealand {
        let area = dice.pick(&[3, 4, 6, 7, 9]);
        return match dice.below(3) {
            0 => format!("+64 {area} 555 {last:04}"),
            _ => format!("0{area} 555 {last:04}"),
        }
        .into();
    }
    let (area, exchange) = (dice.pick(&[2, 3, 7, 8]), dice.pick(&[5550, 7010]));
    match dice.below(4) {
        0 => format!("+61 {area} {exchange} {last:04}"),
        1 => format!("0{area}{exchange}{last:04}"),
        2 => format!("{exchange} {last:04}"),
        _ => format!("(0{area}) {exchange} {last:04}"),
    }
    .into()
}
