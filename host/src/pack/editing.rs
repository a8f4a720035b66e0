//! Editing a revision's files: which of them an operator edits, and what is wrong with them as edited, each problem with
//! its file, its line and its place in the rules. Whoever types is told at once; what is staged goes through the gates all
//! the same.
//!
//! Nothing is written here. Serves `integrations`.

mod shape;

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use utoipa::ToSchema;

use super::error::PackError;
use super::events::EventTypes;
use super::files::{self, Edited};
use super::instance::Instance;
use super::{Revision, convert, event_examples, events, examples, fixtures, limits, lines, rules};
use crate::crm::Source;
use crate::domain::field::pointer_to;

/// The most problems that are told.
const MOST_PROBLEMS: usize = 50;

/// The most files that are edited in one go.
pub const MOST_EDITED: usize = 20;
/// The most bytes of one of them.
pub const LARGEST_EDITED: usize = limits::TEXT_FILE as usize;

/// The kind of a file that an operator edits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// The rule tables: `rules.toml`.
    Rules,
    /// The differences of a dialect: `dialects/<name>.toml`.
    Dialect,
    /// A type of event: `events/<event type>.toml`.
    Event,
    /// The template of an event's file note: `notes/<event type>.toml`.
    Note,
    /// A template of documents, or the sample that it is tried with: `documents/…`.
    Document,
    /// What is expected of the mapping of a record, or of a note: `fixtures/<name>.json`.
    Fixture,
}

impl FileKind {
    /// All kinds, in the order in which they are listed.
    pub const ALL: [Self; 6] = [Self::Rules, Self::Dialect, Self::Event, Self::Note, Self::Document, Self::Fixture];

    /// The kind of the file at a path in a pack's folder; none where it is not edited, or is no such path.
    pub fn of(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').collect();
        if parts.len() > limits::PACK_DEPTH + 1
            || parts.iter().any(|part| part.is_empty() || part.starts_with('.') || part.contains(['\\', '\0']))
        {
            return None;
        }
        let extension = path.rsplit_once('.').map_or("", |(_, extension)| extension);
        match (parts.as_slice(), extension) {
            (["rules.toml"], _) => Some(Self::Rules),
            (["dialects", _], "toml") => Some(Self::Dialect),
            (["events", _], "toml") => Some(Self::Event),
            (["notes", _], "toml") => Some(Self::Note),
            (["documents", ..], "typ" | "json") => Some(Self::Document),
            (["fixtures", _], "json") => Some(Self::Fixture),
            _ => None,
        }
    }
}

