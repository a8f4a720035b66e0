//! Whole packs in the sandbox: what is refused, and what a hostile plugin costs.

mod bases;
mod folder;
mod mangled;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::sync::Mutex;

use super::*;
use folder::{ANYBODY, Bench, MANIFEST, component};

/// A revision of the test plugin that takes these events, and writes no notes.
pub fn with_events(events: EventTypes) -> Arc<Revision> {
    let bench = Bench::new("");
    let revision = bench.packs.load(&bench.pack(), "resourceful").unwrap();
    Arc::new(Revision { events: Arc::new(events), ..(*revision).clone() })
}

fn context() -> Context {
    Context {
        region: "AU".to_owned(),
        dialect: "resourceful".to_owned(),
        connection: "test".to_owned(),
        placeholder_email_domain: "acme.example".to_owned(),
        as_of: Date::constant(2026, 3, 1),
    }
}

fn records(ids: &[&str]) -> Vec<RawInput> {
    let record =
        |id: &&str| RawInput { kind: RecordKind::Client, id: ExternalId((*id).to_owned()), json: b"{}".to_vec() };
    ids.iter().map(record).collect()
}

/// Maps four records of which the third makes the plugin misbehave: it alone is rejected, saying `expected`.
fn hostile(misbehave: &str, expected: &str) {
    let bench = Bench::new(misbehave);
    let revision = bench.packs.load(&bench.pack(), "resourceful").unwrap();
    let verdicts = revision.map(&context(), &records(&["a", "b", "x", "c"]));
    let skipped = Verdict::Skipped(Vec::new());
    assert_eq!([&verdicts[0], &verdicts[1], &verdicts[3]], [&skipped; 3], "neighbours are not touched");
    let Verdict::Rejected(diagnostics) = &verdicts[2] else { panic!("{:?}", verdicts[2]) };
    assert_eq!(diagnostics[0].code, "plugin-failed");
    assert!(diagnostics[0].message.contains(expected), "{}", diagnostics[0].message);
    let again = revision.map(&context(), &records(&["a", "b"]));
    assert_eq!(again, [skipped.clone(), skipped], "the plugin goes on");
}

#[test]
fn a_plugin_that_never_ends_is_stopped() {
    hostile("(loop $ever (br $ever))", "took too long");
}

#[test]
fn a_plugin_that_gives_up_costs_its_record() {
    hostile("unreachable", "gave up");
}

#[test]
fn memory_ends_at_its_limit() {
    // It gives up at the limit; beyond the limit it would run for ever.
    let grow = "(block $full (loop $more
        (br_if $full (i32.eq (memory.grow (i32.const 16)) (i32.const -1))) (br $more)))
        (if (i32.le_u (memory.size) (i32.const 1024)) (then unreachable))
        (loop $ever (br $ever))";
    hostile(grow, "gave up");
}

#[test]
fn recursion_ends_at_the_stack_cap() {
    hostile("(drop (call $recurse (i32.const 0)))", "too deeply");
}

#[test]
fn an_answer_of_wrong_length_is_not_used() {
    hostile("(local.set $answered (i32.sub (local.get $count) (i32.const 1)))", "outcomes to");
}

#[test]
fn an_answer_with_foreign_ids_is_not_used() {
    hostile("(i32.store8 (i32.load offset=4 (local.get $record)) (i32.const 0x79))", "ids that it was not asked for");
}

#[test]
fn text_that_is_not_utf8_is_not_used() {
    hostile("(i32.store8 (i32.load offset=4 (local.get $record)) (i32.const 0xff))", "utf-8");
}

#[test]
fn an_answer_longer_than_its_memory_is_not_used() {
    hostile("(local.set $answered (i32.const 0x7fffff))", "");
}

#[test]
fn an_answer_too_large_for_the_host_is_not_used() {
    // A million outcomes lie within the memory's 64 MiB; handing them over would cost the host more than it allows.
    let large = "(drop (memory.grow (i32.const 600)))
        (local.set $answered (i32.const 1000000))
        (local.set $out (i32.const 131072))";
    hostile(large, "fuel");
}

#[test]
fn a_flood_of_calls_to_the_host_is_stopped() {
    hostile("(loop $ever (call $log (i32.const 0) (i32.const 2000) (i32.const 4)) (br $ever))", "too often");
}

