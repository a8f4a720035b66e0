//! The connector against folders on the disk.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::*;
use crate::crm::parse::{Author, RawConnection, Rules};
use crate::crm::registry::Registry;
use crate::crm::{RawRecord, folders::FolderRules, hosts::HostRules};
use crate::domain::{RecordKind, Timestamp};

mod editions;
mod notes;
mod objects;
mod told;

/// A folder with exports, and what reads it.
struct Exports {
    folder: TempDir,
    files: Files,
}

fn source(kind: RecordKind, resource: &str, fields: &[&str], list: Option<&str>) -> Source {
    Source {
        kind,
        resource: resource.to_owned(),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        lists: list.map(str::to_owned).into_iter().collect(),
        below: Vec::new(),
    }
}

fn clients() -> Source {
    let goals = source(RecordKind::Goal, "clients", &["Client", "Goal"], Some("goals"));
    Source { below: vec![goals], ..source(RecordKind::Client, "clients", &["ID", "Name", "Email"], None) }
}

impl Exports {
    fn new(settings: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let files = Files::new(&spec(folder.path(), settings));
        Self { folder, files }
    }

    /// Writes a file that was written a day ago.
    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        self.put_aged(name, content, Duration::from_hours(24));
    }

    fn put_aged(&self, name: &str, content: impl AsRef<[u8]>, age: Duration) {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::now().checked_sub(age).unwrap()).unwrap();
    }

    async fn walk(&self) -> Result<(Vec<RawRecord>, Vec<RawRecord>, u64), CrmError> {
        let (mut records, mut goals, mut unreadable, mut after) = (Vec::new(), Vec::new(), 0, None);
        loop {
            let page = self.files.page(&clients(), after.as_ref()).await?;
            records.extend(page.records);
            goals.extend(page.below.into_iter().flat_map(|below| below.records));
            unreadable += page.unreadable;
            after = page.next;
            if after.is_none() {
                return Ok((records, goals, unreadable));
            }
        }
    }

    /// The names of all clients, or why there are none.
    async fn names(&self) -> Result<Vec<String>, String> {
        let (records, _, _) = self.walk().await.map_err(|error| error.to_string())?;
        Ok(records.iter().map(|record| cell(record, "Name")).collect())
    }

    #[track_caller]
    fn refused(found: Result<Vec<String>, String>, expected: &str) {
        let message = found.expect_err(expected);
        assert!(message.contains(expected), "{expected:?} is not in {message:?}");
    }
}

fn spec(folder: &Path, settings: &[(&str, &str)]) -> ConnectionSpec {
    let folder = ("folder", folder.to_str().unwrap());
    let settings = settings.iter().chain([&folder]).map(|(name, text)| ((*name).to_owned(), (*text).to_owned()));
    let raw = RawConnection {
        crm: Some("files".to_owned()),
        pack: Some("files-au".to_owned()),
        settings: settings.collect(),
        ..RawConnection::default()
    };
    let (hosts, folders, zone) = (HostRules::default(), FolderRules::default(), jiff::tz::TimeZone::UTC);
    let (registry, author, now) = (Registry::BUILT_IN, Author::Operator, Timestamp::UNIX_EPOCH);
    let rules = Rules { registry, hosts: &hosts, folders: &folders, author, zone, now };
    let parsed = raw.parse("main".parse().unwrap(), &rules);
    assert_eq!(parsed.errors, []);
    parsed.spec
}

fn json(record: &RawRecord) -> serde_json::Value {
    serde_json::from_slice(&record.to_json().unwrap()).unwrap()
}

fn cell(record: &RawRecord, column: &str) -> String {
    json(record)["row"][column].as_str().unwrap().to_owned()
}

const BOOK: &str = "ID,Name,Email,Notes\n1,Pat Lee,pat@example.com,x\n2,Al Osei,al@example.com,y\n";
const GOALS: &str = "Client,Goal\n2,Sail\n1,A boat\n2,Retire\n";

