//! The way from a pack folder to a verified revision. Each step refuses with the reason; nothing is kept of a refused
//! pack.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Component as PathPart, Path};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::bindings::MappingPre;
use super::engine::Sandbox;
use super::files::{self, refused};
use super::gates::{Gate, Gates};
use super::instance::{Instance, Program};
use super::manifest::Manifest;
use super::rules::{self, Rules};
use super::templates::Templates;
use super::{ComponentError, PackError, Revision, Shared, component, convert, examples, fixtures, limits};
use crate::config::toml_words;
use crate::crm::Source;
use crate::domain::address::AddressForm;
use crate::domain::{CountryCode, RevisionDigest};

/// `pack.toml`: what the folder is, for people and for the host.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PackFile {
    /// The pack's name, and its folder's.
    pub(super) name: String,
    /// The version of its rules.
    pub(super) version: String,
    /// The plugin that the component is: its manifest's name.
    plugin: String,
    /// The component's file in the folder.
    component: String,
    /// The CRM it reads.
    pub(super) crm: String,
    /// ISO 3166-1 alpha-2 code of the region it is for.
    pub(super) region: String,
    /// The places where its rules tell how addresses of the region are written.
    address: Option<AddressPointers>,
}

/// Places in the rules, as JSON Pointers (RFC 6901): the host knows none of the rules' own names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AddressPointers {
    /// A table of states: codes with lists of spellings. None where the region's addresses have no state.
    states: Option<String>,
    /// A pattern of postcodes.
    postcode: Option<String>,
}

/// Loads a pack folder for a dialect: files, manifest, imports and contract version, component, rules, fixtures. Notes the
/// gates that it goes through.
///
/// # Errors
/// Returns what is wrong, with the file's path: of fixtures and templates all of it, else the first thing.
pub(super) fn load(shared: &Shared, folder: &Path, dialect: &str, gates: &mut Gates) -> Result<Revision, PackError> {
    let loaded = untested(shared, folder, dialect, gates);
    let revision = loaded.inspect_err(|error| gates.fail(folder, error))?;
    let mut wrong = Vec::new();
    for gate in [Gate::Examples, Gate::Fixtures, Gate::Templates] {
        gates.begin(gate);
        let found = match gate {
            Gate::Examples => examples::run(&revision, &fixtures::context(revision.region(), dialect)),
            Gate::Fixtures => fixtures::run(&revision, folder, fixtures::FIXTURES, dialect),
            _ => revision.templates.verify(&shared.typesetter, &shared.cache, folder),
        };
        found.iter().for_each(|error| gates.fail(folder, error));
        wrong.extend(found);
    }
    match <[PackError; 1]>::try_from(wrong) {
        Ok([error]) => Err(error),
        Err(none) if none.is_empty() => Ok(revision),
        Err(several) => Err(PackError::Several(several)),
    }
}

/// The JSON Schema of a pack's rules.
///
/// # Errors
/// Names the file that is missing, or is none of a pack.
pub(super) fn rules_schema(folder: &Path) -> Result<Value, PackError> {
    let pack = read_pack_file(folder)?;
    let path = folder.join(&pack.component);
    let bytes = files::read(folder, &path, limits::COMPONENT)?;
    let manifest = component::inspect(&bytes).map_err(|why| PackError::Component { path, why })?;
    Ok(manifest.rules_schema)
}

