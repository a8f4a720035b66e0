//! `pack.toml`: what a pack's folder is, and what it takes from its base.

use std::path::{Component as PathPart, Path};

use serde::Deserialize;

use super::PackError;
use super::declared::ExtensionPointers;
use super::files::{self, refused};
use super::parts::{PACK_FILE, is_stray};
use crate::config::toml_words;

/// The most letters of a pack's name, and of its version.
const LONGEST_NAME: usize = 60;
const LONGEST_VERSION: usize = 40;

/// `pack.toml` as one layer has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OwnPackFile {
    /// The pack's name, and its folder's.
    pub(super) name: String,
    /// The version of its rules.
    pub(super) version: String,
    /// The pack that it extends: its base's name.
    pub(super) extends: Option<String>,
    /// The files of its bases that it is not to have, by their paths in the folder.
    #[serde(default)]
    pub(super) without: Vec<String>,
    /// See [`PackFile`] for these; what is left out is the base's.
    plugin: Option<String>,
    component: Option<String>,
    crm: Option<String>,
    region: Option<String>,
    address: Option<AddressPointers>,
    extensions: Option<ExtensionPointers>,
}

/// What a pack is, with what it takes from its bases.
#[derive(Clone, Debug)]
pub(super) struct PackFile {
    /// The pack's name, and its folder's.
    pub(super) name: String,
    /// The version of its rules.
    pub(super) version: String,
    /// The component that it maps with; none of a base that holds what packs of several CRMs have in common.
    pub(super) mapper: Option<Mapper>,
    /// ISO 3166-1 alpha-2 code of the region it is for; none of a base.
    pub(super) region: Option<String>,
    /// The places where its rules tell how addresses of the region are written.
    pub(super) address: Option<AddressPointers>,
    /// The places where its rules declare the fields that they add to records.
    pub(super) extensions: Option<ExtensionPointers>,
}

/// What a pack's component is to be.
#[derive(Clone, Debug)]
pub(super) struct Mapper {
    /// The plugin that the component is: its manifest's name.
    pub(super) plugin: String,
    /// The component's file in the folder of one of its layers.
    pub(super) component: String,
    /// The CRM it reads.
    pub(super) crm: String,
}

/// Places in the rules, as JSON Pointers (RFC 6901): the host knows none of the rules' own names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddressPointers {
    /// A table of states: codes with lists of spellings. None where the region's addresses have no state.
    pub(super) states: Option<String>,
    /// A pattern of postcodes, or a list of several.
    pub(super) postcode: Option<String>,
    /// Whether states are taken as they are written: true or false.
    pub(super) any_state: Option<String>,
}

impl OwnPackFile {
    /// Reads the file of a folder.
    ///
    /// # Errors
    /// Says what is wrong with it, or that the folder is none of a pack.
    pub(super) fn read(folder: &Path) -> Result<Self, PackError> {
        let path = folder.join(PACK_FILE);
        if folder.is_symlink() {
            folder.canonicalize().map_err(|error| files::unfollowed(folder, error))?;
        }
        if !path.exists() {
            let is = if folder.is_dir() { "it has no pack.toml" } else { "it is no folder" };
            let why = format!("{is}: a pack is a folder with pack.toml, rules.toml and its plugin's component");
            return Err(refused(folder, &why));
        }
        let text = files::read_text(folder, &path)?;
        let pack: Self = toml::from_str(&text).map_err(|e| refused(&path, &toml_words(&text, &e)))?;
        let is_name = |text: &str, most: usize, also: &[char]| {
            let fits = |letter: char| letter.is_ascii_alphanumeric() || also.contains(&letter);
            (1..=most).contains(&text.len())
                && text.starts_with(|first: char| first.is_ascii_alphanumeric())
                && text.chars().all(fits)
        };
        if !is_name(&pack.name, LONGEST_NAME, &['-', '_', '.']) {
            let why = format!(
                "`name` is to be letters, digits, hyphens, underscores and full stops, {LONGEST_NAME} at most, such as acme-za"
            );
            return Err(refused(&path, &why));
        }
        if !is_name(&pack.version, LONGEST_VERSION, &['-', '_', '.', '+']) {
            let why =
                format!("`version` is to be letters, digits and `.-_+`, {LONGEST_VERSION} at most, such as 1.2.0");
            return Err(refused(&path, &why));
        }
        let is_file_name = |name: &str| {
            let mut parts = Path::new(name).components();
            matches!((parts.next(), parts.next()), (Some(PathPart::Normal(_)), None))
        };
        if !pack.component.as_deref().is_none_or(is_file_name) {
            return Err(refused(&path, "`component` is to be the name of a file in the pack's own folder"));
        }
        if !pack.extends.as_deref().is_none_or(|base| is_file_name(base) && !is_stray(base.as_ref())) {
            return Err(refused(&path, "`extends` is to be the name of a pack, such as extends = \"acme-base\""));
        }
        Ok(pack)
    }

    /// The pack as a whole, with what it takes from its bases, the nearest first.
    ///
    /// # Errors
    /// Says what is written in none of them. A base may leave all of a component out, and no part of it.
    pub(super) fn with_bases(self, path: &Path, bases: &[Self]) -> Result<PackFile, PackError> {
        fn first<'a>(own: &'a Option<String>, of: impl Iterator<Item = &'a Option<String>>) -> Option<String> {
            std::iter::once(own).chain(of).flatten().next().cloned()
        }
        let needed = |key: &str, value: Option<String>| {
            let why = || match &self.extends {
                Some(base) => format!("it has no `{key}`, nor has its base `{base}`"),
                None => format!("it has no `{key}`"),
            };
            value.ok_or_else(|| refused(path, &why()))
        };
        let addresses = std::iter::once(&self.address).chain(bases.iter().map(|base| &base.address)).flatten();
        let address = addresses.cloned().reduce(|own, below| AddressPointers {
            states: own.states.or(below.states),
            postcode: own.postcode.or(below.postcode),
            any_state: own.any_state.or(below.any_state),
        });
        let declarations = std::iter::once(&self.extensions).chain(bases.iter().map(|base| &base.extensions)).flatten();
        let extensions = declarations.cloned().reduce(ExtensionPointers::over);
        let plugin = first(&self.plugin, bases.iter().map(|base| &base.plugin));
        let component = first(&self.component, bases.iter().map(|base| &base.component));
        let crm = first(&self.crm, bases.iter().map(|base| &base.crm));
        let has_none = plugin.is_none() && component.is_none() && crm.is_none();
        let mapper = if has_none && self.region.is_none() {
            None
        } else {
            let (plugin, component) = (needed("plugin", plugin)?, needed("component", component)?);
            Some(Mapper { plugin, component, crm: needed("crm", crm)? })
        };
        Ok(PackFile {
            mapper,
            name: self.name,
            version: self.version,
            // A region is the pack's own: a base has none, and what extends a pack of a region is for another, or says so.
            region: self.region,
            address,
            extensions,
        })
    }

    /// The CRM that it says it reads itself.
    pub(super) fn own_crm(&self) -> Option<&str> {
        self.crm.as_deref()
    }
}
