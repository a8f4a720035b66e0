//! Mapping in the sandbox beside the same code natively, on the same raw records.

use std::path::Path;

use tidegate::pack::{Context, Packs, RawInput, Typesetter, native};
use tidegate_sdk::harness::{self, NativeHost, Pack};
use tidegate_sdk::{Host, LineType, LogLevel, PhoneNumber, PhoneProblem, RawRecord, RecordKind, Session};
use xplan_anz::XplanAnz;

use crate::baseline;
use crate::measure;
use crate::report::{Bound, Report};
use crate::site::Site;

/// As the host does.
const BATCH: usize = 500;
/// The rounds take turns, so that a neighbour on the machine disturbs both alike.
const ROUNDS: usize = 5;

/// Measures both on `clients` raw records of the stand-in site.
pub async fn measure(packs: &Path, clients: u32, report: &mut Report) -> anyhow::Result<()> {
    let site = Site::start(clients)?;
    let raw = baseline::all_raw(&site.address, &packs.join("xplan-au")).await?;
    drop(site);
    let cache = tempfile::tempdir()?;
    let revision =
        Packs::new(cache.path(), None, Typesetter::inside(None))?.load(&packs.join("xplan-au"), "resourceful")?;
    let context = Context {
        region: "AU".to_owned(),
        dialect: "resourceful".to_owned(),
        connection: "bench".to_owned(),
        placeholder_email_domain: "bench.example".to_owned(),
        as_of: jiff::civil::date(2026, 1, 1),
    };
    let pack = Pack::load(packs.join("xplan-au")).map_err(anyhow::Error::msg)?;
    let rules = pack.rules_json().to_string();

    let (mut sandboxed, mut native) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        sandboxed = sandboxed.min(measure::cpu(|| {
            for batch in raw.chunks(BATCH) {
                let outcomes = revision.pass_through(&context, batch)?;
                anyhow::ensure!(outcomes == batch.len(), "an outcome is missing");
            }
            Ok(())
        })?);
        native = native.min(measure::cpu(|| natively(&rules, &raw))?);
    }
    let count = raw.len() as f64;
    report.add("mapping in the sandbox: CPU a client", sandboxed / count * 1e6, "µs");
    report.add("mapping natively: CPU a client", native / count * 1e6, "µs");
    report.ask("mapping in the sandbox ÷ natively, CPU", sandboxed / native, "×", Bound::AtMost(2.0));
    Ok(())
}

/// The same batches, each configured anew, to the contract's outcomes as well.
fn natively(rules: &str, raw: &[RawInput]) -> anyhow::Result<()> {
    let context = harness::context("AU");
    for batch in raw.chunks(BATCH) {
        let session = Session::<XplanAnz>::configure(rules).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
        let records = batch.iter().map(to_guest).collect();
        let outcomes = session.map(&Answering, &context, records);
        anyhow::ensure!(outcomes.len() == batch.len(), "an outcome is missing");
    }
    Ok(())
}

/// The real host's answers about telephone numbers natively, so that both pay for the same.
struct Answering;

impl Host for Answering {
    fn parse_phone(&self, text: &str, region: Option<&str>) -> Result<PhoneNumber, PhoneProblem> {
        let native::Number { e164, line, region } =
            native::parse_phone(text, region).map_err(|problem| match problem {
                native::Problem::NotANumber => PhoneProblem::NotANumber,
                native::Problem::NoCountryCode => PhoneProblem::NoCountryCode,
                native::Problem::NotValid => PhoneProblem::NotValid,
            })?;
        let line = match line {
            native::LineType::Mobile => LineType::Mobile,
            native::LineType::FixedLine => LineType::FixedLine,
            native::LineType::FixedLineOrMobile => LineType::FixedLineOrMobile,
            native::LineType::Other => LineType::Other,
        };
        Ok(PhoneNumber { e164, line, region })
    }

    fn log(&self, level: LogLevel, message: &str) {
        NativeHost.log(level, message);
    }
}

/// A raw record as the plugin takes it.
pub fn to_guest(raw: &RawInput) -> RawRecord {
    RawRecord { kind: RecordKind::Client, id: raw.id.to_string(), json: raw.json.clone() }
}
