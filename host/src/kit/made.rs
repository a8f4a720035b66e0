//! New packs: a folder that works at once, to be gone on from.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::carried;
use super::contract_types;
use crate::crm::registry::Registry;
use crate::domain::CountryCode;

/// What a pack's plugin is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Language {
    /// Tables alone, on the component of another pack.
    Tables,
    /// A crate.
    Rust,
    /// A package for Node.js.
    TypeScript,
}

/// A pack that is to be made.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name, its plugin's and its folder's.
    pub name: String,
    /// The CRM that it reads.
    pub crm: String,
    /// The region that it is for, ISO 3166-1 alpha-2.
    pub region: String,
    /// What it is written in.
    pub language: Language,
    /// The folder in which its own is made.
    pub inside: PathBuf,
}

/// A pack that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// Its folder.
    pub folder: PathBuf,
    /// The files in it that its author goes on from.
    pub files: Vec<String>,
}

/// A file of a template: its path in the new folder, and its text.
type Template = (&'static str, &'static str);

/// What the packs of plugins begin with, whatever those are written in.
const PLUGIN: &[Template] = &[
    ("manifest.json", include_str!("templates/plugin/manifest.json")),
    ("pack/pack.toml", include_str!("templates/plugin/pack.toml")),
    ("pack/rules.toml", include_str!("templates/plugin/rules.toml")),
    ("pack/fixtures/client.json", include_str!("templates/plugin/fixtures/client.json")),
    ("pack/fixtures/not-json.json", include_str!("templates/plugin/fixtures/not-json.json")),
];
const RUST: &[Template] = &[
    ("README.md", include_str!("templates/rust/README.md")),
    ("Cargo.toml", include_str!("templates/rust/Cargo.toml")),
    ("src/lib.rs", include_str!("templates/rust/lib.rs")),
    (".gitignore", include_str!("templates/rust/gitignore")),
];
const TYPESCRIPT: &[Template] = &[
    ("README.md", include_str!("templates/typescript/README.md")),
    ("package.json", include_str!("templates/typescript/package.json")),
    ("tsconfig.json", include_str!("templates/typescript/tsconfig.json")),
    ("src/mapping.ts", include_str!("templates/typescript/mapping.ts")),
    (".gitignore", include_str!("templates/typescript/gitignore")),
];

/// The names of crates that a plugin's own may not have.
const TAKEN: [&str; 8] = ["alloc", "core", "proc-macro", "serde", "serde-json", "std", "test", "tidegate-sdk"];

/// The most letters of a name.
const LONGEST: usize = 50;

/// Makes a pack's folder, whole or not at all.
///
/// # Errors
/// Says which of the names cannot be used, or what stands in the way; nothing that is there is changed.
pub fn make(wanted: &Wanted) -> Result<Made> {
    check_name(&wanted.name)?;
    let region = wanted.region.to_ascii_uppercase();
    let known = CountryCode::try_from(region.clone());
    known.map_err(|error| {
        anyhow::anyhow!("--region {}: {error}; it is to be a country's code, such as ZA", wanted.region)
    })?;
    if Registry::BUILT_IN.find(&wanted.crm).is_none() {
        let known: Vec<&str> = Registry::BUILT_IN.all().map(|kind| kind.name).collect();
        bail!("--crm {}: this program knows no such CRM; it knows {}", wanted.crm, known.join(", "));
    }
    let folder = std::path::absolute(&wanted.inside)?.join(&wanted.name);
    if folder.exists() {
        bail!(
            "{}: there is something already; nothing was changed. Name another, or another folder with --in",
            folder.display()
        );
    }
    let filled = |(path, text): &Template| {
        let text =
            text.replace("{{NAME}}", &wanted.name).replace("{{CRM}}", &wanted.crm).replace("{{REGION}}", &region);
        ((*path).to_owned(), text)
    };
    let own: Vec<(String, String)> = templates(wanted.language).into_iter().map(filled).collect();
    let files = own.iter().map(|(path, _)| path.clone()).collect();
    let written = write(&folder, &own).and_then(|()| carry(&folder, wanted.language));
    if written.is_err() {
        // It was not there before.
        drop(fs::remove_dir_all(&folder));
    }
    written.map(|()| Made { folder, files })
}

