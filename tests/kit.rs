//! The kit, as the author of a pack uses it: the binary alone, without a host, in a folder of the author's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{copy_folder, copy_pack};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;

/// A folder in which an author works, with blanks in its name as some have.
struct Author {
    folder: tempfile::TempDir,
    home: PathBuf,
}

/// What a command said and how it ended.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Author {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let home = folder.path().join("my packs");
        fs::create_dir(&home)?;
        Ok(Self { folder, home })
    }

    /// The binary with arguments. What it compiles is kept for the whole test run beside the packs.
    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let environment = |name: &str| std::env::var(name).with_context(|| format!("{name} is not set"));
        let mut command = Command::new(environment("TIDEGATE_BIN")?);
        let cache = Path::new(&environment("TIDEGATE_PACKS")?).with_file_name("tests-cache");
        command.arg("pack").args(arguments).current_dir(&self.home).stdin(Stdio::null()).env("XDG_CACHE_HOME", cache);
        // The crates of the workspace's own lock file are on this machine, and no others are needed.
        command.env("CARGO_NET_OFFLINE", "true").kill_on_drop(true);
        Ok(command)
    }

    async fn run(&self, arguments: &[&str]) -> Result<Said> {
        let output = self.command(arguments)?.output().await?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Said { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) })
    }

    /// Runs a command that is to succeed, and answers what it printed.
    async fn ok(&self, arguments: &[&str]) -> Result<String> {
        let said = self.run(arguments).await?;
        ensure!(said.code == Some(0), "{arguments:?}: {:?}\n{}{}", said.code, said.out, said.err);
        Ok(said.out)
    }

    async fn json(&self, arguments: &[&str]) -> Result<Value> {
        let said = self.run(&[arguments, &["--json"]].concat()).await?;
        serde_json::from_str(&said.out).with_context(|| format!("{arguments:?}: {}{}", said.out, said.err))
    }

    /// The tests' hostile plugin as a pack with one fixture, whose record it goes wrong on.
    fn hostile(&self, how: &str) -> Result<PathBuf> {
        let packs = std::env::var("TIDEGATE_PACKS")?;
        let pack = self.home.join("hostile");
        if pack.exists() {
            fs::remove_dir_all(&pack)?;
        }
        copy_folder(&Path::new(&packs).with_file_name("test-packs").join("hostile"), &pack)?;
        fs::write(pack.join("rules.toml"), format!("how = \"{how}\"\non = [\"7\"]\nevery = 0\n"))?;
        fs::create_dir_all(pack.join("fixtures"))?;
        let record =
            json!({ "kind": "client", "id": "7", "json": { "row": { "first_name": "Ada", "last_name": "Example" } } });
        fs::write(pack.join("fixtures/client.json"), json!({ "name": "x", "raw": record, "outcome": {} }).to_string())?;
        let other =
            json!({ "kind": "client", "id": "8", "json": { "row": { "first_name": "Bo", "last_name": "Sample" } } });
        fs::write(pack.join("fixtures/other.json"), json!({ "name": "y", "raw": other, "outcome": {} }).to_string())?;
        Ok(pack)
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The demands of a battery that are not kept.
fn broken(found: &Value) -> Vec<String> {
    let demands = found["dialects"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|one| one["demands"].as_array().into_iter().flatten());
    demands.filter(|one| one["ok"] == false).map(|one| text(&one["demand"])).collect()
}

#[tokio::test]
async fn a_pack_in_rust_is_made_built_tried_measured_signed_and_verified() -> Result<()> {
    let author = Author::new()?;
    // A workspace around it is none of its own.
    fs::write(author.folder.path().join("Cargo.toml"), "[workspace]\nmembers = []\n")?;
    let made = author.ok(&["new", "acme-za", "--region", "za", "--lang", "rust"]).await?;
    ensure!(made.contains("acme-za/src/lib.rs") || made.contains("src/lib.rs"), "{made}");
    let built = author.json(&["build", "acme-za"]).await?;
    ensure!(built["bytes"].as_u64().is_some_and(|bytes| (50_000..2_000_000).contains(&bytes)), "{built}");
    ensure!(author.home.join("acme-za/pack/component.wasm").is_file());
    author.ok(&["check", "acme-za"]).await?;
    let tried = author.json(&["test", "acme-za"]).await?;
    ensure!(tried["ok"] == true && tried["tried"] == 4, "{tried}");
    let found = author.json(&["conform", "acme-za"]).await?;
    ensure!(found["ok"] == true, "{:?} {found}", broken(&found));

    // Figures are the same the second time, but for the time.
    author.ok(&["bench", "acme-za", "--save", "baseline.json"]).await?;
    let measured = author.json(&["bench", "acme-za", "--baseline", "baseline.json", "--fail-above", "0"]).await?;
    ensure!(
        measured["ok"] == true && measured["figures"]["fuel_a_record"].as_u64().is_some_and(|fuel| fuel > 1000),
        "{measured}"
    );
    let mut kept: Value = serde_json::from_str(&fs::read_to_string(author.home.join("baseline.json"))?)?;
    kept["fuel_a_record"] = json!(kept["fuel_a_record"].as_u64().unwrap_or_default() / 2);
    fs::write(author.home.join("baseline.json"), kept.to_string())?;
    let worse = author.run(&["bench", "acme-za", "--baseline", "baseline.json", "--fail-above", "50"]).await?;
    ensure!(worse.code == Some(1) && worse.out.contains("instructions a record"), "{}", worse.out);

    // Another title table changes what becomes of a record, and that is shown before it is in force.
    copy_folder(&author.home.join("acme-za/pack"), &author.home.join("old"))?;
    let rules = author.home.join("acme-za/pack/rules.toml");
    let text_of_rules = fs::read_to_string(&rules)?;
    fs::write(&rules, text_of_rules.replace("[\"Dr\", \"Doctor\"]", "[\"Doctor\"]"))?;
    let compared = author.run(&["diff", "old", "acme-za", "--records", "acme-za/pack/fixtures", "--json"]).await?;
    let differences: Value = serde_json::from_str(&compared.out)?;
    ensure!(
        compared.code == Some(1) && differences["differing"] == 1 && differences["fields"]["title"] == 1,
        "{differences}"
    );
    fs::write(&rules, text_of_rules)?;
    author.ok(&["diff", "old", "acme-za", "--records", "acme-za/pack/fixtures"]).await?;

    author.ok(&["key", "author.key", "--no-password"]).await?;
    author.ok(&["sign", "author.key", "acme-za"]).await?;
    author.ok(&["verify", "acme-za", "--key", "author.key.pub"]).await?;
    fs::write(author.home.join("acme-za/pack/rules.toml"), "[client]\n")?;
    let refused = author.run(&["verify", "acme-za", "--key", "author.key.pub"]).await?;
    ensure!(refused.code == Some(1) && refused.out.contains("rules.toml"), "{}{}", refused.out, refused.err);
    Ok(())
}

#[tokio::test]
async fn without_its_tools_the_kit_says_which_command_installs_them() -> Result<()> {
    let author = Author::new()?;
    author.ok(&["new", "acme-za", "--region", "ZA", "--lang", "rust"]).await?;
    author.ok(&["new", "acme-ts", "--region", "ZA", "--lang", "typescript"]).await?;
    let bin = author.folder.path().join("bin");
    fs::create_dir(&bin)?;
    let build = async |pack: &str| -> Result<String> {
        let output = author.command(&["build", pack])?.env("PATH", &bin).output().await?;
        ensure!(output.status.code() == Some(1), "{output:?}");
        Ok(String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let said = build("acme-za").await?;
    ensure!(said.contains("rustup.rs") && said.contains("rustup target add wasm32-unknown-unknown"), "{said}");
    let said = build("acme-ts").await?;
    ensure!(said.contains("`node`") && said.contains("apt-get install nodejs npm"), "{said}");

    // A compiler without the target, and a Node.js that is too old.
    let script = |name: &str, text: &str| -> Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(bin.join(name), format!("#!/bin/sh\n{text}\n"))?;
        Ok(fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755))?)
    };
    script("cargo", "exit 1")?;
    script("rustc", "echo /no/such/folder")?;
    script("node", "echo v12.22.0")?;
    script("npm", "exit 1")?;
    if !Path::new("/usr/lib/rustlib/src/rust/library/std/Cargo.toml").exists() {
        let said = build("acme-za").await?;
        ensure!(said.contains("standard library of wasm32-unknown-unknown is missing"), "{said}");
    }
    let said = build("acme-ts").await?;
    ensure!(said.contains("v12.22.0") && said.contains("too old"), "{said}");
    script("node", "echo v20.0.0")?;
    let said = build("acme-ts").await?;
    ensure!(said.contains("run `npm install`"), "{said}");
    // What has nothing to be built, and what is no pack at all.
    copy_pack("xplan-nz", &author.home.join("tables"))?;
    ensure!(author.ok(&["build", "tables"]).await?.contains("nothing to build"));
    let nothing = author.run(&["build", "."]).await?;
    ensure!(nothing.code == Some(1) && nothing.err.contains("tidegate pack new"), "{}", nothing.err);
    Ok(())
}

