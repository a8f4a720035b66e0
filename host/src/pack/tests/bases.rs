//! Packs that extend another: what is joined, what is refused, and that what is kept is whole.

use std::fs;

use serde_json::{Value, json};

use super::folder::{ANYBODY, Bench, MANIFEST, component};
use crate::domain::RevisionDigest;
use crate::pack::{
    EditableFile, Edited, FileKind, Gate, Gates, KeptPacks, PackError, Revision, archive_of, editable_files,
    editable_text, inspect, place_of, signature,
};

/// A pack `test-au` that takes its component, rules and templates from `test-base`.
fn extended() -> Bench {
    let bench = Bench::new("unreachable");
    fs::remove_file(bench.pack().join("component.wasm")).unwrap();
    bench.write_in("test-base", "component.wasm", &component("unreachable", MANIFEST));
    bench.write_in(
        "test-base",
        "pack.toml",
        b"name = \"test-base\"\nversion = \"2\"\nplugin = \"test\"\ncomponent = \"component.wasm\"\ncrm = \"xplan\"",
    );
    bench.write_in(
        "test-base",
        "rules.toml",
        b"words = [\"a\"]\n[titles]\nMr = [\"Mr\"]\nProf = [\"Prof\"]\n[address]\npostcode = \"9999\"",
    );
    bench.write_in("test-base", "dialects/open.toml", b"[titles]\nMr = [\"1\"]");
    bench.write_in("test-base", "notes/plan.exported.toml", b"subject = \"S\"\nbody = \"B\"");
    bench.write_in(
        "test-base",
        "documents/plan.exported.typ",
        b"#import \"region.typ\": *\n#set document(title: \"T\")\n#set text(lang: \"en\")\n#name",
    );
    bench.write_in("test-base", "documents/plan.exported.json", b"{}");
    pack_file(&bench, "");
    bench.write("documents/region.typ", b"#let name = \"Home\"");
    bench.write("rules.toml", b"");
    bench
}

fn pack_file(bench: &Bench, more: &str) {
    let text = format!("name = \"test-au\"\nversion = \"1\"\nextends = \"test-base\"\nregion = \"AU\"\n{more}");
    bench.write("pack.toml", text.as_bytes());
}

fn load(bench: &Bench) -> std::sync::Arc<Revision> {
    bench.packs.load(&bench.pack(), "resourceful").unwrap_or_else(|error| panic!("{error}"))
}

fn rules(revision: &Revision) -> Value {
    serde_json::from_str(&revision.rules).unwrap()
}

#[test]
fn a_pack_is_what_it_says_itself_and_else_what_its_base_says() {
    let bench = extended();
    pack_file(&bench, "[address]\npostcode = \"/address/postcode\"");
    bench.write("rules.toml", b"words = [\"b\"]\n[titles]\nDr = [\"Dr\"]");
    bench.write("notes/plan.exported.toml", b"subject = \"T\"");
    let revision = load(&bench);
    let expected = json!({
        "address": {"postcode": "9999"}, "notes": {"plan.exported": {"body": "B", "subject": "T"}},
        "titles": {"Dr": ["Dr"], "Mr": ["Mr"], "Prof": ["Prof"]}, "words": ["b"],
    });
    assert_eq!(rules(&revision), expected);
    assert_eq!(revision.templates.events(), ["plan.exported"]);
    assert_eq!(revision.address_form().unwrap().postcodes, ["9999"]);
    let facts = revision.facts();
    let said = [facts.name, facts.version, facts.plugin, facts.crm, facts.region];
    assert_eq!(said, ["test-au", "1", "test", "xplan", "AU"]);
    // What differs in a dialect is laid over what is joined.
    let open = bench.packs.load(&bench.pack(), "open").unwrap();
    assert_eq!(rules(&open)["titles"]["Mr"], json!(["1"]));
    assert_eq!(open.digest(), revision.digest());
}