/// A file of a pack that an operator edits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, ToSchema)]
pub struct EditableFile {
    /// Its kind.
    pub kind: FileKind,
    /// Its path in the pack's folder.
    #[schema(example = "notes/annual-review.completed.toml")]
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A problem with the files as they are edited.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[schema(as = RuleProblem)]
pub struct Problem {
    /// The file's path in the pack's folder.
    #[schema(example = "rules.toml")]
    pub file: String,
    /// The line, from 1; null where it is about the file as a whole.
    #[schema(required, example = 73)]
    pub line: Option<usize>,
    /// The place in the rules, a JSON Pointer (RFC 6901); null where the text cannot be read so far.
    #[schema(required, example = "/client/titles/Mr")]
    pub path: Option<String>,
    /// The problem: what is wrong there, what is allowed, which name is nearest.
    pub message: String,
}

/// The files of a pack's folder that an operator edits, by kind and path.
///
/// # Errors
/// Names the folder that cannot be read.
pub fn editable_files(pack: &Path) -> Result<Vec<EditableFile>, PackError> {
    let mut found = Vec::new();
    list(pack, pack, limits::PACK_DEPTH, &mut found)?;
    found.sort();
    Ok(found)
}

fn list(pack: &Path, folder: &Path, depth: usize, found: &mut Vec<EditableFile>) -> Result<(), PackError> {
    for path in files::listed(folder)? {
        if path.is_dir() {
            if depth > 0 {
                list(pack, &path, depth - 1, found)?;
            }
            continue;
        }
        let Some(below) = path.strip_prefix(pack).ok().and_then(Path::to_str) else { continue };
        if let Some(kind) = FileKind::of(below) {
            let bytes = path.metadata().map_err(PackError::io(path.display()))?.len();
            found.push(EditableFile { kind, path: below.to_owned(), bytes });
        }
    }
    Ok(())
}

/// The text of a file that an operator edits; none where there is no such file.
///
/// # Errors
/// Names the file that is too large, or no text.
pub fn editable_text(pack: &Path, path: &str) -> Result<Option<String>, PackError> {
    let file = pack.join(path);
    if FileKind::of(path).is_none() || !file.is_file() {
        return Ok(None);
    }
    files::read_text(pack, &file).map(Some)
}

/// Text as it was typed into a form, with the line ends that the file had: a form sends every line's end as CR LF. Lines
/// before and behind the change keep theirs, where a file mixes them; the others have what most of it has.
pub fn with_line_ends_of(original: &str, typed: &str) -> String {
    let typed = typed.replace("\r\n", "\n").replace('\r', "\n");
    let ends = original.matches('\n').count();
    let wide = original.matches("\r\n").count();
    if wide == 0 {
        return typed;
    }
    let old: Vec<&str> = original.split_inclusive('\n').collect();
    let new: Vec<&str> = typed.split_inclusive('\n').collect();
    let is_same = |old: &str, new: &str| old.trim_end_matches(['\r', '\n']) == new.trim_end_matches('\n');
    let before = old.iter().zip(&new).take_while(|(old, new)| is_same(old, new)).count();
    let most = old.len().min(new.len()) - before;
    let behind = old.iter().rev().zip(new.iter().rev()).take(most).take_while(|(old, new)| is_same(old, new)).count();
    let mut text = String::with_capacity(typed.len() + new.len());
    for (place, line) in new.iter().enumerate() {
        let known = if place < before {
            Some(old[place])
        } else if new.len() - place <= behind {
            Some(old[old.len() - (new.len() - place)])
        } else {
            None
        };
        let known = known.filter(|known| known.ends_with('\n'));
        let is_wide = known.map_or(wide * 2 > ends, |known| known.ends_with("\r\n"));
        match line.strip_suffix('\n') {
            Some(content) if is_wide => text.extend([content, "\r\n"]),
            _ => text.push_str(line),
        }
    }
    text
}

impl Revision {
    /// The problems with this revision's files as they are edited, for a dialect: what cannot be read, what the plugin's
    /// schema does not know, what the plugin refuses, and the examples and fixtures that come out otherwise. `pack` is the
    /// folder that the revision is kept in. What comes first hides what follows from it.
    pub fn problems_of(&self, pack: &Path, edited: &Edited, dialect: &str) -> Vec<Problem> {
        let mut found = unreadable(edited);
        if found.is_empty() {
            let files = Files { pack, edited, dialect };
            found = Check { revision: self, files }.rules();
        }
        found.truncate(MOST_PROBLEMS);
        found
    }
}

/// The problems with texts that cannot be read at all.
fn unreadable(edited: &Edited) -> Vec<Problem> {
    let mut found = Vec::new();
    for (path, text) in edited {
        let problem = |line, message: String| Problem { file: path.clone(), line, path: None, message };
        match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
            "toml" => {
                let errors = toml::de::DeTable::parse_recoverable(text).1;
                found.extend(errors.iter().map(|error| {
                    let line = error.span().map(|span| lines::line_at(text, span.start));
                    problem(line, format!("it is not TOML here: {}", error.message()))
                }));
            }
            "json" => {
                if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
                    found.push(problem(Some(error.line()), "it is not JSON here".to_owned()));
                }
            }
            _ => {}
        }
    }
    found
}

/// A pack's files as they are edited, in which places are looked for.
struct Files<'a> {
    pack: &'a Path,
    edited: &'a Edited,
    dialect: &'a str,
}

impl Files<'_> {
    fn text(&self, path: &str) -> Option<String> {
        files::read_text_edited(self.pack, &self.pack.join(path), self.edited).ok()
    }

    /// The file that has a place in the rules, and the line of it, or of what it stands in.
    fn of_place(&self, place: &[String]) -> (String, Option<usize>) {
        if let [folder, event, below @ ..] = place
            && let "events" | "notes" = folder.as_str()
        {
            let file = format!("{folder}/{event}.toml");
            let line = self.text(&file).map(|text| lines::find(&text, below).line.unwrap_or(1));
            return (file, line);
        }
        let own = format!("dialects/{}.toml", self.dialect);
        let of_dialect = self.text(&own).map(|text| lines::find(&text, place)).filter(|found| found.is_whole);
        if let Some(found) = of_dialect {
            return (own, found.line);
        }
        let line = self.text("rules.toml").and_then(|text| lines::find(&text, place).line);
        ("rules.toml".to_owned(), line)
    }
}

/// Files that can be read, held against their plugin.
struct Check<'a> {
    revision: &'a Revision,
    files: Files<'a>,
}

