//! Makes a core module, as rustc leaves it, the component that a pack carries.
//!
//! The plugin's manifest is a custom section of the core module, put there by the SDK. It is moved to the
//! component's top level, so that a host reads it without running or unpacking anything.

use anyhow::{Context, Result, bail};
use wasm_encoder::{ComponentSection, CustomSection, Module, RawSection};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

/// The custom section that holds the manifest as JSON; `wit/v1/mapper.wit` says what is in it.
const MANIFEST: &str = "tidegate:manifest";

/// The component of a core module. Fails where the module does not fit its world or carries no manifest.
pub fn from_module(module: &[u8]) -> Result<Vec<u8>> {
    let manifest = manifest(module)?;
    let mut component = ComponentEncoder::default()
        .validate(true)
        .module(&without_manifest(module)?)
        .and_then(|mut encoder| encoder.encode())
        .context("the module does not make a component of the world it was built for")?;
    append(&mut component, manifest);
    Ok(component)
}

/// A component that another tool made, as of JavaScript, with a plugin's manifest. Fails where it is no component, or the
/// manifest not one JSON object.
pub fn with_manifest(component: &[u8], manifest: &[u8]) -> Result<Vec<u8>> {
    if !Parser::is_component(component) {
        bail!("what was made is no WebAssembly component");
    }
    check_manifest(manifest)?;
    let mut whole = component.to_vec();
    append(&mut whole, manifest);
    Ok(whole)
}

fn append(component: &mut Vec<u8>, manifest: &[u8]) {
    CustomSection { name: MANIFEST.into(), data: manifest.into() }.append_to_component(component);
}

/// The manifest's bytes in a core module, checked to be one JSON object.
fn manifest(module: &[u8]) -> Result<&[u8]> {
    for payload in Parser::new(0).parse_all(module) {
        match payload.context("the module is not WebAssembly")? {
            Payload::CustomSection(section) if section.name() == MANIFEST => {
                check_manifest(section.data())?;
                return Ok(section.data());
            }
            _ => {}
        }
    }
    bail!("the module has no custom section `{MANIFEST}`: the SDK's macro writes it, so export the plugin with it")
}

/// Fails where a manifest is not one JSON object.
fn check_manifest(manifest: &[u8]) -> Result<()> {
    let json: serde_json::Value = serde_json::from_slice(manifest).context("the plugin's manifest is not JSON")?;
    if !json.is_object() {
        bail!("the plugin's manifest is not a JSON object");
    }
    Ok(())
}

/// The core module without the section that holds the manifest.
fn without_manifest(module: &[u8]) -> Result<Vec<u8>> {
    let mut kept = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload.context("the module is not WebAssembly")? {
            Payload::CustomSection(section) if section.name() == MANIFEST => {}
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    kept.section(&RawSection { id, data: &module[range] });
                }
            }
        }
    }
    Ok(kept.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn module(manifest: Option<&[u8]>) -> Vec<u8> {
        let mut module = Module::new();
        if let Some(data) = manifest {
            module.section(&CustomSection { name: MANIFEST.into(), data: data.into() });
        }
        module.finish()
    }

    #[test]
    fn the_manifest_stands_at_the_top_of_the_component() {
        let component = from_module(&module(Some(br#"{"name":"x"}"#))).unwrap();
        let mut depth = 0;
        let mut found = Vec::new();
        for payload in Parser::new(0).parse_all(&component) {
            match payload.unwrap() {
                Payload::ModuleSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::CustomSection(section) if section.name() == MANIFEST => {
                    found.push((depth, section.data().to_vec()));
                }
                _ => {}
            }
        }
        assert_eq!(found, [(0, br#"{"name":"x"}"#.to_vec())], "there, and nowhere else");
        wasmparser::Validator::new().validate_all(&component).unwrap();
    }

    #[test]
    fn a_component_of_another_tool_gets_its_manifest() {
        let bare = ComponentEncoder::default().module(&Module::new().finish()).unwrap().encode().unwrap();
        let component = with_manifest(&bare, br#"{"name":"x"}"#).unwrap();
        wasmparser::Validator::new().validate_all(&component).unwrap();
        assert!(component.starts_with(&bare) && component.len() > bare.len());
        let refused = |bytes: &[u8], manifest: &[u8]| format!("{:#}", with_manifest(bytes, manifest).unwrap_err());
        assert!(refused(&Module::new().finish(), b"{}").contains("no WebAssembly component"));
        assert!(refused(&bare, b"[]").contains("not a JSON object"));
    }

    #[test]
    fn what_is_wrong_with_a_manifest_is_said() {
        let check = |manifest: Option<&[u8]>, expected: &str| {
            let error = format!("{:#}", from_module(&module(manifest)).unwrap_err());
            assert!(error.contains(expected), "{error}");
        };
        check(None, "has no custom section");
        check(Some(b"{"), "is not JSON");
        check(Some(b"[]"), "is not a JSON object");
    }
}
