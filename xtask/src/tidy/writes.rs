//! Pages and the JSON interface change nothing by themselves: what writes is called by the operations, which ask who may
//! and say why not, once for both.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{File, Finding};

/// What reads and presents.
const PRESENTING: [&str; 2] = ["host/src/api", "host/src/web"];

/// How a function of the store begins to write.
const BEGIN: [&str; 4] =
    ["self.write(", "self.write_in_any_case(", "self.write_unless_refused(", "self.write_in_any_case_unless_refused("];

/// Functions of the store that write, as a sign that this rule still sees how they do.
const KNOWN: [&str; 4] = ["edit_client", "make_client", "change_note", "decide_review"];

/// Functions of the store that read what is of households, without asking who may see it.
const OF_HOUSEHOLDS: [&str; 8] =
    ["household", "households", "client", "clients", "notes", "note", "note_documents", "document"];

/// The parts of `App` that do more than read, each with what may be asked of it all the same.
const PARTS: [(&str, &[&str]); 9] = [
    ("syncs", &["watch"]),
    ("previews", &["one", "list", "watch", "differences", "notes", "files"]),
    ("notes", &["as_it_waits", "gate", "data_errors"]),
    (
        "integrations",
        &[
            "list",
            "one",
            "known_revision",
            "not_at_work",
            "packs_of",
            "revisions",
            "incoming",
            "callback_url",
            "rule_files",
            "rule_file",
            "check_edit",
            "places_of",
            "draft",
            "takes_unsigned",
        ],
    ),
    // A file that comes in has no name, and is gone when it is closed.
    ("imports", &["spool"]),
    ("uploads", &[]),
    // What a request shows or is refused goes to the log, and changes nothing else.
    ("audit", &["flush", "refused", "watch"]),
    (
        "access",
        &[
            "session",
            "sessions",
            "holder",
            "wrong_token",
            "wrong_callback",
            "waits_for_provider",
            "is_set_up_open",
            "account_of_link",
            "takes_password_of",
            "secret_to_set_up",
            "wants_second_factor",
            "while_allowed",
        ],
    ),
    // A sign-in that is begun changes nothing yet.
    ("openid", &["as_ref"]),
];

/// Refuses calls that write in what presents.
pub fn check(files: &[File]) -> Vec<Finding> {
    let of_store = |file: &&File| file.belongs_to("host/src/store") && !file.belongs_to("host/src/store/conformance");
    let store: Vec<&File> = files.iter().filter(|file| file.is("rs")).filter(of_store).collect();
    let writing = writing(&store);
    let presenting = files.iter().filter(|file| file.is("rs"));
    let presenting = presenting.filter(|file| PRESENTING.iter().any(|module| file.belongs_to(module)));
    let mut findings: Vec<Finding> = presenting.flat_map(|file| in_file(file, &writing)).collect();
    if let (Some(file), Some(unseen)) = (store.first(), KNOWN.iter().find(|known| !writing.contains(**known))) {
        findings.push(file.finding(
            1,
            format!("`{unseen}` is not seen to write any more: tell {} how the store begins a write", file!()),
        ));
    }
    findings
}

fn in_file(file: &File, writing: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.code() {
        for name in writing {
            let calls = [format!(".{name}("), format!(".{name}::<"), format!("Store::{name}")];
            if calls.iter().any(|call| line.contains(call.as_str())) {
                findings.push(file.finding(number, format!("`{name}` writes to the store: call it from `ops`")));
            }
        }
    }
    for (number, line) in file.code() {
        for name in OF_HOUSEHOLDS {
            if line.contains(&format!("store.{name}(")) {
                findings.push(file.finding(
                    number,
                    format!("`{name}` of the store shows everybody's: read it in the book that whoever asks sees"),
                ));
            }
        }
    }
    // A call may go over several lines: where a letter stands in the code without its spaces, and in which line.
    let mut code = String::new();
    let mut lines = Vec::new();
    for (number, line) in file.code() {
        code.extend(line.chars().filter(|letter| !letter.is_whitespace()));
        lines.push((code.len(), number));
    }
    for (part, reading) in PARTS {
        for (at, found) in code.match_indices(&format!("app.{part}")) {
            let rest = &code[at + found.len()..];
            if rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_') {
                continue;
            }
            let method: String = rest
                .strip_prefix('.')
                .unwrap_or_default()
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if !reading.contains(&method.as_str()) {
                let number = lines.iter().find(|(end, _)| at < *end).map_or(1, |(_, number)| *number);
                let what = if method.is_empty() { "as a whole".to_owned() } else { format!("`{method}`") };
                findings.push(file.finding(
                    number,
                    format!("`{part}`, {what}, is for `ops`: call a verb, or name what only reads in {}", file!()),
                ));
            }
        }
    }
    findings
}

