//! What tells one export from another, and what of one is held back.

use super::*;

const HEAD: &str = "ID,Name,Email\n";

/// An export of people numbered so.
fn book(ids: std::ops::RangeInclusive<u32>) -> String {
    ids.fold(HEAD.to_owned(), |book, id| format!("{book}{id},Client {id},c{id}@example.com\n"))
}

impl Exports {
    /// The edition of the clients that the export is; none where its silence about somebody says nothing.
    async fn edition(&self, content: impl AsRef<[u8]>) -> Option<u128> {
        self.put("clients.csv", content);
        self.walk().await.unwrap();
        self.files.edition().unwrap().0.get(&RecordKind::Client).copied()
    }
}

#[tokio::test]
async fn two_exports_differ_when_their_sets_of_rows_do() {
    let exports = Exports::new(&[]);
    let first = exports.edition(book(1..=8)).await;
    assert!(first.is_some());
    let rows: Vec<String> = book(1..=8).lines().map(str::to_owned).collect();
    let backwards: Vec<&str> = rows[..1].iter().chain(rows[1..].iter().rev()).map(String::as_str).collect();
    let columns = "Email,ID,Name\n".to_owned()
        + &rows[1..]
            .iter()
            .map(|row| {
                let [id, name, email] = row.split(',').collect::<Vec<_>>()[..] else { panic!("three") };
                format!("{email},{id},{name}\n")
            })
            .collect::<String>();
    let utf_16: Vec<u8> = format!("\u{feff}{}", book(1..=8)).encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (how, content) in [
        ("sent again", book(1..=8).into_bytes()),
        ("CRLF", book(1..=8).replace('\n', "\r\n").into_bytes()),
        ("another order", format!("{}\n", backwards.join("\n")).into_bytes()),
        ("columns in another order", columns.into_bytes()),
        ("quoted, with a mark", format!("\u{feff}{}", book(1..=8).replace("Client 3", "\"Client 3\"")).into_bytes()),
        ("semicolons", book(1..=8).replace(',', ";").into_bytes()),
        ("UTF-16", utf_16),
        ("a row twice", (book(1..=8) + "8,Client 8,c8@example.com\n").into_bytes()),
    ] {
        assert_eq!(exports.edition(content).await, first, "{how}");
    }
    assert_ne!(exports.edition(book(1..=7)).await, first);
    assert_ne!(exports.edition(book(1..=8).replace("Client 3", "Client three")).await, first);
    // A column that no rule names says as well that the CRM exported anew.
    let with_more = book(1..=8).replace("Email\n", "Email,Seen\n").replace("example.com\n", "example.com,today\n");
    assert_ne!(exports.edition(with_more).await, first);
}

#[tokio::test]
async fn an_export_that_only_grows_is_still_the_same_one() {
    let exports = Exports::new(&[]);
    exports.edition(book(1..=9)).await;
    let cut = exports.edition(book(1..=6)).await;
    assert_eq!(exports.edition(book(1..=7)).await, cut, "a row more");
    let memory = exports.files.memory();
    let other = Files::new(&spec(exports.folder.path(), &[]));
    other.recall(&memory);
    exports.put("clients.csv", book(1..=8));
    other.page(&clients(), None).await.unwrap();
    let edition = other.edition().unwrap().0.get(&RecordKind::Client).copied();
    assert_eq!(edition, cut, "by another process, too");
    exports.put("clients.csv", book(1..=8).replace("Client 2", "Client two"));
    other.page(&clients(), None).await.unwrap();
    assert_ne!(other.edition().unwrap().0.get(&RecordKind::Client).copied(), cut);
}

#[tokio::test]
async fn an_export_of_which_much_cannot_be_used_is_no_look_and_one_of_which_most_cannot_is_not_read() {
    let exports = Exports::new(&[]);
    assert!(exports.edition(book(1..=20) + "21\n").await.is_some(), "one of many");
    assert_eq!(exports.edition(book(1..=8) + "9\n").await, None, "one of nine");
    exports.put("clients.csv", format!("{HEAD}1\n2\n3,Pat Lee,\n"));
    Exports::refused(exports.names().await, "clients.csv cannot be used: 2 of its 3 records cannot be read. Line 2 of");
    exports.put("clients.csv", format!("{HEAD},Pat Lee,\n,Al Osei,\n"));
    Exports::refused(exports.names().await, "line 3 of clients.csv has no ID under “ID”");
    exports.put("clients.csv", HEAD);
    Exports::refused(exports.names().await, "clients.csv holds no row");
}