/// A pack folder's revision before it has shown what it makes of examples, fixtures and samples.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn untested(
    shared: &Shared,
    folder: &Path,
    dialect: &str,
    gates: &mut Gates,
) -> Result<Revision, PackError> {
    let Shared { sandbox, cache, typesetter } = shared;
    gates.begin(Gate::Folder);
    files::survey(folder)?;
    let pack = read_pack_file(folder)?;
    let path = folder.join(&pack.component);
    let of_component = |why| PackError::Component { path: path.clone(), why };
    gates.begin(Gate::Size);
    let bytes = files::read(folder, &path, limits::COMPONENT).map_err(|error| match error {
        PackError::Io { source, .. } if source.kind() == ErrorKind::NotFound => {
            of_component(ComponentError::Missing(source))
        }
        error => error,
    })?;
    gates.begin(Gate::Component);
    let manifest = component::inspect(&bytes).map_err(of_component)?;
    gates.pass(Gate::Imports);
    gates.pass(Gate::Contract);
    gates.begin(Gate::Manifest);
    check_against_manifest(&folder.join("pack.toml"), &pack, &manifest)?;
    gates.begin(Gate::Rules);
    let rules = rules::read(folder, dialect, &manifest.rules_schema)?;
    gates.begin(Gate::Templates);
    let templates = Templates::read(folder)?;

    gates.begin(Gate::Resources);
    let digest = blake3::hash(&bytes);
    let revision_digest = revision_digest(&digest, &pack.region, &rules, templates.digest());
    let not_usable = |error: wasmtime::Error| {
        of_component(ComponentError::NotCompiled(format!("it cannot be used: {error:#}"), error.into()))
    };
    let compiled = cache.component(&sandbox.engine, &bytes, &digest).map_err(not_usable)?;
    let linked = sandbox.linker.instantiate_pre(&compiled).and_then(MappingPre::new).map_err(not_usable)?;
    let program = Program { pre: linked, pack: pack.name.clone() };

    gates.begin(Gate::Rules);
    let sources = try_out(sandbox, &program, &manifest, &rules, &path)?;
    // Behind the rules' own problems: what rules lack that are not written yet is no fault of the pack's file.
    let address_form = address_form(&pack, &rules).map_err(|why| refused(&folder.join("pack.toml"), &why))?;
    Ok(Revision {
        sandbox: Arc::clone(sandbox),
        program,
        digest: revision_digest,
        pack,
        manifest,
        rules: rules.json,
        address_form,
        sources,
        component_bytes: bytes.len() as u64,
        templates,
        typesetter: typesetter.clone(),
    })
}

fn read_pack_file(folder: &Path) -> Result<PackFile, PackError> {
    let path = folder.join("pack.toml");
    if !path.exists() {
        let is = if folder.is_dir() { "it has no pack.toml" } else { "it is no folder" };
        let why = format!("{is}: a pack is a folder with pack.toml, rules.toml and its plugin's component");
        return Err(refused(folder, &why));
    }
    let text = files::read_text(folder, &path)?;
    let pack: PackFile = toml::from_str(&text).map_err(|e| refused(&path, &toml_words(&text, &e)))?;
    let mut parts = Path::new(&pack.component).components();
    if !matches!((parts.next(), parts.next()), (Some(PathPart::Normal(_)), None)) {
        return Err(refused(&path, "`component` is to be the name of a file in the pack's own folder"));
    }
    Ok(pack)
}

fn check_against_manifest(path: &Path, pack: &PackFile, manifest: &Manifest) -> Result<(), PackError> {
    let check = |is_right: bool, what: &str, here: &str, there: String| {
        let why = || format!("it says {what} `{here}`, and the component's manifest says {there}");
        if is_right { Ok(()) } else { Err(refused(path, &why())) }
    };
    check(pack.plugin == manifest.name, "plugin", &pack.plugin, format!("`{}`", manifest.name))?;
    check(pack.crm == manifest.crm, "crm", &pack.crm, format!("`{}`", manifest.crm))?;
    check(manifest.regions.contains(&pack.region), "region", &pack.region, format!("{:?}", manifest.regions))
}

