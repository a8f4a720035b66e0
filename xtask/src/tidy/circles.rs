//! Circles of imports between the files of one folder: where two files cannot be read without each other, what they share
//! belongs into a file below both.
//!
//! A folder stands with the file of its name (`sync.rs` and `sync/`) for one thing among its siblings. A parent and its
//! child may name each other: they are one module.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{File, Finding};

/// A circle that is allowed.
struct Exception {
    /// The folder whose files make it.
    folder: &'static str,
    /// The files, without their endings.
    files: &'static [&'static str],
    /// The reason why they are not parted.
    because: &'static str,
}

const EXCEPTIONS: [Exception; 1] = [Exception {
    folder: "host/domain/src",
    files: &["field", "record"],
    because: "the table of kinds names the types of their fields, and a field names the kinds that it leads to",
}];

/// The folders below which a crate's code is searched, beside each plugin's.
const SEARCHED: [&str; 3] = ["host", "host/domain", "host/documents"];

/// Names that an arrow is told with, at most.
const MOST_NAMES: usize = 6;

/// A file as a module.
struct Module<'f> {
    file: &'f File,
    /// The crate's folder: `host/src`.
    root: &'f str,
    /// The module's place: `host/src/sync/walk`; the root's own is the crate's folder.
    path: String,
}

/// The imports of one sibling by another.
struct Arrow<'f> {
    /// The file and line of the first.
    at: (&'f File, usize),
    /// What is named, by its path below the sibling.
    names: BTreeSet<String>,
}

/// The arrows between the files of a folder, by the two ends.
type Arrows<'f> = BTreeMap<(String, String), Arrow<'f>>;

/// Refuses circles, and exceptions that nothing needs any more.
pub fn check(files: &[File]) -> Vec<Finding> {
    let modules: Vec<Module<'_>> = files.iter().filter_map(Module::of).collect();
    let mut findings = Vec::new();
    let mut needed = [false; EXCEPTIONS.len()];
    for (folder, arrows) in folders(&modules) {
        for circle in circles(&arrows) {
            for (exception, is_needed) in EXCEPTIONS.iter().zip(&mut needed) {
                *is_needed |= exception.is_in(&folder, &circle);
            }
            if !EXCEPTIONS.iter().any(|exception| exception.covers(&folder, &circle)) {
                findings.push(finding(&circle, &arrows));
            }
        }
    }
    for (exception, _) in EXCEPTIONS.iter().zip(needed).filter(|(_, is_needed)| !is_needed) {
        // Where its files are not read, nothing is known of it.
        if let Some(file) = exception.file(&modules) {
            let message =
                format!("no circle is here any more: take the exception (“{}”) out of {}", exception.because, file!());
            findings.push(file.finding(1, message));
        }
    }
    findings
}

/// The finding of a circle, at its first arrow.
fn finding(circle: &BTreeSet<&str>, arrows: &Arrows<'_>) -> Finding {
    let within = arrows.iter().filter(|((from, to), _)| circle.contains(from.as_str()) && circle.contains(to.as_str()));
    let within: Vec<_> = within.collect();
    let told = within.iter().map(|((from, to), arrow)| {
        let names: Vec<&str> = arrow.names.iter().take(MOST_NAMES).map(String::as_str).collect();
        let more = if arrow.names.len() > MOST_NAMES { ", …" } else { "" };
        if names.is_empty() {
            format!("{from} → {to}")
        } else {
            format!("{from} → {to} ({}{more})", names.join(", "))
        }
    });
    let told: Vec<String> = told.collect();
    let (file, line) = within.first().expect("a circle has arrows").1.at;
    let members: Vec<&str> = circle.iter().copied().collect();
    let message = format!(
        "{} import each other in a circle: {}; move what they share into a file below them",
        members.join(", "),
        told.join("; ")
    );
    file.finding(line, message)
}

impl Exception {
    /// Whether a circle of a folder is, or holds, the one that is allowed.
    fn is_in(&self, folder: &str, circle: &BTreeSet<&str>) -> bool {
        folder == self.folder && self.files.iter().all(|name| circle.contains(name))
    }

