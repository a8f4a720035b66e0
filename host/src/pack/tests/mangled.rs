//! Packs that were mangled on their way, or made to do harm before anything of them runs: components, rules, `pack.toml`,
//! manifests and archives with bytes changed, torn out, doubled and put in. Each is refused with a reason or is still a
//! pack; none brings the host down, and none takes long.
//!
//! A few hundred of each are tried with every test; `cargo xtask fuzz` goes on as long as it is told.

use std::fs;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::folder::{Bench, MANIFEST, component};
use crate::pack::layers::Layers;
use crate::pack::{archive, archive_of, component as of_component, rules};

/// The variable that says how many seconds each kind is tried for, in place of so many cases.
const SECONDS: &str = "TIDEGATE_FUZZ_SECONDS";
/// The longest that one may take: a debug build on a busy machine.
const LONGEST: Duration = Duration::from_secs(20);

/// What parsers trip over: lengths, nesting, escapes, numbers at their ends.
const ODD: [&[u8]; 18] = [
    b"\0asm",
    b"\x0d\0\x01\0",
    b"\xff\xff\xff\xff\x0f",
    b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"[[",
    b"]]",
    b"\"\"\"",
    b"'''",
    b"{\"a\":",
    b"\\u0000",
    b"9223372036854775808",
    b"1e400",
    b"nan",
    b"\r",
    b"a.b.c.d = 1\n",
    b"[[examples]]\n",
];

/// Tries cases until there were enough; each has a number by which it comes again.
fn each(cases: u64, mut attempt: impl FnMut(&mut StdRng)) {
    let seconds = std::env::var(SECONDS).ok().and_then(|text| text.parse().ok()).map(Duration::from_secs);
    let began = Instant::now();
    let first: u64 = if seconds.is_some() { rand::random::<u32>().into() } else { 1 };
    let mut number = first;
    loop {
        let is_enough = seconds.map_or(number - first >= cases, |seconds| began.elapsed() >= seconds);
        if is_enough {
            eprintln!("{} cases, from {first} on", number - first);
            return;
        }
        let case = Instant::now();
        let outcome =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| attempt(&mut StdRng::seed_from_u64(number))));
        assert!(outcome.is_ok(), "case {number} brought it down");
        assert!(case.elapsed() < LONGEST, "case {number} took {:?}", case.elapsed());
        number += 1;
    }
}

/// The bytes with one to eight changes.
fn mangled(random: &mut StdRng, whole: &[u8]) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    for _ in 0..random.random_range(1..=8) {
        let at = random.random_range(0..=bytes.len());
        let to = (at + random.random_range(0..=64)).min(bytes.len());
        match random.random_range(0..7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = random.random(),
            2 => bytes.truncate(at),
            3 => drop(bytes.drain(at..to)),
            4 => {
                let part = bytes[at..to].to_vec();
                let place = random.random_range(0..=bytes.len());
                bytes.splice(place..place, part);
            }
            5 => {
                let odd = ODD[random.random_range(0..ODD.len())];
                bytes.splice(at..at, odd.repeat(random.random_range(1..=3)));
            }
            _ => {
                let odd = ODD[random.random_range(0..ODD.len())];
                bytes.splice(at..at, odd.repeat(random.random_range(1..=4_000)));
            }
        }
    }
    bytes
}

#[test]
fn a_mangled_component_is_refused_before_anything_of_it_runs() {
    let whole = component("", MANIFEST);
    assert!(of_component::inspect(&whole).is_ok());
    let mut refused = 0;
    each(2_000, |random| refused += u32::from(of_component::inspect(&mangled(random, &whole)).is_err()));
    assert!(refused > 0);
}

#[test]
fn a_mangled_manifest_is_refused_with_the_place() {
    each(300, |random| {
        let text = String::from_utf8_lossy(&mangled(random, MANIFEST.as_bytes())).into_owned();
        // A component that carries it: what cannot be built is no case.
        if let Err(why) = of_component::inspect(&component("", &text)) {
            assert!(!why.to_string().is_empty());
        }
    });
}

#[test]
fn mangled_rules_are_refused_with_the_place() {
    let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../rules/xplan-base/rules.toml");
    let whole = fs::read(shipped).unwrap();
    let bench = Bench::new("");
    let folder = bench.pack();
    let schema = serde_json::json!({ "type": "object", "required": ["client"] });
    let mut refused = 0;
    each(300, |random| {
        fs::write(folder.join("rules.toml"), mangled(random, &whole)).unwrap();
        if let Err(why) = rules::read(&Layers::of(&folder).unwrap(), "resourceful", &schema) {
            assert!(why.to_string().contains("rules.toml"), "{why}");
            refused += 1;
        }
    });
    assert!(refused > 0);
}

#[test]
fn a_mangled_pack_is_refused_or_is_one() {
    let bench = Bench::new("");
    let whole = component("", MANIFEST);
    let file = fs::read(bench.pack().join("pack.toml")).unwrap();
    each(60, |random| {
        // Either of its two files: of both, the first would always be to blame.
        let is_component = random.random();
        bench.write("component.wasm", &if is_component { mangled(random, &whole) } else { whole.clone() });
        bench.write("pack.toml", &if is_component { file.clone() } else { mangled(random, &file) });
        if let Err(why) = bench.packs.load(&bench.pack(), "resourceful") {
            assert!(!why.to_string().is_empty());
        }
    });
    bench.write("component.wasm", &whole);
    bench.write("pack.toml", &file);
    bench.packs.load(&bench.pack(), "resourceful").unwrap();
}

#[test]
fn a_mangled_archive_leaves_nothing_outside_its_folder() {
    let bench = Bench::new("");
    let whole = archive_of(&bench.pack()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    each(400, |random| {
        let to = folder.path().join("inner/pack");
        fs::create_dir_all(&to).unwrap();
        drop(archive::unpack(&mangled(random, &whole), &to));
        let outside = |path: &std::path::Path| fs::read_dir(path).unwrap().count();
        assert_eq!((outside(folder.path()), outside(&folder.path().join("inner"))), (1, 1));
        fs::remove_dir_all(folder.path().join("inner")).unwrap();
    });
}