#[tokio::test]
async fn what_comes_out_otherwise_is_shown_line_by_line_and_can_be_blessed() -> Result<()> {
    let author = Author::new()?;
    let pack = author.home.join("xplan-nz");
    copy_pack("xplan-nz", &pack)?;
    let held = author.json(&["test", "xplan-nz"]).await?;
    ensure!(held["ok"] == true && held["tried"].as_u64().is_some_and(|tried| tried > 5), "{held}");
    let fixture = fs::read_dir(pack.join("fixtures"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            fs::read_to_string(path)
                .is_ok_and(|text| text.contains("\"verdict\": \"mapped\"") && text.contains("\"raw\""))
        })
        .context("a fixture of a record")?;
    let before = fs::read_to_string(&fixture)?;
    fs::write(&fixture, before.replacen("\"verdict\": \"mapped\"", "\"verdict\": \"skipped\"", 1))?;
    let said = author.run(&["test", "xplan-nz"]).await?;
    let file = fixture.file_name().context("a name")?.to_string_lossy().into_owned();
    ensure!(said.code == Some(1) && said.out.contains(&file), "{}", said.out);
    ensure!(
        said.out.contains("-  \"verdict\": \"skipped\"") && said.out.contains("+  \"verdict\": \"mapped\""),
        "{}",
        said.out
    );
    author.ok(&["test", "xplan-nz", "--bless"]).await?;
    let after: Value = serde_json::from_str(&fs::read_to_string(&fixture)?)?;
    ensure!(after == serde_json::from_str::<Value>(&before)?, "what was expected is expected again");
    author.ok(&["test", "xplan-nz"]).await?;
    // Cases elsewhere are tried as well.
    fs::create_dir(author.home.join("cases"))?;
    fs::write(
        author.home.join("cases/one.json"),
        before.replace("\"verdict\": \"mapped\"", "\"verdict\": \"rejected\""),
    )?;
    let tried = author.json(&["test", "xplan-nz", "--cases", "cases"]).await?;
    let wrong: Vec<&Value> =
        tried["outcomes"].as_array().into_iter().flatten().filter(|one| one["ok"] == false).collect();
    ensure!(wrong.len() == 1 && wrong[0]["what"] == "case", "{wrong:?}");
    // Nothing that was tried is nothing that holds.
    let misspelt = author.run(&["test", "xplan-nz", "--cases", "case"]).await?;
    ensure!(misspelt.code == Some(1) && misspelt.err.contains("case"), "{}{}", misspelt.out, misspelt.err);
    fs::remove_dir_all(pack.join("fixtures"))?;
    let battery = author.json(&["conform", "xplan-nz"]).await?;
    let is_told = !broken(&battery).is_empty() && broken(&battery).iter().all(|demand| *demand == "answers-each");
    ensure!(is_told, "{:?}", broken(&battery));
    Ok(())
}

