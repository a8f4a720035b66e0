//! The layers through which a pack's files are read: the pack's own folder first, then its base's, and the base's base.
//!
//! A base lies in the folder `base` of what extends it, as in what is kept and in archives, or beside it under its name, as
//! among the packs. Nothing is written here.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::files::{self, Edited, refused};
use super::pack_file::{Mapper, OwnPackFile, PackFile};
use super::parts::{BASE, PACK_FILE, is_part};
use super::{PackError, limits};

/// A pack's folders, its own first, and what is edited of its own files.
pub(super) struct Layers<'a> {
    layers: Vec<Layer>,
    pack: PackFile,
    edited: &'a Edited,
}

/// One folder that a pack's files are read from.
struct Layer {
    /// The name of the pack that it is.
    name: String,
    folder: PathBuf,
    /// The files of the layers below that are not read.
    without: Vec<String>,
}

/// A file of a layer.
#[derive(Clone, Debug)]
pub(super) struct LayerFile {
    /// The layer: 0 is the pack itself, 1 its base.
    pub(super) layer: usize,
    /// Its path in the layer's folder.
    pub(super) below: String,
    /// Where it lies.
    pub(super) path: PathBuf,
}

/// The folders of a pack as far as they can be told, its own first: of what is no pack, its own alone, and where a base is
/// missing, those above it. For whoever copies and counts; [`Layers`] says what is wrong.
pub(super) fn folders(pack: &Path) -> Vec<PathBuf> {
    let mut found = vec![pack.to_owned()];
    let mut names = BTreeSet::new();
    while found.len() < limits::LAYERS {
        let Some(folder) = found.last() else { break };
        let Ok(own) = OwnPackFile::read(folder) else { break };
        names.insert(own.name);
        match own.extends.filter(|base| !names.contains(base)).and_then(|base| base_of(folder, &base)) {
            Some(base) => found.push(base),
            None => break,
        }
    }
    found
}

/// An error about one of a pack's folders, with the names of its bases in place of theirs.
pub(super) fn told(folders: &[PathBuf], error: PackError) -> PackError {
    let name = |folder: &PathBuf| OwnPackFile::read(folder).map_or_else(|_| BASE.to_owned(), |own| own.name);
    let names: Vec<String> = folders.iter().skip(1).map(name).collect();
    let bases = folders.iter().skip(1).zip(&names).map(|(folder, name)| (folder.as_path(), name.as_str()));
    renamed(&bases.collect::<Vec<_>>(), error)
}

/// The name of the base that a pack extends and that lies neither in its folder nor beside it.
pub(super) fn missing_base(pack: &Path) -> Option<String> {
    let base = OwnPackFile::read(pack).ok()?.extends?;
    base_of(pack, &base).is_none().then_some(base)
}

/// The folder in which a pack's base lies; none where there is none.
fn base_of(folder: &Path, name: &str) -> Option<PathBuf> {
    let inside = folder.join(BASE);
    if inside.join(PACK_FILE).exists() {
        return Some(inside);
    }
    let beside = |folder: &Path| folder.parent().map(|parent| parent.join(name));
    let as_named = folder.file_name().and_then(|_| beside(folder));
    let real = folder.canonicalize().ok().and_then(|folder| beside(&folder));
    as_named.into_iter().chain(real).find(|base| base.join(PACK_FILE).exists())
}

impl Layers<'static> {
    /// Those of a pack's folder.
    ///
    /// # Errors
    /// Says what is wrong with a `pack.toml`, or with what it extends.
    pub(super) fn of(pack: &Path) -> Result<Self, PackError> {
        Layers::of_edited(pack, &files::AS_KEPT)
    }
}