    /// Whether a circle of a folder is the one that is allowed, and nothing else is in it.
    fn covers(&self, folder: &str, circle: &BTreeSet<&str>) -> bool {
        self.is_in(folder, circle) && circle.len() == self.files.len()
    }

    /// The first of its files, where all of them are among those that are read.
    fn file<'f>(&self, modules: &[Module<'f>]) -> Option<&'f File> {
        let one = |path: String| modules.iter().find(|module| module.file.belongs_to(&path)).map(|module| module.file);
        let all: Option<Vec<&File>> = self.files.iter().map(|name| one(format!("{}/{name}", self.folder))).collect();
        all?.first().copied()
    }
}

impl<'f> Module<'f> {
    /// The module that a file is; none where it is not searched, or is for tests.
    fn of(file: &'f File) -> Option<Self> {
        let (before, inner) = file.path.split_once("/src/")?;
        let is_searched = SEARCHED.contains(&before) || before.starts_with("plugins/");
        let inner = inner.strip_suffix(".rs").filter(|_| is_searched)?;
        if inner.split('/').any(|part| ["tests", "conformance"].contains(&part)) {
            return None;
        }
        let root = &file.path[..before.len() + "/src".len()];
        let is_root = ["lib", "main"].contains(&inner);
        let path = if is_root { root.to_owned() } else { format!("{root}/{inner}") };
        Some(Self { file, root, path })
    }

    /// The place that a path leads to (`super::map::Page`), whatever stands there; none for what another crate has.
    fn resolve(&self, path: &str) -> Option<String> {
        let path = path.split(" as ").next()?;
        let mut segments = path.split("::").map(str::trim).peekable();
        let mut place = match segments.next()? {
            "crate" => self.root.to_owned(),
            "self" => self.path.clone(),
            "super" => {
                let mut place = parent(&self.path);
                while segments.next_if_eq(&"super").is_some() {
                    place = parent(place);
                }
                place.to_owned()
            }
            _ => return None,
        };
        for segment in segments.filter(|segment| !["", "self", "*"].contains(segment)) {
            place.push('/');
            place.push_str(segment);
        }
        Some(place)
    }
}

/// The place above a place.
fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(above, _)| above)
}

/// The arrows of every folder between what stands directly in it.
fn folders<'f>(modules: &[Module<'f>]) -> BTreeMap<String, Arrows<'f>> {
    let known: BTreeSet<&str> = modules.iter().map(|module| module.path.as_str()).collect();
    let mut folders: BTreeMap<String, Arrows<'f>> = BTreeMap::new();
    for module in modules {
        for (line, path) in imports(module.file) {
            let Some(target) = module.resolve(&path) else { continue };
            let mut places = std::iter::successors(Some(target.as_str()), |place| Some(parent(place)));
            let mut places = places.by_ref().take_while(|place| place.len() > module.root.len());
            let Some(imported) = places.find(|place| known.contains(place)) else { continue };
            let Some((folder, from, to)) = siblings(&module.path, imported) else { continue };
            let arrow = folders.entry(folder.to_owned()).or_default().entry((from.to_owned(), to.to_owned()));
            let arrow = arrow.or_insert_with(|| Arrow { at: (module.file, line), names: BTreeSet::new() });
            let below = target[folder.len() + 1 + to.len()..].trim_start_matches('/').replace('/', "::");
            arrow.names.extend(Some(below).filter(|name| !name.is_empty()));
        }
    }
    folders
}

/// The folder in which the ways to two places part, and what of it each goes through; none where one is above the other.
fn siblings<'p>(one: &'p str, other: &'p str) -> Option<(&'p str, &'p str, &'p str)> {
    let mut length = 0;
    for (from, to) in one.split('/').zip(other.split('/')) {
        if from != to {
            return Some((one[..length].trim_end_matches('/'), from, to));
        }
        length += from.len() + 1;
    }
    None
}