/// The lines that are logged, at every level, while `work` goes on.
fn logged(work: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);
    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let kept = Kept::default();
    let writer = kept.clone();
    let lines = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone());
    tracing::subscriber::with_default(lines.finish(), work);
    let bytes = kept.0.lock().unwrap();
    String::from_utf8(bytes.clone()).unwrap()
}

#[test]
fn what_a_plugin_says_is_shown_and_not_logged() {
    // It writes the record's id as a warning, and gives up.
    let tell =
        "(call $log (i32.const 2) (i32.load offset=4 (local.get $record)) (i32.load offset=8 (local.get $record)))
        (unreachable)";
    let bench = Bench::new(tell);
    let revision = bench.packs.load(&bench.pack(), "resourceful").unwrap();
    let mut verdicts = Vec::new();
    let log = logged(|| verdicts = revision.map(&context(), &records(&["a", "xIgnatia Canary 0491 570 156"])));
    assert!(matches!(verdicts[1], Verdict::Rejected(_)));
    assert!(log.contains("a plugin wrote lines") && log.contains("test-au"), "{log}");
    assert!(!log.contains("Canary") && !log.contains("0491"), "{log}");
    let lines = revision.plugin_lines();
    assert!(lines.iter().any(|line| line.text.contains("Ignatia Canary") && line.level == "warn"), "{lines:?}");
}

#[test]
fn nothing_outlives_a_batch() {
    // On its second call an instance would give up.
    let bench = Bench::new("(if (i32.gt_u (global.get $calls) (i32.const 1)) (then unreachable))");
    let revision = bench.packs.load(&bench.pack(), "resourceful").unwrap();
    for _ in 0..20 {
        assert_eq!(revision.map(&context(), &records(&["x"])), [Verdict::Skipped(Vec::new())]);
    }
}

#[test]
fn many_threads_share_the_pool() {
    let bench = Bench::new("unreachable");
    let revision = bench.packs.load(&bench.pack(), "resourceful").unwrap();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..20 {
                    assert_eq!(revision.map(&context(), &records(&["a"])), [Verdict::Skipped(Vec::new())]);
                }
            });
        }
    });
}

#[test]
fn calls_that_fail_say_so() {
    let bench = Bench::new("");
    let revision = bench.packs.load(&bench.pack(), "resourceful").unwrap();
    let error = revision.explain(&context(), &records(&["a"])[0]).unwrap_err();
    assert_eq!(error.to_string(), "the plugin failed: it gave up (a panic in its code)");
    let PackError::Failed(PluginFailure::Trapped(_, cause)) = error else { panic!("{error:?}") };
    assert!(!cause.to_string().is_empty(), "what the engine said is kept");
}

#[test]
fn what_is_wrong_with_a_pack_is_told_apart() {
    let bench = Bench::new("");
    let check = |expected: fn(&PackError) -> bool| {
        let error = bench.packs.load(&bench.pack(), "resourceful").err().unwrap();
        assert!(expected(&error), "{error:?}");
    };
    bench.write("rules.toml", b"x = 1");
    check(|error| matches!(error, PackError::Rules(_)));
    bench.write("rules.toml", b"x = ");
    check(|error| matches!(error, PackError::Several(all) if matches!(all[..], [PackError::Refused { .. }])));
    bench.write("component.wasm", b"Not WebAssembly at all");
    let no_component = |why: &ComponentError| matches!(why, ComponentError::NotAComponent(_, Some(_)));
    let error = bench.packs.load(&bench.pack(), "resourceful").err().unwrap();
    assert!(matches!(&error, PackError::Component { why, .. } if no_component(why)), "{error:?}");
    fs::remove_file(bench.pack().join("component.wasm")).unwrap();
    check(|error| matches!(error, PackError::Component { why: ComponentError::Missing(_), .. }));
}

