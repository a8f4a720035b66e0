//! The shipped packs' templates with their samples: the text of every page as it was read and found good, and what they
//! do with the least and the most that a household can have.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::{Job, MadeAt, Typeset};

/// The plan's amounts as regions with marks of their own write them.
const AMOUNTS: [(&str, [&str; 2]); 2] =
    [("xplan-uk", ["£45,000.50", "£850,000"]), ("xplan-za", ["R 45 000,50", "R 850 000"])];
const PACKS: [&str; 4] = ["xplan-au", "xplan-nz", "xplan-uk", "xplan-za"];
const DOCUMENTS: [&str; 2] = ["best-life-plan.exported", "investment-preferences.exported"];

fn folder(pack: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../rules").join(pack).join("documents")
}

fn sample(pack: &str, document: &str) -> Value {
    serde_json::from_slice(&fs::read(folder(pack).join(format!("{document}.json"))).unwrap()).unwrap()
}

fn set(engine: &mut Engine, pack: &str, document: &str, data: Value) -> Typeset {
    let mut files = BTreeMap::new();
    // The pack's own take the place of its base's.
    for entry in ["practice-base", pack].into_iter().flat_map(|layer| fs::read_dir(folder(layer)).unwrap()) {
        let path = entry.unwrap().path();
        files.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap());
    }
    let made_at = MadeAt { year: 2026, month: 3, day: 1, hour: 9, minute: 0, second: 0, offset_minutes: 660 };
    let job = Job { template: format!("{document}.typ"), files, data, made_at, identity: "golden".to_owned() };
    engine.typeset(job).unwrap_or_else(|error| panic!("{pack}: {error}"))
}

#[test]
fn samples_read_as_they_were_found_good() {
    let mut engine = Engine::new(None);
    for pack in PACKS {
        for document in DOCUMENTS {
            let made = set(&mut engine, pack, document, sample(pack, document));
            assert_eq!((made.warnings, made.replaced.as_str()), (Vec::new(), ""), "{pack} {document}");
            let text = made.pages.join("\n\n— next page —\n\n");
            let Some((_, amounts)) = AMOUNTS.iter().find(|(of, _)| *of == pack) else {
                insta::with_settings!({ snapshot_path => "snapshots", prepend_module_to_snapshot => false }, {
                    insta::assert_snapshot!(format!("{pack}-{document}"), text);
                });
                continue;
            };
            // The same texts with other marks.
            let text = text.replace('\u{a0}', " ");
            let is_plan = document == DOCUMENTS[0];
            assert!(amounts.iter().all(|amount| text.contains(amount) == is_plan), "{pack} {document}: {text}");
        }
    }
}

#[test]
fn a_household_of_nothing_but_a_name_has_documents() {
    let mut engine = Engine::new(None);
    for document in DOCUMENTS {
        let mut data = sample("xplan-au", document);
        for list in ["goals", "covers", "values"] {
            data[list] = json!([]);
        }
        data["preferences"] = Value::Null;
        let nobody = json!({ "name": "", "role": "cfo", "date_of_birth": null, "mobile": null, "email": null });
        data["household"] = json!({ "name": "A household", "members": [nobody] });
        data["primary_professional"] = json!({ "name": "Harbour Advice", "email": null });
        let made = set(&mut engine, "xplan-au", document, data);
        assert_eq!(made.pages.len(), 1, "{document}");
    }
}

#[test]
fn cover_that_is_not_in_force_stands_apart_with_its_state() {
    let mut engine = Engine::new(None);
    for pack in PACKS {
        let sample = sample(pack, DOCUMENTS[0]);
        let mut check = |state: Option<&str>, expired: bool, expected: (bool, &str)| {
            let mut data = sample.clone();
            let mut cover = data["covers"][0].take();
            cover["expired"] = expired.into();
            let extensions = state.map(|state| json!({ "name": "benefit_status", "value": state }));
            cover["extensions"] = extensions.into_iter().collect();
            data["covers"] = json!([cover]);
            let text = set(&mut engine, pack, DOCUMENTS[0], data).pages.join("\n");
            let is_apart = text.contains("Cover that is not in force");
            let (_, told) = text.rsplit_once("\nLife\n").unwrap();
            let told = told.split_once("\nPriority").map_or("", |(told, _)| told);
            let told = told.trim_end_matches("Southern Mutual").trim_end();
            assert_eq!((!is_apart, told), expected, "{pack} {state:?} {expired}: {text}");
            assert_eq!(text.contains("No insurance is in force."), is_apart, "{text}");
        };
        check(None, false, (true, ""));
        check(Some("Active"), false, (true, ""));
        check(Some("In Force"), false, (true, ""));
        check(Some("Paid up"), false, (true, "Paid up"));
        check(Some("Lapsed"), false, (false, "Lapsed"));
        check(Some(" proposed "), false, (false, "proposed"));
        check(None, true, (false, "Expired"));
        check(Some("Active"), true, (false, "Expired"));
        check(Some("Cancelled"), true, (false, "Expired, Cancelled"));
        check(Some("Expired"), true, (false, "Expired"));
    }
}