fn templates(language: Language) -> Vec<&'static Template> {
    let of = match language {
        Language::Tables => &[],
        Language::Rust => RUST,
        Language::TypeScript => TYPESCRIPT,
    };
    of.iter().chain(PLUGIN).collect()
}

/// Writes the SDK beside a plugin's source.
fn carry(folder: &Path, language: Language) -> Result<()> {
    let sdk = folder.join("sdk");
    match language {
        Language::Tables => Ok(()),
        Language::Rust => {
            write(&sdk, &carried::rust()?)?;
            write(folder, &[("Cargo.lock".to_owned(), carried::lock()?)])
        }
        Language::TypeScript => {
            let contract = carried::CONTRACT.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
            write(&sdk, &contract.collect::<Vec<_>>())?;
            let types = contract_types::declarations(&sdk.join("wit/v1"))?;
            write(&sdk, &[("index.ts".to_owned(), carried::TYPESCRIPT.to_owned()), ("contract.d.ts".to_owned(), types)])
        }
    }
}

fn write(folder: &Path, files: &[(String, String)]) -> Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        let named = || path.display().to_string();
        fs::create_dir_all(path.parent().unwrap_or(folder)).with_context(named)?;
        fs::write(&path, text).with_context(named)?;
    }
    Ok(())
}

/// A name that a folder, a crate, a package and a pack can have alike.
fn check_name(name: &str) -> Result<()> {
    let is_letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let is_one = name.len() <= LONGEST
        && name.chars().all(is_letter)
        && name.starts_with(|letter: char| letter.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--");
    if !is_one {
        bail!(
            "`{}` is no name of a pack: it begins with a small letter, goes on with small letters, digits and single hyphens, ends \
             with no hyphen, and has {LONGEST} letters at most, such as acme-za",
            name.escape_debug()
        );
    }
    if TAKEN.contains(&name) {
        bail!("`{name}` is the name of a library that plugins use; name the pack otherwise, such as acme-{name}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(name: &str, language: Language, inside: &Path) -> Wanted {
        let (name, crm, region) = (name.to_owned(), "xplan".to_owned(), "za".to_owned());
        Wanted { name, crm, region, language, inside: inside.to_owned() }
    }

    #[test]
    fn nothing_of_a_template_is_left_open() {
        let folder = tempfile::tempdir().unwrap();
        for (name, language) in [("acme-za", Language::Rust), ("acme-ts", Language::TypeScript)] {
            let made = make(&wanted(name, language, folder.path())).unwrap();
            for file in &made.files {
                let text = fs::read_to_string(made.folder.join(file)).unwrap();
                assert!(!text.contains("{{"), "{file}: {text}");
                assert!(!file.ends_with("manifest.json") || text.contains("\"regions\": [\"ZA\"]"), "{text}");
            }
        }
        assert!(folder.path().join("acme-ts/sdk/contract.d.ts").is_file());
        assert!(folder.path().join("acme-za/sdk/plugins/sdk/src/lib.rs").is_file());
    }

    #[test]
    fn what_cannot_be_made_is_said_and_nothing_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let check = |wanted: Wanted, expected: &str| {
            let error = format!("{:#}", make(&wanted).unwrap_err());
            assert!(error.contains(expected), "{error}");
        };
        let rust = |name: &str| wanted(name, Language::Rust, folder.path());
        for name in ["", "Acme", "acme_za", "../acme", "-acme", "acme-", "9acme", "a--b", &"a".repeat(51)] {
            check(rust(name), "is no name of a pack");
        }
        check(rust("serde"), "the name of a library");
        check(Wanted { region: "ZZ".to_owned(), ..rust("acme") }, "--region ZZ");
        check(Wanted { crm: "abacus".to_owned(), ..rust("acme") }, "it knows xplan");
        fs::write(folder.path().join("acme"), "mine").unwrap();
        check(rust("acme"), "nothing was changed");
        assert_eq!(fs::read_to_string(folder.path().join("acme")).unwrap(), "mine");
    }
}