/// The circles, each as large as it is: whoever reaches each other is in the same one.
fn circles<'a>(arrows: &'a Arrows<'_>) -> BTreeSet<BTreeSet<&'a str>> {
    let ends = |of: &str| {
        let of = of.to_owned();
        arrows.keys().filter(move |(from, _)| *from == of).map(|(_, to)| to.as_str())
    };
    let reached = |from: &str| {
        let mut reached: BTreeSet<&str> = BTreeSet::new();
        let mut open: Vec<&str> = ends(from).collect();
        while let Some(next) = open.pop() {
            if reached.insert(next) {
                open.extend(ends(next));
            }
        }
        reached
    };
    let names: BTreeSet<&str> = arrows.keys().map(|(from, _)| from.as_str()).collect();
    let reached: BTreeMap<&str, BTreeSet<&str>> = names.iter().map(|name| (*name, reached(name))).collect();
    let with = |name: &str| -> BTreeSet<&str> {
        let is_mutual = |other: &&&str| reached[name].contains(**other) && reached[**other].contains(name);
        names.iter().filter(is_mutual).copied().collect()
    };
    names.iter().map(|name| with(name)).filter(|circle| !circle.is_empty()).collect()
}

/// The paths that a file's product names, with the line of each: those of `use` singly, and those within the code.
fn imports(file: &File) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut item: Option<(usize, String)> = None;
    for (number, line) in file.code() {
        found.extend(paths(line).map(|path| (number, path.to_owned())));
        let begun = item.take().map(|(begun, text)| (begun, format!("{text} {line}")));
        let Some((begun, text)) = begun.or_else(|| Some((number, use_tree(line)?.to_owned()))) else { continue };
        match text.split_once(';') {
            Some((tree, _)) => found.extend(expand(tree).into_iter().map(|path| (begun, path))),
            None => item = Some((begun, text)),
        }
    }
    found
}

/// What a line imports where a `use` begins in it, as far as it stands there.
fn use_tree(line: &str) -> Option<&str> {
    let line = line.trim_start();
    if let Some(tree) = line.strip_prefix("use ") {
        return Some(tree);
    }
    let (visibility, tree) = line.split_once(" use ")?;
    let is_visibility = visibility == "pub" || (visibility.starts_with("pub(") && visibility.ends_with(')'));
    is_visibility.then_some(tree)
}

/// The single paths of a `use`: `super::{a::X, b}` is `super::a::X` and `super::b`.
fn expand(tree: &str) -> Vec<String> {
    let Some((before, inner)) = tree.split_once('{') else { return vec![tree.trim().to_owned()] };
    let inner = inner.rsplit_once('}').map_or(inner, |(inner, _)| inner);
    let mut depth = 0;
    let parts = inner.split(|letter: char| {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    });
    let parts = parts.map(str::trim).filter(|part| !part.is_empty());
    parts.flat_map(|part| expand(&format!("{}{part}", before.trim()))).collect()
}

