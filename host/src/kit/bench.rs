//! What a plugin costs: time, instructions, memory and size, with the engine and the limits of a host.
//!
//! Time depends on the machine and on what else it does; instructions, memory and size do not, so that they can be held
//! against figures of another day and another machine.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use crate::domain::ExternalId;
use crate::pack::{Packs, RawInput};

/// Records of a batch, as a sync sends them.
const BATCH: usize = 500;

/// Batches that are timed; the fastest counts, because nothing but the work itself is in every one.
const ROUNDS: usize = 30;

/// The engines that measure.
pub struct Measuring<'a> {
    /// The engine of a host.
    pub packs: &'a Packs,
    /// One that counts instructions.
    pub counting: &'a Packs,
}

/// What a plugin costs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Figures {
    /// Records of a batch, and different ones among them.
    pub batch: usize,
    /// See [`Figures::batch`].
    pub different_records: usize,
    /// The digest of the records, in hexadecimal; empty in figures of a time when none was kept.
    #[serde(default)]
    pub records: String,
    /// The fastest batch's time, microseconds a record: instantiating, configuring and mapping.
    pub microseconds_a_record: f64,
    /// Instructions of the mapping, in the engine's unit, for a record.
    pub fuel_a_record: u64,
    /// Instructions of instantiating and configuring, which each batch costs once.
    pub fuel_to_configure: u64,
    /// Linear memory at the end of a batch, bytes.
    pub memory: usize,
    /// The component's file, bytes.
    pub component: u64,
}

/// Figures of another day, which new ones are held against.
pub type Baseline = Figures;

impl Figures {
    /// The figures that are worse than `baseline` by more than `percent`, a sentence each. The time counts by
    /// `percent_of_time` alone, where somebody asks for that: it is the machine's as well.
    pub fn regressions(&self, baseline: &Baseline, percent: f64, percent_of_time: Option<f64>) -> Vec<String> {
        let exact = [
            ("instructions a record", self.fuel_a_record, baseline.fuel_a_record),
            ("instructions to configure", self.fuel_to_configure, baseline.fuel_to_configure),
            ("memory", self.memory as u64, baseline.memory as u64),
            ("size of the component", self.component, baseline.component),
        ];
        let exact = exact.into_iter().map(|(what, now, before)| (what, now as f64, before as f64, Some(percent)));
        let time = (self.microseconds_a_record, baseline.microseconds_a_record);
        let all = exact.chain([("microseconds a record", time.0, time.1, percent_of_time)]);
        let worse = |(what, now, before, percent): (&str, f64, f64, Option<f64>)| {
            let percent = percent?;
            let more = (now / before - 1.0) * 100.0;
            // Beyond what a float cannot tell: a tenth more is no more than ten percent.
            (before > 0.0 && more > percent + 1e-9)
                .then(|| format!("{what}: {now:.1} against {before:.1}, {more:.1} % more"))
        };
        all.filter_map(worse).collect()
    }
}

/// Measures a pack on records, which are repeated until they make a batch.
///
/// # Errors
/// Says why the pack does not load, or where its plugin fails.
pub fn measure(engines: &Measuring<'_>, pack: &Path, dialect: &str, records: &[RawInput]) -> Result<Figures> {
    ensure!(!records.is_empty(), "there is no record to measure with: add a fixture, or name a file with --records");
    let number =
        |(place, record): (usize, &RawInput)| RawInput { id: ExternalId(format!("bench-{place}")), ..record.clone() };
    let batch: Vec<RawInput> = records.iter().cycle().take(BATCH.max(records.len())).enumerate().map(number).collect();
    let revision = engines.packs.load_untested(pack, dialect)?;
    let context = revision.context(dialect);
    let mut fastest = f64::INFINITY;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        black_box(revision.pass_through(&context, &batch)?);
        fastest = fastest.min(began.elapsed().as_secs_f64());
    }
    let counted = engines.counting.load_untested(pack, dialect)?.measure(&context, &batch)?;
    let mut digest = blake3::Hasher::new();
    for record in records {
        digest.update(record.kind.as_str().as_bytes()).update(b"\0").update(&record.json).update(b"\0");
    }
    Ok(Figures {
        batch: batch.len(),
        different_records: records.len(),
        records: digest.finalize().to_hex().to_string(),
        microseconds_a_record: fastest * 1e6 / batch.len() as f64,
        fuel_a_record: counted.fuel / batch.len() as u64,
        fuel_to_configure: counted.configure_fuel,
        memory: counted.memory,
        component: revision.facts().component_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worse_by_more_than_is_allowed_is_named() {
        let before = Figures {
            batch: 500,
            different_records: 3,
            records: "a".to_owned(),
            microseconds_a_record: 5.0,
            fuel_a_record: 1000,
            fuel_to_configure: 100,
            memory: 1 << 20,
            component: 400_000,
        };
        let now = Figures { microseconds_a_record: 9.0, fuel_a_record: 1101, component: 440_000, ..before.clone() };
        assert_eq!(now.regressions(&before, 10.0, None), ["instructions a record: 1101.0 against 1000.0, 10.1 % more"]);
        assert_eq!(now.regressions(&before, 11.0, None), [""; 0]);
        assert_eq!(now.regressions(&before, 11.0, Some(50.0)).len(), 1);
        assert_eq!(before.regressions(&now, 0.0, Some(0.0)), [""; 0], "better is never worse");
    }
}