#[tokio::test]
async fn a_record_is_what_the_rules_name_of_a_row_with_the_rows_of_its_lists() {
    let exports = Exports::new(&[]);
    exports.put("clients.csv", BOOK);
    exports.put("goals.csv", GOALS);
    let (records, goals, unreadable) = exports.walk().await.unwrap();
    assert_eq!(
        json(&records[1]),
        serde_json::json!({"row": {"ID": "2", "Name": "Al Osei", "Email": "al@example.com"}})
    );
    let sailing = serde_json::json!({"goals": [{"Client": "2", "Goal": "Sail"}, {"Client": "2", "Goal": "Retire"}]});
    assert_eq!((json(&goals[1]), unreadable), (sailing, 0));

    // What the rules do not name, and the order of rows and columns, say nothing.
    exports.put("clients.csv", "Email;Notes;NAME;id\nal@example.com;other;Al Osei;2\npat@example.com;;Pat Lee;1\n");
    let (again, ..) = exports.walk().await.unwrap();
    assert_eq!(again[0].fingerprint, records[1].fingerprint);
    assert_eq!(again[1].fingerprint, records[0].fingerprint);

    let one = exports.files.one(&clients(), &ExternalId("2".to_owned())).await.unwrap().unwrap();
    assert_eq!((json(&one.records[0]), &json(&one.below[0].records[0])), (json(&records[1]), &json(&goals[1])));
    assert!(exports.files.one(&clients(), &ExternalId("9".to_owned())).await.unwrap().is_none());
}

#[tokio::test]
async fn a_book_is_read_in_pages_and_from_where_another_process_was() {
    let exports = Exports::new(&[]);
    let rows: String = (1..=1_200).map(|id| format!("{id},Client {id},\n")).collect();
    exports.put("clients.csv", format!("ID,Name,Email\n{rows}"));
    let (records, ..) = exports.walk().await.unwrap();
    assert_eq!(records.len(), 1_200);
    let first = exports.files.page(&clients(), None).await.unwrap();
    let other = Files::new(&spec(exports.folder.path(), &[]));
    let second = other.page(&clients(), first.next.as_ref()).await.unwrap();
    assert_eq!(second.records[0].id.as_str(), "501");
    // Another export stands there by now.
    exports.put("clients.csv", format!("ID,Name,Email\n{rows}1201,More,\n"));
    let other = Files::new(&spec(exports.folder.path(), &[]));
    let error = other.page(&clients(), first.next.as_ref()).await.unwrap_err();
    assert!(error.to_string().contains("replaced while they were read"), "{error}");
}

