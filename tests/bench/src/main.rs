//! Speed and memory of the host, as ratios of one run on one book.
//!
//! Everything runs side by side on the machine at hand, so that a figure always stands beside one from the same minute:
//! the host's own binary against the stand-in site, a hand-written loop (same fetch and mapping, natively, into SQLite)
//! against the same site, and mapping in the sandbox against the same code natively. CPU seconds are the kernel's count
//! for the process, peak memory is its high-water mark.

mod baseline;
mod documents;
mod host;
mod mapping;
mod measure;
mod notes;
mod report;
mod shortcuts;
mod site;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

use crate::report::Report;

/// Measures the host beside a hand-written loop on the same book.
#[derive(Parser)]
#[command(after_help = "Examples:
  cargo xtask bench
  cargo xtask bench -- --clients 20000 --json
  cargo xtask bench -- --only mapping")]
struct Arguments {
    /// Clients of the large book
    #[arg(long, default_value_t = 100_000)]
    clients: u32,
    /// Clients of the small book, which peak memory is compared with
    #[arg(long, default_value_t = 10_000)]
    small: u32,
    /// Print the figures as JSON
    #[arg(long)]
    json: bool,
    /// One part alone: mapping, shortcuts, documents, walks or notes
    #[arg(long)]
    only: Option<String>,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What runs as a process of its own, so that its CPU and memory are its own.
#[derive(Subcommand)]
enum Part {
    /// The stand-in site
    #[command(hide = true)]
    Site { clients: u32 },
    /// The hand-written loop
    #[command(hide = true)]
    Baseline { site: String, folder: PathBuf },
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    tidegate::crm::install_tls();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.part {
        Some(Part::Site { clients }) => runtime.block_on(site::serve(clients))?,
        Some(Part::Baseline { site, folder }) => runtime.block_on(baseline::run(&site, &folder))?,
        None => {
            let report = runtime.block_on(measure_all(&arguments))?;
            report.print(arguments.json)?;
            return Ok(if report.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn measure_all(arguments: &Arguments) -> anyhow::Result<Report> {
    let packs =
        PathBuf::from(std::env::var_os("TIDEGATE_PACKS").context("TIDEGATE_PACKS is not set: use cargo xtask bench")?);
    let binary =
        PathBuf::from(std::env::var_os("TIDEGATE_BIN").context("TIDEGATE_BIN is not set: use cargo xtask bench")?);
    let wants = |part: &str| arguments.only.as_deref().is_none_or(|only| only == part);
    let mut report = Report::default();
    if wants("mapping") {
        mapping::measure(&packs, arguments.clients, &mut report).await?;
    }
    if wants("shortcuts") {
        shortcuts::measure(&mut report)?;
    }
    if wants("documents") {
        documents::measure(&binary, &packs, &mut report)?;
    }
    if wants("walks") {
        host::measure(&binary, &packs, arguments.small, arguments.clients, &mut report).await?;
    }
    if wants("notes") {
        notes::measure(&binary, &packs, &mut report).await?;
    }
    Ok(report)
}
