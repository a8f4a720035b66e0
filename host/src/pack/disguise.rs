//! Making a fixture of a real record: what stands in it is replaced by made-up values, as long as the same becomes of it.
//!
//! The host does not know the CRM's fields, so that it cannot know which are personal: every text and number is replaced,
//! each everywhere alike, by one of the same shape. A value on which the outcome hangs in every disguise stays; it is named,
//! unless the rules have it, too, or many other records at the same place: what stands in tables is nobody's.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rand::RngExt;
use serde_json::{Map, Value, json};

use super::fixtures::verdict_to_json;
use super::{Context, RawInput, Revision, Verdict};
use crate::domain::field::{ValueType, pointer_to};
use crate::domain::fold::fold;
use crate::domain::{Canonical, Diagnostic, ExternalId, Severity};

/// The most different values of a record that are replaced one by one.
const MOST_VALUES: usize = 2_000;
/// The tries with other letters and digits of a value.
const TRIES: usize = 3;
/// The longest that values are replaced for: a record at which the plugin loops takes its whole time at every try.
const LONGEST: Duration = Duration::from_secs(20);
/// Numbers that regulators keep for films and books, and the identity number of South Africa's own descriptions: nobody has
/// them.
const NOBODYS_NUMBERS: [&str; 4] = ["0491570156", "61491570156", "491570156", "8001015009087"];

/// A fixture made of a record.
#[derive(Debug)]
pub struct Disguised {
    /// The fixture, as it stands in a pack's folder `fixtures`.
    pub fixture: Value,
    /// The places of values that stayed as they are, as JSON Pointers into the raw record.
    pub kept: Vec<String>,
}

/// The reason why no fixture is made of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotDisguised {
    /// It is no JSON.
    #[error("the record came as something that is no JSON, so that nothing in it can be replaced")]
    NotJson,
    /// It has too many values.
    #[error("the record has over {MOST_VALUES} different values: write a fixture by hand that shows the same")]
    TooLarge,
    /// The plugin takes too long at it.
    #[error("the plugin takes too long at the record to try other values: write a fixture by hand that shows the same")]
    TooSlow,
}

/// All that matters of an outcome: not what anybody is called, but what was filled, chosen and said.
#[derive(PartialEq, Eq, Debug)]
struct Signature {
    verdict: &'static str,
    said: Vec<(Severity, String, Option<String>)>,
    records: Vec<BTreeMap<String, String>>,
}

/// Makes a fixture of a record. `others` are more of its kind, as they came. Blocks the thread.
///
/// # Errors
/// Fails as [`NotDisguised`] says.
pub fn disguise(
    revision: &Revision,
    context: &Context,
    record: &RawInput,
    others: &[Vec<u8>],
) -> Result<Disguised, NotDisguised> {
    let map = |records: &[RawInput]| revision.map(context, records);
    let is_told = |field: &str| !revision.declared.is_sensitive_field(field);
    let whole = serde_json::from_slice(&record.json).map_err(|_| NotDisguised::NotJson)?;
    let mut nobodys = vocabulary(&revision.rules);
    nobodys.extend(common::values(&whole, others).iter().map(|value| fold(value.trim())));
    let (record, kept) = disguise_with(&mut rand::rng(), &nobodys, record, (&map, &is_told))?;
    let verdict = map(std::slice::from_ref(&record)).swap_remove(0);
    let json: Value = serde_json::from_slice(&record.json).unwrap_or_default();
    let fixture = json!({
        "name": name(&record, &verdict),
        "context": { "dialect": context.dialect, "as_of": context.as_of },
        "raw": { "kind": record.kind, "id": record.id, "json": json },
        "outcome": verdict_to_json(verdict),
    });
    Ok(Disguised { fixture, kept })
}

/// What becomes of records.
type Mapping<'a> = &'a dyn Fn(&[RawInput]) -> Vec<Verdict>;