impl<'a> Layers<'a> {
    /// The same with texts in place of, and beside, the pack's own files.
    pub(super) fn of_edited(pack: &Path, edited: &'a Edited) -> Result<Self, PackError> {
        let mut layers: Vec<Layer> = Vec::new();
        let mut own: Vec<OwnPackFile> = Vec::new();
        let mut next = Some(pack.to_owned());
        while let Some(folder) = next.take() {
            // A base is told of by the name that it is extended by.
            let shown = own.last().and_then(|above| above.extends.clone());
            let told = |error: PackError| match &shown {
                Some(name) => renamed(&[(folder.as_path(), name.as_str())], error),
                None => error,
            };
            let read = OwnPackFile::read(&folder).map_err(told)?;
            let wrong = |why: &str| Err(told(refused(&folder.join(PACK_FILE), why)));
            if let Some(above) = own.last().and_then(|above| above.extends.as_ref())
                && *above != read.name
            {
                return wrong(&format!("it is the pack `{}`, and what lies on it extends `{above}`", read.name));
            }
            if let Some(base) = &read.extends {
                let names = || own.iter().map(|layer| layer.name.as_str()).chain([read.name.as_str()]);
                if *base == read.name {
                    return wrong(&format!("it extends itself: `extends` is to be another pack than `{base}`"));
                }
                if names().any(|name| name == base) {
                    let way = names().chain([base.as_str()]).collect::<Vec<_>>().join(" → ");
                    return wrong(&format!("packs extend each other in a circle ({way}); take one `extends` out"));
                }
                if own.len() + 1 == limits::LAYERS {
                    let most = limits::LAYERS;
                    return wrong(&format!(
                        "with its base `{base}` there were more than {most} packs one on another; join two of them"
                    ));
                }
                next = base_of(&folder, base);
                if next.is_none() {
                    let why = format!(
                        "it extends `{base}`, and there is none: put the folder of `{base}` beside this pack's, or into it as \
                         `{BASE}`, and try again"
                    );
                    return wrong(&why);
                }
            }
            layers.push(Layer { name: read.name.clone(), folder, without: read.without.clone() });
            own.push(read);
        }
        let of_another = |top: &OwnPackFile, base: &OwnPackFile| match (top.own_crm(), base.own_crm()) {
            (Some(own), Some(other)) if own != other => {
                Some(format!("it reads the CRM `{own}`, and its base `{}` the CRM `{other}`", base.name))
            }
            _ => None,
        };
        for (at, top) in own.iter().enumerate() {
            if let Some(why) = own[at + 1..].iter().find_map(|base| of_another(top, base)) {
                let file = layers[at].folder.join(PACK_FILE);
                let error = refused(&file, &format!("{why}; extend one of the same CRM"));
                let above = layers[1..].iter().map(|layer| (layer.folder.as_path(), layer.name.as_str()));
                return Err(renamed(&above.collect::<Vec<_>>(), error));
            }
        }
        let path = pack.join(PACK_FILE);
        let mut own = own.into_iter();
        let top = own.next().ok_or_else(|| refused(&path, "it is none of a pack"))?;
        let pack = top.with_bases(&path, own.as_slice())?;
        let layers = Self { layers, pack, edited };
        layers.look_for_what_is_left_out()?;
        Ok(layers)
    }

    /// What the pack is, with what it takes from its bases.
    pub(super) fn pack(&self) -> &PackFile {
        &self.pack
    }

    /// What the pack's component is to be.
    ///
    /// # Errors
    /// Says that it is a base without one.
    pub(super) fn mapper(&self) -> Result<&Mapper, PackError> {
        self.pack.mapper.as_ref().ok_or_else(|| {
            let why = "it is a base without a component, which only other bases and packs extend";
            refused(&self.folder().join(PACK_FILE), why)
        })
    }

    /// The pack's own folder.
    pub(super) fn folder(&self) -> &Path {
        &self.layers[0].folder
    }

    /// The names of the layers, the pack's own first.
    pub(super) fn names(&self) -> Vec<&str> {
        self.layers.iter().map(|layer| layer.name.as_str()).collect()
    }

    /// Whether the pack has a base.
    pub(super) fn are_several(&self) -> bool {
        self.layers.len() > 1
    }

    /// Looks through the folders before anything in them is used.
    ///
    /// # Errors
    /// As [`files::survey`].
    pub(super) fn survey(&self) -> Result<(), PackError> {
        let folders: Vec<&Path> = self.layers.iter().map(|layer| layer.folder.as_path()).collect();
        files::survey(&folders).map_err(|error| self.tell(error))
    }

    /// The files of a path in all layers, the pack's own first, without those that a layer above leaves out.
    pub(super) fn each(&self, below: &str) -> Vec<LayerFile> {
        let found = (0..self.layers.len()).filter(|layer| self.has(*layer, below) && !self.is_left_out(*layer, below));
        found.map(|layer| self.file(layer, below)).collect()
    }

    /// The pack's own file of a path, be it there or not.
    pub(super) fn own(&self, below: &str) -> LayerFile {
        self.file(0, below)
    }

    /// The file of a path: the pack's own, or else the nearest base's.
    pub(super) fn first(&self, below: &str) -> Option<LayerFile> {
        self.each(below).into_iter().next()
    }

    /// The names in a folder, with the files of each in all layers, the pack's own first.
    ///
    /// # Errors
    /// Names the folder that cannot be read.
    pub(super) fn listed(&self, folder: &str) -> Result<BTreeMap<String, Vec<LayerFile>>, PackError> {
        let mut names = BTreeSet::new();
        for layer in &self.layers {
            let path = layer.folder.join(folder);
            if !path.exists() {
                continue;
            }
            for file in files::listed(&path)? {
                let name = file.file_name().and_then(|name| name.to_str());
                let name = name.ok_or_else(|| self.tell(refused(&file, "its name is no Unicode text")))?;
                names.insert(name.to_owned());
            }
        }
        let prefix = format!("{folder}/");
        let added = self.edited.keys().filter_map(|path| path.strip_prefix(&prefix));
        names.extend(added.filter(|name| !name.contains('/')).map(ToOwned::to_owned));
        let with_files = names.into_iter().map(|name| {
            let files = self.each(&format!("{prefix}{name}"));
            (name, files)
        });
        Ok(with_files.filter(|(_, files)| !files.is_empty()).collect())
    }