#[tokio::test]
async fn a_watched_pack_is_tried_again_whenever_a_file_changes() -> Result<()> {
    let author = Author::new()?;
    let pack = author.home.join("xplan-nz");
    copy_pack("xplan-nz", &pack)?;
    let mut child = author.command(&["test", "xplan-nz", "--watch"])?.stdout(Stdio::piped()).spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("it has an output")?).lines();
    let mut told = async |words: &str| -> Result<()> {
        let found = async {
            while let Some(line) = lines.next_line().await? {
                if line.contains(words) {
                    return Ok(());
                }
            }
            anyhow::bail!("it ended")
        };
        tokio::time::timeout(Duration::from_secs(60), found)
            .await
            .with_context(|| format!("it never said `{words}`"))?
    };
    told("examples and fixtures hold").await?;
    told("Waiting for a change").await?;
    let rules = fs::read_to_string(pack.join("rules.toml"))?;
    fs::write(pack.join("rules.toml"), "[client\n")?;
    told("rules.toml: it is not TOML").await?;
    // What an editor leaves is no change of the pack; the rules as they were are.
    fs::write(pack.join("rules.toml~"), "x")?;
    fs::write(pack.join("rules.toml"), rules)?;
    told("examples and fixtures hold").await?;
    child.kill().await?;
    Ok(())
}

