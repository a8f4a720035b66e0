//! A pack's folder of rules, read as the host reads it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Map, Value};
use tidegate_layers::LayerRules;

/// The packs that lie one on another, at most.
const LAYERS: usize = 4;

/// A pack's rules with those of its bases, without its component.
pub struct Pack {
    /// The folder.
    pub folder: PathBuf,
    /// Its own folder and those of its bases, its own first.
    pub layers: Vec<PathBuf>,
    /// `xplan-au`.
    pub name: String,
    /// The region, ISO 3166-1 alpha-2.
    pub region: String,
    /// All rules as one JSON object, as `configure` takes them.
    pub rules: String,
    /// The files of its bases that it is not to have.
    without: Vec<String>,
}

impl Pack {
    /// Reads a pack's folder: `pack.toml`, `rules.toml`, and `notes/<event type>.toml` under the rules' key `notes`, joined
    /// with those of the pack that it extends, which lies in its folder `base` or beside it.
    ///
    /// # Errors
    /// Returns which file cannot be read, and why.
    pub fn load(folder: impl AsRef<Path>) -> Result<Self, String> {
        Self::load_for(folder, "resourceful")
    }

    /// The same, with `dialects/<dialect>.toml`, where there is one, laid over the rules.
    ///
    /// # Errors
    /// Returns which file cannot be read, and why.
    pub fn load_for(folder: impl AsRef<Path>, dialect: &str) -> Result<Self, String> {
        let folder = folder.as_ref();
        let (layers, files) = layers(folder)?;
        let text = |key: &str| files[0].get(key).and_then(Value::as_str).map(str::to_owned);
        let without = files.iter().flat_map(|pack| pack.get("without").and_then(Value::as_array).into_iter().flatten());
        let mut pack = Self {
            folder: folder.to_owned(),
            layers,
            name: text("name").ok_or("pack.toml has no name")?,
            region: text("region").ok_or("pack.toml has no region")?,
            rules: String::new(),
            without: without.filter_map(Value::as_str).map(str::to_owned).collect(),
        };
        // The lowest base comes first.
        let below: Vec<&PathBuf> = pack.layers.iter().rev().collect();
        let told = |faults: Vec<tidegate_layers::Fault>| {
            let line = |fault: tidegate_layers::Fault| format!("{}: {}", below[fault.layer].display(), fault.message);
            faults.into_iter().map(line).collect::<Vec<_>>().join("\n")
        };
        let mut layers = Vec::new();
        for layer in &below {
            layers.push(LayerRules { rules: pack.table(layer, "rules.toml")?, notes: pack.notes(layer)? });
        }
        let mut rules = tidegate_layers::rules(layers).map_err(told)?;
        let file = format!("dialects/{dialect}.toml");
        let differences = below.iter().map(|layer| pack.table(layer, &file)).collect::<Result<Vec<_>, _>>()?;
        let differences = tidegate_layers::dialect(&rules, differences).map_err(told)?;
        rules = tidegate_layers::lay_over(rules, differences);
        pack.rules = Value::Object(rules).to_string();
        Ok(pack)
    }

    /// The files of a folder with an extension, by their names: its own, or else its nearest base's.
    ///
    /// # Errors
    /// Returns the folder that cannot be read.
    pub fn files(&self, folder: &str, extension: &str) -> Result<Vec<PathBuf>, String> {
        let mut found = BTreeMap::new();
        for (at, layer) in self.layers.iter().enumerate() {
            for file in files(&layer.join(folder), extension)? {
                let name = file.file_name().unwrap_or_default().to_owned();
                if at == 0 || !self.is_left_out(&format!("{folder}/{}", name.to_string_lossy())) {
                    found.entry(name).or_insert(file);
                }
            }
        }
        Ok(found.into_values().collect())
    }

    fn is_left_out(&self, file: &str) -> bool {
        self.without.iter().any(|without| without == file)
    }

    /// A layer's table; an empty one where it has no such file.
    fn table(&self, layer: &Path, file: &str) -> Result<Map<String, Value>, String> {
        let path = layer.join(file);
        let is_read = path.exists() && (layer == self.folder || !self.is_left_out(file));
        if is_read || self.layers.len() == 1 && file == "rules.toml" { table(&path) } else { Ok(Map::new()) }
    }

    fn notes(&self, layer: &Path) -> Result<Map<String, Value>, String> {
        let mut notes = Map::new();
        for file in files(&layer.join("notes"), "toml")? {
            let event = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            notes.insert(event.clone(), Value::Object(self.table(layer, &format!("notes/{event}.toml"))?));
        }
        Ok(notes)
    }

    /// The rules as JSON.
    ///
    /// # Panics
    /// This does not happen: the rules were made of JSON.
    #[must_use]
    pub fn rules_json(&self) -> Value {
        serde_json::from_str(&self.rules).expect("the rules were made of JSON")
    }
}

/// The folders of a pack and of its bases, its own first, and their `pack.toml`s.
type Layers = (Vec<PathBuf>, Vec<Map<String, Value>>);

/// A pack's folder and those of its bases, its own first, each with its `pack.toml`.
fn layers(folder: &Path) -> Result<Layers, String> {
    let (mut folders, mut packs) = (Vec::new(), Vec::new());
    let mut next = Some(folder.to_owned());
    while let Some(folder) = next {
        if folders.len() == LAYERS {
            return Err(format!("{}: there are more than {LAYERS} packs one on another", folder.display()));
        }
        let pack = table(&folder.join("pack.toml"))?;
        next = pack.get("extends").and_then(Value::as_str).map(|base| {
            let inside = folder.join("base");
            if inside.join("pack.toml").exists() { inside } else { folder.join("..").join(base) }
        });
        folders.push(folder);
        packs.push(pack);
    }
    Ok((folders, packs))
}

/// The folder's files with an extension, in the order of their names; none where there is no such folder.
pub(super) fn files(folder: &Path, extension: &str) -> Result<Vec<PathBuf>, String> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    Ok(files)
}

fn table(file: &Path) -> Result<Map<String, Value>, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    toml::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))
}
