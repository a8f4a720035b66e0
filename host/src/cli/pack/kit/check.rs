//! `tidegate pack check`, `conform` and `publish`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::bail;
use serde_json::json;

use super::super::registry;
use super::{engine, shown, tell_of_source};
use crate::cli::{Global, output};
use crate::config::Config;
use crate::kit::Project;
use crate::pack::conform::Finding;
use crate::pack::{GateOutcome, Gates, PackFacts, beside_pack, conform, dialects};

/// A pack led through the gates in one dialect.
struct Led {
    dialect: String,
    gates: Vec<GateOutcome>,
    facts: Option<PackFacts>,
}

fn lead(config: &Config, pack: &Path) -> anyhow::Result<Vec<Led>> {
    let packs = engine(config)?;
    let led = dialects(pack).into_iter().map(|dialect| {
        let mut gates = Gates::default();
        let loaded = packs.load_through(pack, &dialect, &mut gates);
        Led { dialect, gates: gates.outcomes(), facts: loaded.ok().map(|revision| revision.facts()) }
    });
    Ok(led.collect())
}

/// Leads a pack through all gates, in each of its dialects.
pub(super) async fn check(global: &Global, folder: PathBuf) -> anyhow::Result<ExitCode> {
    let config = global.load_quietly()?;
    let (project, led) = tokio::task::spawn_blocking(move || {
        let project = Project::find(&folder)?;
        let led = lead(&config, &project.pack)?;
        anyhow::Ok((project, led))
    })
    .await??;
    tell_of_source(&project)?;
    let holds = led.iter().all(|one| one.facts.is_some());
    if global.json {
        let of = |one: &Led| json!({ "dialect": one.dialect, "ok": one.facts.is_some(), "gates": one.gates, "pack": one.facts });
        output::json(&json!({ "ok": holds, "dialects": led.iter().map(of).collect::<Vec<_>>() }))?;
    } else {
        tell(&led, &project)?;
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(led: &[Led], project: &Project) -> anyhow::Result<()> {
    let cells = |dialect: &str, one: &GateOutcome| {
        let outcome = one.reason.clone().unwrap_or_else(|| "holds".to_owned());
        vec![dialect.to_owned(), output::text(&json!(one.gate)), outcome]
    };
    let rows: Vec<Vec<String>> =
        led.iter().flat_map(|one| one.gates.iter().map(|gate| cells(&one.dialect, gate))).collect();
    output::table(&["DIALECT", "GATE", "OUTCOME"], &rows, "No gate was tried.")?;
    match led.iter().map(|one| one.facts.as_ref()).collect::<Option<Vec<_>>>().as_deref() {
        Some([facts, ..]) => output::line(format!(
            "{} {} for {} in {}: revision {} goes through all gates.",
            facts.name, facts.version, facts.crm, facts.region, facts.revision
        )),
        _ => output::line(format!("{}: refused.", shown(&project.pack))),
    }?;
    let left = beside_pack(&project.pack)?;
    if left.is_empty() {
        return Ok(());
    }
    output::line(format!("No part of the pack, neither signed nor sent: {}.", left.join(", ")))
}

/// Tries on a pack's plugin what the contract asks of every one.
pub(super) async fn conform(global: &Global, folder: PathBuf) -> anyhow::Result<ExitCode> {
    let config = global.load_quietly()?;
    let work = move || {
        let project = Project::find(&folder)?;
        tell_of_source(&project)?;
        let pack = project.pack;
        let packs = engine(&config)?;
        let of_dialect = |dialect: String| {
            let revision = packs.load_untested(&pack, &dialect)?;
            let findings = conform::conform(&revision, &pack, &dialect)?;
            anyhow::Ok((dialect, findings))
        };
        dialects(&pack).into_iter().map(of_dialect).collect::<anyhow::Result<Vec<_>>>()
    };
    let found: Vec<(String, Vec<Finding>)> = tokio::task::spawn_blocking(work).await??;
    let holds = found.iter().all(|(_, findings)| findings.iter().all(|finding| finding.ok));
    if global.json {
        let of = |(dialect, findings): &(String, Vec<Finding>)| json!({ "dialect": dialect, "demands": findings });
        output::json(&json!({ "ok": holds, "dialects": found.iter().map(of).collect::<Vec<_>>() }))?;
    } else {
        let cells = |dialect: &str, finding: &Finding| {
            let outcome =
                if finding.ok { "kept".to_owned() } else { format!("broken: {}", finding.problems.join("; ")) };
            vec![dialect.to_owned(), finding.says.to_owned(), outcome]
        };
        let rows: Vec<Vec<String>> =
            found.iter().flat_map(|(dialect, all)| all.iter().map(|finding| cells(dialect, finding))).collect();
        output::table(&["DIALECT", "THE CONTRACT ASKS", "AND IT IS"], &rows, "Nothing was tried.")?;
    }
    Ok(if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Pushes a pack that goes through all gates.
pub(super) async fn publish(global: &Global, reference: &str, folder: PathBuf) -> anyhow::Result<ExitCode> {
    let config = global.load_quietly()?;
    let work = move || {
        let project = Project::find(&folder)?;
        let led = lead(&config, &project.pack)?;
        anyhow::Ok((project, led))
    };
    let (project, led) = tokio::task::spawn_blocking(work).await??;
    if led.iter().any(|one| one.facts.is_none()) {
        tell(&led, &project)?;
        return Ok(ExitCode::FAILURE);
    }
    if let Some(newer) = project.built_before()? {
        bail!("{newer}: what is published would be the plugin as it was before");
    }
    registry::push(global, project.pack, reference).await
}
