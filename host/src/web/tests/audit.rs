//! The audit log: the page, and the file that it is downloaded as.

use uuid::Uuid;

use super::{at, check, clock, layout};
use crate::domain::HouseholdId;
use crate::domain::access::Role;
use crate::domain::audit::{Act, ActorKind, By, Entry, Outcome, Subject};
use crate::web::audit::{AuditPage, Filter, fields, lines, row};
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
