//! What a part of the project never knows of: names that may stand in one place only.

use super::files::{File, Finding};

/// Names that are looked for in one part of the project and may stand in a part of that only.
struct Absence {
    names: &'static [&'static str],
    /// The folder that is searched.
    searched: &'static str,
    /// The modules in it that may know the names.
    only: &'static [&'static str],
    because: &'static str,
}

const ABSENCES: [Absence; 7] = [
    Absence {
        names: &["XPLANID", "XPLAN-", "client-v", "user-v", "docnote", "attachment-v", "page_bookmark", "\"_val\""],
        searched: "host",
        only: &["host/src/crm/xplan"],
        because: "only crm/xplan knows Xplan's protocol",
    },
    Absence {
        names: &["redb"],
        searched: "host",
        only: &["host/src/store/engine"],
        because: "only store/engine knows which database it is",
    },
    Absence {
        names: &["wasmtime"],
        searched: "host",
        only: &["host/src/pack"],
        because: "only pack/ knows of WebAssembly",
    },
    Absence {
        names: &["IntoResponse", "axum::response", "axum::Json", "axum::extract"],
        searched: "host",
        only: &["host/src/api", "host/src/web"],
        because: "only api/ and web/ answer requests",
    },
    Absence {
        names: &["Cover", "covers", "\"cover\""],
        searched: "host/src",
        only: &[
            "host/src/app/document_maker",
            "host/src/audit/routes",
            "host/src/documents",
            "host/src/pack/convert/records",
            "host/src/pack/events/file",
            "host/src/store/conformance",
            "host/src/store/migrations",
            "host/src/store/rows/listed",
            "host/src/web/household/lists",
        ],
        because: "what a kind is made of stands in few files (CONTRIBUTING.md): all else does for each kind the same",
    },
    Absence {
        names: &["::now(", "now_v7(", "now_v4(", ".elapsed("],
        searched: "host/domain",
        only: &[],
        because: "the domain never reads a clock: time is an argument",
    },
    Absence {
        names: &["std::fs", "std::net", "std::env", "std::io", "tokio::", "async fn"],
        searched: "host/domain",
        only: &[],
        because: "the domain does no input or output",
    },
];

/// Where no CRM is named: code, comments, pages and settings.
const NAMES_NO_CRM: [&str; 4] = ["host/src", "host/domain/src", "host/templates", "host/assets"];

/// Where connectors are, a folder each, and the lists that make them part of the host.
const CONNECTORS: &str = "host/src/crm";
const LISTS: [&str; 2] = ["host/src/crm.rs", "host/src/crm/registry.rs"];

/// The CRMs that have a connector, by name: each declares itself in its `kind.rs`.
fn crms(files: &[File]) -> Vec<&str> {
    let inner = files.iter().filter_map(|file| file.path.strip_prefix(CONNECTORS)?.strip_prefix('/'));
    inner.filter_map(|path| path.strip_suffix("/kind.rs")).collect()
}

/// Refuses a CRM's name outside its connector: what the host has to know of it is in its declaration.
fn no_crm_is_named(file: &File, crms: &[&str]) -> Vec<Finding> {
    let is_searched = NAMES_NO_CRM.iter().any(|folder| file.belongs_to(folder));
    if !is_searched || file.is("snap") || LISTS.contains(&file.path.as_str()) {
        return Vec::new();
    }
    let others = crms.iter().filter(|name| !file.belongs_to(&format!("{CONNECTORS}/{name}")));
    let others: Vec<&&str> = others.collect();
    let named = |line: &str| others.iter().find(|name| holds_name(line, name)).map(|name| **name);
    let finding = |(number, line)| {
        let words = format!("`{}` stands here, but only its connector and crm/registry name a CRM", named(line)?);
        Some(file.finding(number, words))
    };
    file.product().filter_map(finding).collect()
}

