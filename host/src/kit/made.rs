//! New packs: a folder that works at once, to be gone on from.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use jiff::civil::Date;

use super::carried;
use super::contract_types;
use crate::config::packs_beside_binary;
use crate::crm::registry::Registry;
use crate::domain::CountryCode;
use crate::pack;

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
    /// The base that tables extend, and the folders of packs in which it is looked for.
    pub base: Base,
    /// The region's currency, where somebody says it; needed for tables of regions that this program does not know.
    pub currency: Option<String>,
    /// The region's time zone, likewise.
    pub time_zone: Option<String>,
}

/// The base that a pack of tables extends.
#[derive(Clone, Debug)]
pub struct Base {
    /// Its name.
    pub name: String,
    /// The folder of packs that it is taken from, where it does not lie beside the new pack.
    pub packs: PathBuf,
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
const TABLES: &[Template] = &[
    ("README.md", include_str!("templates/tables/README.md")),
    ("pack.toml", include_str!("templates/tables/pack.toml")),
    ("rules.toml", include_str!("templates/tables/rules.toml")),
    ("fixtures/client.json", include_str!("templates/tables/fixtures/client.json")),
    ("documents/region.typ", include_str!("templates/tables/documents/region.typ")),
    ("documents/best-life-plan.exported.json", include_str!("templates/tables/documents/best-life-plan.exported.json")),
    (
        "documents/investment-preferences.exported.json",
        include_str!("templates/tables/documents/investment-preferences.exported.json"),
    ),
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

/// Regions with their currency (ISO 4217), their time zone (where most people live), and the digits with which mobile numbers
/// begin behind the country code. A start that an author checks.
const REGIONS: [(&str, &str, &str, &str); 14] = [
    ("AU", "AUD", "Australia/Sydney", "4"),
    ("BW", "BWP", "Africa/Gaborone", "7"),
    ("CH", "CHF", "Europe/Zurich", "7"),
    ("GB", "GBP", "Europe/London", "7"),
    ("HK", "HKD", "Asia/Hong_Kong", "569"),
    ("IE", "EUR", "Europe/Dublin", "8"),
    ("IN", "INR", "Asia/Kolkata", "6789"),
    ("KE", "KES", "Africa/Nairobi", "17"),
    ("MT", "EUR", "Europe/Malta", "79"),
    ("MY", "MYR", "Asia/Kuala_Lumpur", "1"),
    ("NA", "NAD", "Africa/Windhoek", "8"),
    ("NZ", "NZD", "Pacific/Auckland", "2"),
    ("SG", "SGD", "Asia/Singapore", "89"),
    ("ZA", "ZAR", "Africa/Johannesburg", "678"),
];

/// Days by whose offsets a time zone's standard and summer time are told.
const SEASONS: [Date; 2] = [Date::constant(2026, 1, 15), Date::constant(2026, 7, 15)];

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
        let hint = if region == "UK" { "; that of the United Kingdom is GB" } else { "" };
        anyhow::anyhow!("--region {}: {error}; it is to be a country's code, such as ZA{hint}", wanted.region)
    })?;
    if Registry::BUILT_IN.find(&wanted.crm).is_none() {
        let known: Vec<&str> = Registry::BUILT_IN.all().map(|kind| kind.name).collect();
        bail!("--crm {}: this program knows no such CRM; it knows {}", wanted.crm, known.join(", "));
    }
    if wanted.language == Language::Tables && wanted.base.name == wanted.name {
        bail!(
            "{}: a pack does not extend itself; name it otherwise, such as acme-{}",
            wanted.name,
            region.to_lowercase()
        );
    }
    if wanted.language != Language::Tables && (wanted.currency.is_some() || wanted.time_zone.is_some()) {
        bail!(
            "--currency and --time-zone are for packs of tables (--lang tables); a plugin of its own says them in its rules"
        );
    }
    let folder = std::path::absolute(&wanted.inside)?.join(&wanted.name);
    if folder.exists() {
        bail!(
            "{}: there is something already; nothing was changed. Name another, or another folder with --in",
            folder.display()
        );
    }
    let of_tables = if wanted.language == Language::Tables { of_tables(wanted, &region)? } else { Vec::new() };
    let filled = |(path, text): &Template| {
        let text =
            text.replace("{{NAME}}", &wanted.name).replace("{{CRM}}", &wanted.crm).replace("{{REGION}}", &region);
        let text = of_tables.iter().fold(text, |text, (mark, value)| text.replace(mark, value));
        ((*path).to_owned(), text)
    };
    let own: Vec<(String, String)> = templates(wanted.language).into_iter().map(filled).collect();
    let files = own.iter().map(|(path, _)| path.clone()).collect();
    let written = write(&folder, &own).and_then(|()| carry(&folder, wanted)).and_then(|()| looked_at(&folder, wanted));
    if written.is_err() {
        // It was not there before.
        drop(fs::remove_dir_all(&folder));
    }
    written.map(|()| Made { folder, files })
}

/// Looks at a pack of tables that was made: whether it has all that it extends, and a component for its region.
fn looked_at(folder: &Path, wanted: &Wanted) -> Result<()> {
    if wanted.language != Language::Tables {
        return Ok(());
    }
    let dialect = pack::dialects(folder).into_iter().next().unwrap_or_default();
    let found =
        pack::inspect(folder, &dialect).with_context(|| format!("it would not work on `{}`", wanted.base.name))?;
    match &found.crm {
        Some(crm) if *crm == wanted.crm => Ok(()),
        crm => bail!(
            "--base {}: it reads {}, and --crm is {}",
            wanted.base.name,
            crm.as_deref().unwrap_or("no CRM by itself"),
            wanted.crm
        ),
    }
}

