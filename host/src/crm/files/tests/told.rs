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