/// Every text that people write is a word of 120 letters: it breaks inside its cell, everywhere.
#[test]
fn a_word_of_120_letters_breaks_inside_its_cell() {
    fn lengthen(value: &mut Value, word: &str) {
        match value {
            Value::String(text) => *text = word.to_owned(),
            Value::Array(items) => items.iter_mut().for_each(|item| lengthen(item, word)),
            Value::Object(members) => {
                // Dates, amounts and words of the contract are not people's.
                let own = [
                    "name",
                    "owner_names",
                    "category",
                    "insurer",
                    "plan_name",
                    "policy_number",
                    "mobile",
                    "email",
                    "question",
                    "response",
                    "values",
                    "answers",
                    "members",
                    "goals",
                    "covers",
                    "household",
                    "practice",
                    "primary_professional",
                    "preferences",
                ];
                members
                    .iter_mut()
                    .filter(|(name, _)| own.contains(&name.as_str()))
                    .for_each(|(_, member)| lengthen(member, word));
            }
            _ => {}
        }
    }
    let mut engine = Engine::new(None);
    for pack in PACKS {
        for (document, columns) in [(DOCUMENTS[0], 6), (DOCUMENTS[1], 3)] {
            for letter in ["w", "ā", "W"] {
                let mut data = sample(pack, document);
                lengthen(&mut data, &letter.repeat(120));
                let made = set(&mut engine, pack, document, data);
                let text = made.pages.join("\n");
                // The widest line is the footer's, of 15 cm in small letters; that nothing runs into its neighbour was
                // looked at.
                let longest = text.split(|c: char| !letter.contains(c)).map(|run| run.chars().count()).max();
                assert!(
                    longest.is_some_and(|longest| (3..=100).contains(&longest)),
                    "{pack} {document} {longest:?}: {text}"
                );
                assert!(text.lines().count() > 10 * columns, "{text}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// A document is made whatever people and programs write, and shows what stands in plain letters.
    #[test]
    fn any_text_makes_a_document(
        texts in prop::collection::vec(prop::collection::vec(any::<char>(), 0..40), 4),
        word in "[a-z]{3,12}",
    ) {
        let texts: Vec<String> = texts.into_iter().map(|letters| letters.into_iter().collect()).collect();
        let mut engine = Engine::new(None);
        let mut data = sample("xplan-au", DOCUMENTS[0]);
        data["household"]["name"] = format!("{word} {}", texts[0]).into();
        data["household"]["members"][0]["name"] = texts[1].as_str().into();
        data["household"]["members"][0]["email"] = texts[2].as_str().into();
        data["goals"][0]["name"] = texts[2].as_str().into();
        data["goals"][1]["owner_names"] = texts[3].as_str().into();
        data["covers"][0]["policy_number"] = texts[1].as_str().into();
        data["values"][0]["values"][1] = texts[0].as_str().into();
        data["practice"]["name"] = texts[3].as_str().into();
        let made = set(&mut engine, "xplan-au", DOCUMENTS[0], data);
        prop_assert!(made.pages[0].contains(&word), "{}", made.pages[0]);
    }
}

#[test]
fn a_mark_that_no_font_has_costs_no_other_text_its_letters() {
    let mut engine = Engine::new(None);
    for name in ["Ana-\u{a980}", "Ana 2\u{a980}", "Ana \u{e9}\u{a980}", "Ana .\u{1cf7}\u{e9}"] {
        let mut data = sample("xplan-au", DOCUMENTS[0]);
        let shipped = set(&mut engine, "xplan-au", DOCUMENTS[0], data.clone());
        data["household"]["members"][0]["name"] = name.into();
        let made = set(&mut engine, "xplan-au", DOCUMENTS[0], data);
        let lines = |pages: &[String]| pages.join("\n").lines().map(str::to_owned).collect::<Vec<_>>();
        let of_shipped = lines(&shipped.pages);
        let amounts = of_shipped.iter().filter(|line| line.contains('$'));
        assert!(amounts.clone().count() > 2, "{of_shipped:?}");
        for line in amounts {
            assert!(lines(&made.pages).contains(line), "{name:?}: {line}");
        }
        assert!(made.pages[0].contains("Ana"), "{}", made.pages[0]);
    }
}

#[test]
fn long_lists_run_over_pages_and_names_in_other_scripts_are_set() {
    let mut engine = Engine::new(None);
    let mut data = sample("xplan-nz", "best-life-plan.exported");
    let goal = data["goals"][0].clone();
    data["goals"] = (0..200).map(|_| goal.clone()).collect();
    data["goals"][7]["name"] = "Съездить к Алёне в Кишинёв".into();
    data["goals"][8]["name"] = "Whānau hui ki Ōtautahi, déjà vu, Łódź, İzmir, Nguyễn".into();
    let made = set(&mut engine, "xplan-nz", "best-life-plan.exported", data);
    assert!(made.pages.len() > 5 && made.replaced.is_empty());
    let text = made.pages.join("\n").replace('\n', " ");
    for message in ["Съездить к Алёне", "Whānau hui ki Ōtautahi", "Łódź", "Nguyễn"] {
        assert!(text.contains(message), "{message}");
    }
}
