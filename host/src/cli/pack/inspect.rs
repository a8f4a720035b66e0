//! `tidegate pack inspect`: what a pack is, its layers, its files, and its joined rules with where each is from.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use crate::cli::{Global, output};
use crate::pack::{Inspection, KeptPacks, inspect};

/// Prints what a pack's folder holds, or what is kept of a revision.
pub(super) async fn show(global: &Global, of: String, joined: bool, dialect: String) -> anyhow::Result<ExitCode> {
    let folder = folder_of(global, &of)?;
    let found = tokio::task::spawn_blocking(move || inspect(&folder, &dialect)).await??;
    match (joined, global.json) {
        (true, true) => output::json(&found.joined)?,
        (true, false) => output::line(found.joined.to_toml().trim())?,
        (false, true) => {
            let mut all = serde_json::to_value(&found)?;
            // Asked for by themselves: they are many times the rest.
            all.as_object_mut().and_then(|members| members.remove("joined"));
            output::json(&all)?;
        }
        (false, false) => tell(&found)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// A folder as it was given, or that of a revision in the data folder.
fn folder_of(global: &Global, of: &str) -> anyhow::Result<PathBuf> {
    let is_digest = (6..=64).contains(&of.len()) && of.bytes().all(|byte| byte.is_ascii_hexdigit());
    if Path::new(of).exists() || !is_digest {
        return Ok(PathBuf::from(of));
    }
    let data_dir = global.load_quietly()?.server.data_dir;
    let mut found = KeptPacks::of(&data_dir).beginning_with(&of.to_ascii_lowercase()).context("the data folder")?;
    match (found.pop(), found.is_empty()) {
        (Some(folder), true) => Ok(folder),
        (Some(_), false) => {
            bail!("several revisions in {} begin with `{of}`; give more of its digest", data_dir.display())
        }
        (None, _) => bail!(
            "there is no folder `{of}`, and {} keeps no revision that begins so; `tidegate pack history` lists those it had",
            data_dir.display()
        ),
    }
}

fn tell(found: &Inspection) -> anyhow::Result<()> {
    let or_any = |list: &[String]| if list.is_empty() { "any".to_owned() } else { list.join(", ") };
    let region = found.region.clone().unwrap_or_else(|| "none: it is a base, which others extend".to_owned());
    let mut facts = vec![
        ("Pack", format!("{} {}", found.name, found.version)),
        ("Region", region),
        ("CRM", found.crm.clone().unwrap_or_else(|| "any: what extends it brings the component".to_owned())),
        ("Layers", found.layers.join(" → ")),
    ];
    if let Some(component) = &found.component {
        let kinds: Vec<&str> = component.kinds.iter().map(|kind| kind.as_str()).collect();
        let regions = or_any(&component.regions);
        facts.extend([
            ("Plugin", format!("{} {}, for regions: {regions}", component.plugin, component.version)),
            ("Component", format!("{} kB, {}", component.bytes / 1000, component.digest)),
            ("Kinds", kinds.join(", ")),
        ]);
    }
    facts.extend([("Events", found.events.join(", ")), ("Dialects", found.dialects.join(", "))]);
    let rows: Vec<Vec<String>> = facts.into_iter().map(|(what, fact)| vec![what.to_owned(), fact]).collect();
    output::table(&["WHAT", "FACT"], &rows, "")?;
    output::line("")?;
    let rows: Vec<Vec<String>> =
        found.files.iter().map(|file| vec![file.path.clone(), file.layer.clone(), file.bytes.to_string()]).collect();
    output::table(&["FILE", "OF", "BYTES"], &rows, "It has no files.")?;
    Ok(())
}