#[tokio::test]
async fn the_kinds_are_told_apart() {
    let exports = Exports::new(&[]);
    exports.put("clients.csv", BOOK);
    let edition = async |goals: &str| {
        exports.put("goals.csv", goals);
        exports.walk().await.unwrap();
        exports.files.edition().unwrap().0
    };
    let (first, second) = (edition(GOALS).await, edition("Client,Goal\n2,Sail\n").await);
    assert_eq!(first[&RecordKind::Client], second[&RecordKind::Client]);
    assert_ne!(first[&RecordKind::Goal], second[&RecordKind::Goal]);
    let many = "2,Sail\n".repeat(50);
    let one_of_nobody = format!("Client,Goal\n{many},Boat\n");
    assert!(!edition(&one_of_nobody).await.contains_key(&RecordKind::Goal), "a row is of nobody");
    assert!(!edition("Client,Goal\n").await.contains_key(&RecordKind::Goal), "it is empty");
}

#[tokio::test]
async fn a_last_value_that_may_be_cut_is_never_taken() {
    let exports = Exports::new(&[]);
    let cut = book(1..=20).strip_suffix("om\n").unwrap().to_owned();
    exports.edition(book(1..=20)).await;
    exports.put("clients.csv", &cut);
    for _ in 0..2 {
        let (records, ..) = exports.walk().await.unwrap();
        let faulty: Vec<_> =
            records.iter().filter_map(|record| Some((record.id.as_str(), record.fault.clone()?))).collect();
        let [(id, fault)] = &faulty[..] else { panic!("{faulty:?}") };
        assert!(*id == "20" && fault.contains("line 21 of clients.csv") && fault.contains("may be cut"), "{fault}");
        assert_eq!(exports.files.edition().unwrap().0.get(&RecordKind::Client), None, "rows behind it may be missing");
    }
    // The next export ends so, too: the program does not write the last end.
    let (records, ..) = {
        exports.put("clients.csv", book(1..=19).trim_end());
        exports.walk().await.unwrap()
    };
    assert!(records.iter().all(|record| record.fault.is_none()));
    // Where the last value is the ID, whose the row is cannot be told.
    let backwards = Exports::new(&[]);
    backwards.put("clients.csv", "Name,Email,ID\nPat Lee,,1\nAl Osei,,2\nBea Hill,,17\n");
    backwards.walk().await.unwrap();
    backwards.put("clients.csv", "Name,Email,ID\nPat Lee,,1\nAl Osei,,2\nBea Hill,,1");
    let (records, _, unreadable) = backwards.walk().await.unwrap();
    assert_eq!((records.len(), unreadable), (2, 1));
    assert!(records.iter().all(|record| record.fault.is_none()), "{records:?}");
    // A list whose last row may be cut is kept aside.
    backwards.put("goals.csv", GOALS);
    backwards.walk().await.unwrap();
    backwards.put("goals.csv", GOALS.replace("2,Retire\n", "2,Ret"));
    let (_, goals, _) = backwards.walk().await.unwrap();
    assert!(goals[0].fault.is_none() && goals[1].fault.as_ref().is_some_and(|fault| fault.contains("may be cut")));
}

#[tokio::test]
async fn a_file_that_was_cut_long_ago_is_not_still_arriving() {
    let exports = Exports::new(&[]);
    exports.put_aged("clients.csv", "ID,Name,Email\n1,Pat Lee,\n2,Al Os", Duration::from_hours(2));
    let error = exports.names().await.unwrap_err();
    assert!(error.contains("clients.csv is cut") && error.contains("export it again"), "{error}");
    assert!(!error.contains("still arriving"), "{error}");
}