fn disguise_with(
    random: &mut impl RngExt,
    nobodys: &BTreeSet<String>,
    record: &RawInput,
    (map, is_told): (Mapping<'_>, &dyn Fn(&str) -> bool),
) -> Result<(RawInput, Vec<String>), NotDisguised> {
    let whole: Value = serde_json::from_slice(&record.json).map_err(|_| NotDisguised::NotJson)?;
    let mut places = BTreeMap::new();
    places.entry(record.id.to_string()).or_insert_with(Vec::new);
    find(&whole, "", &mut places);
    if places.len() > MOST_VALUES {
        return Err(NotDisguised::TooLarge);
    }
    let outcome = |verdict: &Verdict| signature(verdict, is_told);
    let wanted = map(std::slice::from_ref(record)).first().map(outcome);
    let began = Instant::now();
    let (mut replaced, mut kept) = (BTreeMap::new(), Vec::new());
    for (value, at) in places {
        if began.elapsed() > LONGEST {
            return Err(NotDisguised::TooSlow);
        }
        let tries = disguises(random, &value);
        let with = |(disguise, _): &(String, bool)| {
            let mut replaced: BTreeMap<&str, &str> =
                replaced.iter().map(|(from, to): (&String, &String)| (from.as_str(), to.as_str())).collect();
            replaced.insert(&value, disguise);
            apply(record, &whole, &replaced)
        };
        let records: Vec<RawInput> = tries.iter().map(with).collect();
        let found = map(&records).iter().position(|verdict| Some(outcome(verdict)) == wanted);
        match found {
            Some(place) => {
                let (disguise, is_half) = &tries[place];
                // Half of a name may be enough to tell whose it is.
                if *is_half && !nobodys.contains(&fold(value.trim())) {
                    kept.extend(at);
                }
                replaced.insert(value, disguise.clone());
            }
            None if tries.is_empty() || nobodys.contains(&fold(value.trim())) => {}
            None => kept.extend(at),
        }
    }
    let replaced = replaced.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    Ok((apply(record, &whole, &replaced), kept))
}

/// Collects the texts and numbers of a record with their places. Lists of the site itself are nobody's.
fn find(value: &Value, place: &str, found: &mut BTreeMap<String, Vec<String>>) {
    match value {
        Value::String(text) => found.entry(text.clone()).or_default().push(place.to_owned()),
        Value::Number(number) => found.entry(number.to_string()).or_default().push(place.to_owned()),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                find(item, &format!("{place}/{at}"), found);
            }
        }
        Value::Object(members) => {
            for (name, member) in members.iter().filter(|(name, _)| !(place.is_empty() && name.starts_with('/'))) {
                if is_telling(name) {
                    found.entry(name.clone()).or_default().push(format!("{place}{}", pointer_to(name)));
                }
                find(member, &format!("{place}{}", pointer_to(name)), found);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// Whether a member's name is none of the CRM's own, but somebody's: a number, an address, or words.
fn is_telling(name: &str) -> bool {
    name.contains(['@', ' ']) || (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The record with other values.
fn apply(record: &RawInput, whole: &Value, replaced: &BTreeMap<&str, &str>) -> RawInput {
    let id = record.id.as_str();
    RawInput {
        kind: record.kind,
        id: ExternalId((*replaced.get(id).unwrap_or(&id)).to_owned()),
        json: with(whole, "", replaced).to_string().into_bytes(),
    }
}

fn with(value: &Value, place: &str, replaced: &BTreeMap<&str, &str>) -> Value {
    match value {
        Value::String(text) => json!(*replaced.get(text.as_str()).unwrap_or(&text.as_str())),
        Value::Number(number) => {
            let other = replaced.get(number.to_string().as_str()).and_then(|text| serde_json::from_str(text).ok());
            other.unwrap_or_else(|| value.clone())
        }
        Value::Array(items) => items.iter().map(|item| with(item, "/", replaced)).collect(),
        Value::Object(members) => {
            let member = |(name, member): (&String, &Value)| {
                let name = name.as_str();
                let is_of_site = place.is_empty() && name.starts_with('/');
                let member = if is_of_site { member.clone() } else { with(member, "/", replaced) };
                let name = if is_of_site { name } else { *replaced.get(name).unwrap_or(&name) };
                (name.to_owned(), member)
            };
            Value::Object(members.iter().map(member).collect::<Map<_, _>>())
        }
        Value::Null | Value::Bool(_) => value.clone(),
    }
}

/// The disguises of a value, the ones that tell least first, and of each whether it keeps half of it. None where there is
/// nothing in it to replace.
fn disguises(random: &mut impl RngExt, value: &str) -> Vec<(String, bool)> {
    let mut found = Vec::new();
    if let Some((local, _)) = value.split_once('@').filter(|(local, domain)| !local.is_empty() && domain.contains('.'))
    {
        found.push(format!("{}@example.com", shaped(random, local)));
    }
    let digits = value.chars().filter(char::is_ascii_digit).count();
    for number in NOBODYS_NUMBERS.iter().filter(|number| number.len() == digits && digits > 6) {
        found.push(refilled(value, number));
    }
    let is_moment = digits >= 4 && value.chars().all(|c| c.is_ascii_digit() || "-/.: TZ+".contains(c));
    for _ in 0..TRIES {
        if is_moment {
            found.push(another_day(random, value));
        }
        found.push(shaped(random, value));
    }
    let mut found: Vec<(String, bool)> = found.into_iter().map(|disguise| (disguise, false)).collect();
    let middle = value.char_indices().nth(value.chars().count() / 2).map_or(0, |(at, _)| at);
    if middle > 0 {
        found.push((format!("{}{}", &value[..middle], shaped(random, &value[middle..])), true));
    }
    found.retain(|(disguise, _)| disguise != value);
    found
}

/// The text with other letters and digits of the same kinds. What is neither stays: it may be what is wrong with it.
fn shaped(random: &mut impl RngExt, text: &str) -> String {
    let mut is_first = true;
    let other = |c: char| {
        let (is_leading, is_digit) = (is_first, c.is_ascii_digit());
        is_first = false;
        match c {
            // A number does not begin with another nought than it did.
            '0' if is_leading => '0',
            _ if is_digit => char::from(random.random_range(if is_leading { b'1' } else { b'0' }..=b'9')),
            'a'..='z' => char::from(random.random_range(b'a'..=b'z')),
            'A'..='Z' => char::from(random.random_range(b'A'..=b'Z')),
            _ if c.is_alphabetic() => one_of(random, alphabet(c)),
            _ => c,
        }
    };
    text.chars().map(other).collect()
}

fn one_of(random: &mut impl RngExt, letters: &str) -> char {
    let letters: Vec<char> = letters.chars().collect();
    letters[random.random_range(0..letters.len())]
}

/// Letters of the script that a letter is of.
fn alphabet(letter: char) -> &'static str {
    match letter {
        '\u{0370}'..='\u{03ff}' => "αβγδεκλμνπρστ",
        '\u{0400}'..='\u{04ff}' => "абвгдежиклмнопрст",
        '\u{0590}'..='\u{05ff}' => "אבגדהוחטיכלמנ",
        '\u{0600}'..='\u{06ff}' => "ابتثجحدرسعفقلم",
        '\u{0900}'..='\u{097f}' => "कखगघचजटडतद",
        '\u{0e00}'..='\u{0e7f}' => "กขคงจชซดตท",
        '\u{3040}'..='\u{30ff}' => "あいうえおかきくけこ",
        '\u{3400}'..='\u{9fff}' => "山川田中木林森石水火",
        '\u{ac00}'..='\u{d7a3}' => "가나다라마바사아자차",
        _ if letter.is_uppercase() => "ÀÉÎÕÜÇÑŌ",
        _ => "àéîõüçñō",
    }
}

/// The digits of a number, in the places that another's stand in.
fn refilled(value: &str, number: &str) -> String {
    let mut digits = number.chars();
    value.chars().map(|c| if c.is_ascii_digit() { digits.next().unwrap_or(c) } else { c }).collect()
}

/// Another day for a day, however it is written: a year close by, and days that every month has.
fn another_day(random: &mut impl RngExt, value: &str) -> String {
    let (mut written, mut run) = (String::new(), String::new());
    for c in value.chars().chain(['\0']) {
        if c.is_ascii_digit() {
            run.push(c);
            continue;
        }
        let width = run.len();
        match run.parse::<u32>() {
            Ok(year @ 1900..=2100) if width == 4 => written.push_str(&(year - random.random_range(1..=7)).to_string()),
            Ok(1..=12) if width <= 2 => {
                let most = if width == 1 { 9 } else { 12 };
                written.push_str(&format!("{:0width$}", random.random_range(1..=most)));
            }
            Ok(13..=31) if width <= 2 => written.push_str(&random.random_range(13..=28).to_string()),
            _ => written.push_str(&run),
        }
        run.clear();
        if c != '\0' {
            written.push(c);
        }
    }
    written
}

/// All texts of the rules, but for those of their examples, which are of made-up people.
fn vocabulary(rules: &str) -> BTreeSet<String> {
    fn collect(value: &Value, words: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => drop(words.insert(fold(text.trim()))),
            Value::Number(number) => drop(words.insert(number.to_string())),
            Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
            Value::Object(members) => {
                for (name, member) in members {
                    words.insert(fold(name.trim()));
                    collect(member, words);
                }
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
    let mut rules: Value = serde_json::from_str(rules).unwrap_or_default();
    if let Some(rules) = rules.as_object_mut() {
        rules.remove("examples");
    }
    let mut words = BTreeSet::new();
    collect(&rules, &mut words);
    words
}

/// All that matters of a verdict. What was said of a field that is sensitive does not: a number with a check digit would
/// have to stay as it is for the same to be said of it, and it is what nobody is to see.
fn signature(verdict: &Verdict, is_told: &dyn Fn(&str) -> bool) -> Signature {
    let (verdict, diagnostics, records) = match verdict {
        Verdict::Mapped { records, diagnostics } => ("mapped", diagnostics, records.as_slice()),
        Verdict::Skipped(diagnostics) => ("skipped", diagnostics, &[][..]),
        Verdict::Rejected(diagnostics) => ("rejected", diagnostics, &[][..]),
    };
    let said = |one: &Diagnostic| (one.severity, one.code.clone(), one.field.clone());
    let is_told = |one: &&Diagnostic| one.field.as_deref().is_none_or(is_told);
    let mut said: Vec<_> = diagnostics.iter().filter(is_told).map(said).collect();
    said.sort_unstable();
    Signature { verdict, said, records: records.iter().map(fields).collect() }
}

/// The fields of a record that hold something: a choice with what was chosen.
fn fields(of: &Canonical) -> BTreeMap<String, String> {
    let kind = of.kind();
    let whole = json!(of)[kind.as_str()].take();
    let filled = whole.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let field = |(name, value): (&String, &Value)| {
        let known = kind.fields().iter().find(|field| field.name == name);
        let is_choice = known
            .is_some_and(|field| matches!(field.value, ValueType::Choice(_) | ValueType::Flag | ValueType::Country));
        (name.clone(), if is_choice { value.to_string() } else { String::new() })
    };
    filled.map(field).collect()
}

/// A name for the fixture: what is said of the record.
fn name(record: &RawInput, verdict: &Verdict) -> String {
    let (state, diagnostics) = match verdict {
        Verdict::Mapped { diagnostics, .. } => ("that is mapped", diagnostics),
        Verdict::Skipped(diagnostics) => ("that is left out", diagnostics),
        Verdict::Rejected(diagnostics) => ("that cannot be used", diagnostics),
    };
    let codes: BTreeSet<&str> = diagnostics.iter().map(|one| one.code.as_str()).collect();
    let codes = codes.into_iter().take(5).collect::<Vec<_>>().join(", ");
    let codes = if codes.is_empty() { codes } else { format!(": {codes}") };
    format!("A {} {state}{codes}", record.kind.as_str())
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;

    use super::*;
    use crate::domain::RecordKind;

    fn record(json: &Value) -> RawInput {
        let id = ExternalId("1259".to_owned());
        RawInput { kind: RecordKind::Client, id, json: json.to_string().into_bytes() }
    }

    /// Rules by hand: a title has to be known, a postcode has four digits, and a day is one.
    fn map(records: &[RawInput]) -> Vec<Verdict> {
        let verdict = |record: &RawInput| {
            let row = &serde_json::from_slice::<Value>(&record.json).unwrap()["row"];
            let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
            let mut wrong = Vec::new();
            let mut check = |is_good: bool, code: &str| {
                if !is_good {
                    wrong.push(Diagnostic::error(code, text("title")));
                }
            };
            check(["Mr", "Ms"].contains(&text("title").as_str()), "bad-title");
            check(text("postcode").len() == 4 && text("postcode").parse::<u16>().is_ok(), "bad-postcode");
            check(text("born").parse::<jiff::civil::Date>().is_ok(), "bad-date");
            check(row["id"].as_u64() == record.id.as_str().parse().ok(), "bad-id");
            check(text("magic") == "Open Sesame", "no-magic");
            Verdict::Rejected(wrong)
        };
        records.iter().map(verdict).collect()
    }

    fn disguised(json: &Value) -> (RawInput, Value, Vec<String>) {
        let words = ["mr", "ms"].map(str::to_owned).into();
        let (record, kept) =
            disguise_with(&mut StdRng::seed_from_u64(7), &words, &record(json), (&map, &|_| true)).unwrap();
        let json = serde_json::from_slice(&record.json).unwrap();
        (record, json, kept)
    }

    #[test]
    fn a_record_tells_nothing_any_more_and_comes_out_alike() {
        let json = json!({ "row": {
            "id": 1259, "title": "Mr", "first_name": "Siân", "last_name": "O'Neil", "postcode": "2O00",
            "born": "1971-02-29", "email": "sian@acme.test", "mobile": "0412 345 678", "magic": "Open Sesame",
            "again": "Siân", "note": null, "is_partner": true, "shares": { "Siân O'Neil": 40, "1259": 60 },
        }, "/choices": [{ "text": "Client" }] });
        let (record, found, kept) = disguised(&json);
        let row = &found["row"];
        assert_eq!(
            signature(&map(std::slice::from_ref(&record))[0], &|_| true),
            signature(&map(&[self::record(&json)])[0], &|_| true)
        );
        // The id is another, and the same in both places.
        assert_ne!(record.id.as_str(), "1259");
        assert_eq!(row["id"].to_string(), record.id.as_str());
        for field in ["first_name", "last_name", "postcode", "born", "email", "mobile"] {
            assert_ne!(row[field], json["row"][field], "{field}");
        }
        assert_eq!(row["first_name"], row["again"]);
        let shape = |text: &str| -> String {
            text.chars()
                .map(|c| {
                    if c.is_alphabetic() {
                        'x'
                    } else if c.is_numeric() {
                        '9'
                    } else {
                        c
                    }
                })
                .collect()
        };
        assert_eq!(shape(row["last_name"].as_str().unwrap()), "x'xxxx");
        assert_eq!(shape(row["postcode"].as_str().unwrap()), "9x99", "what is wrong with it still is");
        assert!(row["email"].as_str().unwrap().ends_with("@example.com"), "{row}");
        assert_eq!(row["mobile"], "0491 570 156");
        assert_eq!(
            (&row["note"], &row["is_partner"], &found["/choices"]),
            (&Value::Null, &json!(true), &json["/choices"])
        );
        // Names and ids tell whose they are where they are members' names, too.
        let shares: Vec<&String> = row["shares"].as_object().unwrap().keys().collect();
        assert!(shares.len() == 2 && shares.contains(&&row["id"].to_string()), "{shares:?}");
        assert!(!shares.iter().any(|name| name.contains("Siân") || name.contains("O'Neil")), "{shares:?}");
        // What stands in the rules may stay; what does not is named.
        assert_eq!((&row["title"], &row["magic"]), (&json!("Mr"), &json!("Open Sesame")));
        assert_eq!(kept, ["/row/magic"]);
    }

    #[test]
    fn what_keeps_half_of_a_value_is_named() {
        let begins = |records: &[RawInput]| {
            let verdict = |record: &RawInput| {
                let row = &serde_json::from_slice::<Value>(&record.json).unwrap()["row"];
                let is_known = row["name"].as_str().is_some_and(|name| name.starts_with("Sian"));
                Verdict::Rejected(if is_known { vec![Diagnostic::error("known", String::new())] } else { Vec::new() })
            };
            records.iter().map(verdict).collect()
        };
        let given = record(&json!({ "row": { "name": "Siân Ash".replace('â', "a") } }));
        let (found, kept) =
            disguise_with(&mut StdRng::seed_from_u64(5), &BTreeSet::new(), &given, (&begins, &|_| true)).unwrap();
        let name = serde_json::from_slice::<Value>(&found.json).unwrap()["row"]["name"].clone();
        assert!(name.as_str().unwrap().starts_with("Sian") && name != "Sian Ash", "{name}");
        assert_eq!(kept, ["/row/name"]);
    }

    #[test]
    fn days_stay_days_in_every_way_of_writing() {
        let mut random = StdRng::seed_from_u64(3);
        for _ in 0..200 {
            let day = another_day(&mut random, "1984-12-31T00:00:00Z");
            assert!(day[..10].parse::<jiff::civil::Date>().is_ok() && day.ends_with("T00:00:00Z"), "{day}");
            let day = another_day(&mut random, "7/10/1950");
            assert!(jiff::fmt::strtime::parse("%d/%m/%Y", &day).is_ok(), "{day}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        let torn = RawInput { json: b"{\"row\": {".to_vec(), ..record(&json!({})) };
        let found = disguise_with(&mut StdRng::seed_from_u64(1), &BTreeSet::new(), &torn, (&map, &|_| true));
        assert_eq!(found.err(), Some(NotDisguised::NotJson));
        let many: Vec<u32> = (0..2_500).collect();
        let large = record(&json!({ "row": { "all": many } }));
        let found = disguise_with(&mut StdRng::seed_from_u64(1), &BTreeSet::new(), &large, (&map, &|_| true));
        assert_eq!(found.err(), Some(NotDisguised::TooLarge));
    }

    #[test]
    fn other_scripts_are_replaced_in_their_own_letters() {
        let mut random = StdRng::seed_from_u64(9);
        for name in ["Ахмед", "小林", "محمد", "Δημήτρης", "정우", "Žofia"] {
            let other = shaped(&mut random, name);
            assert_ne!(other, name);
            assert_eq!(other.chars().count(), name.chars().count());
            let script = |text: &str| text.chars().skip(1).all(|c| c.is_ascii());
            assert_eq!(script(&other), script(name), "{other}");
        }
    }
}
