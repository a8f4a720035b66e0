//! The facts of a component that can be told from its bytes, before anything is compiled or run: its imports, the
//! version of the contract it was built for, its size, its manifest.

use wasmparser::{Encoding, Parser, Payload};

use super::bindings::VERSION;
use super::manifest::{Manifest, SECTION};
use super::{ComponentError, limits};

/// The contract's package, as it stands before the interfaces' names.
const PACKAGE: &str = "tidegate:mapping/";

/// The interfaces that a component may import.
const IMPORTS: [&str; 2] = ["log", "phone"];

/// The interface that a component has to export.
const EXPORT: &str = "mapper";

/// Reads a component's manifest and checks what can be checked without running it.
///
/// # Errors
/// The reason why the component is refused, and what would be right.
pub(super) fn inspect(bytes: &[u8]) -> Result<Manifest, ComponentError> {
    let mut found = Found::default();
    // How deep inside nested modules and components the parser is; imports and exports count at the top only.
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(damaged)?;
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } if depth == 0 => {
                let message = "it is a bare WebAssembly module, not a component: build it with `tidegate pack build`";
                return Err(ComponentError::NotAComponent(message.to_owned(), None));
            }
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CodeSectionEntry(body) => found.count_code(body.range().len())?,
            payload if depth == 0 => found.note(payload)?,
            _ => {}
        }
    }
    found.into_manifest()
}

#[derive(Default)]
struct Found<'a> {
    code: usize,
    manifest: Option<&'a [u8]>,
    exports_mapper: bool,
}

impl<'a> Found<'a> {
    fn count_code(&mut self, function: usize) -> Result<(), ComponentError> {
        self.code += function;
        if function > limits::FUNCTION_CODE || self.code > limits::CODE {
            return Err(ComponentError::TooLarge(format!(
                "it has too much code to be compiled safely: at most {} kB, and {} kB in one function",
                limits::CODE >> 10,
                limits::FUNCTION_CODE >> 10,
            )));
        }
        Ok(())
    }

    fn note(&mut self, payload: Payload<'a>) -> Result<(), ComponentError> {
        match payload {
            Payload::CustomSection(section) if section.name() == SECTION => self.manifest = Some(section.data()),
            Payload::ComponentImportSection(imports) => {
                for import in imports {
                    check_import(import.map_err(damaged)?.name.name)?;
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports {
                    let name = export.map_err(damaged)?.name.name;
                    if let Some(version) = version_of(name, EXPORT) {
                        check_version(version)?;
                        self.exports_mapper = true;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn into_manifest(self) -> Result<Manifest, ComponentError> {
        if !self.exports_mapper {
            let message = format!("it does not export `{PACKAGE}{EXPORT}`: it is no mapping plugin");
            return Err(ComponentError::OfAnotherContract(message));
        }
        let none =
            || ComponentError::OfAnotherContract(format!("it has no section `{SECTION}`: build it with the SDK"));
        Manifest::parse(self.manifest.ok_or_else(none)?)
    }
}

fn damaged(error: wasmparser::BinaryReaderError) -> ComponentError {
    let message = match error.message().starts_with("magic header not detected") {
        true => "it is no WebAssembly component: build it with `tidegate pack build`, or copy it again".to_owned(),
        false => format!("the file is damaged or was cut short ({error}): copy it again"),
    };
    ComponentError::NotAComponent(message, Some(Box::new(error)))
}

fn check_import(name: &str) -> Result<(), ComponentError> {
    match IMPORTS.into_iter().find_map(|interface| version_of(name, interface)) {
        Some(version) => check_version(version),
        None => Err(ComponentError::AsksForMore(format!(
            "it imports `{}`, and a plugin may import `{PACKAGE}log` and `{PACKAGE}phone` only: no files, network, \
             clock or randomness",
            name.escape_debug(),
        ))),
    }
}

/// The version behind `tidegate:mapping/<interface>@`, where `name` is that.
fn version_of<'a>(name: &'a str, interface: &str) -> Option<&'a str> {
    name.strip_prefix(PACKAGE)?.strip_prefix(interface)?.strip_prefix('@')
}

/// A later minor version may have more than this host knows; another major version is another contract.
fn check_version(text: &str) -> Result<(), ComponentError> {
    let mut numbers = text.splitn(3, '.').map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor)), Some(Ok(_))) = (numbers.next(), numbers.next(), numbers.next()) else {
        let message = format!("it was built for the contract's version `{}`, which is none", text.escape_debug());
        return Err(ComponentError::OfAnotherContract(message));
    };
    let (own_major, own_minor, _) = VERSION;
    if major == own_major && minor <= own_minor {
        return Ok(());
    }
    Err(ComponentError::OfAnotherContract(format!(
        "it needs version {major}.{minor} of the contract, this host has {own_major}.{own_minor}: take the pack that \
         was made for this host, or the host that the pack was made for"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_beyond_the_contract_are_named() {
        let check = |name: &str, expected: Option<&str>| match (check_import(name), expected) {
            (Ok(()), None) => {}
            (Err(said), Some(expected)) => assert!(said.to_string().contains(expected), "{said}"),
            (answer, _) => panic!("{name}: {answer:?}"),
        };
        check("tidegate:mapping/log@1.0.0", None);
        check("tidegate:mapping/phone@1.0.3", None);
        check("tidegate:mapping/phone@1.2.0", Some("needs version 1.2 of the contract, this host has 1.0"));
        check("tidegate:mapping/log@2.0.0", Some("needs version 2.0"));
        check("tidegate:mapping/log@x", Some("which is none"));
        check("tidegate:mapping/clock@1.0.0", Some("imports `tidegate:mapping/clock@1.0.0`"));
        check("wasi:sockets/tcp@0.2.0", Some("imports `wasi:sockets/tcp@0.2.0`"));
    }
}