impl Check<'_> {
    fn rules(&self) -> Vec<Problem> {
        let schema = &self.revision.manifest.rules_schema;
        let Files { pack, edited, dialect } = self.files;
        let read = match rules::read_edited(pack, edited, dialect, schema) {
            Ok(read) => read,
            Err(error) => return self.of_files(&error),
        };
        let configured = Instance::new(&self.revision.sandbox, &self.revision.program)
            .and_then(|mut instance| instance.configure(&read.json));
        let sources = match configured {
            Ok(Ok(sources)) if read.missing.is_empty() => sources,
            Ok(Ok(_)) => return read.missing.into_iter().map(|line| of_file(&line)).collect(),
            Ok(Err(problems)) => {
                let misfits = self.misfits(&read.json, schema);
                if !misfits.is_empty() {
                    return misfits;
                }
                return convert::rule_problems(problems).iter().map(|line| self.pointed(line)).collect();
            }
            Err(failure) => return vec![whole("rules.toml", format!("the plugin failed on it: {failure}"))],
        };
        // What is wrong with the order of sources, the gates say in full.
        let Ok(sources) = Source::nested(convert::sources(sources)) else { return Vec::new() };
        let events = match self.events(&read) {
            Ok(events) => Arc::new(events),
            Err(problems) => return problems,
        };
        let revision = Revision { rules: read.json, sources, events, ..self.revision.clone() };
        let context = fixtures::context(revision.region(), dialect);
        let mut found = Vec::new();
        for error in event_examples::run(&revision, pack, &context) {
            found.extend(self.of_files(&error));
        }
        for error in examples::run(&revision, &context) {
            if let PackError::Examples(lines) = error {
                found.extend(lines.iter().map(|line| self.pointed(line)));
            }
        }
        for error in fixtures::run_edited(&revision, (pack, edited), "fixtures", dialect) {
            found.extend(self.of_files(&error));
        }
        found
    }

    /// The events as they are edited, or what is wrong with them.
    fn events(&self, rules: &rules::Rules) -> Result<EventTypes, Vec<Problem>> {
        let Files { pack, edited, .. } = self.files;
        let texts = events::texts(pack, edited).map_err(|error| self.of_files(&error))?;
        let told = |wrong: Vec<events::Misfit>| -> Vec<Problem> {
            let problem =
                |one: events::Misfit| Problem { file: one.file(), line: one.line, path: None, message: one.told() };
            wrong.into_iter().map(problem).collect()
        };
        let types = events::read(&texts).map_err(told)?;
        let Revision { manifest, templates, .. } = self.revision;
        match events::beside(&types, &rules.notes(), &manifest.events, &templates.events()) {
            wrong if wrong.is_empty() => Ok(types),
            wrong => Err(told(wrong)),
        }
    }

    /// What the plugin's schema says of rules that the plugin refuses: in better words than the plugin, which is the judge.
    /// What it says of the kept rules too, which the plugin took, is no problem.
    fn misfits(&self, rules: &str, schema: &Value) -> Vec<Problem> {
        let [now, kept] = [rules, &self.revision.rules]
            .map(|rules| shape::misfits(&serde_json::from_str(rules).unwrap_or_default(), schema));
        let is_new = |misfit: &shape::Misfit| !kept.contains(misfit);
        now.into_iter().filter(is_new).map(|misfit| self.at(&misfit.place, misfit.message)).collect()
    }

    /// A problem at a place in the rules.
    fn at(&self, place: &[String], message: String) -> Problem {
        let (file, line) = self.files.of_place(place);
        let path: String = place.iter().map(|key| pointer_to(key)).collect();
        Problem { file, line, path: Some(path), message }
    }

    /// A line that begins with a JSON Pointer.
    fn pointed(&self, line: &str) -> Problem {
        match split_pointer(line) {
            Some((place, message)) => self.at(&place, message.to_owned()),
            None => whole("rules.toml", line.to_owned()),
        }
    }

    /// Errors about files, by their paths in the pack.
    fn of_files(&self, error: &PackError) -> Vec<Problem> {
        match error {
            PackError::Several(parts) => parts.iter().flat_map(|part| self.of_files(part)).collect(),
            PackError::Refused { path, why } => {
                let file = path.strip_prefix(self.files.pack).unwrap_or(path).display().to_string();
                vec![Problem { file, line: line_in(why), path: None, message: why.clone() }]
            }
            other => vec![whole("rules.toml", other.to_string())],
        }
    }
}

