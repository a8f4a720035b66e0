//! A pack's document templates: the folder `documents`, whole, as the typesetter is given it.
//!
//! `<event type>.typ` makes the document of an event, and `<event type>.json` beside it is a sample of its data: a pack
//! whose template cannot be set with its sample is refused. Other files are modules and pictures of theirs.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;
use tidegate_documents::{DocumentError, Job, MadeAt, Typesetter};

use super::cache::Cache;
use super::files::refused;
use super::layers::Layers;
use super::{PackError, limits};

/// The folder in a pack's.
const FOLDER: &str = "documents";

/// The moment that samples are dated.
const SAMPLE_DAY: MadeAt = MadeAt { year: 2026, month: 3, day: 1, hour: 9, minute: 0, second: 0, offset_minutes: 0 };

/// The files of the folder by their path in it; none where a pack makes no documents.
#[derive(Clone, Default)]
pub(super) struct Templates {
    files: BTreeMap<String, Vec<u8>>,
}

impl Templates {
    /// Reads the folder, of all layers.
    ///
    /// # Errors
    /// Names the file that is too large, cannot be read or points elsewhere.
    pub(super) fn read(layers: &Layers<'_>) -> Result<Self, PackError> {
        let templates = Self::unsampled(layers)?;
        for event in templates.events() {
            if !templates.files.contains_key(&format!("{event}.json")) {
                let why = format!("it needs a sample of its data beside it, `{event}.json`");
                return Err(templates.wrong(layers, &format!("{event}.typ"), &why));
            }
        }
        Ok(templates)
    }

    /// The same of a base: the samples may be those of what extends it.
    ///
    /// # Errors
    /// As [`Templates::read`].
    pub(super) fn unsampled(layers: &Layers<'_>) -> Result<Self, PackError> {
        let mut templates = Self::default();
        templates.read_below(layers, "")?;
        Ok(templates)
    }

    fn read_below(&mut self, layers: &Layers<'_>, prefix: &str) -> Result<(), PackError> {
        let folder = format!("{FOLDER}/{prefix}");
        for (name, files) in layers.listed(folder.trim_end_matches('/'))? {
            let Some(file) = files.first() else { continue };
            let path = &file.path;
            let kind = fs::symlink_metadata(path).map_err(PackError::io(path.display())).map_err(|e| layers.tell(e))?;
            let inner = format!("{prefix}{name}");
            if kind.is_dir() {
                self.read_below(layers, &format!("{inner}/"))?;
            } else if kind.is_file() {
                self.files.insert(inner, layers.bytes(file, limits::TEXT_FILE)?);
            } else {
                let why = "links are not followed here; put the file itself there";
                return Err(layers.tell(refused(path, why)));
            }
            if self.files.values().map(Vec::len).sum::<usize>() > limits::TEMPLATES {
                let why = format!("it holds more than {} MB", limits::TEMPLATES >> 20);
                return Err(refused(&layers.folder().join(FOLDER), &why));
            }
        }
        Ok(())
    }

    /// What is wrong with a file of the folder, named as that of the layer that has it.
    fn wrong(&self, layers: &Layers<'_>, inner: &str, why: &str) -> PackError {
        let below = format!("{FOLDER}/{inner}");
        let file = layers.first(&below).unwrap_or_else(|| layers.own(&below));
        layers.tell(refused(&file.path, why))
    }

    /// The event types whose documents it makes. A module's name has no full stop in it.
    pub(super) fn events(&self) -> Vec<&str> {
        let stems = self.files.keys().filter_map(|path| path.strip_suffix(".typ"));
        stems.filter(|stem| stem.contains('.') && !stem.contains('/')).collect()
    }

    /// The digest that stands for all the files; none where there are none.
    pub(super) fn digest(&self) -> Option<blake3::Hash> {
        let mut hasher = blake3::Hasher::new();
        for (path, bytes) in &self.files {
            for part in [path.as_bytes(), bytes] {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part);
            }
        }
        (!self.files.is_empty()).then(|| hasher.finalize())
    }

    /// Sets every template with its sample, unless that was done before with the same files. Answers what is wrong with
    /// each that cannot be set: the template, the line and the reason.
    pub(super) fn verify(&self, typesetter: &Typesetter, cache: &Cache, layers: &Layers<'_>) -> Vec<PackError> {
        let Some(digest) = self.digest() else { return Vec::new() };
        if cache.is_verified(&digest) {
            return Vec::new();
        }
        let events = self.events();
        let wrong: Vec<_> = events.iter().filter_map(|event| self.try_out(typesetter, layers, event).err()).collect();
        if wrong.is_empty() {
            cache.note_verified(&digest);
        }
        wrong
    }

    fn try_out(&self, typesetter: &Typesetter, layers: &Layers<'_>, event: &str) -> Result<(), PackError> {
        let sample = format!("{event}.json");
        let data =
            serde_json::from_slice(&self.files[&sample]).map_err(|e| self.wrong(layers, &sample, &e.to_string()))?;
        let job = self.job(event, data, SAMPLE_DAY, "sample".to_owned());
        typesetter.typeset(job).map(drop).map_err(|error| match error {
            DocumentError::Typesetter(_) => PackError::NoMachine(error.to_string(), Box::new(error)),
            _ => refused(&layers.folder().join(FOLDER), &error.to_string()),
        })
    }

    /// The typesetter's job for an event of this type.
    pub(super) fn job(&self, event_type: &str, data: Value, made_at: MadeAt, identity: String) -> Job {
        Job { template: format!("{event_type}.typ"), files: self.files.clone(), data, made_at, identity }
    }
}
