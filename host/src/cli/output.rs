//! Output of commands: a table for people, JSON for machines.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::config::regular_file;

/// Whether an error is only that the reader of our output went away, as in `tidegate note list | head -1`.
pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe))
}

/// An error with what caused it. Many say their cause in their own message: nothing is said twice.
pub(super) fn whole(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !message.ends_with(&cause) {
            message.push_str(if message.is_empty() { "" } else { ": " });
            message.push_str(&cause);
        }
    }
    message
}

/// Prints one line.
pub(super) fn line(text: impl std::fmt::Display) -> anyhow::Result<()> {
    writeln!(io::stdout(), "{text}")?;
    Ok(())
}

/// A text of an answer; a dash where there is none.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        _ => "–".to_owned(),
    }
}

/// A new file for this account alone. One that is there is never written over.
pub(super) fn new_file(path: &Path) -> anyhow::Result<File> {
    let made = File::options().write(true).create_new(true).mode(0o600).open(path);
    made.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => anyhow::anyhow!(
            "{}: there is such a file already, which is not written over; choose another name",
            path.display()
        ),
        _ => anyhow::Error::new(error).context(format!("{} could not be made", path.display())),
    })
}

/// Prints a value as one JSON document.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?)
}

/// Prints rows under headings, columns as wide as their widest cell; an empty table says `empty`.
pub(super) fn table(headings: &[&str], rows: &[Vec<String>], empty: &str) -> anyhow::Result<()> {
    if rows.is_empty() {
        return line(empty);
    }
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let print = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        line(padded.join("  ").trim_end())
    };
    print(&mut headings.iter().copied())?;
    rows.iter().try_for_each(|row| print(&mut row.iter().map(String::as_str)))
}

/// Tells a person something on standard error. Unlike `eprintln`, it does not panic where that is full or closed: the host
/// goes on without a listener.
pub(super) fn tell(message: &str) {
    drop(writeln!(io::stderr(), "{message}"));
}

/// Warns a person of a file with a secret that every account of this machine can read or change; `named` names it.
pub(super) fn warn_if_open(named: &str, path: &Path) {
    if let Some(message) = regular_file::open_to_others(named, path) {
        tell(&format!("warning: {message}"));
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn a_cell_says_what_an_answer_holds() {
        let check = |value: Value, expected: &str| assert_eq!(text(&value), expected);
        check(serde_json::json!("asked"), "asked");
        check(serde_json::json!(7), "7");
        check(serde_json::json!(true), "yes");
        check(serde_json::json!(false), "no");
        check(Value::Null, "–");
    }

    #[test]
    fn a_file_that_is_there_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("client.zip");
        new_file(&path).unwrap().write_all(b"kept").unwrap();
        let said = whole(&new_file(&path).unwrap_err());
        assert!(
            said.ends_with("there is such a file already, which is not written over; choose another name"),
            "{said}"
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"kept");
        let said = whole(&new_file(&folder.path().join("none").join("x")).unwrap_err());
        assert!(said.contains("could not be made: No such file"), "{said}");
    }

    #[test]
    fn an_error_says_each_cause_once() {
        let denied = || Err::<(), _>(io::Error::other("permission denied"));
        let check = |outcome: anyhow::Result<()>, expected: &str| assert_eq!(whole(&outcome.unwrap_err()), expected);
        check(denied().context("the store"), "the store: permission denied");
        check(denied().context("the store failed: permission denied"), "the store failed: permission denied");
        check(
            denied().context("the store").context("it did not start"),
            "it did not start: the store: permission denied",
        );
    }
}