#[test]
fn a_pack_tells_what_it_is() {
    let bench = Bench::new("");
    let listed = bench.packs.list(bench.pack().parent().unwrap(), &ANYBODY).unwrap();
    let facts = listed[0].pack.as_ref().unwrap();
    assert_eq!((listed.len(), listed[0].folder.as_str(), facts.name.as_str()), (1, "test-au", "test-au"));
    assert_eq!((facts.plugin.as_str(), facts.plugin_version.as_str(), facts.region.as_str()), ("test", "1.0.0", "AU"));

    // The same rules written otherwise are the same revision.
    bench.write("rules.toml", b"# nothing yet\n");
    assert_eq!(bench.packs.check(&bench.pack(), &ANYBODY), listed[0]);
    bench.write("rules.toml", b"x = 1");
    let refused = bench.packs.check(&bench.pack(), &ANYBODY);
    assert!(refused.pack.is_none() && refused.problem.unwrap().contains("/client/x: unknown key"));
}

#[test]
fn the_second_load_does_not_compile() {
    let bench = Bench::new("");
    // A file that is written anew is another file of the same name.
    let files = || -> BTreeMap<_, _> {
        let entries = fs::read_dir(bench.cache()).unwrap().map(Result::unwrap);
        entries.map(|entry| (entry.file_name(), entry.metadata().unwrap().ino())).collect()
    };
    let first = bench.packs.load(&bench.pack(), "resourceful").unwrap().id();
    let compiled = files();
    assert_eq!(compiled.len(), 2, "the key and the compiled component");
    assert_eq!(bench.packs.load(&bench.pack(), "resourceful").unwrap().id(), first);
    assert_eq!(files(), compiled);
}

#[test]
fn damaged_and_missing_files_are_named() {
    let bench = Bench::new("");
    let whole = fs::read(bench.pack().join("component.wasm")).unwrap();
    for length in [0, 7, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        bench.write("component.wasm", &whole[..length]);
        let refusal = bench.refusal();
        assert!(refusal.contains("component.wasm: the file is damaged or was cut short"), "{length}: {refusal}");
    }
    bench.write("component.wasm", b"Not WebAssembly at all");
    assert!(bench.refusal().contains("it is no WebAssembly component"), "{}", bench.refusal());
    bench.write("component.wasm", b"\0asm\x01\0\0\0");
    assert!(bench.refusal().contains("bare WebAssembly module"), "{}", bench.refusal());
    for file in ["component.wasm", "rules.toml", "pack.toml"] {
        let bench = Bench::new("");
        fs::remove_file(bench.pack().join(file)).unwrap();
        assert!(bench.refusal().contains(file), "{}", bench.refusal());
    }
}

#[test]
fn what_is_no_pack_is_listed_with_the_reason() {
    let bench = Bench::new("");
    let packs = bench.pack().parent().unwrap().to_owned();
    fs::create_dir(packs.join("empty")).unwrap();
    fs::write(packs.join("notes.txt"), "").unwrap();
    fs::write(packs.join(".notes.txt.swp"), "").unwrap();
    std::os::unix::fs::symlink("looped", packs.join("looped")).unwrap();
    let listed = bench.packs.list(&packs, &ANYBODY).unwrap();
    let found: Vec<(&str, &str)> =
        listed.iter().map(|one| (&*one.folder, one.problem.as_deref().unwrap_or("loads"))).collect();
    let expected = [
        ("empty", "it has no pack.toml: a pack is a folder with pack.toml, rules.toml and"),
        ("looped", "it is a link that leads round in a circle"),
        ("notes.txt", "it is no folder: a pack is a folder with"),
        ("test-au", "loads"),
    ];
    assert_eq!(found.len(), expected.len(), "{found:?}");
    for ((name, reason), (expected_name, expected)) in found.iter().zip(expected) {
        assert!(*name == expected_name && reason.contains(expected), "{found:?}");
    }
}

#[test]
fn a_folder_out_of_bounds_is_refused_before_it_is_read() {
    let bench = Bench::new("");
    bench.write("fixtures/b/c/d/e.txt", b"");
    assert!(bench.packs.load(&bench.pack(), "resourceful").is_ok());
    bench.write("fixtures/b/c/d/e/f.txt", b"");
    assert!(bench.refusal().contains("folders go 4 deep at most"), "{}", bench.refusal());
}

