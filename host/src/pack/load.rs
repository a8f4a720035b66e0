//! The way from a pack folder to a verified revision. Each step refuses with the reason; nothing is kept of a refused
//! pack.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::bindings::MappingPre;
use super::declared::{Declared, ExtensionPointers};
use super::engine::Sandbox;
use super::files::refused;
use super::gates::{Gate, Gates};
use super::instance::{Instance, Program};
use super::layers::Layers;
use super::manifest::Manifest;
use super::pack_file::{Mapper, PackFile};
use super::parts::PACK_FILE;
use super::rules::origins::Origins;
use super::rules::{self, Rules};
use super::templates::Templates;
use super::{
    ComponentError, PackError, Revision, Shared, component, convert, event_examples, events, examples, fixtures, limits,
};
use crate::crm::Source;
use crate::domain::address::AddressForm;
use crate::domain::{CountryCode, RevisionDigest};

/// Loads a pack folder for a dialect: files, manifest, imports and contract version, component, rules, fixtures. Notes the
/// gates that it goes through.
///
/// # Errors
/// Returns what is wrong, with the file's path: of fixtures and templates all of it, else the first thing.
pub(super) fn load(shared: &Shared, folder: &Path, dialect: &str, gates: &mut Gates) -> Result<Revision, PackError> {
    gates.begin(Gate::Folder);
    let layers = Layers::of(folder).inspect_err(|error| gates.fail(folder, error))?;
    let loaded = untested(shared, &layers, dialect, gates);
    let (revision, origins) = loaded.inspect_err(|error| gates.fail(folder, error))?;
    let mut wrong = Vec::new();
    for gate in [Gate::Events, Gate::Examples, Gate::Fixtures, Gate::Templates] {
        gates.begin(gate);
        let mut found = match gate {
            Gate::Events => event_examples::run(&revision, &layers, &fixtures::context(revision.region(), dialect)),
            Gate::Examples => examples::run(&revision, &fixtures::context(revision.region(), dialect)),
            Gate::Fixtures => fixtures::run(&revision, &layers, dialect),
            _ => revision.templates.verify(&shared.typesetter, &shared.cache, &layers),
        };
        if layers.are_several() {
            found = found.into_iter().map(|error| origins.name_files(&revision.rules, error)).collect();
        }
        found.iter().for_each(|error| gates.fail(folder, error));
        wrong.extend(found);
    }
    match <[PackError; 1]>::try_from(wrong) {
        Ok([error]) => Err(error),
        Err(none) if none.is_empty() => Ok(revision),
        Err(several) => Err(PackError::Several(several)),
    }
}

/// What a base is, as far as it can be told without a region: its files can be read, and its component, where it has one, is
/// what they say. What it makes of records shows in the packs that extend it.
///
/// # Errors
/// Returns what is wrong, with the file's path.
pub(super) fn check_base(layers: &Layers<'_>) -> Result<Option<Manifest>, PackError> {
    layers.survey()?;
    let mapper = layers.pack().mapper.as_ref();
    let manifest = mapper.map(|_| read_component(layers, &mut Gates::default()).map(|(manifest, ..)| manifest));
    let manifest = manifest.transpose()?;
    rules::read(layers, rules::PLAIN_DIALECT, &Value::Null)?;
    Templates::unsampled(layers)?;
    Ok(manifest)
}

/// The JSON Schema of a pack's rules.
///
/// # Errors
/// Names the file that is missing, or is none of a pack.
pub(super) fn rules_schema(folder: &Path) -> Result<Value, PackError> {
    let (manifest, ..) = read_component(&Layers::of(folder)?, &mut Gates::default())?;
    Ok(manifest.rules_schema)
}