/// What stands for the marks of tables.
fn of_tables(wanted: &Wanted, region: &str) -> Result<Vec<(&'static str, String)>> {
    let known = REGIONS.iter().find(|(code, ..)| *code == region);
    let currency = wanted.currency.clone().or_else(|| known.map(|(_, currency, ..)| (*currency).to_owned()));
    let currency = currency.map(|currency| currency.to_ascii_uppercase());
    let Some(currency) = currency else {
        bail!("--currency: say the currency of {region}, such as ZAR; this program does not know it");
    };
    if currency.len() != 3 || !currency.bytes().all(|letter| letter.is_ascii_uppercase()) {
        bail!("--currency {currency}: it is to be three letters, such as ZAR");
    }
    let time_zone = wanted.time_zone.clone().or_else(|| known.map(|(_, _, zone, _)| (*zone).to_owned()));
    let time_zone = match time_zone {
        Some(zone) => {
            let clocks = clocks(&zone).with_context(|| {
                format!(
                    "--time-zone {zone}: there is no such time zone; it is to be a name such as Africa/Johannesburg"
                )
            })?;
            format!("time_zone = \"{zone}\"\n# Its clocks behind UTC's, standard time first.\nclocks = {clocks:?}")
        }
        None => "# time_zone = \"Africa/Johannesburg\"\n# clocks = [\"+02:00\"]".to_owned(),
    };
    let plan = phonenumber::metadata::DATABASE.by_id(region);
    let Some(code) = plan.map(|plan| plan.country_code().to_string()) else {
        bail!("--region {region}: no numbering plan of telephones is known of it");
    };
    let mobiles = match known {
        Some((.., digits)) => {
            let digits: Vec<String> = digits.chars().map(String::from).collect();
            format!("home_code = \"{code}\"\n\n[client.mobile.plans]\n{code} = {digits:?}")
        }
        None => format!("# home_code = \"{code}\"\n\n# [client.mobile.plans]\n# {code} = [\"7\"]"),
    };
    let base = wanted.base.name.clone();
    Ok(vec![("{{CURRENCY}}", currency), ("{{TIME_ZONE}}", time_zone), ("{{MOBILES}}", mobiles), ("{{BASE}}", base)])
}

/// The offsets from UTC of a time zone's clocks, that of standard time first; none where there is no such time zone.
fn clocks(zone: &str) -> Option<Vec<String>> {
    let zone = jiff::tz::TimeZone::get(zone).ok()?;
    let offset = |day: Date| Some(day.to_zoned(zone.clone()).ok()?.offset().seconds());
    let mut offsets: Vec<i32> = SEASONS.into_iter().filter_map(offset).collect();
    offsets.sort_unstable();
    offsets.dedup();
    let written = |seconds: &i32| {
        let minutes = seconds.abs() / 60;
        format!("{}{:02}:{:02}", if *seconds < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
    };
    Some(offsets.iter().map(written).collect())
}

/// Copies the base into the new folder, and what it extends into its own, unless it lies beside it.
fn bring_base(folder: &Path, base: &Base) -> Result<()> {
    if folder.with_file_name(&base.name).join("pack.toml").is_file() {
        return Ok(());
    }
    // A program that was unpacked somewhere has its packs beside it.
    let places = [Some(base.packs.clone()), packs_beside_binary()];
    let found = places.into_iter().flatten().map(|packs| packs.join(&base.name));
    let from = found
        .into_iter()
        .find(|folder| folder.join("pack.toml").is_file())
        .unwrap_or_else(|| base.packs.join(&base.name));
    if !from.join("pack.toml").is_file() {
        bail!(
            "the base `{}` is not among the packs in {}: say with --packs-dir where it is, or with --base which there is",
            base.name,
            base.packs.display()
        );
    }
    Ok(pack::copy_with_bases(&from, &folder.join("base"))?)
}

fn templates(language: Language) -> Vec<&'static Template> {
    let of = match language {
        Language::Tables => return TABLES.iter().collect(),
        Language::Rust => RUST,
        Language::TypeScript => TYPESCRIPT,
    };
    of.iter().chain(PLUGIN).collect()
}

/// Writes the SDK beside a plugin's source, and a base into a pack of tables.
fn carry(folder: &Path, wanted: &Wanted) -> Result<()> {
    let sdk = folder.join("sdk");
    match wanted.language {
        Language::Tables => bring_base(folder, &wanted.base),
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
        let base = Base { name: "xplan-base".to_owned(), packs: inside.join("none") };
        Wanted { name, crm, region, language, inside: inside.to_owned(), base, currency: None, time_zone: None }
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
        let tables = || Wanted { language: Language::Tables, ..rust("acme-za") };
        check(tables(), "the base `xplan-base` is not among the packs");
        assert!(!folder.path().join("acme-za").exists(), "whole or not at all");
        check(Wanted { region: "BT".to_owned(), ..tables() }, "--currency: say the currency of BT");
        check(Wanted { currency: Some("rand".to_owned()), ..tables() }, "three letters");
        check(Wanted { time_zone: Some("Africa/Nowhere".to_owned()), ..tables() }, "no such time zone");
        check(Wanted { crm: "abacus".to_owned(), ..rust("acme") }, "it knows xplan");
        fs::write(folder.path().join("acme"), "mine").unwrap();
        check(rust("acme"), "nothing was changed");
        assert_eq!(fs::read_to_string(folder.path().join("acme")).unwrap(), "mine");
    }
}
