//! Files stay short enough to be read whole.

use super::files::{File, Finding};

/// Above this many lines a file is refused; most are a fifth of it.
const MOST_LINES: usize = 600;

/// What people write by hand. Lock files, fixtures and vendored scripts (`.min.js`) are not.
const WRITTEN: [&str; 9] = ["rs", "wit", "html", "css", "js", "mjs", "md", "toml", "sh"];

/// Refuses long files.
pub fn check(files: &[File]) -> Vec<Finding> {
    let written = files
        .iter()
        .filter(|file| WRITTEN.iter().any(|extension| file.is(extension)) && !file.path.ends_with(".min.js"));
    written
        .filter_map(|file| {
            let lines = file.lines().count();
            (lines > MOST_LINES).then(|| {
                file.finding(lines, format!("{lines} lines: split it by what it is about, {MOST_LINES} at most"))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::files::found;

    #[test]
    fn a_long_file_is_refused() {
        assert_eq!(found(check, "host/src/a.rs", &"\n".repeat(600)), [""; 0]);
        assert_eq!(
            found(check, "host/src/a.rs", &"\n".repeat(601)),
            ["host/src/a.rs:601: 601 lines: split it by what it is about, 600 at most"]
        );
        assert_eq!(found(check, "Cargo.lock", &"\n".repeat(9000)), [""; 0]);
        assert_eq!(found(check, "host/assets/htmx.min.js", &"\n".repeat(601)), [""; 0]);
    }
}