#[test]
fn rules_that_are_not_written_yet_are_told_of_and_not_the_pack_file() {
    let bench = Bench::new("");
    let pack = fs::read_to_string(bench.pack().join("pack.toml")).unwrap();
    bench.write("pack.toml", format!("{pack}\n[address]\npostcode = \"/client/postcode\"").as_bytes());
    bench.write("rules.toml", b"x = 1");
    let refusal = bench.refusal();
    assert!(refusal.contains("/client/x: unknown key") && !refusal.contains("pack.toml"), "{refusal}");
    bench.write("rules.toml", b"");
    assert!(bench.refusal().contains("pack.toml: `/client/postcode` leads to nothing"), "{}", bench.refusal());
}

#[test]
fn a_pack_says_where_its_rules_tell_of_addresses() {
    let bench = Bench::new("unreachable");
    let pack = fs::read_to_string(bench.pack().join("pack.toml")).unwrap();
    let with = |address: &str| bench.write("pack.toml", format!("{pack}\n[address]\n{address}").as_bytes());
    with("");
    let revision = bench.packs.load(&bench.pack(), "resourceful").unwrap();
    let form = revision.address_form().unwrap();
    assert_eq!((form.country.as_str(), form.states.len(), form.postcodes.len()), ("AU", 0, 0));
    with("postcode = \"/client/postcode\"");
    assert!(bench.refusal().contains("`/client/postcode` leads to nothing"), "{}", bench.refusal());
    with("any_state = \"/client/any\"");
    assert!(bench.refusal().contains("`/client/any` leads to nothing"), "{}", bench.refusal());
    with("zip = \"/x\"");
    assert!(bench.refusal().contains("zip"), "{}", bench.refusal());
}

#[test]
fn a_pack_says_where_its_rules_declare_the_fields_that_they_add() {
    let bench = Bench::new("unreachable");
    let pack = fs::read_to_string(bench.pack().join("pack.toml")).unwrap();
    let with = |pointers: &str| bench.write("pack.toml", format!("{pack}\n[extensions]\n{pointers}").as_bytes());
    let load = || bench.packs.load(&bench.pack(), "resourceful").unwrap();
    bench.write("rules.toml", b"[added.number]\nlabel = \"Number\"\ntype = \"text\"\nsensitive = true");
    with("client = \"/added\"");
    let revision = load();
    let added = revision.extensions(RecordKind::Client);
    assert_eq!(added.iter().map(|field| (&*field.label, field.sensitive)).collect::<Vec<_>>(), [("Number", true)]);
    // Another place is another revision: what was sensitive may not be any more.
    bench.write("pack.toml", pack.as_bytes());
    let without = load();
    assert!(without.extensions(RecordKind::Client).is_empty());
    assert_ne!(without.digest(), revision.digest());
    with("client = \"/nowhere\"");
    assert!(bench.refusal().contains("pack.toml: `/nowhere` leads to nothing"), "{}", bench.refusal());
    with("adviser = \"/added\"");
    assert!(bench.refusal().contains("adviser"), "{}", bench.refusal());
}

#[test]
fn foreign_imports_and_other_contracts_are_refused() {
    let check = |text: &str, expected: &str| {
        let bench = Bench::new("");
        bench.write("component.wasm", &wat::parse_str(text).unwrap());
        assert!(bench.refusal().contains(expected), "{}", bench.refusal());
    };
    check(
        r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance)))"#,
        "it imports `wasi:clocks/wall-clock@0.2.0`",
    );
    check(
        r#"(component (import "tidegate:mapping/log@1.2.0" (instance)))"#,
        "needs version 1.2 of the contract, this host has 1.0",
    );
    check(
        r#"(component (import "tidegate:mapping/log@1.0.0" (instance $log))
            (export "tidegate:mapping/mapper@2.0.0" (instance $log)))"#,
        "needs version 2.0 of the contract, this host has 1.0",
    );
    check("(component)", "does not export");
    check(
        r#"(component (import "tidegate:mapping/log@1.0.0" (instance $log))
            (export "tidegate:mapping/mapper@1.0.0" (instance $log)))"#,
        "no section `tidegate:manifest`",
    );
}

