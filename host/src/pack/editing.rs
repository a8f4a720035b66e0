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
use tidegate_layers::{EXAMPLES, NOTES, name_of};
use utoipa::ToSchema;

use super::error::PackError;
use super::events::EventTypes;
use super::files::Edited;
use super::instance::Instance;
use super::layers::Layers;
use super::parts::RULES;
use super::pointers::split_pointer;
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

    /// Whether a pack's own file is joined with its bases' of the same path; else it takes their place.
    pub fn is_joined(self) -> bool {
        matches!(self, Self::Rules | Self::Dialect | Self::Note)
    }

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
    /// Its path in the pack's folder; that of a base is behind the base's name.
    #[schema(example = "notes/annual-review.completed.toml")]
    pub path: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// The base whose file it is, which is not edited here: the pack has a file of its own in its place, or joined with it.
    /// Null where it is the pack's own.
    #[schema(required, example = "acme-base")]
    pub base: Option<String>,
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

/// The files of a kept pack that an operator edits, by kind and path: the pack's own first, then those of its bases.
///
/// # Errors
/// Names the folder that cannot be read.
pub fn editable_files(pack: &Path) -> Result<Vec<EditableFile>, PackError> {
    let layers = Layers::of(pack)?;
    let mut found = Vec::new();
    for file in layers.all()? {
        let Some(kind) = FileKind::of(&file.below) else { continue };
        // One that is not joined and has another in its place above is none of the pack's any more.
        let is_read = kind.is_joined() || layers.first(&file.below).is_some_and(|first| first.layer == file.layer);
        if !is_read || layers.each(&file.below).iter().all(|other| other.layer != file.layer) {
            continue;
        }
        let bytes = file.path.metadata().map_err(PackError::io(file.path.display()))?.len();
        let base = (file.layer > 0).then(|| layers.names()[file.layer].to_owned());
        found.push((file.layer, EditableFile { kind, path: layers.shown(&file), bytes, base }));
    }
    found.sort();
    Ok(found.into_iter().map(|(_, file)| file).collect())
}

/// The text of a file of a pack.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileText {
    /// Its kind.
    pub kind: FileKind,
    /// Its text, byte for byte. Of one that only a base has so far, the text that the pack's own begins with: none of what is
    /// joined with the base's, the base's of everything else.
    pub text: String,
    /// The base whose file it is, which is read here and not edited; none of the pack's own.
    pub base: Option<String>,
    /// The path of the pack's own file in its place.
    pub own_path: String,
    /// Whether the pack has that file.
    pub is_there: bool,
}

/// The text of a file by the path by which people are told of it; none where no file of it is edited.
///
/// # Errors
/// Names the file that is too large, or no text.
pub fn editable_text(pack: &Path, path: &str) -> Result<Option<FileText>, PackError> {
    let layers = Layers::of(pack)?;
    let file = layers.of_shown(path);
    let Some(kind) = FileKind::of(&file.below) else { return Ok(None) };
    let of_path = layers.each(&file.below);
    let text = match of_path.iter().find(|one| one.layer == file.layer).or(of_path.first()) {
        None => return Ok(None),
        Some(inherited) if inherited.layer != file.layer && kind.is_joined() => String::new(),
        Some(found) => layers.text(found)?,
    };
    let base = (file.layer > 0).then(|| layers.names()[file.layer].to_owned());
    if base.is_some() && of_path.iter().all(|one| one.layer != file.layer) {
        return Ok(None);
    }
    let is_there = of_path.first().is_some_and(|first| first.layer == 0);
    Ok(Some(FileText { kind, text, base, own_path: file.below, is_there }))
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
            match Layers::of_edited(pack, edited) {
                Ok(layers) => found = Check { revision: self, files: Files { layers, dialect } }.rules(),
                Err(error) => found.push(whole("rules.toml", error.to_string())),
            }
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
    layers: Layers<'a>,
    dialect: &'a str,
}

