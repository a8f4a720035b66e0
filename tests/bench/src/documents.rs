//! How long a household's document takes in the typesetter's process: the first one, and one of many.

use std::path::Path;
use std::time::Instant;

use anyhow::Context as _;
use serde_json::Value;
use tidegate::pack::{MadeAt, Packs, Typesetter};

use crate::report::{Bound, Report};

/// Documents of as many households.
const ROUNDS: usize = 40;

/// Measures the Best Life Plan of the pack's own sample, each time of another household.
pub fn measure(binary: &Path, packs: &Path, report: &mut Report) -> anyhow::Result<()> {
    let cache = tempfile::tempdir()?;
    let pack = packs.join("xplan-au");
    let typesetter = || Typesetter::process(binary.to_owned(), vec!["typeset".into()]);
    // Verified by another process, so that the first document here is a first one.
    drop(Packs::new(cache.path(), None, typesetter())?.load(&pack, "resourceful")?);
    let revision = Packs::new(cache.path(), None, typesetter())?.load(&pack, "resourceful")?;
    let sample = std::fs::read(pack.join("documents/best-life-plan.exported.json"))?;
    let mut data: Value = serde_json::from_slice(&sample)?;
    let made_at = MadeAt { year: 2026, month: 3, day: 1, hour: 9, minute: 0, second: 0, offset_minutes: 0 };
    let mut took = Vec::new();
    let mut pages = 1;
    for round in 0..=ROUNDS {
        data["household"]["name"] = format!("Household {round}").into();
        data["household"]["members"][0]["name"] = format!("Person {round}").into();
        let begun = Instant::now();
        let made = revision.typeset("best-life-plan.exported", data.clone(), None, made_at, round.to_string())?;
        took.push(begun.elapsed().as_secs_f64() * 1e3);
        pages = made.pages.len();
    }
    let first = took.remove(0);
    took.sort_by(f64::total_cmp);
    let median = took.get(took.len() / 2).context("there were rounds")?;
    report.add("a household's first document, process and fonts included", first, "ms");
    report.add("a household's document: pages", pages as f64, "");
    report.ask("a page of a document, warm (median)", median / pages as f64, "ms", Bound::AtMost(20.0));
    Ok(())
}