#[tokio::test]
async fn the_battery_passes_what_is_shipped_and_finds_each_plugin_that_goes_wrong() -> Result<()> {
    let author = Author::new()?;
    for pack in ["xplan-au", "xplan-nz"] {
        copy_pack(pack, &author.home.join(pack))?;
        let found = author.json(&["conform", pack]).await?;
        ensure!(found["ok"] == true, "{pack}: {:?} {found:#}", broken(&found));
    }
    author.hostile("not")?;
    let found = author.json(&["conform", "hostile"]).await?;
    ensure!(found["ok"] == true, "the honest one: {:?} {found:#}", broken(&found));
    let ways = [
        ("loop", "answers-each"),
        ("trap", "answers-each"),
        ("memory", "answers-each"),
        ("recursion", "answers-each"),
        ("huge", "answers-each"),
        ("length", "answers-each"),
        ("ids", "answers-each"),
        ("foreign", "answers-each"),
        ("utf8", "answers-each"),
        ("log", "answers-each"),
        ("calls", "answers-each"),
        ("state", "keeps-nothing"),
        ("day", "reads-the-day-where-it-says"),
        ("lie", "explains-what-it-maps"),
    ];
    for (how, demand) in ways {
        author.hostile(how)?;
        let said = author.run(&["conform", "hostile", "--json"]).await?;
        let found: Value = serde_json::from_str(&said.out).with_context(|| said.err.clone())?;
        ensure!(said.code == Some(1) && broken(&found).iter().any(|one| one == demand), "{how}: {:?}", broken(&found));
    }
    Ok(())
}

