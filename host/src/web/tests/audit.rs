//! The audit log: the page, and the file that it is downloaded as.

use std::path::Path;

use uuid::Uuid;

use super::requests::Host;
use super::{at, check, clock, layout};
use crate::domain::HouseholdId;
use crate::domain::access::Role;
use crate::domain::audit::{Act, ActorKind, By, Entry, Outcome, Subject};
use crate::ops::tests::verbs;
use crate::web::audit::{AuditPage, Filter, areas, fields, lines, row};
use crate::web::components::Paging;
use crate::web::layout::Section;

fn entry(number: u64, name: &str, outcome: Outcome) -> Entry {
    let id = Some(Uuid::from_u128(7));
    let by = By { kind: ActorKind::Person, id, name: name.to_owned(), role: Some(Role::Adviser) };
    let act = Act::done(by, "2001:db8::1", "clients.edit", Subject::new("client", Uuid::from_u128(9)));
    let household = Some(HouseholdId(Uuid::from_u128(8)));
    Entry {
        number,
        at: at("2026-11-22T00:20:00Z"),
        act: Act { household, outcome, detail: "mobile, email".to_owned(), ..act },
    }
}

fn page(entries: &[Entry], filter: &Filter, next: Option<&str>) -> AuditPage {
    AuditPage {
        layout: layout(Section::Audit),
        filter: fields(filter),
        problems: filter.problems(),
        rows: entries.iter().map(|entry| row(entry, &clock())).collect(),
        paging: Paging::new("/audit", "", None, next),
        goes_on: next.is_some(),
    }
}

#[test]
fn the_log() {
    let by_nobody = Act { by: By::nobody(), ..entry(3, "", Outcome::Refused("Wrong.".to_owned())).act };
    let by_host = Act::done(By::host("schedule"), "this machine", "sync.begin", Subject::of_kind("run"));
    let entries = [
        Entry {
            act: Act { outcome: Outcome::Failed("It failed.".to_owned()), ..by_host },
            ..entry(4, "", Outcome::Done)
        },
        Entry { act: by_nobody, ..entry(3, "", Outcome::Done) },
        entry(2, "<b>Bo</b>", Outcome::Refused("Ask a practice manager.".to_owned())),
        entry(1, "Wilhelmina Konstantinopoulos-Featherstonehaugh of the Northern Beaches", Outcome::Done),
    ];
    check("audit", &page(&entries, &Filter::default(), Some("next")));
    let household =
        Filter { household: Uuid::from_u128(8).to_string(), from: "2026-11-01".to_owned(), ..Filter::default() };
    check("audit_of_a_household", &page(&entries[2..], &household, None));
    check("audit_empty", &page(&[], &Filter::default(), None));
    check("audit_goes_on", &page(&[], &Filter::default(), Some("next")));
    let wrong = Filter { from: "soon".to_owned(), verb: "<b>".to_owned(), ..Filter::default() };
    check("audit_refused", &page(&[], &wrong, None));
}

#[tokio::test]
async fn a_filter_that_would_show_nothing_in_silence_says_why() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    let refused = [
        ("from=garbage", "from-problem", "Enter a date such as 2026-11-30"),
        (
            "from=2026-11-30&to=2026-11-29",
            "to-problem",
            "The end date is before the start date. Choose 30 Nov 2026 or later.",
        ),
        ("verb=nonsense", "verb-problem", "The log has no entries about “nonsense”."),
        ("verb=nonsense.view", "verb-problem", "“nonsense.view”"),
        ("verb=clients.", "verb-problem", "“clients.”"),
        ("outcome=x", "outcome-problem", "Choose one from the list."),
    ];
    for (query, field, message) in refused {
        for path in ["/audit", "/audit/export"] {
            let answer = host.get(&format!("{path}?{query}"), &cookie).await;
            assert_eq!(answer.status, 422, "{path}?{query}");
            assert!(answer.text.contains(&format!("id=\"{field}\"")), "{path}?{query}: {}", answer.text);
            assert!(answer.text.contains(message), "{path}?{query}: {}", answer.text);
            assert_eq!(answer.header("content-disposition"), "", "{path}?{query} is no file");
            assert!(!answer.text.contains("<option value=\"nonsense"), "no choice is made of it: {}", answer.text);
        }
    }
    host.get("/audit", &cookie).await;
    for query in
        ["to=9999-12-31", "from=2026-11-01&to=9999-12-31", "from=-009999-01-01", "verb=audit.view", "verb=audit"]
    {
        let answer = host.get(&format!("/audit?{query}"), &cookie).await;
        assert!(answer.status == 200 && answer.text.contains("<td>audit.view</td>"), "{query}: {}", answer.text);
    }
    let one = host.get("/audit?verb=audit.view", &cookie).await.text;
    assert!(one.contains("<option value=\"audit.view\" selected>"), "what filters is seen: {one}");
    let file = host.get("/audit/export?to=9999-12-31", &cookie).await;
    assert!(file.status == 200 && file.header("content-type").starts_with("text/csv"), "{}", file.text);
}

