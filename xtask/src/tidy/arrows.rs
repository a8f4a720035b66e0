//! The direction between the host's modules: each uses those below it, never a sibling.

use super::files::{File, Finding};

/// Each of the host's modules with what it may use, from the top down. Nothing is said of `domain`: all may use it.
const ARROWS: [(&str, &[&str]); 32] = [
    ("main", &["cli"]),
    ("cli", EVERYTHING),
    // The listeners and background jobs: it starts what answers and what runs by the clock.
    ("serve", &["api", "web", "schedule", "watched_folder", "ops", "app", "access", "config", "supervise"]),
    ("api", BELOW_COMMANDS),
    ("web", BELOW_COMMANDS),
    ("schedule", BELOW_PAGES),
    // Acts as a person would who is asked of each pack that lies in the folder.
    ("watched_folder", BELOW_COMMANDS),
    // What people and programs change, one function a verb.
    ("ops", BELOW_PAGES),
    (
        "app",
        &[
            "audit",
            "backup",
            "sync",
            "preview",
            "notes",
            "integrations",
            "import",
            "documents",
            "connection",
            "crm",
            "store",
            "pack",
            "access",
            "openid",
            "secrets",
            "intake",
            "config",
            "supervise",
            "queue",
            "telemetry",
        ],
    ),
    // What a request shows, taken to the store's log.
    ("audit", &["store", "access"]),
    ("sync", BELOW_JOBS),
    ("preview", BELOW_JOBS),
    ("notes", BELOW_JOBS),
    ("integrations", BELOW_JOBS),
    ("import", BELOW_JOBS),
    ("documents", BELOW_JOBS),
    ("connection", &["crm", "pack", "config"]),
    ("access", &["store", "config", "queue", "secrets"]),
    // Asks an identity provider who somebody is; what of HTTP is everybody's stands beside the CRMs'.
    ("openid", &["crm", "config"]),
    // Copies the store, and what lies beside it.
    ("backup", &["store", "config"]),
    // Keeps secrets in the store, sealed.
    ("secrets", &["store", "config"]),
    // A pack's rules say which resources a connector reads.
    ("pack", &["crm", "config"]),
    // What a pack's author has without a host.
    ("kit", &["pack", "crm", "config"]),
    // Packs are pulled and pushed by commands; what of HTTP is everybody's stands beside the CRMs'.
    ("registry", &["crm", "config"]),
    // Reads exports as identity lists are read.
    ("crm", &["telemetry", "delimited"]),
    ("store", &["config", "supervise"]),
    ("telemetry", &[]),
    // Tasks that are kept alive, and threads that block.
    ("supervise", &["telemetry", "config"]),
    ("queue", &[]),
    ("intake", &[]),
    // Text files of rows, whoever brings them.
    ("delimited", &[]),
    // A CRM declares what its connections have in the settings.
    ("config", &["crm"]),
];

/// Commands start, stop and inspect every part.
const EVERYTHING: &[&str] = &[
    "serve",
    "api",
    "web",
    "schedule",
    "watched_folder",
    "ops",
    "app",
    "audit",
    "backup",
    "sync",
    "preview",
    "notes",
    "import",
    "documents",
    "integrations",
    "connection",
    "registry",
    "kit",
    "crm",
    "store",
    "pack",
    "access",
    "openid",
    "secrets",
    "intake",
    "config",
    "telemetry",
    "supervise",
    "queue",
];

/// What answers people and programs: it reads through the handle `app` and changes through `ops`.
const BELOW_COMMANDS: &[&str] = &[
    "ops",
    "app",
    "audit",
    "backup",
    "sync",
    "preview",
    "notes",
    "integrations",
    "import",
    "documents",
    "connection",
    "crm",
    "store",
    "pack",
    "access",
    "openid",
    "intake",
    "config",
    "telemetry",
    "supervise",
    "queue",
];

/// The operations, and the clock: they act through the handle `app`.
const BELOW_PAGES: &[&str] = &[
    "app",
    "audit",
    "backup",
    "sync",
    "preview",
    "notes",
    "integrations",
    "import",
    "documents",
    "connection",
    "crm",
    "store",
    "pack",
    "access",
    "openid",
    "intake",
    "config",
    "telemetry",
    "supervise",
    "queue",
];