/// What packs of several CRMs have in common lies below the bases that have a component.
#[test]
fn a_base_without_a_component_lies_below_those_that_have_one() {
    let bench = extended();
    bench.write_in("all-base", "pack.toml", b"name = \"all-base\"\nversion = \"3\"");
    bench.write_in("all-base", "rules.toml", b"[titles]\nMr = [\"Mister\"]\nMs = [\"Ms\"]");
    let extends = "extends = \"all-base\"\nplugin = \"test\"\ncomponent = \"component.wasm\"\ncrm = \"xplan\"";
    let base = format!("name = \"test-base\"\nversion = \"2\"\n{extends}");
    bench.write_in("test-base", "pack.toml", base.as_bytes());
    assert_eq!(rules(&load(&bench))["titles"], json!({"Mr": ["Mr"], "Ms": ["Ms"], "Prof": ["Prof"]}));
    let facts = bench.packs.check(&bench.of("all-base"), &ANYBODY).base.unwrap();
    assert_eq!((facts.name.as_str(), facts.version.as_str(), facts.plugin, facts.crm), ("all-base", "3", None, None));
    let found = inspect(&bench.of("all-base"), "resourceful").unwrap();
    assert!(found.component.is_none() && found.crm.is_none() && found.region.is_none());
    let found = inspect(&bench.pack(), "resourceful").unwrap();
    assert_eq!(found.layers, ["test-au", "test-base", "all-base"]);
    // Of a component it has all or nothing, and a pack with a region has all.
    let check = |of: &str, text: &str, expected: &str| {
        bench.write_in(of, "pack.toml", text.as_bytes());
        let problem = bench.packs.check(&bench.of(of), &ANYBODY).problem.unwrap();
        assert!(problem.contains(expected), "{problem}");
    };
    check("all-base", "name = \"all-base\"\nversion = \"3\"\nplugin = \"test\"", "it has no `component`");
    bench.write_in("all-base", "pack.toml", b"name = \"all-base\"\nversion = \"3\"");
    let text = "name = \"test-au\"\nversion = \"1\"\nextends = \"all-base\"\nregion = \"AU\"";
    check("test-au", text, "it has no `plugin`, nor has its base `all-base`");
}

#[test]
fn what_is_left_out_of_a_base_is_gone() {
    let bench = extended();
    pack_file(&bench, "");
    bench.write("rules.toml", b"remove = [\"/titles/Prof\", \"/notes/plan.exported\"]");
    let revision = load(&bench);
    assert_eq!(rules(&revision)["titles"], json!({"Mr": ["Mr"]}));
    assert_eq!(rules(&revision)["notes"], json!({}));
    pack_file(&bench, "without = [\"documents/plan.exported.typ\", \"documents/plan.exported.json\"]\n");
    assert_eq!(load(&bench).templates.events(), Vec::<&str>::new());
}

#[test]
fn a_base_is_listed_and_none_that_a_connection_is_mapped_by() {
    let bench = extended();
    let listed = bench.packs.list(&bench.around().join("packs"), &ANYBODY).unwrap();
    let said: Vec<_> = listed
        .iter()
        .map(|one| (one.folder.as_str(), one.pack.is_some(), one.base.is_some(), one.problem.is_some()))
        .collect();
    assert_eq!(said, [("test-au", true, false, false), ("test-base", false, true, false)]);
    let base = listed[1].base.as_ref().unwrap();
    assert_eq!((base.name.as_str(), base.version.as_str(), base.crm.as_deref()), ("test-base", "2", Some("xplan")));
    let error = bench.packs.load(&bench.of("test-base"), "resourceful").err().unwrap().to_string();
    assert!(error.contains("`test-base` is a base") && error.contains("choose a pack that extends it"), "{error}");
    // What is wrong with a base is told of where it is listed.
    bench.write_in("test-base", "notes/plan.exported.toml", b"subject = ");
    let listed = bench.packs.list(&bench.around().join("packs"), &ANYBODY).unwrap();
    let problems: Vec<_> = listed.iter().map(|one| one.problem.clone().unwrap_or_default()).collect();
    assert!(problems[1].contains("notes/plan.exported.toml: it is not TOML: line 1"), "{problems:?}");
    assert!(problems[0].contains("test-base/notes/plan.exported.toml: it is not TOML: line 1"), "{problems:?}");
}