#[tokio::test]
async fn days_stay_in_the_browsers_input_unless_they_are_none() {
    let host = Host::new();
    let cookie = host.signed_in(Role::PracticeManager).await;
    let inputs = async |query: &str| {
        let page = host.get(&format!("/audit?{query}"), &cookie).await.text;
        ["from", "to"].map(|day| {
            let input = page.split("<input ").find(|input| input.contains(&format!("name=\"{day}\""))).unwrap();
            let of = |name: &str| input.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
            (of("type").unwrap().to_owned(), of("value").unwrap_or_default().to_owned())
        })
    };
    let check = async |query: &str, from: (&str, &str), to: (&str, &str)| {
        let expected = [from, to].map(|(kind, value)| (kind.to_owned(), value.to_owned()));
        assert_eq!(inputs(query).await, expected, "{query}");
    };
    check("from=2026-11-30&to=2026-11-29", ("date", "2026-11-30"), ("date", "2026-11-29")).await;
    check("from=%202026-11-01&to=", ("date", "2026-11-01"), ("date", "")).await;
    check("from=soon&to=2026-11-29", ("text", "soon"), ("date", "2026-11-29")).await;
    check("from=20261-11-30&to=30/11/2026", ("text", "20261-11-30"), ("text", "30/11/2026")).await;
}

#[test]
fn every_area_of_a_change_can_be_chosen() {
    let areas: Vec<String> = areas().into_iter().map(|(area, _)| area).collect();
    let of_ops = verbs().into_iter().map(|verb| verb.replace("::", "."));
    // What the host does by itself has its verb where it is written.
    let of_host = sources(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))).into_iter().flat_map(|text| {
        let acts = text.split("Act::done(").skip(1).filter_map(|act| act.split(';').next());
        acts.flat_map(|act| act.split('"').skip(1).step_by(2))
            .filter(|text| is_verb(text))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    });
    let of_host: Vec<String> = of_host.collect();
    assert!(of_host.iter().any(|verb| verb == "backups.restore"), "{of_host:?}");
    for verb in of_ops.chain(of_host) {
        let area = verb.split('.').next().unwrap();
        assert!(areas.iter().any(|known| known == area), "{verb}");
    }
}

fn is_verb(text: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '_');
    text.split_once('.').is_some_and(|(area, rest)| is_word(area) && is_word(rest))
}

/// The texts of the program's files below a folder, without tests.
fn sources(folder: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = ["tests", "conformance"].iter().any(|name| path.file_stem().is_some_and(|stem| stem == *name));
        match path.is_dir() {
            _ if is_test => {}
            true => texts.extend(sources(&path)),
            false if path.extension().is_some_and(|extension| extension == "rs") => {
                texts.push(std::fs::read_to_string(&path).unwrap());
            }
            false => {}
        }
    }
    texts
}

#[test]
fn what_a_spreadsheet_would_work_out_is_text() {
    let entry = entry(1, "=HYPERLINK(\"https://evil.example\"),\"x", Outcome::Refused("+1".to_owned()));
    let text = String::from_utf8(lines(&[entry], true).unwrap()).unwrap();
    let mut lines = text.split("\r\n");
    assert!(lines.next().unwrap().starts_with("Number,At,"), "{text}");
    let line = lines.next().unwrap();
    assert!(line.contains(r#""'=HYPERLINK(""https://evil.example""),""x""#) && line.contains(",'+1,"), "{line}");
    assert_eq!(lines.collect::<Vec<_>>(), [""]);
}