/// A pack's component, held against what `pack.toml` says of it: its manifest, its bytes, and its file.
///
/// # Errors
/// Says what is wrong with the component, or that it is not the one that `pack.toml` names.
pub(super) fn read_component(
    layers: &Layers<'_>,
    gates: &mut Gates,
) -> Result<(Manifest, Vec<u8>, PathBuf), PackError> {
    let pack = layers.pack();
    let mapper = layers.mapper()?;
    let file = layers.first(&mapper.component).unwrap_or_else(|| layers.own(&mapper.component));
    let path = file.path.clone();
    let of_component = |why| layers.tell(PackError::Component { path: path.clone(), why });
    gates.begin(Gate::Size);
    let bytes = layers.bytes(&file, limits::COMPONENT).map_err(|error| match error {
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
    check_against_manifest(&layers.folder().join(PACK_FILE), pack.region.as_ref(), mapper, &manifest)?;
    Ok((manifest, bytes, path))
}

/// A pack folder's revision before it has shown what it makes of examples, fixtures and samples; and where its rules are from.
///
/// # Errors
/// The first thing that is wrong.
pub(super) fn untested(
    shared: &Shared,
    layers: &Layers<'_>,
    dialect: &str,
    gates: &mut Gates,
) -> Result<(Revision, Origins), PackError> {
    let Shared { sandbox, cache, typesetter } = shared;
    layers.survey()?;
    let pack = layers.pack().clone();
    let pack_file = layers.folder().join(PACK_FILE);
    let Some(region) = pack.region.clone() else {
        gates.begin(Gate::Connection);
        let why = format!(
            "`{}` is a base: it has no `region`; choose a pack that extends it, or write one that does",
            pack.name
        );
        return Err(refused(&pack_file, &why));
    };
    let (manifest, bytes, path) = read_component(layers, gates)?;
    let of_component = |why| layers.tell(PackError::Component { path: path.clone(), why });
    gates.begin(Gate::Rules);
    let rules = rules::read(layers, dialect, &manifest.rules_schema)?;
    gates.begin(Gate::Events);
    let texts = events::texts(layers)?;
    let refused_for = |wrong: Vec<events::Misfit>| PackError::Several(events::refusals(layers, &wrong));
    let events = events::read(&texts).map_err(refused_for)?;
    gates.begin(Gate::Templates);
    let templates = Templates::read(layers)?;
    gates.begin(Gate::Events);
    let misfits = events::beside(&events, &rules.notes(), &manifest.events, &templates.events());
    if !misfits.is_empty() {
        return Err(refused_for(misfits));
    }

    gates.begin(Gate::Resources);
    let digest = blake3::hash(&bytes);
    let others = [templates.digest(), events.digest()];
    let revision_digest = revision_digest(&digest, (&region, pack.extensions.as_ref()), &rules, &others);
    let not_usable = |error: wasmtime::Error| {
        of_component(ComponentError::NotCompiled(format!("it cannot be used: {error:#}"), error.into()))
    };
    let compiled = cache.component(&sandbox.engine, &bytes, &digest).map_err(not_usable)?;
    let linked = sandbox.linker.instantiate_pre(&compiled).and_then(MappingPre::new).map_err(not_usable)?;
    let program = Program { pre: linked, pack: pack.name.clone() };

    gates.begin(Gate::Rules);
    let sources = try_out(sandbox, &program, &manifest, &rules, &path).map_err(|error| match layers.are_several() {
        true => layers.tell(rules.origins.name_files(&rules.json, error)),
        false => error,
    })?;
    // Behind the rules' own problems: what rules lack that are not written yet is no fault of the pack's file.
    let address_form = address_form(&pack, &region, &rules).map_err(|why| refused(&pack_file, &why))?;
    let declared = Declared::read(pack.extensions.as_ref(), &rules.json).map_err(|why| refused(&pack_file, &why))?;
    let revision = Revision {
        sandbox: Arc::clone(sandbox),
        program,
        digest: revision_digest,
        pack,
        region,
        manifest,
        rules: rules.json,
        address_form,
        declared,
        sources,
        component_bytes: bytes.len() as u64,
        events: Arc::new(events),
        templates,
        typesetter: typesetter.clone(),
    };
    Ok((revision, rules.origins))
}

fn check_against_manifest(
    path: &Path,
    region: Option<&String>,
    mapper: &Mapper,
    manifest: &Manifest,
) -> Result<(), PackError> {
    let check = |is_right: bool, what: &str, here: &str, there: String| {
        let why = || format!("it says {what} `{here}`, and the component's manifest says {there}");
        if is_right { Ok(()) } else { Err(refused(path, &why())) }
    };
    check(mapper.plugin == manifest.name, "plugin", &mapper.plugin, format!("`{}`", manifest.name))?;
    check(mapper.crm == manifest.crm, "crm", &mapper.crm, format!("`{}`", manifest.crm))?;
    let Some(region) = region else { return Ok(()) };
    let is_served = manifest.regions.is_empty() || manifest.regions.contains(region);
    check(is_served, "region", region, format!("{:?}", manifest.regions))
}

/// The written form of the region's addresses, by the rules.
fn address_form(pack: &PackFile, region: &str, rules: &Rules) -> Result<Option<AddressForm>, String> {
    let country = CountryCode::try_from(region.to_owned()).map_err(|error| format!("`region`: {error}"))?;
    let Some(pointers) = &pack.address else { return Ok(None) };
    let rules: Value = serde_json::from_str(&rules.json).map_err(|error| error.to_string())?;
    let at = |pointer: &str| rules.pointer(pointer).ok_or_else(|| format!("`{pointer}` leads to nothing in its rules"));
    let states: BTreeMap<String, Vec<String>> = match &pointers.states {
        Some(pointer) => Deserialize::deserialize(at(pointer)?)
            .map_err(|_| format!("`{pointer}` leads to no table of states with lists of spellings"))?,
        None => BTreeMap::new(),
    };
    let postcodes = match &pointers.postcode {
        Some(pointer) => {
            let wrong = || format!("`{pointer}` leads to no pattern, and to no list of patterns");
            match at(pointer)? {
                Value::String(pattern) => vec![pattern.clone()],
                patterns => Deserialize::deserialize(patterns).map_err(|_| wrong())?,
            }
        }
        None => Vec::new(),
    };
    let any_state = match &pointers.any_state {
        Some(pointer) => {
            at(pointer)?.as_bool().ok_or_else(|| format!("`{pointer}` leads to neither true nor false"))?
        }
        None => false,
    };
    Ok(Some(AddressForm { country, states: states.into_iter().collect(), any_state, postcodes }))
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

/// Everything that decides what a raw record and an event become, and who sees it: the component's bytes, the rules' values,
/// the region, the places of the declarations, and the digests of what else there is, templates and events.
fn revision_digest(
    component: &blake3::Hash,
    (region, extensions): (&str, Option<&ExtensionPointers>),
    rules: &Rules,
    others: &[Option<blake3::Hash>],
) -> RevisionDigest {
    // Where the rules declare what is sensitive decides what is shown.
    let extensions = extensions.map(|pointers| format!("\n{}", pointers.places())).unwrap_or_default();
    let rules = blake3::hash(format!("{region}{extensions}\n{}", rules.whole).as_bytes());
    let mut hasher = blake3::Hasher::new();
    hasher.update(component.as_bytes()).update(rules.as_bytes());
    for other in others.iter().flatten() {
        hasher.update(other.as_bytes());
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
            let rules =
                Rules { whole: json.to_owned(), json: String::new(), missing: Vec::new(), origins: Origins::default() };
            revision_digest(&blake3::hash(component.as_bytes()), (region, None), &rules, &[templates, None])
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
