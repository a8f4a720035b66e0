//! What people are told of rows that are not used.

use super::*;

impl Exports {
    async fn told(&self) -> Vec<String> {
        self.files.page(&clients(), None).await.unwrap().told
    }
}

#[track_caller]
fn holds(told: &[String], expected: &str) {
    assert!(told.iter().any(|sentence| sentence.contains(expected)), "{expected:?} is not in {told:#?}");
}

#[tokio::test]
async fn each_row_that_names_nobody_is_named_with_its_line() {
    let exports = Exports::new(&[]);
    exports.put("clients.csv", format!("{BOOK},Sam Khan,,\n"));
    holds(&exports.told().await, "Line 4 of clients.csv has no ID under “ID”");
    fs::remove_file(exports.folder.path().join("clients.csv")).unwrap();
    exports.put("clients.jsonl", "{\"ID\": 1, \"Name\": \"Pat\", \"Email\": \"\"}\n{\"ID\": 2, \"Na\n");
    holds(&exports.told().await, "Line 2 of clients.jsonl is damaged, and whose it is cannot be told");
}

#[tokio::test]
async fn rows_of_clients_who_are_not_there_are_named_and_cost_themselves() {
    let exports = Exports::new(&[]);
    exports.put("clients.csv", BOOK);
    exports.put("goals.csv", "Client,Goal\n1,Sail\n9999,Boat\n31x,Car\n,House\n");
    let page = exports.files.page(&clients(), None).await.unwrap();
    holds(&page.told, "Line 3 of goals.csv is of the client 9999, who is not in clients.csv");
    holds(&page.told, "Line 4 of goals.csv is of the client 31x");
    holds(&page.told, "Line 5 of goals.csv has no ID under “Client”");
    assert_eq!((page.below[0].unowned, page.below[0].withheld), (3, 0));
    let many: String = (0..100).map(|id| format!("x{id},Sail\n")).collect();
    exports.put("goals.csv", format!("Client,Goal\n1,Sail\n{many}"));
    let told = exports.told().await;
    holds(&told, "80 more rows of goals.csv");
    assert!(told.len() < 30);
}

#[tokio::test]
async fn a_file_that_ends_without_a_line_s_end_and_one_without_rows_are_told() {
    let exports = Exports::new(&[]);
    exports.put("clients.csv", BOOK.trim_end());
    exports.put("goals.csv", "Client,Goal\n");
    let told = exports.told().await;
    holds(&told, "clients.csv ends without the end of its last line, line 3, which was taken");
    holds(&told, "goals.csv holds no row");
    exports.put("clients.csv", BOOK);
    exports.put("goals.csv", GOALS);
    assert_eq!(exports.told().await, [""; 0]);
}

#[tokio::test]
async fn a_column_that_was_renamed_is_shown_beside_the_one_that_is_missing() {
    let exports = Exports::new(&[]);
    exports.put("clients.csv", "ID,Name,Mail\n1,Pat Lee,pat@example.com\n");
    Exports::refused(exports.names().await, "It has “Mail”, which no rule names");
}

#[tokio::test]
async fn what_is_wrong_with_the_folder_is_said_without_the_crm() {
    let exports = Exports::new(&[]);
    let check = |error: CrmError, expected: &str| {
        let message = error.to_string();
        assert!(message.contains(expected) && !message.contains("the CRM") && !message.contains("403"), "{message}");
    };
    let link = exports.folder.path().join("link");
    symlink(exports.folder.path(), &link).unwrap();
    check(Files::new(&spec(&link, &[])).whoami().await.unwrap_err(), "is a link, or stands below one");
    let file = exports.folder.path().join("file");
    fs::write(&file, "").unwrap();
    check(Files::new(&spec(&file, &[])).whoami().await.unwrap_err(), "is no folder");
    fs::create_dir(exports.folder.path().join("clients.csv")).unwrap();
    check(exports.walk().await.unwrap_err(), "is no plain file");
}

#[tokio::test]
async fn lines_that_are_no_rows_are_nobody() {
    let exports = Exports::new(&[]);
    // Two exports, each with its mark and headings, one behind the other.
    let twice =
        format!("\u{feff}{BOOK}\u{feff}{}", BOOK.replace("1,Pat Lee", "3,Sam Khan").replace("2,Al Osei", "4,Bo Hill"));
    exports.put("clients.csv", twice);
    assert_eq!(exports.names().await.unwrap(), ["Pat Lee", "Al Osei", "Sam Khan", "Bo Hill"]);
    // The line that query programs draw, and the one by which they end.
    exports.put("clients.csv", "ID,Name,Email\n--,----,-----\n1,Pat Lee,\n2,Al Osei,\n\n(2 rows affected)\n");
    let (records, ..) = exports.walk().await.unwrap();
    let found: Vec<_> = records.iter().map(|record| (record.id.as_str(), record.fault.is_some())).collect();
    assert_eq!(found, [("1", false), ("2", false), ("(2 rows affected)", true)]);
    // Room that was kept for a file, of which not all was written.
    exports.put("clients.csv", format!("{BOOK}{}", "\0".repeat(3)));
    Exports::refused(exports.names().await, "in the middle of a record");
}

#[tokio::test]
async fn ids_are_those_that_the_crm_has_whatever_a_program_made_of_them() {
    let exports = Exports::new(&[]);
    exports
        .put("clients.csv", "ID,Name,Email\n48213.0,Pat Lee,\n=\"0007\",Al Osei,\n'C-3,Sam Khan,\n73928e03,Bo Hill,\n");
    exports.put("goals.csv", "Client,Goal\n48213,Sail\n7.0,Boat\n");
    let (records, goals, unreadable) = exports.walk().await.unwrap();
    let ids: Vec<_> = records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!((ids, unreadable), (vec!["48213", "7", "C-3", "73928e03"], 0));
    assert_eq!(json(&goals[1]), serde_json::json!({"goals": [{"Client": "7.0", "Goal": "Boat"}]}));
    exports.put("clients.csv", "ID,Name,Email\n4.82E+04,Pat Lee,\n7,Al Osei,\n");
    holds(&exports.told().await, "was shortened by a spreadsheet program");
    fs::remove_file(exports.folder.path().join("clients.csv")).unwrap();
    exports.put(
        "clients.json",
        r#"[{"ID": 12345678901234567890123, "Name": "Pat", "Email": ""}, {"ID": 1234567890123456789, "Name": "Al", "Email": ""}]"#,
    );
    let (records, _, unreadable) = exports.walk().await.unwrap();
    assert_eq!((records[0].id.as_str(), records.len(), unreadable), ("1234567890123456789", 1, 1));
    holds(&exports.told().await, "a number too long to be exact");
    exports.put("clients.json", r#"[{"ID": 1, "Name": "Pat", "Email": NaN}]"#);
    Exports::refused(exports.names().await, "it is no JSON object");
}
