//! Numbers, times and names as people read them.
//!
//! Pure: the time zone and the present moment are arguments.

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use phonenumber::Mode;
use rust_decimal::Decimal;

use crate::crm::registry::Registry;
use crate::domain::declaration::ExtensionForm;
use crate::domain::extension::PREFIX;
use crate::domain::field::ValueType;
use crate::domain::record;
use crate::domain::run::RunCounts;
pub(super) use crate::domain::text::sentence;
use crate::domain::{Date, ExternalId, Money, RecordKind, Timestamp};
use crate::ops;
use crate::pack::Gate;

/// `4,318`.
pub(super) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 client`, `4,318 clients`.
pub(super) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(n), if n == 1 { one } else { many })
}

/// `21 Nov 2026`.
pub(super) fn date(date: Date) -> String {
    date.strftime("%-d %b %Y").to_string()
}

/// `22 Nov 2026, 11:14 am` in the practice's zone.
pub(super) fn time(at: Timestamp, zone: &TimeZone) -> String {
    ops::time_in_words(at, zone)
}

/// `12 minutes ago`, `in 5 minutes`, `just now`.
pub(super) fn relative(at: Timestamp, now: Timestamp) -> String {
    let distance = now.duration_since(at);
    let Some(message) = rough(distance.abs()) else { return "just now".to_owned() };
    if distance.is_negative() { format!("in {message}") } else { format!("{message} ago") }
}

/// The largest unit that fits; none below three quarters of a minute.
fn rough(distance: SignedDuration) -> Option<String> {
    let seconds = distance.as_secs().unsigned_abs();
    let (minutes, hours, days) = ((seconds + 30) / 60, (seconds + 1800) / 3600, (seconds + 43_200) / 86_400);
    match seconds {
        0..45 => None,
        45..3_570 => Some(count(minutes, "minute", "minutes")),
        3_570..84_600 => Some(count(hours, "hour", "hours")),
        84_600..5_184_000 => Some(count(days, "day", "days")),
        5_184_000..62_208_000 => Some(count(days / 30, "month", "months")),
        _ => Some(count(days / 365, "year", "years")),
    }
}

/// `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`.
pub(super) fn duration(from: Timestamp, to: Timestamp) -> String {
    let millis = to.duration_since(from).as_millis().max(0);
    let seconds = millis / 1000;
    match seconds {
        0..10 => format!("{}.{} s", seconds, millis % 1000 / 100),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A canonical field's name for people: `date_of_birth` is `Date of birth`, `goal.name` is `Goal: name`. What a pack adds
/// has the name that the pack gave it.
pub(super) fn field(name: &str) -> String {
    let label = record::field(name).map(|field| field.label.to_owned());
    let Some((kind, own)) = name.strip_prefix(PREFIX).unwrap_or(name).split_once('.') else {
        let own = name.strip_prefix(PREFIX).unwrap_or(name);
        return label.unwrap_or_else(|| sentence(&own.replace('_', " ")));
    };
    let own = label.unwrap_or_else(|| own.strip_prefix(PREFIX).unwrap_or(own).replace('_', " "));
    format!("{}: {}", sentence(kind), lower(&own))
}

/// A stored value of a field for people: what is a choice, a yes or a day in the store reads as one.
pub(super) fn value(field: &str, value: &str) -> String {
    let kind = record::field(field).map(|field| field.value);
    let message = match kind {
        Some(ValueType::Flag) => match value {
            "true" => Some("Yes".to_owned()),
            "false" => Some("No".to_owned()),
            _ => None,
        },
        Some(ValueType::Date) => value.parse().ok().map(date),
        Some(ValueType::Phone) => Some(phone(value)),
        Some(kind) => kind.label_of(value).map(ToOwned::to_owned),
        None => None,
    };
    message.unwrap_or_else(|| value.to_owned())
}

/// The value of a field that a pack adds, by its type.
pub(super) fn added(form: ExtensionForm, value: &str) -> String {
    let message = match form {
        ExtensionForm::Flag if value == "true" => Some("Yes".to_owned()),
        ExtensionForm::Flag if value == "false" => Some("No".to_owned()),
        ExtensionForm::Date => value.parse().ok().map(date),
        ExtensionForm::Money => value.parse().ok().map(|amount| money(&amount)),
        ExtensionForm::Choice => Some(sentence(&value.replace('_', " "))),
        _ => None,
    };
    message.unwrap_or_else(|| value.to_owned())
}

/// A telephone number in the groups in which its country writes it: `+61 491 570 156`.
fn phone(number: &str) -> String {
    match phonenumber::parse(None, number) {
        Ok(parsed) => parsed.format().mode(Mode::International).to_string(),
        Err(_) => number.to_owned(),
    }
}

/// An amount for people: `$1,234.50 AUD`, `£1,234.50`; whole amounts without cents.
pub(super) fn money(money: &Money) -> String {
    let amount = money.amount.round_dp(2);
    let cents = (amount.fract().abs() * Decimal::ONE_HUNDRED).normalize().to_string();
    let whole = amount.trunc().abs().to_string().parse().map_or_else(|_| amount.trunc().abs().to_string(), number);
    let cents = if cents == "0" { String::new() } else { format!(".{cents:0>2}") };
    let sign = if amount.is_sign_negative() && !amount.is_zero() { "−" } else { "" };
    let symbol = match money.currency.as_str() {
        "AUD" | "NZD" | "USD" => "$",
        "GBP" => "£",
        "ZAR" => "R ",
        _ => "",
    };
    // Several countries' money is a dollar; a pound or a rand is said by its mark.
    let code = if matches!(symbol, "£" | "R ") { String::new() } else { format!(" {}", money.currency) };
    format!("{sign}{symbol}{whole}{cents}{code}")
}

/// A code for people: `not-a-mobile` is `Not a mobile`.
pub(super) fn code(code: &str) -> String {
    sentence(&code.replace('-', " "))
}

/// The text without a capital at the beginning.
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// Names as a list to be read: `A, B and C`.
pub(super) fn listed(names: &[&str]) -> String {
    match names {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        names => names.concat(),
    }
}

/// A number of bytes: `412 kB`, `1.3 MB`.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// A CRM's name for people, from its name in settings.
pub(super) fn crm(name: &str) -> String {
    Registry::BUILT_IN.label(name).to_owned()
}

/// The longest that stands in a cell of a list, in characters.
const LONGEST_CELL: usize = 120;

/// The first sentence of a text, cut where it is too long for a cell of a list.
pub(super) fn first_sentence(text: &str) -> String {
    let first = text.split_inclusive(". ").next().unwrap_or_default().trim();
    let short: String = first.chars().take(LONGEST_CELL).collect();
    sentence(&if short.len() < first.len() { format!("{}…", short.trim_end()) } else { short })
}

/// A person's name as its owner writes it; `No name` where there is none.
pub(super) fn name(full_name: &str) -> String {
    if full_name.trim().is_empty() { "No name".to_owned() } else { full_name.to_owned() }
}

/// A client's id in the CRM, or that there is none.
pub(super) fn crm_id(id: &ExternalId) -> String {
    id.in_crm().map_or_else(|| "Not linked to the CRM".to_owned(), ToString::to_string)
}

/// A record of a client's list for people: `Goal “Retire at 60”`.
pub(super) fn item(kind: RecordKind, label: Option<&str>) -> String {
    let kind = sentence(kind.as_str());
    label.map_or_else(|| format!("{kind} without a name"), |label| format!("{kind} “{label}”"))
}

/// The changes of a run in the book: `4,318 read, 2 new, 25 changed`.
pub(super) fn what_changed(counts: &RunCounts) -> String {
    let mut parts = vec![format!("{} read", count(counts.seen, "client", "clients"))];
    let mut add = |n: u64, message: &str| {
        if n > 0 {
            parts.push(format!("{} {message}", number(n)));
        }
    };
    add(counts.created, "new");
    add(counts.changed, "changed");
    add(counts.newly_left_out, "left out from now on");
    add(counts.returned, "back in the book");
    add(counts.not_visible, "no longer visible");
    add(counts.visible_again, "visible again");
    add(counts.awaiting, "gone, if somebody confirms it");
    for kind in RecordKind::LISTED {
        add(counts.awaiting(*kind), &format!("{} gone, if somebody confirms it", kind.plural()));
    }
    add(counts.quarantined, "could not be read");
    for (kind, list) in &counts.lists {
        let touched = list.created + list.changed + list.gone;
        add(touched, &format!("{} touched", if touched == 1 { kind.as_str() } else { kind.plural() }));
    }
    if parts.len() == 1 {
        parts.push("nothing changed".to_owned());
    }
    parts.join(", ")
}

/// A gate, in the words of whoever edits rules.
pub(super) fn gate_name(gate: Gate) -> &'static str {
    match gate {
        Gate::Folder => "The pack’s files",
        Gate::Signature => "Its signature",
        Gate::Size => "Its size",
        Gate::Component => "Its plugin",
        Gate::Imports => "What its plugin asks for",
        Gate::Contract => "The plugin’s version",
        Gate::Manifest => "What the plugin says of itself",
        Gate::Connection => "Whether it fits this connection",
        Gate::Resources => "The time and memory it takes",
        Gate::Rules => "The rules",
        Gate::Events => "The events",
        Gate::Examples => "The examples in the rules",
        Gate::Fixtures => "The expected outcomes",
        Gate::Templates => "The templates of notes and documents",
        Gate::Cases => "Your own cases",
    }
}

/// The schedule of a connection, in words where it is a simple one.
pub(super) fn schedule(cron: &str) -> String {
    match cron {
        "0 0 * * * *" | "0 * * * *" | "@hourly" => "every hour".to_owned(),
        other => format!("by the schedule {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let check = |n, expected| assert_eq!(number(n), expected);
        check(0, "0");
        check(999, "999");
        check(4318, "4,318");
        check(1_000_000, "1,000,000");
        assert_eq!(count(1, "client", "clients"), "1 client");
        assert_eq!(count(0, "client", "clients"), "0 clients");
    }

    #[test]
    fn values_of_choices_are_words() {
        let check = |field, stored, expected| assert_eq!(value(field, stored), expected, "{field}");
        check("is_partner", "true", "Yes");
        check("cover.expired", "false", "No");
        check("goal.outlook", "will_have_less_money", "Will have less money");
        check("goal.outlook", "non_financial", "Non-financial");
        check("cover.premium_frequency", "half_yearly", "Half-yearly");
        check("date_of_birth", "1985-03-26", "26 Mar 1985");
        check("goal.target_date", "soon", "soon");
        // What people wrote stays as they wrote it.
        check("first_name", "true", "true");
        check("goal.name", "half_yearly", "half_yearly");
    }

    #[test]
    fn times_are_the_practices() {
        let at: Timestamp = "2026-11-22T00:14:00Z".parse().unwrap();
        let zone = |name| TimeZone::get(name).unwrap();
        assert_eq!(time(at, &zone("Australia/Sydney")), "22 Nov 2026, 11:14 am");
        assert_eq!(time(at, &zone("Pacific/Auckland")), "22 Nov 2026, 1:14 pm");
    }

    #[test]
    fn distances_in_time_are_rough() {
        let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let check = |seconds: i64, expected: &str| {
            assert_eq!(relative(now - SignedDuration::from_secs(seconds), now), expected, "{seconds}");
        };
        check(0, "just now");
        check(44, "just now");
        check(45, "1 minute ago");
        check(12 * 60, "12 minutes ago");
        check(3_569, "59 minutes ago");
        check(3_570, "1 hour ago");
        check(84_599, "23 hours ago");
        check(86_400, "1 day ago");
        check(59 * 86_400, "59 days ago");
        check(70 * 86_400, "2 months ago");
        check(800 * 86_400, "2 years ago");
        check(-300, "in 5 minutes");
    }

    #[test]
    fn durations() {
        let from: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
        let check = |millis: i64, expected: &str| {
            assert_eq!(duration(from, from + SignedDuration::from_millis(millis)), expected, "{millis}");
        };
        check(430, "0.4 s");
        check(12_900, "12 s");
        check(200_000, "3 min 20 s");
        check(7_500_000, "2 h 5 min");
        check(-5, "0.0 s");
    }

    #[test]
    fn amounts_for_people() {
        let check = |amount: &str, currency: &str, expected: &str| {
            let money = Money { amount: amount.parse().unwrap(), currency: currency.to_owned().try_into().unwrap() };
            assert_eq!(super::money(&money), expected);
        };
        check("1234.5", "AUD", "$1,234.50 AUD");
        check("150000.00", "NZD", "$150,000 NZD");
        check("0.05", "GBP", "£0.05");
        check("950000", "ZAR", "R 950,000");
        check("-12", "JPY", "−12 JPY");
        check("0", "AUD", "$0 AUD");
    }

    #[test]
    fn names_for_people() {
        assert_eq!(field("date_of_birth"), "Date of birth");
        assert_eq!(field("goal.target_date"), "Goal: target date");
        assert_eq!(field("mobile"), "Mobile");
        assert_eq!(code("not-a-mobile"), "Not a mobile");
        assert_eq!(name(" "), "No name");
        assert_eq!(name("Māia d'Arcy"), "Māia d'Arcy");
    }

    #[test]
    fn what_a_run_changed() {
        let mut counts = RunCounts { seen: 4318, ..RunCounts::default() };
        assert_eq!(what_changed(&counts), "4,318 clients read, nothing changed");
        counts.changed = 25;
        counts.quarantined = 1;
        assert_eq!(what_changed(&counts), "4,318 clients read, 25 changed, 1 could not be read");
        // Who is marked, leaves or comes back is a change, though no value is another.
        let counts = RunCounts { seen: 9, not_visible: 400, returned: 2, newly_left_out: 3, ..RunCounts::default() };
        let told = "9 clients read, 3 left out from now on, 2 back in the book, 400 no longer visible";
        assert_eq!(what_changed(&counts), told);
    }
}