/// The paths in a line that begin at this crate, this module or the one above.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let is_of_name = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == ':';
    line.split(move |letter: char| !is_of_name(letter))
        .filter(|word| ["crate::", "super::", "self::"].iter().any(|begin| word.starts_with(begin)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(files: &[(&str, &str)]) -> Vec<String> {
        let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
        let files: Vec<File> = files.iter().map(file).collect();
        check(&files).iter().map(ToString::to_string).collect()
    }

    fn refused(files: &[(&str, &str)], expected: &str) {
        let found = findings(files);
        assert!(found.len() == 1 && found[0].starts_with(expected), "{files:?}: {found:?}");
    }

    fn allowed(files: &[(&str, &str)]) {
        assert_eq!(findings(files), [""; 0], "{files:?}");
    }

    #[test]
    fn files_that_import_each_other_are_refused() {
        refused(
            &[
                ("host/src/sync/a.rs", "//! Head.\n\nuse super::b::{Page, self as other};"),
                ("host/src/sync/b.rs", "pub(super) use crate::sync::a::X;"),
            ],
            "host/src/sync/a.rs:3: a, b import each other in a circle: a → b (Page); b → a (X); move what they share",
        );
        // By a path within the code, and from a file of a folder.
        refused(
            &[
                ("plugins/one/src/a/deep.rs", "fn f() { super::super::b::g() }"),
                ("plugins/one/src/b.rs", "fn g() -> crate::a::deep::X {}"),
            ],
            "plugins/one/src/a/deep.rs:1: a, b import each other in a circle: a → b (g); b → a (deep::X); ",
        );
        // A folder's own file beside the folder of another.
        refused(
            &[
                ("host/domain/src/a.rs", "use crate::b::inner::X;"),
                ("host/domain/src/b.rs", "mod inner;"),
                ("host/domain/src/b/inner.rs", "use crate::a::Y;"),
            ],
            "host/domain/src/a.rs:1: a, b ",
        );
    }

    #[test]
    fn a_circle_of_three_through_braces_is_refused() {
        refused(
            &[
                ("host/src/sync/a.rs", "use super::b::Y;"),
                ("host/src/sync/b.rs", "use crate::sync::{\n    c::{Z, more::W},\n    Other,\n};"),
                ("host/src/sync/c.rs", "use super::{a::X, b};"),
                ("host/src/sync/d.rs", "use super::a::X;"),
            ],
            "host/src/sync/a.rs:1: a, b, c import each other in a circle: a → b (Y); b → c (Z, more::W); c → a (X); c → b; ",
        );
    }

    #[test]
    fn two_circles_are_two_findings() {
        let found = findings(&[
            ("host/src/a.rs", "use crate::b::X;"),
            ("host/src/b.rs", "use crate::{a, c};"),
            ("host/src/c.rs", "use crate::d;"),
            ("host/src/d.rs", "use crate::c;"),
        ]);
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn parent_and_child_may_name_each_other() {
        allowed(&[
            ("host/src/a.rs", "mod b;\nuse self::b::X;\npub use b::Z;"),
            ("host/src/a/b.rs", "use super::Y;\nuse crate::a;"),
        ]);
    }

    #[test]
    fn arrows_one_way_are_allowed() {
        allowed(&[("host/src/a.rs", "use crate::b::X;"), ("host/src/b.rs", "use std::{a, a::X};\nuse other::a;")]);
        // Files of two folders that are called alike, and of two crates.
        allowed(&[("host/src/a.rs", "use crate::b::X;"), ("host/domain/src/b.rs", "use crate::a::Y;")]);
        allowed(&[("host/src/x/a.rs", "use super::b::X;"), ("host/src/x/b/a.rs", "use super::a::Y;")]);
    }

    #[test]
    fn comments_and_tests_say_nothing() {
        let a = ("host/src/a.rs", "use crate::b::X;");
        allowed(&[
            a,
            ("host/src/b.rs", "//! Above [`crate::a::Y`].\n#[cfg(test)]\nmod tests {\n    use crate::a::Y;\n}"),
        ]);
        allowed(&[a, ("host/src/b.rs", "mod tests;"), ("host/src/b/tests.rs", "use crate::a::Y;")]);
        allowed(&[a, ("host/src/b.rs", ""), ("host/src/b/conformance/edit.rs", "use crate::a::Y;")]);
    }

    #[test]
    fn an_exception_is_for_its_own_files_and_is_needed() {
        let (field, record) = ("host/domain/src/field.rs", "host/domain/src/record.rs");
        allowed(&[(field, "use crate::record::X;"), (record, "use crate::field::Y;")]);
        refused(
            &[
                (field, "use crate::record::X;"),
                (record, "use crate::edit;"),
                ("host/domain/src/edit.rs", "use crate::field;"),
            ],
            "host/domain/src/edit.rs:1: edit, field, record import each other",
        );
        let found = findings(&[(field, ""), (record, "use crate::field::Y;")]);
        assert!(found[0].starts_with("host/domain/src/field.rs:1: no circle is here any more"), "{found:?}");
    }
}
