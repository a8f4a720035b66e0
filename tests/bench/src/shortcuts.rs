//! What the host has of its own where a library or a plain type would do, beside what it stands in for.

use std::hint::black_box;

use anyhow::Context as _;
use phonenumber::Mode;
use phonenumber::metadata::DATABASE;
use tidegate::domain::ExternalId;
use tidegate::pack::native;
use tidegate::store::seen::Seen;

use crate::measure;
use crate::report::{Bound, Report};

/// Telephone numbers that the library is asked about in a round, and this path so many times as often.
const NUMBERS: u32 = 20_000;
const TIMES: u32 = 20;
/// Ids of a walk, and of a group of it.
const IDS: u32 = 100_000;
const GROUP: u32 = 20_000;
/// Bytes of an id as the store's keys have it.
const KEY: u32 = 16;
/// The rounds take turns, so that a neighbour on the machine disturbs both alike.
const ROUNDS: usize = 3;

/// Measures each beside what it stands in for.
pub fn measure(report: &mut Report) -> anyhow::Result<()> {
    let (mut plain, mut library) = (f64::MAX, f64::MAX);
    for _ in 0..ROUNDS {
        library = library.min(measure::cpu(|| numbers().try_for_each(|text| by_the_library(&text)))?);
        plain = plain.min(measure::cpu(|| {
            let all = (0..TIMES).flat_map(|_| numbers());
            all.map(|text| native::parse_phone(black_box(&text), None)).for_each(|answer| drop(black_box(answer)));
            Ok(())
        })?);
    }
    let plain = plain / f64::from(TIMES);
    report.add("telephone numbers by the library: CPU a number", library / f64::from(NUMBERS) * 1e6, "µs");
    report.ask("telephone numbers written out ÷ by the library, CPU", plain / library, "×", Bound::AtMost(0.2));
    report.ask(
        "ids that a walk has seen ÷ as keys, size",
        packed_ids()? / f64::from(IDS * KEY),
        "×",
        Bound::AtMost(0.2),
    );
    Ok(())
}

/// Numbers of Australia, New Zealand and the United States, as forms have them.
fn numbers() -> impl Iterator<Item = String> {
    (0..NUMBERS).map(|n| match n % 3 {
        0 => format!("+61 491 570 {:03}", n % 1_000),
        1 => format!("+64 21 555 {:04}", n % 10_000),
        _ => format!("+1 212 555 01{:02}", n % 100),
    })
}

/// What a mapping asks of a number: whether there can be one, its kind of line, and how it is dialled from anywhere.
fn by_the_library(text: &str) -> anyhow::Result<()> {
    let number = phonenumber::parse(None, black_box(text)).with_context(|| text.to_owned())?;
    black_box((number.number_type(&DATABASE), number.is_valid(), number.format().mode(Mode::E164).to_string()));
    Ok(())
}

/// Bytes that the ids of a walk take, where a CRM counts them up and some are missing.
fn packed_ids() -> anyhow::Result<f64> {
    let mut seen = Seen::default();
    let mut bytes = 0;
    for n in 0..IDS {
        anyhow::ensure!(seen.note(&ExternalId((4_000_000 + n * 3).to_string())), "an id came twice");
        if (n + 1) % GROUP == 0 {
            bytes += seen.pack().0.len();
        }
    }
    Ok(bytes as f64)
}