/// The names of the store's functions that write, by themselves or through others.
fn writing(store: &[&File]) -> BTreeSet<String> {
    let mut bodies: BTreeMap<String, String> = BTreeMap::new();
    for file in store {
        let mut name = String::new();
        for (_, line) in file.code() {
            if let Some(begun) = function(line) {
                name = begun.to_owned();
            }
            bodies.entry(name.clone()).or_default().push_str(line.trim());
        }
    }
    let mut writing = BTreeSet::new();
    loop {
        let calls = |body: &str| {
            BEGIN.iter().any(|begin| body.contains(begin))
                || writing.iter().any(|name: &String| body.contains(&format!("self.{name}(")))
        };
        let more: Vec<String> = bodies
            .iter()
            .filter(|(name, body)| !writing.contains(*name) && calls(body))
            .map(|(name, _)| name.clone())
            .collect();
        if more.is_empty() {
            return writing;
        }
        writing.extend(more);
    }
}

/// The function that begins in a line.
fn function(line: &str) -> Option<&str> {
    let (before, rest) = line.split_once("fn ")?;
    let is_head = before
        .split_whitespace()
        .all(|word| word.starts_with("pub") || ["async", "const", "in"].contains(&word) || word.ends_with(')'));
    let name = rest.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next()?;
    (is_head && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        let store = "impl Store {\n    pub async fn edit_client(&self) {\n        self.write(move |t| t).await\n    }\n    \
                     async fn write_links<T>(&self) -> T {\n        self.write(work).await\n    }\n    \
                     pub async fn decide_review(&self) {\n        self.write_links(move |t| t).await\n    }\n    \
                     pub async fn make_client(&self) { self.write(x).await }\n    \
                     pub async fn change_note(&self) { self.write_in_any_case(x).await }\n    \
                     pub async fn client(&self) {\n        self.read(move |t| t).await\n    }\n}\n";
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        check(&[file("host/src/store/book.rs", store), file(path, text)]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_writes_is_called_by_the_operations() {
        let refused = |path: &str, text: &str, expected: &str| {
            let found = findings(path, text);
            assert!(found.len() == 1 && found[0].contains(expected), "{path} {text}: {found:?}");
        };
        refused("host/src/api/clients.rs", "app.store.edit_client(edit).await?;", "`edit_client` writes");
        refused("host/src/web/review.rs", "let store = &app.store;\nstore.decide_review(id)", "review.rs:2");
        refused("host/src/web/notes.rs", "app.store.change_note::<()>(id, f)", "`change_note`");
        refused("host/src/web/notes.rs", "Store::make_client(&app.store)", "`make_client`");
        refused("host/src/api/notes.rs", "let x = 1;\napp\n    .notes\n    .retry(id)", "notes.rs:2: `notes`, `retry`");
        refused("host/src/api/runs.rs", "let syncs = &app.syncs;", "`syncs`, as a whole");
        refused("host/src/web/goals.rs", "app.store.client(id).await?;", "`client` of the store");
        refused("host/src/api/runs.rs", "app.syncs.stop_everything()", "`stop_everything`");
    }

    #[test]
    fn reading_is_for_all() {
        let allowed = |path: &str, text: &str| assert_eq!(findings(path, text), [""; 0], "{path} {text}");
        allowed("host/src/api/clients.rs", "book.client(id).await?;");
        allowed("host/src/sync.rs", "app.store.client(id).await?;");
        allowed("host/src/api/runs.rs", "app.syncs.watch(id)");
        allowed("host/src/ops/clients.rs", "app.store.edit_client(edit).await?;");
        allowed("host/src/schedule.rs", "app.syncs.request(name)");
        allowed("host/src/web/notes.rs", "ops::notes::retry(&app, person.actor(), id)");
        allowed("host/src/web/tests/requests.rs", "host.app.store.edit_client(edit)");
    }

    #[test]
    fn a_store_that_writes_otherwise_is_noticed() {
        let store = "impl Store { pub async fn edit_client(&self) { self.commit(x).await } }";
        let file = File { path: "host/src/store/book.rs".to_owned(), text: store.to_owned() };
        assert!(check(&[file])[0].to_string().contains("is not seen to write"));
    }
}