#[test]
fn a_manifest_must_be_true() {
    let check = |found: &str, other: &str, expected: &str| {
        let bench = Bench::new("");
        bench.write("component.wasm", &component("", &MANIFEST.replace(found, other)));
        assert!(bench.refusal().contains(expected), "{}", bench.refusal());
    };
    check("1.0.0", "1.0.1", "differs from the section with its manifest in version");
    check(r#""events": []"#, r#""events": ["x"], "more": 1"#, "is no manifest");
    check(r#""test""#, r#""other""#, "it says plugin `test`, and the component's manifest says `other`");
    check("AU", "NZ", "it says region `AU`");
}

#[test]
fn fixtures_must_come_out() {
    let fixture = |outcome: &str| {
        format!(r#"{{"name": "One", "raw": {{"kind": "client", "id": "1", "json": {{}}}}, "outcome": {outcome}}}"#)
    };
    let bench = Bench::new("");
    bench.write("fixtures/one.json", fixture(r#"{"verdict": "skipped", "diagnostics": []}"#).as_bytes());
    bench.packs.load(&bench.pack(), "resourceful").unwrap();
    bench.write("fixtures/one.json", fixture(r#"{"verdict": "rejected", "diagnostics": []}"#).as_bytes());
    let expected = r#"one.json: the fixture "One" comes out otherwise: /verdict is "skipped", expected "rejected""#;
    assert!(bench.refusal().contains(expected), "{}", bench.refusal());
    bench.write("fixtures/two.json", br#"{"name": "Two"}"#);
    let refusal = bench.refusal();
    assert!(refusal.contains(expected) && refusal.contains("two.json: a fixture has"), "both are told: {refusal}");
}

#[test]
fn a_pack_file_cannot_reach_outside_its_folder() {
    let bench = Bench::new("");
    let text = fs::read_to_string(bench.pack().join("pack.toml")).unwrap();
    for path in ["../component.wasm", "/etc/hostname", "", "."] {
        bench.write("pack.toml", text.replace("component.wasm", path).as_bytes());
        assert!(bench.refusal().contains("the pack's own folder"), "{}", bench.refusal());
    }
}

#[test]
fn a_pack_whose_examples_come_out_otherwise_is_refused() {
    let bench = Bench::new("");
    let rules = |examples: &str| bench.write("rules.toml", examples.as_bytes());
    rules("[[examples]]\nname = \"left out\"\nrow = { id = 1 }\nbecomes = \"skipped\"\ncodes = []\n");
    assert_eq!(bench.packs.load(&bench.pack(), "resourceful").err().map(|error| error.to_string()), None);
    let check = |example: &str, expected: &str| {
        rules(&format!("[[examples]]\nname = \"first\"\nbecomes = \"skipped\"\n[[examples]]\n{example}"));
        let refusal = bench.refusal();
        assert!(refusal.contains("/examples/1") && refusal.contains(expected), "{refusal}");
    };
    check("name = \"a\"", "the example \"a\" comes out otherwise: it is skipped, expected mapped");
    check("name = \"b\"\nbecomes = \"rejected\"", "it is skipped, expected rejected");
    check(
        "name = \"c\"\nbecomes = \"skipped\"\nexpect = { title = \"Mr\" }\ncodes = [\"unknown-title\"]",
        "title is empty, expected `Mr`; its codes are [], expected [unknown-title]",
    );
    check("row = {}", "/examples/1: it has no name");
    check("name = \"first\"", "(\"first\"): /examples/0 is called so too");
    check("name = \"d\"\nkind = \"policy\"", "`kind` is \"policy\", and can be adviser, client, goal, cover");
    check("name = \"e\"\nbecomes = \"skiped\"", "is `skipped` meant?");
    check("name = \"f\"\nbecomes = \"skipped\"\nexpct = { title = \"Mr\" }", "`expct` is no part of an example");
    check("name = \"g\"\nbecomes = \"skipped\"\nexpect = { titel = \"\" }", "extensions; is `title` meant?");
    for none in ["examples = 5", "[examples]\nname = \"single brackets\""] {
        rules(none);
        assert!(bench.refusal().contains("written as [[examples]]"), "{none}");
    }
    rules(&(0..30).map(|number| format!("[[examples]]\nname = \"{number}\"\n")).collect::<String>());
    assert!(bench.refusal().contains("10 more things are wrong with the examples"));
}