#[tokio::test]
async fn exports_are_read_in_the_forms_and_encodings_that_programs_write() {
    let exports = Exports::new(&[]);
    let check = async |name: &str, content: &[u8]| {
        exports.put(name, content);
        assert_eq!(exports.names().await, Ok(vec!["Zoë Lee".to_owned()]), "{name}");
        fs::remove_file(exports.folder.path().join(name)).unwrap();
    };
    check("clients.csv", "ID,Name,Email\r\n1,Zoë Lee,z@example.com\r\n".as_bytes()).await;
    check("CLIENTS.CSV", "\u{feff}ID,Name,Email\n1,\"Zoë Lee\",\n".as_bytes()).await;
    check("clients.csv", b"ID;Name;Email\n1;Zo\xeb Lee;\n").await;
    check("clients.tsv", "ID\tName\tEmail\n1\tZoë Lee\t\n".as_bytes()).await;
    check("clients.txt", "sep=|\nID|Name|Email\n1|Zoë Lee|\n".as_bytes()).await;
    check("clients.csv", "The book of Acme\n\nID,Name,Email\n1,Zoë Lee,\n".as_bytes()).await;
    let utf_16: Vec<u8> = "\u{feff}ID,Name,Email\n1,Zoë Lee,\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    check("clients.csv", &utf_16).await;
    check("clients.json", r#"[{"id": 1, "name": "Zoë Lee", "email": null}]"#.as_bytes()).await;
    check("clients.jsonl", "{\"ID\": \"1\", \"Name\": \"Zoë Lee\", \"Email\": \"\"}\n".as_bytes()).await;
}

#[tokio::test]
async fn what_is_still_arriving_is_not_read() {
    let exports = Exports::new(&[]);
    Exports::refused(exports.names().await, "there is no clients.csv");
    let check = async |content: &str, expected: &str| {
        exports.put_aged("clients.csv", content, Duration::from_secs(90));
        Exports::refused(exports.names().await, expected);
    };
    check("", "clients.csv is empty").await;
    check("ID,Name,Email\n1,Pat Lee,pat@example.com\n2,Al Os", "in the middle of a record").await;
    check("ID,Name,Email\n1,Pat Lee,pat@example.com\n2,\"Al Os", "in the middle of a record").await;
    check("ID,Name,Email\n1,Pat Lee,pat@example.com\n2,Al Osei,al@exam", "without the end of its last line").await;
    // A transfer stands still for ten minutes at most; what ends in the middle of a record never gets whole by waiting.
    exports.put_aged("clients.csv", "ID,Name,Email\n1,Pat Lee,pat@example.com", Duration::from_mins(11));
    assert_eq!(exports.names().await, Ok(vec!["Pat Lee".to_owned()]));
    exports.put("clients.csv", "ID,Name,Email\n1,Pat Lee,pat@example.com\n2,Al Os");
    Exports::refused(exports.names().await, "in the middle of a record");
    exports.put("clients.csv", BOOK);
    exports.put("clients.csv.filepart", "ID");
    Exports::refused(exports.names().await, "clients.csv.filepart is being written");
    fs::remove_file(exports.folder.path().join("clients.csv.filepart")).unwrap();
    exports.put("clients.json", r#"[{"ID": "1"}"#);
    Exports::refused(exports.names().await, "both clients");
    fs::remove_file(exports.folder.path().join("clients.csv")).unwrap();
    Exports::refused(exports.names().await, "in the middle of a record");
}

#[tokio::test]
async fn a_file_that_was_just_written_or_is_dated_in_the_future_settles_first() {
    let exports = Exports::new(&[("settle", "1")]);
    exports.put_aged("clients.csv", BOOK, Duration::ZERO);
    let error = exports.files.one(&clients(), &ExternalId("1".to_owned())).await.unwrap_err();
    assert!(error.to_string().contains("still arriving"), "{error}");
    assert_eq!(exports.names().await.unwrap().len(), 2, "a walk waits for so long");
    let path = exports.folder.path().join("clients.csv");
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_hours(24 * 365)).unwrap();
    assert_eq!(exports.names().await.unwrap().len(), 2);
    let slow = Files::new(&spec(exports.folder.path(), &[("settle", "600")]));
    let error = slow.one(&clients(), &ExternalId("1".to_owned())).await.unwrap_err();
    assert!(error.to_string().contains("still arriving"), "{error}");
}

#[tokio::test]
async fn the_file_that_is_written_last_is_waited_for() {
    let exports = Exports::new(&[("written_last", "export.done")]);
    exports.put("clients.csv", BOOK);
    Exports::refused(exports.names().await, "export.done is not there yet");
    exports.put_aged("export.done", "", Duration::from_hours(48));
    Exports::refused(exports.names().await, "older than clients.csv");
    exports.put_aged("export.done", "", Duration::ZERO);
    assert_eq!(exports.names().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_column_that_has_vanished_or_stands_there_twice_holds_the_run() {
    let exports = Exports::new(&[]);
    exports.put("clients.csv", "ID,Name\n1,Pat Lee\n");
    Exports::refused(exports.names().await, "clients.csv has no column Email, which the pack's rules name");
    exports.put("clients.csv", "ID,Name,Email,email\u{a0}\n1,Pat Lee,a@example.com,\n");
    Exports::refused(exports.names().await, "as “Email” and “email‹no-break blank›”");
    exports.put("clients.csv", BOOK);
    exports.put("goals.csv", "Client,Aim\n1,Sail\n");
    Exports::refused(exports.names().await, "goals.csv has no column Goal");
    fs::remove_file(exports.folder.path().join("clients.csv")).unwrap();
    exports.put("clients.json", r#"[{"ID": "1", "Name": "Pat Lee"}]"#);
    Exports::refused(exports.names().await, "clients.json has no column Email");
}

#[tokio::test]
async fn a_damaged_row_costs_itself() {
    let exports = Exports::new(&[]);
    exports.put("goals.csv", GOALS);
    let faults = async |rows: &str| {
        exports.put("clients.csv", format!("ID,Name,Email\n{rows}"));
        let (records, _, unreadable) = exports.walk().await.unwrap();
        let fault = |record: &RawRecord| (record.id.to_string(), record.fault.clone());
        (records.iter().map(fault).collect::<Vec<_>>(), unreadable)
    };
    let check = async |rows: &str, id: &str, expected: &str| {
        let (records, unreadable) = faults(rows).await;
        let (damaged, others): (Vec<_>, Vec<_>) = records.into_iter().partition(|(_, fault)| fault.is_some());
        assert_eq!((damaged.len(), unreadable), (1, 0), "{rows}");
        let (found, Some(fault)) = &damaged[0] else { unreachable!() };
        assert!(found == id && fault.contains(expected), "{rows}: {found} {fault}");
        assert!(others.iter().any(|(id, _)| id == "9"), "{rows}: {others:?}");
    };
    check("1,Pat\n9,Al Osei,\n", "1", "line 2 of clients.csv is damaged: it ends before the last").await;
    check("1,Lee, Pat,p@example.com\n9,Al Osei,\n", "1", "more values than there are headings").await;
    check("1,\"Pat Lee,p@example.com\n9,Al Osei,\n", "1", "a quotation mark is opened in it").await;
    check("1,Pat Lee,\n9,Al Osei,\n1,Pat Li,\n", "1", "lines 2 and 4 of clients.csv both have the ID 1 and differ")
        .await;
    check(&format!("1,{},\n9,Al Osei,\n", "x".repeat(70_000)), "1", "longer than 64 KB").await;
    // A quotation mark that is none takes no other row with it.
    let (records, _) = faults("1,\"Pat\n2,Lee,p@example.com\n9,\"Al Osei\",\n").await;
    let sound = records.iter().filter(|(_, fault)| fault.is_none()).map(|(id, _)| id.as_str());
    assert_eq!(sound.collect::<Vec<_>>(), ["2", "9"]);
    // The same row twice is one row.
    assert_eq!(faults("1,Pat Lee,\n1,Pat Lee,\n").await.0, [("1".to_owned(), None)]);
    // Whose a row is that has no ID nobody knows: who is missing may be there.
    assert_eq!(faults("1,Pat Lee,\n,Al Osei,al@example.com\n").await, (vec![("1".to_owned(), None)], 1));
}

#[tokio::test]
async fn a_quotation_mark_at_a_line_s_end_takes_no_other_row_with_it() {
    let exports = Exports::new(&[]);
    let check = async |rows: &str, expected: &[(&str, bool)]| {
        exports.put("clients.csv", format!("\"ID\",\"Name\",\"Email\"\n{rows}"));
        let (records, ..) = exports.walk().await.unwrap();
        let found: Vec<_> = records.iter().map(|record| (record.id.as_str(), record.fault.is_none())).collect();
        assert_eq!(found, expected, "{rows}");
    };
    let sound = "\"8\",\"Al Osei\",\"a@example.com\"\n\"9\",\"Bea Hill\",\"\"\n";
    let of_sound = [("7", false), ("8", true), ("9", true)];
    check(&format!("\"7\",\"Pat\",\"p@example.com\n{sound}"), &of_sound).await;
    check(&format!("\"7\",\"Pat\",\"p@example.com\"\"\n{sound}"), &of_sound).await;
    check(&format!("\"7\",\"Pa\"t\",\"p@example.com\"\n{sound}"), &[("7", true), ("8", true), ("9", true)]).await;
    check("7,24\" frame,\n8,\"Al\nOsei\",\"\"\n\n,,\n9,Bea,\n", &[("7", true), ("8", true), ("9", true)]).await;
}

#[tokio::test]
async fn lists_that_are_not_whole_say_nothing() {
    let exports = Exports::new(&[]);
    exports.put("clients.csv", BOOK);
    let below = async || exports.files.page(&clients(), None).await.unwrap().below.remove(0);
    let missing = below().await;
    assert_eq!((missing.records.len(), missing.withheld), (0, 2), "there is no such file");
    exports.put("goals.csv", "Client,Goal\n1\n2,Sail\n");
    let damaged = below().await;
    assert!(damaged.records[0].fault.as_ref().is_some_and(|fault| fault.contains("line 2 of goals.csv")));
    assert!(damaged.records[1].fault.is_none() && damaged.withheld == 0);
    exports.put("goals.csv", "Client,Goal\n,Sail\n2,Boat\n");
    let of_nobody = below().await;
    assert_eq!((of_nobody.unowned, of_nobody.withheld), (1, 0), "nobody knows whose the first is, which costs itself");
    assert_eq!(json(&of_nobody.records[1]), serde_json::json!({"goals": [{"Client": "2", "Goal": "Boat"}]}));
    exports.put("goals.csv", "Client,Goal\n");
    let empty = below().await;
    assert_eq!((empty.records.len(), empty.withheld), (0, 2), "an export that came out empty looks the same");
}

#[tokio::test]
async fn a_file_that_changes_while_it_is_read_ends_the_walk_and_one_that_is_replaced_does_not() {
    let rows: String = (1..=600).map(|id| format!("{id},Client {id},\n")).collect();
    let exports = Exports::new(&[]);
    exports.put("clients.csv", format!("ID,Name,Email\n{rows}"));
    let first = exports.files.page(&clients(), None).await.unwrap();
    // Another one is put in its place: the one that is being read is whole.
    exports.put("clients.new", BOOK);
    fs::rename(exports.folder.path().join("clients.new"), exports.folder.path().join("clients.csv")).unwrap();
    let second = exports.files.page(&clients(), first.next.as_ref()).await.unwrap();
    assert!(second.records.len() == 100 && second.next.is_none());

    exports.put("clients.csv", format!("ID,Name,Email\n{rows}"));
    let first = exports.files.page(&clients(), None).await.unwrap();
    exports.put("clients.csv", format!("ID,Name,Email\n{}", rows.replace("Client 600", "Client 6OO")));
    let error = exports.files.page(&clients(), first.next.as_ref()).await.unwrap_err();
    assert!(error.to_string().contains("clients.csv changed while it was read"), "{error}");
}

#[tokio::test]
async fn links_lead_nowhere() {
    let exports = Exports::new(&[]);
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("secret.csv"), BOOK).unwrap();
    symlink(outside.path().join("secret.csv"), exports.folder.path().join("clients.csv")).unwrap();
    Exports::refused(exports.names().await, "is a link, which is not followed");
    let link = exports.folder.path().join("link");
    symlink(outside.path(), &link).unwrap();
    let error = Files::new(&spec(&link, &[])).whoami().await.unwrap_err();
    assert!(error.to_string().contains("name that folder itself"), "{error}");
    let gone = Files::new(&spec(&exports.folder.path().join("gone"), &[])).whoami().await.unwrap_err();
    assert!(matches!(gone, CrmError::Unreachable { .. }), "{gone}");
}