/// The written form of the region's addresses, by the rules.
fn address_form(pack: &PackFile, rules: &Rules) -> Result<Option<AddressForm>, String> {
    let Some(pointers) = &pack.address else { return Ok(None) };
    let rules: Value = serde_json::from_str(&rules.json).map_err(|error| error.to_string())?;
    let at = |pointer: &str| rules.pointer(pointer).ok_or_else(|| format!("`{pointer}` leads to nothing in its rules"));
    let states: BTreeMap<String, Vec<String>> = match &pointers.states {
        Some(pointer) => Deserialize::deserialize(at(pointer)?)
            .map_err(|_| format!("`{pointer}` leads to no table of states with lists of spellings"))?,
        None => BTreeMap::new(),
    };
    let postcode = match &pointers.postcode {
        Some(pointer) => {
            let pattern = at(pointer)?.as_str().ok_or_else(|| format!("`{pointer}` leads to no pattern"))?;
            Some(pattern.to_owned())
        }
        None => None,
    };
    let country = CountryCode::try_from(pack.region.clone()).map_err(|error| error.to_string())?;
    Ok(Some(AddressForm { country, states: states.into_iter().collect(), postcode }))
}

/// Runs the component once: it has to tell the manifest that it carries, and to take the rules.
fn try_out(
    sandbox: &Sandbox,
    program: &Program,
    manifest: &Manifest,
    rules: &Rules,
    path: &Path,
) -> Result<Vec<Source>, PackError> {
    let mut instance = Instance::new(sandbox, program)?;
    let differences = manifest.differences(&convert::manifest(instance.describe()?));
    if !differences.is_empty() {
        let why = format!("`describe` differs from the section with its manifest in {}", differences.join(", "));
        return Err(PackError::Component { path: path.to_owned(), why: ComponentError::NotAsItSays(why) });
    }
    let sources = match (instance.configure(&rules.json)?, rules.missing.as_slice()) {
        (Ok(sources), []) => convert::sources(sources),
        (Ok(_), missing) => return Err(PackError::Rules(missing.to_vec())),
        (Err(problems), missing) => {
            // What the plugin misses is among what the schema does, with the line to write.
            let is_told = |line: &String| !missing.is_empty() && line.contains(": missing field `");
            let others = convert::rule_problems(problems).into_iter().filter(|line| !is_told(line));
            return Err(PackError::Rules(missing.iter().cloned().chain(others).collect()));
        }
    };
    if sources.iter().any(|source| !manifest.kinds.contains(&source.kind)) {
        return Err(refused(path, "`configure` asks for records of a kind that the manifest does not name"));
    }
    if let Some(why) = sources.iter().find_map(Source::unaskable) {
        return Err(PackError::Rules(vec![why]));
    }
    Source::nested(sources).map_err(|source| {
        let why = format!(
            "it reads {}s below `{}`, and no clients from there; one walk reads both",
            source.kind.as_str(),
            source.resource
        );
        refused(path, &why)
    })
}

/// Everything that decides what a raw record and an event become: the component's bytes, the rules' values, the region
/// and the templates.
fn revision_digest(
    component: &blake3::Hash,
    region: &str,
    rules: &Rules,
    templates: Option<blake3::Hash>,
) -> RevisionDigest {
    let rules = blake3::hash(format!("{region}\n{}", rules.whole).as_bytes());
    let mut hasher = blake3::Hasher::new();
    hasher.update(component.as_bytes()).update(rules.as_bytes());
    if let Some(templates) = templates {
        hasher.update(templates.as_bytes());
    }
    RevisionDigest(*hasher.finalize().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_its_component_rules_region_and_templates() {
        let id = |component: &str, region, json: &str, template: Option<&str>| {
            let templates = template.map(|text| blake3::hash(text.as_bytes()));
            let rules = Rules { whole: json.to_owned(), json: String::new(), missing: Vec::new() };
            revision_digest(&blake3::hash(component.as_bytes()), region, &rules, templates)
        };
        assert_eq!(id("a", "AU", "{}", None), id("a", "AU", "{}", None));
        let others =
            [("b", "AU", "{}", None), ("a", "NZ", "{}", None), ("a", "AU", "[]", None), ("a", "AU", "{}", Some("x"))];
        for (component, region, json, template) in others {
            assert_ne!(id("a", "AU", "{}", None), id(component, region, json, template));
        }
        assert_ne!(id("a", "AU", "{}", Some("x")), id("a", "AU", "{}", Some("y")));
    }
}