/// Names of CRMs that are everybody's words: they name the CRM where they stand in quotation marks or in a path.
const WORDS: [&str; 1] = ["files"];
/// Where no type of event is named: code, comments and pages.
const NAMES_NO_EVENT: [&str; 6] =
    ["host/src", "host/domain/src", "host/documents/src", "host/templates", "host/assets", "plugins"];

/// What tells the demo's story with the shipped packs, what a new pack on a shipped base begins with, and what is tried with
/// them.
const TELLS_OF_EVENTS: [&str; 4] =
    ["host/src/cli/demo", "host/src/kit/made", "host/src/store/conformance", "host/documents/src/golden"];

/// Where packs declare their events, a file each.
const EVENTS: &str = "/events/";

/// The types of events of the shipped packs, by name.
fn event_types(files: &[File]) -> Vec<&str> {
    let declared = files.iter().filter_map(|file| file.path.strip_prefix("rules/")?.split_once(EVENTS));
    declared.filter_map(|(_, name)| name.strip_suffix(".toml")).collect()
}

/// Refuses a type of event outside the packs: the host takes those that a pack declares, whichever they are.
fn no_event_is_named(file: &File, types: &[&str]) -> Vec<Finding> {
    let is_searched = NAMES_NO_EVENT.iter().any(|folder| file.belongs_to(folder));
    if !is_searched || file.is("snap") || TELLS_OF_EVENTS.iter().any(|module| file.belongs_to(module)) {
        return Vec::new();
    }
    let finding = |(number, line): (usize, &str)| {
        let named = types.iter().find(|name| line.contains(**name))?;
        Some(file.finding(number, format!("`{named}` stands here, but only packs know their events (rules/*/events)")))
    };
    file.product().filter_map(finding).collect()
}

/// Whether a line holds a CRM's name in whatever case; `explanation` does not hold `xplan`.
fn holds_name(line: &str, name: &str) -> bool {
    if WORDS.contains(&name) {
        return line.contains(&format!("= \"{name}\"")) || line.contains(&format!("crm::{name}"));
    }
    let line = line.to_lowercase();
    line.match_indices(name).any(|(at, _)| !line[..at].ends_with('e'))
}

/// Refuses names out of their place, and a second place where the contract meets the domain.
pub fn check(files: &[File]) -> Vec<Finding> {
    let code = || files.iter().filter(|file| file.is("rs"));
    let mut findings: Vec<Finding> = code().flat_map(two_worlds).collect();
    let crms = crms(files);
    findings.extend(files.iter().flat_map(|file| no_crm_is_named(file, &crms)));
    let types = event_types(files);
    findings.extend(files.iter().flat_map(|file| no_event_is_named(file, &types)));
    for absence in &ABSENCES {
        let searched = code().filter(|file| {
            file.belongs_to(absence.searched) && !absence.only.iter().any(|module| file.belongs_to(module))
        });
        findings.extend(searched.flat_map(|file| named(file, absence)));
    }
    findings
}

fn named(file: &File, absence: &Absence) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.code() {
        if let Some(name) = absence.names.iter().find(|name| line.contains(**name)) {
            findings.push(file.finding(number, format!("`{name}` stands here, but {}", absence.because)));
        }
    }
    findings
}

