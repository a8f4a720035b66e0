//! `tidegate pack bench`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;

use super::{Folder, engine, shown, tell_of_source};
use crate::app::typesetter;
use crate::cli::{Global, WrongUse, output};
use crate::config::own_cache;
use crate::kit::{Baseline, Figures, Measuring, Project, measure, read_records};
use crate::pack::{Packs, dialects, records_of};

#[derive(Args)]
pub(in crate::cli) struct Bench {
    #[command(flatten)]
    of: Folder,
    /// Raw records to measure with, a line each, or a folder of fixtures [default: those of the pack]
    #[arg(long, value_name = "FILE")]
    records: Option<PathBuf>,
    /// The dialect in which the records are [default: the one that rules.toml is written for]
    #[arg(long, value_name = "NAME")]
    dialect: Option<String>,
    /// Write the figures into a file, to be held against later
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Hold the figures against those of a file; exit 1 where one is worse
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// By how much instructions, memory or size may be worse than the baseline's
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0, requires = "baseline")]
    fail_above: f64,
    /// By how much the time may be worse; without it, time is shown and not judged
    #[arg(long, value_name = "PERCENT", requires = "baseline")]
    fail_above_time: Option<f64>,
}

/// Measures a pack's plugin.
pub(super) async fn run(global: &Global, bench: Bench) -> anyhow::Result<ExitCode> {
    let is_number = |percent: f64| percent.is_finite() && percent >= 0.0;
    if !is_number(bench.fail_above) || bench.fail_above_time.is_some_and(|percent| !is_number(percent)) {
        return Err(WrongUse("a percentage is to be a number of 0 or more".to_owned()).into());
    }
    let config = global.load_quietly()?;
    let is_json = global.json;
    let work = move || {
        // Before minutes are spent.
        let baseline = bench.baseline.as_ref().map(|path| -> anyhow::Result<Baseline> {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            serde_json::from_str(&text)
                .with_context(|| format!("{}: it has no figures of `pack bench --save`", path.display()))
        });
        let baseline = baseline.transpose()?;
        let project = Project::find(&bench.of.folder)?;
        tell_of_source(&project)?;
        let pack = project.pack;
        let packs = engine(&config)?;
        let counting = Packs::counting(&own_cache(), typesetter(&config))?;
        let plain = dialects(&pack).into_iter().next().unwrap_or_default();
        let dialect = bench.dialect.unwrap_or(plain);
        let records = match &bench.records {
            Some(path) => read_records(path)?,
            None => records_of(&pack, &dialect)?,
        };
        let figures = measure(&Measuring { packs: &packs, counting: &counting }, &pack, &dialect, &records)?;
        let worse = baseline.as_ref().map(|of| figures.regressions(of, bench.fail_above, bench.fail_above_time));
        let worse = worse.unwrap_or_default();
        if let Some(path) = &bench.save {
            let text = format!("{}\n", serde_json::to_string_pretty(&figures)?);
            std::fs::write(path, text).with_context(|| path.display().to_string())?;
        }
        if is_json {
            output::json(&json!({ "ok": worse.is_empty(), "figures": figures, "baseline": baseline, "worse": worse }))?;
        } else {
            tell(&figures, baseline.as_ref())?;
            if baseline.as_ref().is_some_and(|of| of.records != figures.records) {
                output::line(
                    "The baseline was measured with other records: what is more may be theirs. Name the same with --records, or save \
                     another baseline with --save.",
                )?;
            }
            worse.iter().try_for_each(|line| output::line(format!("✗ {line}")))?;
            if let Some(path) = &bench.save {
                output::line(format!("{}: kept.", shown(path)))?;
            }
        }
        Ok(if worse.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    };
    tokio::task::spawn_blocking(work).await?
}

fn tell(figures: &Figures, baseline: Option<&Baseline>) -> anyhow::Result<()> {
    let rows = |of: &Figures| {
        [
            format!("{:.1} µs", of.microseconds_a_record),
            format!("{}", of.fuel_a_record),
            format!("{}", of.fuel_to_configure),
            format!("{:.1} MB", of.memory as f64 / f64::from(1 << 20)),
            format!("{} kB", of.component.div_ceil(1000)),
        ]
    };
    let names = ["time a record", "instructions a record", "instructions to configure", "memory", "component"];
    let (now, before) = (rows(figures), baseline.map(rows));
    let row = |at: usize| {
        let before = before.as_ref().map(|before| before[at].clone());
        [names[at].to_owned(), now[at].clone()].into_iter().chain(before).collect::<Vec<String>>()
    };
    let headings: &[&str] = if baseline.is_some() { &["WHAT", "NOW", "BASELINE"] } else { &["WHAT", "NOW"] };
    output::line(format!("{} records a batch, {} of them different.", figures.batch, figures.different_records))?;
    output::table(headings, &(0..names.len()).map(row).collect::<Vec<_>>(), "")
}
