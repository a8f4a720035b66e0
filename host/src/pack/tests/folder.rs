//! Pack folders for tests: the plugin of `guest.wat`, as a component.

use std::fs;
use std::path::{Path, PathBuf};

use tidegate_documents::Typesetter;
use wasm_encoder::{ComponentSection, CustomSection};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::config::PackKeys;
use crate::pack::Packs;
use crate::pack::manifest::SECTION;

/// The answer of `guest.wat` to `describe`.
/// Settings that take packs of anybody.
pub(super) const ANYBODY: PackKeys = PackKeys { keys: Vec::new(), allow_unsigned: true };

pub(super) const MANIFEST: &str = r#"{"name": "test", "version": "1.0.0", "crm": "xplan", "regions": ["AU"],
    "kinds": ["client"], "kinds_reading_as_of": [], "fields_read": [], "fields_written": [], "events": [],
    "rules_schema": {}}"#;

const PACK: &str = r#"
    name = "test-au"
    version = "0.1.0"
    plugin = "test"
    component = "component.wasm"
    crm = "xplan"
    region = "AU"
"#;

/// A pack folder and an engine to load it with.
pub(super) struct Bench {
    folder: tempfile::TempDir,
    pub(super) packs: Packs,
}

impl Bench {
    /// A pack whose plugin does `misbehave` on records of ids in `x`.
    pub(super) fn new(misbehave: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let packs = Packs::new(&folder.path().join("cache"), None, Typesetter::inside(None)).unwrap();
        let bench = Self { folder, packs };
        bench.write("component.wasm", &component(misbehave, MANIFEST));
        bench.write("pack.toml", PACK.as_bytes());
        bench.write("rules.toml", b"");
        bench
    }

    pub(super) fn pack(&self) -> PathBuf {
        self.of("test-au")
    }

    /// The folder of a pack of this name, beside the others.
    pub(super) fn of(&self, name: &str) -> PathBuf {
        self.folder.path().join("packs").join(name)
    }

    /// What stands around the packs' folder.
    pub(super) fn around(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    pub(super) fn write(&self, file: &str, bytes: &[u8]) {
        self.write_in("test-au", file, bytes);
    }

    /// Writes a file of a pack beside the others.
    pub(super) fn write_in(&self, pack: &str, file: &str, bytes: &[u8]) {
        let path = self.of(pack).join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// The reason why the pack is refused.
    pub(super) fn refusal(&self) -> String {
        match self.packs.load(&self.pack(), "resourceful") {
            Ok(_) => panic!("the pack was loaded"),
            Err(error) => error.to_string(),
        }
    }
}

/// The test plugin as a component with this manifest.
pub(super) fn component(misbehave: &str, manifest: &str) -> Vec<u8> {
    let text = include_str!("guest.wat").replace("MISBEHAVE", misbehave);
    from_module(wat::parse_str(text).unwrap(), manifest)
}

fn from_module(mut module: Vec<u8>, manifest: &str) -> Vec<u8> {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit/v1");
    let (package, _) = resolve.push_dir(&wit).unwrap();
    let world = resolve.select_world(&[package], Some("mapping")).unwrap();
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
    let mut component = ComponentEncoder::default().module(&module).unwrap().encode().unwrap();
    let section = CustomSection { name: SECTION.into(), data: manifest.as_bytes().into() };
    section.append_to_component(&mut component);
    component
}