/// Only `pack/convert.rs` may name both the contract's generated types and the domain's.
fn two_worlds(file: &File) -> Option<Finding> {
    if !file.belongs_to("host/src") || file.belongs_to("host/src/pack/convert") {
        return None;
    }
    let names = |name: &str| file.code().any(|(_, line)| line.contains(name));
    let (at, _) = file.code().find(|(_, line)| line.contains("mapping::mapper"))?;
    (names("tidegate_domain") || names("crate::domain")).then(|| {
        file.finding(
            at,
            "both the contract's types and the domain's stand here: only pack/convert.rs turns one into the other",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::files::found;

    #[test]
    fn a_name_out_of_its_place_is_refused() {
        let check_one = |path: &str, text: &str, expected: &str| {
            let findings = found(check, path, text);
            assert!(findings.len() == 1 && findings[0].contains(expected), "{path}: {findings:?}");
        };
        check_one("host/src/sync/walk.rs", "get(\"/entity/client-v4\")", "only crm/xplan");
        check_one("host/src/sync/walk.rs", "use redb::Database;", "only store/engine");
        check_one("host/src/store/open.rs", "use redb::Database;", "only store/engine");
        check_one("host/src/cli/pack.rs", "wasmtime::Engine::default()", "only pack/");
        check_one("host/src/store.rs", "impl IntoResponse for Error {}", "only api/ and web/");
        check_one("host/domain/src/id.rs", "Uuid::now_v7()", "reads a clock");
        check_one("host/domain/src/date.rs", "let today = Zoned::now();", "reads a clock");
        check_one("host/domain/src/note.rs", "std::fs::read(path)", "no input or output");
        check_one(
            "host/src/pack/map.rs",
            "use crate::domain::Client;\nuse super::bindings::exports::tidegate::mapping::mapper::Outcome;",
            "only pack/convert.rs",
        );
    }

    #[test]
    fn a_name_in_its_place_is_not() {
        let check_one = |path: &str, text: &str| assert_eq!(found(check, path, text), [""; 0], "{path}");
        check_one("host/src/crm/xplan/session.rs", "cookie(\"XPLANID\")");
        check_one("host/src/crm/xplan.rs", "get(\"/entity/client-v4\")");
        check_one("host/src/store/engine/redb.rs", "use ::redb::Database;");
        check_one("host/src/store/engine.rs", "pub use redb::Key;");
        check_one("host/src/sync/walk.rs", "// The store's redb commits once a page.");
        check_one("tests/sandbox/src/notes.rs", "route(\"/docnote-v2\")");
        check_one(
            "host/src/pack/convert.rs",
            "use crate::domain::Client;\nuse super::bindings::exports::tidegate::mapping::mapper as wit;",
        );
    }

    #[test]
    fn a_crm_is_named_by_its_connector_alone() {
        let check_one = |path: &str, text: &str, is_refused: bool| {
            let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
            let files = [file("host/src/crm/xplan/kind.rs", "name: \"xplan\""), file(path, text)];
            assert_eq!(check(&files).len(), usize::from(is_refused), "{path}: {:?}", check(&files));
        };
        check_one("host/src/config/section.rs", "if crm == \"xplan\" {}", true);
        check_one("host/src/web/form.rs", "// The Xplan site.", true);
        check_one("host/templates/form.html", "<p>Their Xplan ID</p>", true);
        check_one("host/src/crm/xplan/open.rs", "// Xplan in the Open dialect.", false);
        check_one("host/src/crm/registry.rs", "&[&xplan::KIND]", false);
        check_one("host/src/web/explain.rs", "struct FieldExplanation; // An explanation.", false);
        check_one("host/src/config/tests.rs", "crm = \"xplan\"", false);
        check_one("rules/xplan-au/rules.toml", "crm = \"xplan\"", false);
    }

    #[test]
    fn an_event_is_named_by_packs_alone() {
        let check_one = |path: &str, text: &str, is_refused: bool| {
            let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
            let files = [file("rules/acme-au/events/survey.completed.toml", "label = \"Survey\""), file(path, text)];
            assert_eq!(check(&files).len(), usize::from(is_refused), "{path}: {:?}", check(&files));
        };
        check_one("host/src/notes/accept.rs", "if event_type == \"survey.completed\" {}", true);
        check_one("host/templates/household.html", "<a href=\"record/survey.completed\">", true);
        check_one("plugins/acme/manifest.json", "\"events\": [\"survey.completed\"]", true);
        check_one("host/src/notes/accept.rs", "// As of annual-review.completed.", false);
        check_one("host/src/cli/demo.rs", "report(\"survey.completed\")", false);
        check_one("host/src/notes/tests.rs", "\"survey.completed\"", false);
        check_one("tests/api.rs", "\"survey.completed\"", false);
        check_one("rules/acme-au/documents/plan.typ", "// After survey.completed.", false);
    }
}