#[test]
fn a_base_that_cannot_be_one_is_refused_with_what_to_do() {
    let check = |change: &dyn Fn(&Bench), words: &[&str]| {
        let bench = extended();
        change(&bench);
        let refusal = bench.refusal();
        for words in words {
            assert!(refusal.contains(words), "{refusal} says nothing of {words}");
        }
    };
    check(&|bench| fs::remove_dir_all(bench.of("test-base")).unwrap(), &["it extends `test-base`", "put the folder"]);
    let base = |text: &'static str| move |bench: &Bench| bench.write_in("test-base", "pack.toml", text.as_bytes());
    let whole = "name = \"test-base\"\nversion = \"2\"\nplugin = \"test\"\ncomponent = \"component.wasm\"\n";
    let other = whole.replace("\"test\"", "\"other\"") + "crm = \"xplan\"";
    check(&|bench| bench.write_in("test-base", "pack.toml", other.as_bytes()), &["it says plugin `other`", "`test`"]);
    let other = format!("{whole}crm = \"acme\"");
    check(
        &|bench| {
            pack_file(bench, "crm = \"xplan\"\n");
            bench.write_in("test-base", "pack.toml", other.as_bytes());
        },
        &["reads the CRM `xplan`, and its base `test-base` the CRM `acme`", "extend one of the same CRM"],
    );
    check(&base("name = \"else\"\nversion = \"2\""), &["test-base/pack.toml: it is the pack `else`"]);
    check(&base("name = "), &["test-base/pack.toml: line 1"]);
    check(&base("name = \"test-base\"\nversion = \"2\""), &["it has no `plugin`, nor has its base `test-base`"]);
    check(
        &base("name = \"test-base\"\nversion = \"2\"\nextends = \"test-au\""),
        &["in a circle (test-au → test-base → test-au)", "take one `extends` out"],
    );
    check(
        &|bench| {
            bench.write("pack.toml", b"name = \"test-au\"\nversion = \"1\"\nextends = \"test-au\"\nregion = \"AU\"");
        },
        &["it extends itself"],
    );
    check(
        &|bench| {
            bench.write(
                "pack.toml",
                b"name = \"test-au\"\nversion = \"1\"\nextends = \"../test-base\"\nregion = \"AU\"",
            );
        },
        &["`extends` is to be the name of a pack"],
    );
    check(&|bench| fs::remove_file(bench.of("test-base").join("component.wasm")).unwrap(), &["component.wasm"]);
    check(&|bench| bench.write("rules.toml", b"[notes]"), &["rules.toml: it has a table `notes`"]);
    check(
        &|bench| bench.write_in("test-base", "rules.toml", b"[notes]"),
        &["test-base/rules.toml: it has a table `notes`"],
    );
    check(
        &|bench| bench.write("rules.toml", b"remove = [\"/titles/Lord\"]"),
        &["rules.toml: `remove` takes `/titles/Lord`"],
    );
    check(
        &|bench| bench.write("rules.toml", b"remove = [\"/examples/no such\"]"),
        &["`remove` takes `/examples/no such` away"],
    );
    check(&|bench| pack_file(bench, "without = [\"fixtures/x.json\"]\n"), &["`without` leaves `fixtures/x.json` out"]);
    check(&|bench| pack_file(bench, "without = [\"../x\"]\n"), &["`without` leaves `../x` out"]);
    check(&|bench| pack_file(bench, "without = [\"rules.toml/\"]\n"), &["`without` leaves"]);
}

#[test]
fn packs_lie_four_on_another_and_no_more() {
    let bench = extended();
    let on = |name: &str, base: &str| {
        let text = format!("name = \"{name}\"\nversion = \"1\"\nextends = \"{base}\"");
        bench.write_in(name, "pack.toml", text.as_bytes());
    };
    on("second", "test-base");
    on("third", "second");
    bench.write("pack.toml", b"name = \"test-au\"\nversion = \"1\"\nextends = \"third\"\nregion = \"AU\"");
    bench.write_in("second", "rules.toml", b"words = [\"of the second\"]");
    assert_eq!(rules(&load(&bench))["words"], json!(["of the second"]));
    on("fourth", "third");
    bench.write("pack.toml", b"name = \"test-au\"\nversion = \"1\"\nextends = \"fourth\"\nregion = \"AU\"");
    let refusal = bench.refusal();
    assert!(refusal.contains("second/pack.toml: with its base `test-base` there were more than 4 packs"), "{refusal}");
}

