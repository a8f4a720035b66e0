//! Each operation of the store is named by a test of this suite.

use std::fs;
use std::path::{Path, PathBuf};

/// The Rust files of a folder and of those in it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The public functions of the `impl Store` blocks of a file, as rustfmt lays them out.
fn operations(text: &str) -> Vec<&str> {
    let mut is_store = false;
    let mut found = Vec::new();
    for line in text.lines() {
        match line {
            "impl Store {" => is_store = true,
            "}" => is_store = false,
            _ => {}
        }
        let signature = line.strip_prefix("    pub async fn ").or_else(|| line.strip_prefix("    pub fn "));
        found.extend(signature.filter(|_| is_store).and_then(|signature| signature.split(['(', '<']).next()));
    }
    found
}

#[test]
fn each_operation_is_named_by_a_test() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (suite, store): (Vec<PathBuf>, Vec<PathBuf>) =
        files(&source.join("store")).into_iter().chain([source.join("store.rs")]).partition(|file| {
            let path = file.strip_prefix(&source).unwrap();
            path.starts_with("store/conformance") || path.starts_with("store/conformance.rs")
        });
    let tests: String = suite.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    let (mut known, mut missing) = (0, Vec::new());
    for file in store {
        let text = fs::read_to_string(&file).unwrap();
        for operation in operations(&text) {
            known += 1;
            let is_named = |before: &str| {
                tests.contains(&format!("{before}{operation}(")) || tests.contains(&format!("{before}{operation}::<"))
            };
            if ![".", "::"].into_iter().any(is_named) {
                missing.push(format!("{}: {operation}", file.display()));
            }
        }
    }
    assert!(known > 100, "the operations are found: {known}");
    assert!(missing.is_empty(), "no test of the suite names these: {missing:#?}");
}

#[test]
fn operations_are_told_from_what_else_stands_in_a_file() {
    let text = "impl Other {\n    pub fn no(&self) {}\n}\nimpl Store {\n    /// Doc.\n    pub async fn note(&self) {\n    \
                }\n\n    pub fn change<T>(&self) {}\n    fn own(&self) {}\n}\npub fn free() {}\n";
    assert_eq!(operations(text), ["note", "change"]);
}