fn whole(file: &str, message: String) -> Problem {
    Problem { file: file.to_owned(), line: None, path: None, message }
}

/// A line that begins with a file's path.
fn of_file(line: &str) -> Problem {
    let file = line.split([' ', ':']).next().unwrap_or_default();
    whole(if FileKind::of(file).is_some() { file } else { "rules.toml" }, line.to_owned())
}

/// The line that a message names.
fn line_in(message: &str) -> Option<usize> {
    message
        .split_once("line ")
        .and_then(|(_, rest)| rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok())
}

/// The JSON Pointer at the beginning of a line, in its parts, and what is said of it; none where there is none.
pub fn split_pointer(line: &str) -> Option<(Vec<String>, &str)> {
    let end = line.find([':', ' '])?;
    let (pointer, message) = line.split_at(end);
    let parts = pointer.strip_prefix('/')?.split('/');
    let parts = parts.filter(|part| !part.is_empty()).map(|part| part.replace("~1", "/").replace("~0", "~"));
    Some((parts.collect(), message.trim_start_matches([':', ' '])))
}

/// The place in a pack's files that a gate's line is about, for whoever reads why it was refused: its file, and the line,
/// as far as can be told.
pub fn place_of(pack: &Path, edited: &Edited, dialect: &str, line: &str) -> Option<(String, Option<usize>)> {
    if let Some((place, _)) = split_pointer(line) {
        return Some(Files { pack, edited, dialect }.of_place(&place));
    }
    let file = line.split([' ', ':']).next().unwrap_or_default();
    FileKind::of(file).map(|_| (file.to_owned(), line_in(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_packs_own_texts_are_edited() {
        let check = |path: &str, kind: Option<FileKind>| assert_eq!(FileKind::of(path), kind, "{path}");
        check("rules.toml", Some(FileKind::Rules));
        check("dialects/open.toml", Some(FileKind::Dialect));
        check("events/note.written.toml", Some(FileKind::Event));
        check("notes/note.written.toml", Some(FileKind::Note));
        check("documents/layout.typ", Some(FileKind::Document));
        check("documents/parts/head.typ", Some(FileKind::Document));
        check("fixtures/client-bare.json", Some(FileKind::Fixture));
        for path in [
            "",
            "/",
            "rules.toml/",
            "/rules.toml",
            "../rules.toml",
            "notes/../../x.toml",
            "notes/.x.toml",
            "notes//x.toml",
            "notes/x/y.toml",
            "notes\\x.toml",
            "notes/x.toml\0",
            "pack.toml",
            "component.wasm",
            "pack.sum",
            "documents/a/b/c/d/e.typ",
            "documents/logo.svg",
            "rules.schema.json",
            ".hidden/rules.toml",
        ] {
            check(path, None);
        }
    }

    #[test]
    fn line_ends_stay_as_they_were() {
        let check = |original: &str, typed: &str, expected: &str| {
            assert_eq!(with_line_ends_of(original, typed), expected, "{original:?} {typed:?}");
        };
        check("a\nb\n", "a\r\nb\r\n", "a\nb\n");
        check("a\r\nb\r\n", "a\r\nb\r\n", "a\r\nb\r\n");
        check("a\r\nb\r\n", "a\nx\nb\n", "a\r\nx\r\nb\r\n");
        // A file that mixes them changes where it was changed.
        check("a\nb\r\nc\r\nd\n", "a\r\nb\r\nx\r\nd\r\n", "a\nb\r\nx\nd\n");
        check("a\nb\r\nc\r\nd\r\n", "a\r\nx\r\nc\r\nd", "a\nx\r\nc\r\nd");
        check("a\r\nb", "a\r\nb\r\n", "a\r\nb\r\n");
        check("", "a\r\n", "a\n");
    }

    #[test]
    fn a_line_leads_to_the_place_that_it_names() {
        let check = |line: &str, expected: Option<(&[&str], &str)>| {
            let found = split_pointer(line);
            let found =
                found.as_ref().map(|(place, said)| (place.iter().map(String::as_str).collect::<Vec<_>>(), *said));
            assert_eq!(found, expected.map(|(place, said)| (place.to_vec(), said)), "{line}");
        };
        check("/examples/3: the example", Some((&["examples", "3"], "the example")));
        check("/examples/3 (\"a\"): what", Some((&["examples", "3"], "(\"a\"): what")));
        check("/a~1b/c~0: x", Some((&["a/b", "c~"], "x")));
        check("rules.toml: no", None);
        check("", None);
    }
}
