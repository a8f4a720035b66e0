//! `tidegate pack new` and `build`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{Lang, shown};
use crate::cli::{Global, WrongUse, output};
use crate::crm::registry::Registry;
use crate::kit::{Base, Language, Project, Wanted, build as build_component, make};

#[derive(Args)]
pub(in crate::cli) struct New {
    /// The pack's name, and its folder's: small letters, digits and hyphens
    #[arg(value_name = "NAME")]
    name: String,
    /// The CRM that it reads [default: the first that this program knows]
    #[arg(long, value_name = "NAME")]
    crm: Option<String>,
    /// The region that it is for: a country's code, such as ZA
    #[arg(long, value_name = "CODE")]
    region: String,
    /// What it is written in
    #[arg(long, value_enum, default_value = "tables")]
    lang: Lang,
    /// The pack that tables extend [default: the base of its CRM, named after it, with `-base` behind]
    #[arg(long, value_name = "NAME")]
    base: Option<String>,
    /// The region's currency, such as ZAR; needed for tables of regions that this program does not know
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// The region's time zone, such as Africa/Johannesburg
    #[arg(long, value_name = "NAME")]
    time_zone: Option<String>,
    /// The folder in which its own is made
    #[arg(long = "in", value_name = "DIR", default_value = ".")]
    inside: PathBuf,
}

/// Makes a pack's folder.
pub(super) fn new(global: &Global, new: New) -> anyhow::Result<ExitCode> {
    let New { name, crm, region, lang, base, currency, time_zone, inside } = new;
    let crm = crm.unwrap_or_else(|| Registry::BUILT_IN.usual().name.to_owned());
    let packs = global.load_quietly()?.server.packs_dir;
    if base.is_some() && !matches!(lang, Lang::Tables) {
        return Err(WrongUse("--base is for packs of tables (--lang tables)".to_owned()).into());
    }
    let base = Base { name: base.unwrap_or_else(|| format!("{crm}-base")), packs };
    let language = lang.into();
    let made = make(&Wanted { name, crm, region, language, inside, base, currency, time_zone })?;
    let folder = shown(&made.folder);
    if global.json {
        output::json(&json!({ "folder": made.folder, "files": made.files }))?;
    } else {
        output::line(format!("{folder} is made. Its own files:"))?;
        made.files.iter().try_for_each(|file| output::line(format!("  {file}")))?;
        let first = if language == Language::Tables { "check" } else { "build" };
        output::line(format!("Go on with: tidegate pack {first} {folder} && tidegate pack test {folder}"))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds a plugin's component into its pack.
pub(super) async fn build(global: &Global, folder: PathBuf) -> anyhow::Result<ExitCode> {
    let work = move || build_component(&Project::find(&folder)?);
    let built = tokio::task::spawn_blocking(work).await??;
    match (built, global.json) {
        (None, true) => output::json(&json!({ "component": null }))?,
        (None, false) => {
            output::line("There is nothing to build here: there is no plugin's source beside the pack.")?;
        }
        (Some(built), true) => output::json(&json!({
            "component": built.component,
            "bytes": built.bytes,
            "seconds": built.took.as_secs_f64(),
        }))?,
        (Some(built), false) => output::line(format!(
            "{}: {} kB, in {:.1} s.",
            shown(&built.component),
            built.bytes.div_ceil(1000),
            built.took.as_secs_f64()
        ))?,
    }
    Ok(ExitCode::SUCCESS)
}
