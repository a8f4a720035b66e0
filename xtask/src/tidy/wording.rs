//! Words that never stand in what is committed: unfinished code, inline scripts and styles, one machine's paths.

use super::files::{File, Finding};

/// Macros that mark code as unfinished or being looked into.
const UNFINISHED: [&str; 3] = ["todo!(", "unimplemented!(", "dbg!("];

/// Paths of one machine, and hosts of package registries: which registry is used is a machine's own setting. Written
/// in halves, so that this file does not hold them.
const MACHINE: [&str; 7] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("static.crates", ".io"),
    concat!("index.crates", ".io"),
    concat!("registry.npmjs", ".org"),
    concat!("pypi", ".org"),
    concat!("files.pythonhosted", ".org"),
];

/// Refuses `mod.rs`, unfinished code, inline scripts and styles, and a machine's own paths.
pub fn check(files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        if file.path.ends_with("/mod.rs") {
            findings.push(file.finding(1, "a module's file stands beside its folder: `name.rs`, not `name/mod.rs`"));
        }
        for (number, line) in file.lines() {
            findings.extend(in_line(file, line).map(|message| file.finding(number, message)));
        }
    }
    findings
}

fn in_line(file: &File, line: &str) -> Option<String> {
    let holds = |names: &[&'static str]| names.iter().copied().find(|name| line.contains(name));
    // The rules name what they refuse.
    let code = file.is("rs") && !file.path.starts_with("xtask/src/tidy/") && !line.trim_start().starts_with("//");
    if code && let Some(name) = holds(&UNFINISHED) {
        return Some(format!("`{name}…)` marks unfinished code"));
    }
    if file.is("html") {
        let lower = line.to_lowercase();
        let script = lower.split("<script").skip(1).any(|rest| !rest.trim_start().starts_with("src="));
        if script || lower.contains("<style") || lower.contains(" style=") || handler(&lower) {
            return Some("the content security policy forbids inline scripts, styles and handlers".into());
        }
    }
    holds(&MACHINE).map(|name| format!("`{name}` is one machine's own: say it in that machine's settings"))
}

/// Whether a lower-case line has an attribute such as `onclick=`.
fn handler(line: &str) -> bool {
    line.split(" on").skip(1).any(|rest| {
        let name = rest.trim_start_matches(|letter: char| letter.is_ascii_lowercase());
        name.len() < rest.len() && name.starts_with("=\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::files::found;

    #[test]
    fn what_must_not_be_committed_is_refused() {
        let refused = |path: &str, text: &str, expected: &str| {
            let findings = found(check, path, text);
            assert!(findings.len() == 1 && findings[0].contains(expected), "{path} {text}: {findings:?}");
        };
        refused("host/src/sync/mod.rs", "", "name.rs");
        refused("host/src/sync.rs", "todo!()", "unfinished");
        refused("host/src/sync.rs", "    dbg!(&client);", "unfinished");
        refused("host/templates/a.html", "<script>alert(1)</script>", "inline");
        refused("host/templates/a.html", "<p style=\"color: red\">", "inline");
        refused("host/templates/a.html", "<a href=\"/\" onclick=\"go()\">", "inline");
        refused("docs/build.md", &format!("cd {}main", MACHINE[0]), "one machine's own");
        refused("tests/browser/package-lock.json", &format!("https://{}/a.tgz", MACHINE[4]), "one machine's own");
    }

    #[test]
    fn what_resembles_it_is_not() {
        let allowed = |path: &str, text: &str| assert_eq!(found(check, path, text), [""; 0], "{path} {text}");
        allowed("host/src/sync.rs", "// Never dbg!() here.");
        allowed("host/templates/a.html", "<script src=\"/assets/htmx.js\" defer></script>");
        allowed("host/templates/a.html", "<p>Depends on=the plan, one or more</p>");
        allowed("docs/build.md", "https://docs.rs/redb");
    }
}
