//! Duties of every engine.

mod power_cuts;

use std::ops::Bound;
use std::sync::mpsc;
use std::time::Duration;

use super::*;

const TEXTS: Table<(u32, &str), &[u8]> = Table::new("texts");
const NUMBERS: Table<u32, u16> = Table::new("numbers");

/// Runs a test on each engine; the database can be opened as often as wanted, one after the other.
fn on_each(test: impl Fn(&dyn Fn() -> Engine)) {
    let folder = tempfile::tempdir().unwrap();
    test(&|| Engine::open(&folder.path().join("file")).unwrap());
    let kept = memory::Engine::default();
    test(&|| Engine::Memory(kept.clone()));
}

fn write(engine: &Engine, entries: &[(u32, u16)]) {
    let write = engine.write().unwrap();
    let mut table = write.open_table(NUMBERS).unwrap();
    entries.iter().for_each(|(key, value)| table.put(*key, *value).unwrap());
    drop(table);
    write.commit().unwrap();
}

fn numbers(snapshot: &Snapshot) -> Vec<(u32, u16)> {
    all(&snapshot.open_table(NUMBERS).unwrap())
}

fn all(table: &impl Readable<u32, u16>) -> Vec<(u32, u16)> {
    of(table.scan(..).unwrap())
}

fn of(scan: Scan<'_, u32, u16>) -> Vec<(u32, u16)> {
    scan.map(|entry| entry.map(|(key, value)| (key.value(), value.value())).unwrap()).collect()
}

#[test]
fn what_is_committed_is_there_and_what_is_not_leaves_no_trace() {
    on_each(|open| {
        let engine = open();
        write(&engine, &[(1, 10), (2, 20)]);
        for is_dropped in [true, false] {
            let write = engine.write().unwrap();
            let mut table = write.open_table(NUMBERS).unwrap();
            table.put(3, 30).unwrap();
            assert!(table.delete(1).unwrap() && !table.delete(7).unwrap());
            assert_eq!(all(&table), [(2, 20), (3, 30)], "what is written is read");
            write.open_table(TEXTS).unwrap().put((1, "a"), b"b").unwrap();
            drop(table);
            if is_dropped {
                drop(write);
            } else {
                write.abort().unwrap();
            }
            assert_eq!(numbers(&engine.snapshot().unwrap()), [(1, 10), (2, 20)]);
            assert!(engine.snapshot().unwrap().open_table(TEXTS).is_err());
        }
        drop(engine);
        assert_eq!(numbers(&open().snapshot().unwrap()), [(1, 10), (2, 20)]);
    });
}

#[test]
fn a_snapshot_stays_as_it_was_taken() {
    on_each(|open| {
        let engine = open();
        write(&engine, &[(1, 10)]);
        let before = engine.snapshot().unwrap();
        let table = before.open_table(NUMBERS).unwrap();
        let begun = table.scan(..).unwrap();
        write(&engine, &[(1, 11), (2, 20)]);
        assert_eq!((numbers(&before), of(begun)), (vec![(1, 10)], vec![(1, 10)]));
        let held = table.get(1).unwrap().unwrap();
        drop((table, before));
        assert_eq!(held.value(), 10);
        assert_eq!(numbers(&engine.snapshot().unwrap()), [(1, 11), (2, 20)]);
    });
}

#[test]
fn one_writes_at_a_time() {
    on_each(|open| {
        let engine = open();
        let first = engine.write().unwrap();
        let (told, begun) = mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                write(&engine, &[(2, 2)]);
                told.send(()).unwrap();
            });
            assert!(begun.recv_timeout(Duration::from_millis(50)).is_err());
            first.open_table(NUMBERS).unwrap().put(1, 1).unwrap();
            first.commit().unwrap();
            begun.recv().unwrap();
        });
        assert_eq!(numbers(&engine.snapshot().unwrap()), [(1, 1), (2, 2)]);
    });
}

#[test]
fn a_range_is_read_in_either_direction_and_ends_where_it_ends() {
    on_each(|open| {
        let engine = open();
        write(&engine, &[(1, 10), (2, 20), (256, 30), (70_000, 40)]);
        let snapshot = engine.snapshot().unwrap();
        let table = snapshot.open_table(NUMBERS).unwrap();
        let check = |range: (Bound<u32>, Bound<u32>), expected: &[u32]| {
            let keys = |scan| of(scan).into_iter().map(|(key, _)| key).collect::<Vec<_>>();
            assert_eq!(keys(table.scan(range).unwrap()), expected, "{range:?}");
            let mut backwards = keys(table.scan_back(range).unwrap());
            backwards.reverse();
            assert_eq!(backwards, expected, "{range:?} backwards");
        };
        check((Bound::Unbounded, Bound::Unbounded), &[1, 2, 256, 70_000]);
        check((Bound::Included(2), Bound::Included(256)), &[2, 256]);
        check((Bound::Excluded(2), Bound::Excluded(70_000)), &[256]);
        check((Bound::Excluded(1), Bound::Excluded(2)), &[]);
        check((Bound::Included(3), Bound::Included(255)), &[]);
        check((Bound::Excluded(2), Bound::Included(2)), &[]);
        check((Bound::Included(256), Bound::Included(2)), &[]);
        check((Bound::Included(70_001), Bound::Unbounded), &[]);
        let many = table.get_many([256, 3, 1]).map(|found| found.unwrap().map(|value| value.value()));
        assert_eq!(many.collect::<Vec<_>>(), [Some(30), None, Some(10)]);
    });
}

