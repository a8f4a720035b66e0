//! Each verb refuses the same mistake by the page's form and by the API: with the same status, at the same field, in the
//! same words; and who may not is refused before anything else, by both.

mod access_walk;
mod host;
mod made;
mod refusals;
mod table;

use std::collections::BTreeSet;
use std::path::Path;

use self::host::{Answer, Host};
use self::table::{Expected, Row};
use crate::connection::for_tests::with_shipped_events;

#[tokio::test]
async fn a_mistake_is_refused_alike_by_page_and_api() {
    let host = Host::new().await;
    refused_alike(&host, table::rows(&host)).await;
}

#[tokio::test]
async fn an_event_that_does_not_fit_its_pack_is_refused_alike_by_page_and_api() {
    let host = Host::with(vec![with_shipped_events()]).await;
    refused_alike(&host, table::events(&host)).await;
}

async fn refused_alike(host: &Host, rows: Vec<Row>) {
    let mut differ = Vec::new();
    for row in rows {
        let Some(Expected { status, field, message }) = &row.expected else { continue };
        for (way, answer) in both(host, &row, &host.manager).await {
            let is_named = field.is_none_or(|field| answer.names(field));
            if answer.status != *status || !answer.says(message) || !is_named {
                differ.push(format!("{} by the {way}: {status} {field:?} {message:?} is not {answer}", row.verb));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
}

#[tokio::test]
async fn who_may_not_is_refused_alike_by_page_and_api() {
    let host = Host::new().await;
    let mut differ = Vec::new();
    for row in table::rows(&host).into_iter().filter(|row| row.needs_role) {
        let answers = both(&host, &row, &host.support).await;
        let message = &answers.last().map(|(_, answer)| answer.detail()).unwrap_or_default();
        for (way, answer) in &answers {
            // What is of a household that somebody does not see is not there for them.
            let is_refused = match IN_A_HOUSEHOLD.contains(&row.verb) {
                true => [404, 422].contains(&answer.status) && !answer.text.contains("Ayda"),
                false => answer.status == 403 && message.contains("practice manager") && answer.says(message),
            };
            if !is_refused {
                differ.push(format!("{} by the {way}: 403 {message:?} is not {answer}", row.verb));
            }
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n\n"));
}

/// The verbs that staff have in the households that they see.
const IN_A_HOUSEHOLD: [&str; 12] = [
    "clients::edit",
    "clients::remove",
    "clients::restore",
    "clients::link",
    "clients::unlink",
    "goals::change",
    "notes::accept",
    "notes::export",
    "notes::retry",
    "notes::edit",
    "notes::resolve",
    "notes::discard",
];

#[tokio::test]
async fn every_verb_is_in_the_table() {
    let host = Host::new().await;
    let rows: BTreeSet<String> = table::rows(&host).into_iter().map(|row| row.verb.to_owned()).collect();
    assert_eq!(rows, verbs(), "each public function of `ops` is a row of tests/table.rs, and nothing else is");
}

/// The answers of the page and the API, those of them that have the verb.
async fn both(host: &Host, row: &Row, cookie: &str) -> Vec<(&'static str, Answer)> {
    let mut answers = Vec::new();
    if let Some((path, form)) = &row.form {
        answers.push(("page", host.submit(path, form, cookie).await));
    }
    if let Some((method, path, body)) = &row.api {
        answers.push(("API", host.call(method, path, body, cookie).await));
    }
    assert!(!answers.is_empty(), "{} is reached by no way", row.verb);
    answers
}

/// The public functions of the files of this module: `notes::retry`.
fn verbs() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ops");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let files = files.filter(|path| path.is_file() && !path.ends_with("refusal.rs") && !path.ends_with("tests.rs"));
    let in_file = |path: std::path::PathBuf| -> Vec<String> {
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(path).unwrap();
        let names = text.lines().filter_map(|line| {
            let rest = line.strip_prefix("pub async fn ").or_else(|| line.strip_prefix("pub fn "))?;
            rest.split(['(', '<']).next()
        });
        names.map(|name| format!("{module}::{name}")).collect()
    };
    files.flat_map(in_file).collect()
}
