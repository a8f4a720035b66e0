//! The project's files as the rules read them, and what a rule finds.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::step;

/// A text file of the project.
#[derive(Debug)]
pub struct File {
    /// Its path from the project's root, with `/`.
    pub path: String,
    /// What is in it.
    pub text: String,
}

/// Something to change.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl File {
    /// Something to change in this file, at a line counted from 1.
    pub fn finding(&self, line: usize, message: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, message: message.into() }
    }

    /// The file's lines, counted from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        (1..).zip(self.text.lines())
    }

    /// The lines of the product's Rust code: without comments and without what is for unit tests alone.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.product().map(|(number, line)| (number, without_comment(line)))
    }

    /// The product's lines: without what is for unit tests alone, be it an item or a file.
    pub fn product(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_tests = self.path.ends_with("/tests.rs") || self.path.contains("/tests/");
        let text = if is_tests { "" } else { &self.text };
        let mut item = None;
        (1..).zip(text.lines()).filter(move |(_, line)| {
            if item.is_none() && line.trim_start().starts_with("#[cfg(test)]") {
                item = Some(line.len() - line.trim_start().len());
            }
            let Some(depth) = item else { return true };
            // The item ends with its own line, or with a line that closes it at the same depth.
            let is_at_depth = line.len() - line.trim_start().len() == depth;
            let is_attribute = line.trim_start().starts_with('#') || line.trim_start().starts_with("//");
            if is_at_depth && !is_attribute && line.trim_end().ends_with([';', '}', ',']) {
                item = None;
            }
            false
        })
    }

    /// Whether the file's name ends with `.extension`.
    pub fn is(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|present| present == extension)
    }

    /// Whether the file is the module `path` (`host/src/store`): its own file, or one in its folder.
    pub fn belongs_to(&self, path: &str) -> bool {
        self.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// The text files that git knows or would know of, below `root`.
pub fn load(root: &Path) -> Result<Vec<File>> {
    let listed = step::output(
        Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root),
    )?;
    let files = listed.split_terminator('\0').filter_map(|path| {
        // Binary files and files that are deleted but not yet committed have nothing to read.
        let text = fs::read_to_string(root.join(path)).ok()?;
        Some(File { path: path.to_owned(), text })
    });
    Ok(files.collect())
}

/// The line before its `//` comment. A `//` inside an address (`https://`) is none.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with("//") {
        return "";
    }
    line.split_once(" //").map_or(line, |(code, _)| code)
}

/// What `rule` finds in one file, as printed: for the rules' own tests.
#[cfg(test)]
pub fn found(rule: fn(&[File]) -> Vec<Finding>, path: &str, text: &str) -> Vec<String> {
    let file = File { path: path.to_owned(), text: text.to_owned() };
    rule(&[file]).iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_without_comments_and_tests() {
        let file = File {
            path: "host/src/a.rs".into(),
            text: "//! Head\nlet a = \"https://x\"; // why\n#[cfg(test)]\nmod tests {}\n".into(),
        };
        assert_eq!(file.code().collect::<Vec<_>>(), [(1, ""), (2, "let a = \"https://x\";")]);
        let items = "#[cfg(test)]\nmod one {\n    fn f() {\n    }\n}\nfn g() {}\n#[cfg(test)]\nuse a::b;\nimpl C {\n    \
                     #[cfg(test)]\n    /// Of tests.\n    fn d(\n        e: F,\n    ) -> G {\n        h;\n    }\n    fn i() {}\n}\n";
        let file = File { path: "host/src/a.rs".into(), text: items.into() };
        let code: Vec<usize> = file.code().map(|(number, _)| number).collect();
        assert_eq!(code, [6, 9, 17, 18]);
        let tests = |path: &str| File { path: path.into(), text: "let a = 1;".into() };
        assert_eq!(tests("host/src/a/tests.rs").code().count(), 0);
        assert_eq!(tests("host/src/a/tests/book.rs").code().count(), 0);
        assert_eq!(tests("host/src/a/contests.rs").code().count(), 1);
    }

    #[test]
    fn a_module_is_its_file_and_its_folder() {
        let belongs = |path: &str| File { path: path.into(), text: String::new() }.belongs_to("host/src/store");
        assert!(belongs("host/src/store.rs"));
        assert!(belongs("host/src/store/keys.rs"));
        assert!(!belongs("host/src/storeroom.rs"));
    }
}
