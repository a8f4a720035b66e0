//! Power cuts at any moment, whatever of what was not synced is lost: each commit that was answered is there whole, and
//! of the one that was under way all or nothing.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::super::lossy::Disk;
use super::*;

/// Rows by number, each of some hundred bytes: many pages.
const ROWS: Table<u32, &[u8]> = Table::new("rows");
/// The same rows, as an index has them.
const INDEX: Table<(u32, &str), u32> = Table::new("index");

/// The rows by number.
type Rows = BTreeMap<u32, Vec<u8>>;

/// The number of cuts that are tried in one test.
const CUTS: u64 = 60;

fn name(number: u32) -> String {
    format!("row {number}")
}

/// Commits random changes, and answers the rows as they are then.
fn commit(engine: &Engine, before: &Rows, random: &mut StdRng) -> (Rows, Result<(), Error>) {
    let mut rows = before.clone();
    let some = |random: &mut StdRng| {
        let entries =
            (0..random.random_range(1..40)).map(|_| (random.random_range(0..400), random.random_range(0..700)));
        entries.map(|(number, size)| (number, [random_byte(number, size), 7].repeat(size))).collect::<Rows>()
    };
    let (sorted, single) = (some(random), some(random));
    let first: u32 = random.random_range(0..400);
    let gone = first..first + random.random_range(0..20);
    let mut write_all = || -> Result<(), Error> {
        let write = engine.write()?;
        let (mut table, mut index) = (write.open_table(ROWS)?, write.open_table(INDEX)?);
        table.put_sorted(sorted.iter().map(|(number, row)| (*number, row.as_slice())))?;
        rows.extend(sorted.clone());
        table.delete_range(gone.clone())?;
        for number in gone.clone() {
            rows.remove(&number);
            index.delete((1, &name(number)))?;
        }
        for (number, row) in &single {
            table.put(*number, row)?;
            rows.insert(*number, row.clone());
        }
        for number in sorted.keys().chain(single.keys()).filter(|number| rows.contains_key(number)) {
            index.put((1, &name(*number)), *number)?;
        }
        drop((table, index));
        write.commit()
    };
    let outcome = write_all();
    (rows, outcome)
}

fn random_byte(number: u32, size: usize) -> u8 {
    (number as usize * 31 + size) as u8
}

/// The rows, where the index has the same.
fn read(engine: &Engine) -> Rows {
    let snapshot = engine.snapshot().unwrap();
    let rows = snapshot.open_table(ROWS).unwrap();
    let rows: Rows = rows
        .scan(..)
        .unwrap()
        .map(|entry| entry.map(|(number, row)| (number.value(), row.value().to_vec())).unwrap())
        .collect();
    let index = snapshot.open_table(INDEX).unwrap();
    let mut named: Vec<u32> = index.scan(..).unwrap().map(|entry| entry.unwrap().1.value()).collect();
    named.sort_unstable();
    assert!(named.iter().eq(rows.keys()), "the index has other rows than there are");
    rows
}

#[test]
fn what_was_answered_is_there_after_a_cut_and_nothing_is_torn() {
    for seed in 0..CUTS {
        let mut random = StdRng::seed_from_u64(seed);
        let mut disk = Disk::new(seed);
        let mut engine = Engine::open_on(disk.clone()).unwrap();
        let (mut kept, made) = commit(&engine, &Rows::new(), &mut random);
        made.unwrap();
        // Cut again and again, also while what was cut is put right.
        for cut in 0..3 {
            disk.cut_after(random.random_range(1..120));
            let under_way = loop {
                let (rows, outcome) = commit(&engine, &kept, &mut random);
                match outcome {
                    Ok(()) => kept = rows,
                    Err(error) => {
                        assert!(matches!(error, Error::Broken(_)), "{error:?}");
                        break rows;
                    }
                }
            };
            assert!(matches!(engine.write().map(drop), Err(Error::Broken(_))), "it does nothing more");
            drop(engine);
            disk = disk.after_the_cut();
            if random.random() {
                disk.cut_after(random.random_range(0..20));
                drop(Engine::open_on(disk.clone()));
                disk = disk.after_the_cut();
            }
            engine = Engine::open_on(disk.clone()).unwrap_or_else(|error| panic!("seed {seed}, cut {cut}: {error}"));
            let found = read(&engine);
            assert!(found == kept || found == under_way, "seed {seed}, cut {cut}: neither before nor after");
            kept = found;
        }
    }
}