#[test]
fn sorted_entries_are_written_over_and_between_those_that_are_there() {
    on_each(|open| {
        let engine = open();
        write(&engine, &[(2, 0), (5, 0), (9, 0)]);
        let writing = engine.write().unwrap();
        let mut table = writing.open_table(NUMBERS).unwrap();
        table.put_sorted([(1, 1), (2, 1), (3, 1), (4, 1), (9, 1), (10, 1)].into_iter()).unwrap();
        assert_eq!(all(&table), [(1, 1), (2, 1), (3, 1), (4, 1), (5, 0), (9, 1), (10, 1)]);
        table.delete_range(3..=9).unwrap();
        assert_eq!(all(&table), [(1, 1), (2, 1), (10, 1)]);
        assert!(!table.is_empty().unwrap());
        table.delete_range(..).unwrap();
        assert!(table.is_empty().unwrap());
        drop(table);
        writing.commit().unwrap();
        assert!(engine.snapshot().unwrap().open_table(NUMBERS).unwrap().is_empty().unwrap());
    });
}

#[test]
fn a_table_that_is_not_there_or_is_open_is_an_error() {
    on_each(|open| {
        let engine = open();
        let missing = |table: Result<_, Error>| matches!(table.map(drop::<ReadTable<_, _>>), Err(Error::Misused(_)));
        assert!(missing(engine.snapshot().unwrap().open_table(NUMBERS)));
        let write = engine.write().unwrap();
        assert!(!write.has_table(NUMBERS).unwrap());
        let table = write.open_table(NUMBERS).unwrap();
        assert!(matches!(write.open_table(NUMBERS).map(drop), Err(Error::Misused(_))));
        drop(table);
        assert!(write.has_table(NUMBERS).unwrap());
        write.open_table(NUMBERS).unwrap();
        write.commit().unwrap();
        assert!(!missing(engine.snapshot().unwrap().open_table(NUMBERS)));
    });
}

/// Keys are read back in the order of their type, which is the same in each engine.
#[test]
fn keys_are_ordered_as_their_types_are() {
    fn check<K: Key + 'static>(keys: &[View<'_, K>])
    where
        for<'a> View<'a, K>: Ord + Clone,
    {
        on_each(|open| {
            let engine = open();
            let write = engine.write().unwrap();
            let mut table = write.open_table(Table::<K, ()>::new("keys")).unwrap();
            keys.iter().rev().for_each(|key| table.put(key.clone(), ()).unwrap());
            drop(table);
            write.commit().unwrap();
            let table = engine.snapshot().unwrap().open_table(Table::<K, ()>::new("keys")).unwrap();
            let read: Vec<String> =
                table.scan(..).unwrap().map(|entry| format!("{:?}", entry.unwrap().0.value())).collect();
            let mut sorted = keys.to_vec();
            sorted.sort();
            assert_eq!(read, sorted.iter().map(|key| format!("{key:?}")).collect::<Vec<_>>());
        });
    }
    check::<u32>(&[0, 1, 255, 256, 1 << 24, u32::MAX]);
    check::<&'static [u8; 3]>(&[&[0, 0, 0], &[0, 0, 255], &[0, 1, 0], &[255, 0, 0]]);
    check::<(u32, &'static str)>(&[(1, ""), (1, "a"), (1, "ab"), (1, "b"), (256, ""), (1, "é"), (1, "中")]);
    check::<(u32, &'static str, [u8; 2])>(&[(1, "a", [9, 9]), (1, "ab", [0, 0]), (1, "a", [0, 0]), (1, "", [7, 7])]);
    check::<(u32, &'static str, i64, [u8; 1])>(&[
        (1, "a", i64::MIN, [0]),
        (1, "a", -1, [0]),
        (1, "a", 0, [0]),
        (1, "a", i64::MAX, [0]),
        (1, "b", -5, [1]),
    ]);
    check::<(u32, u16, &'static str)>(&[(1, 1, "b"), (1, 256, "a"), (1, 2, ""), (2, 0, "")]);
    check::<(&'static [u8; 2], &'static str)>(&[(&[1, 2], "a"), (&[1, 2], ""), (&[1, 3], ""), (&[2, 0], "z")]);
}

#[test]
fn a_file_that_is_open_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    let engine = Engine::open(&file).unwrap();
    assert!(matches!(Engine::open(&file), Err(Error::Locked)));
    drop(engine);
    Engine::open(&file).unwrap();
    std::fs::write(&file, "no database".repeat(1000)).unwrap();
    assert!(matches!(Engine::open(&file), Err(Error::Corrupt(_))));
}
