//! Who a client is: kind, status, names, title, date of birth, sex.

use super::dice::Dice;
use super::model::Text;
use super::names::{self, Names};

/// The part of a record that the other parts (emails, company names) are made from.
pub(crate) struct Person {
    pub(crate) status: Text,
    pub(crate) entity_type: Text,
    pub(crate) title: Option<Text>,
    pub(crate) first_name: Option<Text>,
    pub(crate) middle_name: Option<Text>,
    pub(crate) last_name: Option<Text>,
    pub(crate) preferred_name: Option<Text>,
    pub(crate) dob: Option<Text>,
    pub(crate) sex: Option<Text>,
    pub(crate) active_date: Option<Text>,
    pub(crate) external_id: Option<Text>,
}

/// A company, trust or fund: it has a name and little else.
pub(super) fn entity(dice: &mut Dice, names: &Names) -> Person {
    let (kind, suffix) = dice.pick(names.entities);
    let name = format!("{} {} {suffix}", dice.pick(names.words), dice.pick(names.family));
    Person {
        status: status(dice),
        entity_type: kind.into(),
        title: None,
        first_name: None,
        middle_name: None,
        last_name: Some(name.into()),
        preferred_name: None,
        dob: None,
        sex: None,
        active_date: Some(date(dice, 1995, 30)),
        external_id: None,
    }
}

/// What a couple has in common, seen from one of the two.
pub(super) struct Half {
    pub(super) family: &'static str,
    pub(super) woman: bool,
    /// About when the two were born.
    pub(super) year: u32,
}

/// A person, alone or one of a couple.
pub(super) fn individual(dice: &mut Dice, half: Option<&Half>, names: &Names) -> Person {
    let woman = half.map_or_else(|| dice.percent(50), |half| half.woman);
    let first = dice.pick(if woman { names.female } else { names.male });
    let (first_name, last_name) = full_name(dice, first, half, names);
    let middle = dice.pick(if woman { names.female } else { names.male });
    Person {
        status: status(dice),
        entity_type: if dice.per_mille(20) { "Individual".into() } else { "individual".into() },
        title: title(dice, woman),
        preferred_name: first_name.as_ref().filter(|_| dice.percent(15)).map(|name| short(name)),
        first_name,
        middle_name: dice.percent(40).then(|| middle.into()),
        last_name,
        dob: birth(dice, half),
        sex: match dice.below(100) {
            0..3 => None,
            3 => Some("X".into()),
            4 => Some("U".into()),
            _ if woman => Some("F".into()),
            _ => Some("M".into()),
        },
        active_date: dice.percent(85).then(|| date(dice, 1995, 30)),
        external_id: dice.percent(10).then(|| format!("EXT-{:06}", dice.below(1_000_000)).into()),
    }
}

fn full_name(dice: &mut Dice, first: &'static str, half: Option<&Half>, names: &Names) -> (Option<Text>, Option<Text>) {
    let shared = half.filter(|_| dice.percent(80)).map(|half| half.family);
    let own = shared.unwrap_or_else(|| dice.pick(names.family));
    match dice.below(1000) {
        0..3 => (None, None),
        3..6 => (Some("".into()), Some("  ".into())),
        6..12 => (None, Some(own.into())),
        12..18 => (Some(first.into()), None),
        18..33 => {
            let (first, last) = dice.pick(names::OTHER_SCRIPTS);
            (Some(first.into()), Some(last.into()))
        }
        33..36 => {
            let (first, last) = dice.pick(names::LONG);
            (Some(first.into()), Some(last.into()))
        }
        36..46 => (Some(first.to_uppercase().into()), Some(own.to_uppercase().into())),
        46..56 => (Some(format!(" {first}").into()), Some(format!("{own} ").into())),
        56..62 => (Some(first.into()), Some(format!("{own} (deceased estate)").into())),
        _ => (Some(first.into()), Some(own.into())),
    }
}

fn short(name: &str) -> Text {
    name.trim().chars().take(3).collect::<String>().into()
}

fn status(dice: &mut Dice) -> Text {
    match dice.below(1000) {
        0..80 => "Prospect",
        80..150 => "Archived",
        150..180 => "Deceased",
        180..190 => "Contact",
        190..194 => "Group Plan Member",
        194..197 => "Legacy (do not use)",
        _ => "Client",
    }
    .into()
}

fn title(dice: &mut Dice, woman: bool) -> Option<Text> {
    match dice.below(100) {
        0..6 => None,
        6..13 => Some(dice.pick(names::ODD_TITLES).into()),
        13..17 => Some("Dr".into()),
        17 => Some("Prof".into()),
        _ if woman => Some(dice.pick(&["Mrs", "Ms", "Miss", "Mrs", "Ms"]).into()),
        _ => Some("Mr".into()),
    }
}

fn birth(dice: &mut Dice, half: Option<&Half>) -> Option<Text> {
    const ODD: &[&str] = &[
        "1975-02-30",
        "1968-13-01",
        "0000-00-00",
        "1900-01-01",
        "1899-12-30",
        "2061-05-17",
        "12/07/1964",
        "1959-6-3",
        "unknown",
    ];
    match dice.below(1000) {
        0..30 => None,
        30..40 => Some(dice.pick(ODD).into()),
        40..50 => Some("1988-02-29".into()),
        _ => {
            let (first, years) = half.map_or((1935, 72), |half| (half.year, 8));
            Some(date(dice, first, years))
        }
    }
}

/// A real date within `years` years from `first` on.
pub(super) fn date(dice: &mut Dice, first: u32, years: u32) -> Text {
    let (year, month, day) = (first + dice.below(years), 1 + dice.below(12), 1 + dice.below(28));
    format!("{year:04}-{month:02}-{day:02}").into()
}