/// Public reports name both: a change in what is inherited that nobody saw, and keys of it that could not be removed.
#[test]
fn a_changed_row_of_a_base_is_another_revision_and_what_is_kept_stays() {
    let bench = extended();
    let before = load(&bench);
    let kept = KeptPacks::of(&bench.around().join("data"));
    kept.keep(&bench.pack(), before.digest()).unwrap();
    let row = |mr: &str| {
        format!("words = [\"a\"]\n[titles]\nMr = [\"{mr}\"]\nProf = [\"Prof\"]\n[address]\npostcode = \"9999\"")
    };
    bench.write_in("test-base", "rules.toml", row("Mister").as_bytes());
    let after = load(&bench);
    assert_ne!(after.digest(), before.digest());
    assert_eq!(after.rule_differences(&before).len(), 1);
    let loaded = bench.packs.load(&kept.folder(before.digest()), "resourceful").unwrap();
    assert_eq!((loaded.digest(), rules(&loaded)["titles"]["Mr"].clone()), (before.digest(), json!(["Mr"])));
    bench.write_in("test-base", "rules.toml", row("Mr").as_bytes());
    assert_eq!(load(&bench).digest(), before.digest());
    bench.write_in(
        "test-base",
        "documents/plan.exported.typ",
        b"#set document(title: \"T\")\n#set text(lang: \"en\")\nElse",
    );
    assert_ne!(load(&bench).digest(), before.digest());
}

#[test]
fn what_is_kept_and_what_is_sent_is_whole() {
    let bench = extended();
    let digest = load(&bench).digest();
    let kept = KeptPacks::of(&bench.around().join("data"));
    let sent = archive_of(&bench.pack()).unwrap();
    kept.keep(&bench.pack(), digest).unwrap();
    fs::remove_dir_all(bench.around().join("packs")).unwrap();
    let load = |folder: &std::path::Path| bench.packs.load(folder, "resourceful").map(|revision| revision.digest());
    assert_eq!(load(&kept.folder(digest)).ok(), Some(digest));
    let received = kept.receive(&sent, "test-au").unwrap();
    assert_eq!(load(received.folder()).ok(), Some(digest));
    // What is kept is sent as it was, and kept again as it is.
    assert_eq!(archive_of(&kept.folder(digest)).unwrap(), sent);
    let again = KeptPacks::of(&bench.around().join("again"));
    again.keep(received.folder(), digest).unwrap();
    assert_eq!(archive_of(&again.folder(digest)).unwrap(), sent);
}

#[test]
fn a_pack_that_is_sent_without_its_base_has_that_of_the_packs() {
    let bench = extended();
    let digest = load(&bench).digest();
    let packs = bench.around().join("packs");
    // As the folder is sent by somebody who has not got the base.
    let alone = bench.around().join("elsewhere/test-au");
    fs::create_dir_all(alone.parent().unwrap()).unwrap();
    fs::rename(bench.pack(), &alone).unwrap();
    let sent = archive_of(&alone).unwrap();
    let kept = KeptPacks::of(&bench.around().join("data"));
    let received = kept.receive(&sent, "test-au").unwrap();
    let loaded = |received: &crate::pack::Received| bench.packs.load(received.folder(), "resourceful");
    let refused = loaded(&received).err().unwrap().to_string();
    assert!(refused.contains("it extends `test-base`, and there is none"), "{refused}");
    received.complete(&packs).unwrap();
    assert_eq!(loaded(&received).unwrap().digest(), digest);
}

#[test]
fn what_is_wrong_is_told_with_the_file_that_has_it() {
    let bench = extended();
    let check = |files: &[(&str, &str, &str)], words: &[&str]| {
        let bench = extended();
        for (pack, file, text) in files {
            bench.write_in(pack, file, text.as_bytes());
        }
        let mut gates = Gates::default();
        assert!(bench.packs.load_through(&bench.pack(), "resourceful", &mut gates).is_err());
        let told: Vec<_> = gates.outcomes().into_iter().filter_map(|one| one.reason).collect();
        for words in words {
            assert!(told.iter().any(|told| told.contains(words)), "{told:?} says nothing of {words}");
        }
    };
    drop(bench);
    check(&[("test-base", "rules.toml", "a = ")], &["test-base/rules.toml: it is not TOML: line 1"]);
    check(&[("test-au", "rules.toml", "a = ")], &["rules.toml: it is not TOML: line 1"]);
    check(
        &[("test-base", "rules.toml", "[[examples]]\nname = \"one\"\nrow = {}\nbecomes = \"mapped\"")],
        &["/examples/0 (test-base/rules.toml)"],
    );
    check(
        &[
            ("test-base", "rules.toml", "[[examples]]\nname = \"one\"\nrow = {}\nbecomes = \"skipped\""),
            ("test-au", "rules.toml", "[[examples]]\nname = \"one\"\nrow = {}\nbecomes = \"mapped\""),
        ],
        &["/examples/0 (rules.toml)"],
    );
    check(&[("test-base", "fixtures/a.json", "{}")], &["test-base/fixtures/a.json: "]);
    check(
        &[("test-base", "documents/other.event.typ", "x")],
        &["test-base/documents/other.event.typ: it needs a sample"],
    );
    check(&[("test-base", "dialects/x.txt", "x")], &["test-base/dialects/x.txt: what differs"]);
}