    /// All files of all layers that are there, in the order of the layers; a base that lies in the folder of what extends it
    /// is a layer of its own.
    ///
    /// # Errors
    /// Names the folder that cannot be read.
    pub(super) fn all(&self) -> Result<Vec<LayerFile>, PackError> {
        let mut found = Vec::new();
        for (at, layer) in self.layers.iter().enumerate() {
            let base = self.layers.get(at + 1).map(|base| base.folder.as_path());
            let mut open = vec![layer.folder.clone()];
            while let Some(folder) = open.pop() {
                for path in files::listed(&folder).map_err(|error| self.tell(error))? {
                    let name = path.file_name().unwrap_or_default();
                    if folder == layer.folder && !is_part(name, path.is_dir()) {
                        continue;
                    }
                    if path.is_dir() && open.len() < limits::FILES && base != Some(path.as_path()) {
                        open.push(path);
                    } else if let Some(below) = path.strip_prefix(&layer.folder).ok().and_then(Path::to_str)
                        && path.is_file()
                    {
                        found.push(self.file(at, below));
                    }
                }
            }
        }
        Ok(found)
    }

    /// The file of a path by which people are told of it, be it there or not.
    pub(super) fn of_shown(&self, shown: &str) -> LayerFile {
        let of_base = self.layers.iter().enumerate().skip(1).find_map(|(at, layer)| {
            let below = shown.strip_prefix(layer.name.as_str())?.strip_prefix('/')?;
            Some(self.file(at, below))
        });
        of_base.unwrap_or_else(|| self.own(shown))
    }

    /// The text of a file, as it is edited where it is the pack's own.
    ///
    /// # Errors
    /// Names the file that is too large, no text, or outside its layer's folder.
    pub(super) fn text(&self, file: &LayerFile) -> Result<String, PackError> {
        match self.edited.get(&file.below).filter(|_| file.layer == 0) {
            Some(text) => Ok(text.clone()),
            None => files::read_text(&self.layers[file.layer].folder, &file.path).map_err(|error| self.tell(error)),
        }
    }

    /// The bytes of a file, as it lies there.
    ///
    /// # Errors
    /// Names the file that is larger than `most` bytes, or outside its layer's folder.
    pub(super) fn bytes(&self, file: &LayerFile, most: u64) -> Result<Vec<u8>, PackError> {
        files::read(&self.layers[file.layer].folder, &file.path, most).map_err(|error| self.tell(error))
    }

    /// The path by which people are told of a file: that in the pack's folder, or behind the name of the base that has it.
    pub(super) fn shown(&self, file: &LayerFile) -> String {
        match file.layer {
            0 => file.below.clone(),
            layer => format!("{}/{}", self.layers[layer].name, file.below),
        }
    }

    /// An error with the paths of bases as people are told them.
    pub(super) fn tell(&self, error: PackError) -> PackError {
        let bases: Vec<_> =
            self.layers.iter().skip(1).map(|layer| (layer.folder.as_path(), layer.name.as_str())).collect();
        renamed(&bases, error)
    }

    fn has(&self, layer: usize, below: &str) -> bool {
        let is_edited = layer == 0 && self.edited.contains_key(below);
        // A link that leads nowhere is there, and reading it says what is wrong with it.
        is_edited || self.layers[layer].folder.join(below).symlink_metadata().is_ok()
    }

    fn is_left_out(&self, layer: usize, below: &str) -> bool {
        self.layers[..layer].iter().any(|above| above.without.iter().any(|path| path == below))
    }

    fn file(&self, layer: usize, below: &str) -> LayerFile {
        LayerFile { layer, below: below.to_owned(), path: self.layers[layer].folder.join(below) }
    }

    /// Refuses a layer that leaves out what none below it has.
    fn look_for_what_is_left_out(&self) -> Result<(), PackError> {
        for (at, layer) in self.layers.iter().enumerate() {
            let is_there = |path: &str| {
                let is_path = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
                is_path && (at + 1..self.layers.len()).any(|below| self.layers[below].folder.join(path).is_file())
            };
            if let Some(path) = layer.without.iter().find(|path| !is_there(path)) {
                let why = format!(
                    "`without` leaves `{path}` out, and no pack below has such a file: take it out of the list, or correct it"
                );
                return Err(self.tell(refused(&layer.folder.join(PACK_FILE), &why)));
            }
        }
        Ok(())
    }
}

/// An error with the names of bases in place of their folders, the lowest first: it may lie in the others.
fn renamed(bases: &[(&Path, &str)], error: PackError) -> PackError {
    let path_of = |path: PathBuf| {
        let found = bases.iter().rev().find_map(|(folder, name)| Some((name, path.strip_prefix(folder).ok()?)));
        found.map(|(name, below)| Path::new(name).join(below)).unwrap_or(path)
    };
    match error {
        PackError::Io { what, source } => PackError::Io { what: path_of(what.into()).display().to_string(), source },
        PackError::Refused { path, why } => PackError::Refused { path: path_of(path), why },
        PackError::Component { path, why } => PackError::Component { path: path_of(path), why },
        PackError::Several(parts) => PackError::Several(parts.into_iter().map(|part| renamed(bases, part)).collect()),
        other => other,
    }
}