#[tokio::test]
#[ignore = "it asks npm's registry for the compiler and the engine"]
async fn a_pack_in_typescript_is_made_built_tried_and_its_exceptions_told() -> Result<()> {
    let author = Author::new()?;
    author.ok(&["new", "acme-ts", "--region", "za", "--lang", "typescript"]).await?;
    let built = author.json(&["build", "acme-ts"]).await?;
    ensure!(built["bytes"].as_u64().is_some_and(|bytes| (500_000..4_000_000).contains(&bytes)), "{built}");
    author.ok(&["check", "acme-ts"]).await?;
    let tried = author.json(&["test", "acme-ts"]).await?;
    ensure!(tried["ok"] == true && tried["tried"] == 4, "{tried}");
    let found = author.json(&["conform", "acme-ts"]).await?;
    ensure!(found["ok"] == true, "{:?} {found}", broken(&found));
    let measured = author.json(&["bench", "acme-ts"]).await?;
    ensure!(measured["figures"]["memory"].as_u64().is_some_and(|bytes| bytes < 32 << 20), "{measured}");

    // Letters of any script are told from others; the clock and an exception cost the record that they are used on.
    let source = author.home.join("acme-ts/src/mapping.ts");
    let text = fs::read_to_string(&source)?;
    let email = "    const email =";
    ensure!(text.contains(email));
    let throwing = "    if (lastName === \"Clock\") new Date();\n    if (!/^\\p{Lu}\\p{L}+$/u.test(firstName ?? \"\")) throw new RangeError(\"no name\");\n";
    fs::write(&source, text.replace(email, &format!("{throwing}{email}")))?;
    author.ok(&["build", "acme-ts"]).await?;
    let fixture = |name: &str, first: &str, last: &str| -> Result<()> {
        let raw = json!({ "kind": "client", "id": "9", "json": { "row": { "first_name": first, "last_name": last } } });
        let path = author.home.join(format!("acme-ts/pack/fixtures/{name}.json"));
        Ok(fs::write(path, json!({ "name": name, "raw": raw, "outcome": {} }).to_string())?)
    };
    fixture("letters", "Siân", "Désirée")?;
    fixture("thrown", "4x", "Example")?;
    fixture("clock", "Ada", "Clock")?;
    author.ok(&["test", "acme-ts", "--bless"]).await?;
    let outcome = |name: &str| -> Result<Value> {
        let text = fs::read_to_string(author.home.join(format!("acme-ts/pack/fixtures/{name}.json")))?;
        Ok(serde_json::from_str::<Value>(&text)?["outcome"].take())
    };
    let letters = outcome("letters")?;
    ensure!(letters["verdict"] == "mapped" && letters["records"][0]["first_name"] == "Siân", "{letters}");
    let thrown = outcome("thrown")?;
    ensure!(thrown["verdict"] == "rejected" && thrown["diagnostics"][0]["code"] == "exception", "{thrown}");
    ensure!(text_of(&thrown).contains("RangeError: no name") && text_of(&thrown).contains("mapping.js:"), "{thrown}");
    let clock = outcome("clock")?;
    ensure!(clock["verdict"] == "rejected" && text_of(&clock).contains("a plugin has no clock"), "{clock}");

    // A mistake in the source is named with its place, and without the engine's inner life.
    fs::write(&source, text.replace("firstName === null", "fistName === null"))?;
    let said = author.run(&["build", "acme-ts"]).await?;
    ensure!(
        said.code == Some(1) && said.err.contains("src/mapping.ts(") && !said.err.contains("backtrace"),
        "{}",
        said.err
    );
    Ok(())
}

/// The first message of an outcome.
fn text_of(outcome: &Value) -> String {
    text(&outcome["diagnostics"][0]["message"])
}

#[tokio::test]
async fn a_pack_of_tables_is_made_on_a_base_and_goes_through_all_gates_at_once() -> Result<()> {
    let author = Author::new()?;
    let packs = std::env::var("TIDEGATE_PACKS")?;
    author.ok(&["new", "acme-za", "--region", "za", "--packs-dir", &packs]).await?;
    ensure!(author.home.join("acme-za/base/pack.toml").is_file(), "it needs nothing beside it");
    author.ok(&["check", "acme-za"]).await?;
    let tried = author.json(&["test", "acme-za"]).await?;
    ensure!(tried["ok"] == true && tried["tried"].as_u64().is_some_and(|tried| tried > 5), "{tried}");
    ensure!(author.json(&["conform", "acme-za"]).await?["ok"] == true);
    // A base has what regions share: what is another's is not rewritten.
    let base = author.home.join("acme-za/base/base/fixtures/note-written.json");
    let before = fs::read_to_string(&base)?;
    fs::write(&base, before.replace("\"General\"", "\"Other\""))?;
    let blessed = author.json(&["test", "acme-za", "--bless"]).await?;
    ensure!(blessed["ok"] == false && blessed["blessed"] == json!([]), "{blessed}");
    let missing = author.run(&["new", "acme-mu", "--region", "MU", "--packs-dir", &packs]).await?;
    ensure!(missing.code == Some(1) && missing.err.contains("--currency"), "{}", missing.err);
    Ok(())
}