#[test]
fn a_base_s_files_are_read_and_the_packs_own_are_edited() {
    let bench = extended();
    bench.write("rules.toml", b"[titles]\nDr = [\"Dr\"]\n");
    bench.write_in("test-base", "fixtures/a.json", b"{}");
    bench.write("fixtures/a.json", br#"{"name": "x", "raw": {"kind": "client", "id": "1", "json": {}}, "outcome": {"verdict": "skipped", "diagnostics": []}}"#);
    let revision = load(&bench);
    let kept = KeptPacks::of(&bench.around().join("data"));
    kept.keep(&bench.pack(), revision.digest()).unwrap();
    let folder = kept.folder(revision.digest());
    let listed: Vec<EditableFile> = editable_files(&folder).unwrap();
    let paths: Vec<_> = listed.iter().map(|file| (file.path.as_str(), file.base.as_deref())).collect();
    let of_base = Some("test-base");
    let expected = [
        ("rules.toml", None),
        ("documents/region.typ", None),
        ("fixtures/a.json", None),
        ("test-base/rules.toml", of_base),
        ("test-base/dialects/open.toml", of_base),
        ("test-base/notes/plan.exported.toml", of_base),
        ("test-base/documents/plan.exported.json", of_base),
        ("test-base/documents/plan.exported.typ", of_base),
    ];
    assert_eq!(paths, expected);
    let text = |path: &str| editable_text(&folder, path).unwrap();
    let read = text("test-base/notes/plan.exported.toml").unwrap();
    assert_eq!((read.kind, read.base.as_deref(), read.is_there), (FileKind::Note, of_base, false));
    assert_eq!(read.own_path, "notes/plan.exported.toml");
    // The pack's own of what is joined begins empty, and of what is replaced as a copy.
    assert_eq!(text("notes/plan.exported.toml").map(|file| (file.text, file.is_there)), Some((String::new(), false)));
    assert_eq!(text("documents/plan.exported.json").map(|file| file.text), Some("{}".to_owned()));
    assert_eq!(text("rules.toml").map(|file| file.is_there), Some(true));
    for none in ["notes/no.such.toml", "test-base/notes/no.such.toml", "test-base/fixtures/../pack.toml", "pack.toml"] {
        assert_eq!(text(none), None, "{none}");
    }
    let edited = Edited::from([("notes/plan.exported.toml".to_owned(), "subject = \"Mine\"".to_owned())]);
    assert_eq!(revision.problems_of(&folder, &edited, "resourceful"), []);
    let broken = Edited::from([("rules.toml".to_owned(), "remove = [\"/titles/Lord\"]".to_owned())]);
    let problems = revision.problems_of(&folder, &broken, "resourceful");
    assert_eq!((problems.len(), problems[0].file.as_str()), (1, "rules.toml"), "{problems:?}");
    let place = |line: &str| place_of(&folder, &edited, "open", line);
    assert_eq!(place("/titles/Dr: x"), Some(("rules.toml".to_owned(), Some(2))));
    assert_eq!(place("/titles/Prof: x"), Some(("test-base/rules.toml".to_owned(), Some(4))));
    assert_eq!(place("/titles/Mr: x"), Some(("test-base/dialects/open.toml".to_owned(), Some(2))));
    assert_eq!(place("/notes/plan.exported/body: x"), Some(("test-base/notes/plan.exported.toml".to_owned(), Some(2))));
    assert_eq!(place("/notes/plan.exported/subject: x"), Some(("notes/plan.exported.toml".to_owned(), Some(1))));
    assert_eq!(
        place("test-base/rules.toml: it is not TOML: line 3"),
        Some(("test-base/rules.toml".to_owned(), Some(3)))
    );
    // What is edited is a revision of its own, which is whole.
    let received = kept.edit(revision.digest(), "test-au", &edited).unwrap();
    let other = bench.packs.load(received.folder(), "resourceful").unwrap();
    assert_eq!(rules(&other)["notes"]["plan.exported"], json!({"body": "B", "subject": "Mine"}));
    assert_ne!(other.digest(), revision.digest());
}

#[test]
fn a_base_is_told_of_at_the_gate_of_connections() {
    let bench = extended();
    let mut gates = Gates::default();
    let refused = bench.packs.load_through(&bench.of("test-base"), "resourceful", &mut gates).err();
    assert!(matches!(refused, Some(PackError::Refused { .. })));
    let failed: Vec<Gate> = gates.outcomes().into_iter().filter(|one| !one.ok).map(|one| one.gate).collect();
    assert_eq!(failed, [Gate::Connection]);
}

#[test]
fn what_is_joined_is_shown_with_the_place_that_each_is_from() {
    let bench = extended();
    bench.write("rules.toml", b"[titles]\nDr = [\"Dr\", \"a\\\"b\"]\n\"odd key\" = {x = 1}\n\n[[examples]]\nname = \"one\"\nrow = {}\nbecomes = \"skipped\"");
    bench.write_in("test-base", "notes/plan.exported.toml", b"subject = \"S\"\nbody = \"\"\"\nB\nC\"\"\"");
    let found = inspect(&bench.pack(), "resourceful").unwrap();
    assert_eq!(found.layers, ["test-au", "test-base"]);
    assert_eq!(
        (found.region.as_deref(), found.events.as_slice()),
        (Some("AU"), ["plan.exported".to_owned()].as_slice())
    );
    assert_eq!(found.dialects, ["resourceful", "open"]);
    let files: Vec<_> = found.files.iter().map(|file| (file.path.as_str(), file.layer.as_str())).collect();
    assert!(files.contains(&("rules.toml", "test-au")) && files.contains(&("rules.toml", "test-base")), "{files:?}");
    assert!(files.contains(&("component.wasm", "test-base")), "{files:?}");
    let text = found.joined.to_toml();
    insta::assert_snapshot!(text.trim(), @r#"
    words = ["a"]  # test-base/rules.toml:1

    [address]
    postcode = "9999"  # test-base/rules.toml:6

    [[examples]]  # rules.toml:5
    becomes = "skipped"
    name = "one"
    row = {}

    [notes."plan.exported"]
    # test-base/notes/plan.exported.toml:2
    body = """
    B
    C"""
    subject = "S"  # test-base/notes/plan.exported.toml:1

    [titles]
    Dr = ["Dr", 'a"b']  # rules.toml:2
    Mr = ["Mr"]  # test-base/rules.toml:3
    Prof = ["Prof"]  # test-base/rules.toml:4

    [titles."odd key"]
    x = 1  # rules.toml:3
    "#);
    let read: toml::Table = toml::from_str(&text).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), found.joined.rules);
    assert_eq!(found.joined.from["/titles/Prof"], "test-base/rules.toml:4");
    assert_eq!(found.joined.from["/examples/0"], "rules.toml:5");
    // A base can be looked at as well, and says that it has no region.
    assert_eq!(inspect(&bench.of("test-base"), "open").unwrap().region, None);
}