/// What does the work.
const BELOW_JOBS: &[&str] = &[
    "connection",
    "crm",
    "store",
    "pack",
    "access",
    "secrets",
    "intake",
    "delimited",
    "config",
    "telemetry",
    "supervise",
    "queue",
];

/// Where the modules are.
const HOST: &str = "host/src/";

/// Refuses an arrow upwards or sideways, and a module that has no place.
pub fn check(files: &[File]) -> Vec<Finding> {
    files.iter().filter(|file| file.is("rs")).flat_map(in_file).collect()
}

fn in_file(file: &File) -> Vec<Finding> {
    let Some(module) = module_of(&file.path) else { return Vec::new() };
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) else {
        return vec![file.finding(1, format!("the module `{module}` has no place in the table of {}", file!()))];
    };
    let code: String = file.code().flat_map(|(_, line)| [line, "\n"]).collect();
    let is_module = |used: &str| ARROWS.iter().any(|(name, _)| *name == used);
    uses(&code)
        .into_iter()
        .filter(|(_, used)| is_module(used) && *used != module && !allowed.contains(used))
        .map(|(at, used)| {
            file.finding(
                code[..at].lines().count(),
                format!("`{module}` uses `{used}`, which is not below it: pass what is needed in, or move it down"),
            )
        })
        .collect()
}

/// The top-level module of a file of the host; `lib.rs` only names them all.
fn module_of(path: &str) -> Option<&str> {
    let inner = path.strip_prefix(HOST)?;
    let module = inner.split_once('/').map_or(inner.strip_suffix(".rs")?, |(folder, _)| folder);
    (module != "lib").then_some(module)
}

/// What code names as `crate::module` or `tidegate::module`, singly or in braces, and where.
fn uses(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for prefix in ["crate::", "tidegate::"] {
        for (at, _) in code.match_indices(prefix) {
            let start = at + prefix.len();
            let mut depth = 0;
            // In `crate::{store, sync::{Run, Runs}}` the names follow the outermost brace and its commas.
            for (offset, letter) in code[start..].char_indices() {
                match letter {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    _ => {}
                }
                if depth == 1 && matches!(letter, '{' | ',') {
                    found.push(name_at(code, start + offset + 1));
                }
                if depth == 0 {
                    break;
                }
            }
            found.push(name_at(code, start));
        }
    }
    found
}

/// The name that stands at `start`, after spaces, and where it begins.
fn name_at(code: &str, start: usize) -> (usize, &str) {
    let begin = start + code[start..].len() - code[start..].trim_start().len();
    let rest = &code[begin..];
    let end = rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
    (begin, &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::files::found;

    #[test]
    fn arrows_point_downwards() {
        let allowed = |path: &str, text: &str| assert_eq!(found(check, path, text), [""; 0], "{path}: {text}");
        allowed("host/src/sync/walk.rs", "use crate::store::Page;\nuse crate::sync::Run;");
        allowed("host/src/main.rs", "tidegate::cli::run()");
        allowed("host/src/store/keys.rs", "//! Below crate::sync.");
        allowed("host/src/store.rs", "#[cfg(test)]\nmod tests { use crate::sync::Run; }");
        allowed("host/src/lib.rs", "pub mod anything;");

        let refused = |path: &str, text: &str, expected: &str| {
            let found = found(check, path, text);
            assert!(found.len() == 1 && found[0].contains(expected), "{path}: {found:?}");
        };
        refused("host/src/store/keys.rs", "use crate::sync::Run;", "`store` uses `sync`");
        refused("host/src/crm.rs", "use crate::{telemetry::figures, pack::Pack};", "`crm` uses `pack`");
        refused(
            "host/src/crm.rs",
            "use crate::{\n    telemetry::{figures, length},\n    pack::Pack,\n};",
            "crm.rs:3: `crm` uses `pack`",
        );
        refused("host/src/store.rs", "use crate::app::App;", "`store` uses `app`");
        refused("host/src/sync.rs", "let note = crate::notes::accept();", "`sync` uses `notes`");
        refused("host/src/ops/notes.rs", "use crate::api::problem::Problem;", "`ops` uses `api`");
        refused("host/src/schedule.rs", "use crate::ops::runs;", "`schedule` uses `ops`");
        refused("host/src/helpers.rs", "", "`helpers` has no place");
    }
}