impl Files<'_> {
    /// The file that has a place in the rules, and the line of it, or of what it stands in. The topmost layer's is told.
    fn of_place(&self, place: &[String]) -> (String, Option<usize>) {
        if let [folder, event, below @ ..] = place
            && [events::FOLDER, NOTES].contains(&folder.as_str())
        {
            let file = format!("{folder}/{event}.toml");
            return self.in_files(&[file.as_str()], below).unwrap_or((file, None));
        }
        let own = format!("dialects/{}.toml", self.dialect);
        let found = match place {
            [examples, at, below @ ..] if examples == EXAMPLES && self.layers.are_several() => {
                self.example(at).and_then(|name| self.in_examples(&[own.as_str(), RULES], &name, below))
            }
            _ => None,
        };
        let found = found.or_else(|| self.in_files(&[own.as_str(), RULES], place));
        found.unwrap_or_else(|| (RULES.to_owned(), None))
    }

    /// The first of files, in all their layers, that has a place; or else where it would stand in the last.
    fn in_files(&self, files: &[&str], place: &[String]) -> Option<(String, Option<usize>)> {
        let mut otherwise = None;
        for file in files.iter().flat_map(|file| self.layers.each(file)) {
            let Ok(text) = self.layers.text(&file) else { continue };
            let (found, shown) = (lines::find(&text, place), self.layers.shown(&file));
            if found.is_whole || place.is_empty() {
                return Some((shown, found.line.or(Some(1))));
            }
            let is_of_last = Some(&file.below.as_str()) == files.last();
            if is_of_last && (otherwise.is_none() || file.layer == 0) {
                let line = found.line.or((file.below != RULES).then_some(1));
                otherwise = Some((shown, line));
            }
        }
        otherwise
    }

    /// The same of a place in an example, which goes by its name.
    fn in_examples(&self, files: &[&str], name: &str, below: &[String]) -> Option<(String, Option<usize>)> {
        for file in files.iter().flat_map(|file| self.layers.each(file)) {
            let Ok(text) = self.layers.text(&file) else { continue };
            if let Some(at) = lines::place_of_named(&text, EXAMPLES, name) {
                let place: Vec<String> =
                    [EXAMPLES.to_owned(), at.to_string()].into_iter().chain(below.iter().cloned()).collect();
                return Some((self.layers.shown(&file), lines::find(&text, &place).line));
            }
        }
        None
    }

    /// The name of an example of the joined rules.
    fn example(&self, at: &str) -> Option<String> {
        let read = rules::read(&self.layers, self.dialect, &Value::Null).ok()?;
        let rules: Value = serde_json::from_str(&read.json).ok()?;
        name_of(&rules[EXAMPLES][at.parse::<usize>().ok()?]).map(ToOwned::to_owned)
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
        let Files { layers, dialect } = &self.files;
        let read = match rules::read(layers, dialect, schema) {
            Ok(read) => read,
            Err(error) => return self.of_files(&error),
        };
        let configured = Instance::new(&self.revision.sandbox, &self.revision.program)
            .and_then(|mut instance| instance.configure(&read.json));
        let sources = match configured {
            Ok(Ok(sources)) if read.missing.is_empty() => sources,
            Ok(Ok(_)) => return read.missing.iter().map(|line| self.of_file(line)).collect(),
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
        for error in event_examples::run(&revision, layers, &context) {
            found.extend(self.of_files(&error));
        }
        for error in examples::run(&revision, &context) {
            if let PackError::Examples(lines) = error {
                found.extend(lines.iter().map(|line| self.pointed(line)));
            }
        }
        for error in fixtures::run(&revision, layers, dialect) {
            found.extend(self.of_files(&error));
        }
        found
    }

    /// The events as they are edited, or what is wrong with them.
    fn events(&self, rules: &rules::Rules) -> Result<EventTypes, Vec<Problem>> {
        let layers = &self.files.layers;
        let texts = events::texts(layers).map_err(|error| self.of_files(&error))?;
        let told = |wrong: Vec<events::Misfit>| -> Vec<Problem> {
            let problem = |one: events::Misfit| {
                let file = layers.first(&one.file()).map_or_else(|| one.file(), |file| layers.shown(&file));
                Problem { file, line: one.line, path: None, message: one.told() }
            };
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

    /// A line that begins with a file's path.
    fn of_file(&self, line: &str) -> Problem {
        let file = line.split([' ', ':']).next().unwrap_or_default();
        let is_one = FileKind::of(&self.files.layers.of_shown(file).below).is_some();
        whole(if is_one { file } else { RULES }, line.to_owned())
    }

    /// Errors about files, by their paths in the pack.
    fn of_files(&self, error: &PackError) -> Vec<Problem> {
        match error {
            PackError::Several(parts) => parts.iter().flat_map(|part| self.of_files(part)).collect(),
            PackError::Refused { path, why } => {
                let file = path.strip_prefix(self.files.layers.folder()).unwrap_or(path).display().to_string();
                vec![Problem { file, line: line_in(why), path: None, message: why.clone() }]
            }
            other => vec![whole("rules.toml", other.to_string())],
        }
    }
}

fn whole(file: &str, message: String) -> Problem {
    Problem { file: file.to_owned(), line: None, path: None, message }
}

/// The line that a message names.
fn line_in(message: &str) -> Option<usize> {
    message
        .split_once("line ")
        .and_then(|(_, rest)| rest.split(|letter: char| !letter.is_ascii_digit()).next()?.parse().ok())
}

/// The place in a pack's files that a gate's line is about, for whoever reads why it was refused: its file, and the line,
/// as far as can be told.
pub fn place_of(pack: &Path, edited: &Edited, dialect: &str, line: &str) -> Option<(String, Option<usize>)> {
    let layers = Layers::of_edited(pack, edited).ok()?;
    if let Some((place, _)) = split_pointer(line) {
        return Some(Files { layers, dialect }.of_place(&place));
    }
    let file = line.split([' ', ':']).next().unwrap_or_default();
    FileKind::of(&layers.of_shown(file).below).map(|_| (file.to_owned(), line_in(line)))
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
}