/// A link to a pack is looked at where it stands: its base is beside the link, or else beside what it leads to.
#[test]
fn a_pack_that_is_linked_finds_its_base_on_either_side() {
    let bench = extended();
    let digest = load(&bench).digest();
    let elsewhere = bench.around().join("elsewhere/test-au");
    fs::create_dir_all(elsewhere.parent().unwrap()).unwrap();
    fs::rename(bench.pack(), &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, bench.pack()).unwrap();
    assert_eq!(load(&bench).digest(), digest, "beside the link");
    fs::rename(bench.of("test-base"), elsewhere.with_file_name("test-base")).unwrap();
    assert_eq!(load(&bench).digest(), digest, "beside what it leads to");
    let kept = KeptPacks::of(&bench.around().join("data"));
    kept.keep(&bench.pack(), digest).unwrap();
    let revision = bench.packs.load(&kept.folder(digest), "resourceful").unwrap();
    assert_eq!(revision.digest(), digest);
}

#[test]
fn a_folder_of_that_name_is_a_base_only_of_what_extends_it() {
    let bench = Bench::new("unreachable");
    bench.write("base/pack.toml", b"name = \"other\"\nversion = \"1\"");
    bench.write("rules.toml", b"a = 1");
    let revision = load(&bench);
    assert_eq!(rules(&revision), json!({"a": 1}));
    let kept = KeptPacks::of(&bench.around().join("data"));
    kept.keep(&bench.pack(), RevisionDigest([1; 32])).unwrap();
    assert!(kept.folder(RevisionDigest([1; 32])).join("base/pack.toml").is_file());
    assert!(signature::sum(&bench.pack()).unwrap().contains("  base/pack.toml"));
}
