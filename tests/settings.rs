//! The settings as an operator checks them, and what the host leaves behind: on disk, and in its log.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup, TOKEN, copy_pack, file_of};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use xplan_sandbox::FaultPlan;

/// `tidegate config check …`: the exit code, and what it printed on both streams.
async fn check(host: &Host, arguments: &[&str]) -> Result<(i32, String)> {
    let output = host.run(&[&["config", "check"], arguments].concat()).await?;
    let said = String::from_utf8([output.stdout, output.stderr].concat())?;
    Ok((output.status.code().context("it ends by itself")?, said))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_check_names_every_problem_loads_the_packs_and_signs_in() -> Result<()> {
    let setup = Setup { schedule: "30 2 * * 1-5".to_owned(), ..Setup::with_clients(1) };
    let mut host = Host::prepare(setup).await?;
    let (code, said) = check(&host, &[]).await?;
    // On working days, whichever of them today is.
    let runs = said.lines().find_map(|line| line.split_once("next runs ")).map(|(_, runs)| runs).unwrap_or_default();
    let days: Vec<&str> = runs.split(", ").filter_map(|run| run.split(' ').next()).collect();
    let is_working_day = |day: &&str| ["Mon", "Tue", "Wed", "Thu", "Fri"].contains(day);
    ensure!(code == 0 && days.len() == 3 && days.iter().all(is_working_day), "{code}: {said}");
    let (code, said) = check(&host, &["--json", "--connect"]).await?;
    let answer: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
    let main = &answer["connections"][0];
    ensure!(code == 0 && main["next_runs"].as_array().is_some_and(|runs| runs.len() == 3), "{code}: {said}");
    ensure!(main["signed_in_as"] == "svc" && main["problem"] == Value::Null, "{said}");

    // By the host that runs, too.
    host.restart().await?;
    let (code, said) = check(&host, &["--connect"]).await?;
    ensure!(code == 0 && said.contains("main: signed in as svc"), "{code}: {said}");
    host.stop().await?;

    // A password that the site refuses is found by signing in alone.
    fs::write(host.folder().join("secrets/xplan"), "\u{feff}wrong-canary-password\r\n")?;
    let (code, said) = check(&host, &[]).await?;
    ensure!(code == 0, "{code}: {said}");
    let (code, said) = check(&host, &["--connect"]).await?;
    ensure!(code == 1 && said.contains("refused the sign-in") && !said.contains("canary"), "{code}: {said}");

    let settings = host.folder().join("tidegate.toml");
    let text = fs::read_to_string(&settings)?;
    copy_pack("xplan-au", &host.folder().join("packs/broken"))?;
    let rules = host.folder().join("packs/broken/base/rules.toml");
    let words = host.folder().join("packs/broken/base/base/rules.toml");
    let line = "secondary_adviser = \"client_adviser_secondary\"\n";
    let without_line = |text: &str| text.replace(line, "");
    fs::write(&rules, without_line(&fs::read_to_string(&rules)?))?;
    fs::write(&words, fs::read_to_string(&words)?.replace("[client.titles]", "[client.titels]"))?;
    let packs = format!("packs-dir = {:?}", std::env::var("TIDEGATE_PACKS")?);
    let broken = text
        .replace(&packs, "packs-dir = \"packs\"\nlisen = 1")
        .replace("pack = \"xplan-au\"", "pack = \"broken\"")
        .replace("30 2 * * 1-5", "0 0 2 31 4 *");
    fs::write(
        &settings,
        format!("{broken}\n[connections.south]\npack = \"nowhere\"\nforward-host = \"evil.example\"\n"),
    )?;
    let (code, said) = check(&host, &[]).await?;
    for words in [
        "server.lisen: is not known",
        "connections.main.schedule: `0 0 2 31 4 *`",
        "connections.main.pack: the rules cannot be used",
        "rules.toml: the table [client] has `titels`, which is not known there",
        "rules.toml: the table [client] lacks `titles`: write `titles = {…}` there (",
        "rules.toml: the table [client.fields] lacks `secondary_adviser`: write `secondary_adviser = \"…\"` there (",
        "connections.south.pack: there is no pack `nowhere`",
        "connections.south.crm: is missing",
        "connections.south.forward-host: `evil.example`",
        "connections.south.auth.mode: is missing",
    ] {
        ensure!(code == 2 && said.contains(words), "{words:?} is not in what was said ({code}):\n{said}");
    }
    let (code, said) = check(&host, &["--json"]).await?;
    let answer: Value = serde_json::from_str(&said).with_context(|| said.clone())?;
    ensure!(
        code == 2 && answer["ok"] == false && answer["problems"].as_array().is_some_and(|all| all.len() >= 7),
        "{said}"
    );
    Ok(())
}

/// A name of digits is a name, and what the environment has wrong is named by its variable.
#[tokio::test]
async fn the_environment_is_text() -> Result<()> {
    let host = Host::prepare(Setup::with_clients(1)).await?;
    let dump = host.command(&["config", "dump"])?.env("TIDEGATE__PRACTICE__NAME", "1883").output().await?;
    let said = String::from_utf8(dump.stdout)?;
    ensure!(dump.status.success() && said.contains("name = \"1883\""), "{said}");
    let mut check = host.command(&["config", "check"])?;
    check.env("TIDEGATE__CONNECTIONS__MAIN__MAX_SIDE_BY_SIDE", "4").env("TIDEGATE__LOG__FORMAT", "canary");
    let said = String::from_utf8(check.output().await?.stderr)?;
    ensure!(said.contains("log.format: is to be one of text, json (in TIDEGATE__LOG__FORMAT)"), "{said}");
    ensure!(!said.contains("max-side-by-side") && !said.contains("canary"), "{said}");

    // A level that is none, wherever it is given.
    let words = "log.level: is to be one of error, warn, info, debug, trace";
    let mut check = host.command(&["config", "check"])?;
    let of_environment = check.env("TIDEGATE__LOG__LEVEL", "wran").output().await?;
    for refused in [of_environment, host.run(&["--log", "wran", "note", "list"]).await?] {
        let said = String::from_utf8(refused.stderr)?;
        ensure!(refused.status.code() == Some(2) && said.contains(words), "{said}");
    }
    let directives = host.run(&["--log", "info,tidegate=debug", "config", "check"]).await?;
    ensure!(directives.status.success(), "{}", String::from_utf8_lossy(&directives.stderr));
    Ok(())
}

/// A setting that is misspelt is told of, without its value, by the check and by the host's log; it stops neither.
#[tokio::test]
async fn a_pack_that_was_corrected_is_put_in_force_while_the_host_runs() -> Result<()> {
    let mut host = Host::prepare(Setup::with_clients(3)).await?;
    let pack = host.folder().join("packs/xplan-au");
    copy_pack("xplan-au", &pack)?;
    let (rules, settings) = (pack.join("base/rules.toml"), host.folder().join("tidegate.toml"));
    let whole = fs::read_to_string(&rules)?;
    fs::write(&rules, whole.replace("secondary_adviser = \"client_adviser_secondary\"\n", ""))?;
    let packs = format!("packs-dir = {:?}", std::env::var("TIDEGATE_PACKS")?);
    fs::write(&settings, fs::read_to_string(&settings)?.replace(&packs, "packs-dir = \"packs\""))?;

    host.restart().await?;
    let at_work =
        async |host: &Host| anyhow::Ok(host.get("/api/v1/connections/main").await?.ok()?["problem"].is_null());
    ensure!(!at_work(&host).await?, "a pack that lacks a key is not at work");
    let activate = "/api/v1/connections/main/activate";
    let refused = host.post(activate, &json!({})).await?;
    ensure!(refused.status == 409 && refused.text.contains("secondary_adviser"), "{}", refused.text);
    fs::write(&rules, &whole)?;
    host.post(activate, &json!({})).await?.ok()?;
    ensure!(at_work(&host).await?, "it is at work again");

    host.sync_and_wait().await?;

    // A table is changed, and what was meant stands beside it: the pack's own example says otherwise.
    let revision = async |host: &Host| anyhow::Ok(host.get("/api/v1/connections/main").await?.ok()?["revision"].take());
    let before = revision(&host).await?;
    let words = file_of(&pack.join("base/base"), "rules.toml");
    let shipped = fs::read_to_string(&words)?;
    let titles = shipped.replace("Mr = [\"Mr\",", "Mr = [\"Mr\", \"Sir\",");
    ensure!(titles != shipped, "the table of titles is written otherwise");
    fs::write(&words, &titles)?;
    let refused = host.post(activate, &json!({})).await?;
    let words = "the example \\\"a title that is none of the six\\\" comes out otherwise: title is `Mr`, expected empty; its codes \
                 are [], expected [unknown-title]";
    ensure!(refused.status == 409 && refused.text.contains(words), "{}", refused.text);
    ensure!(revision(&host).await? == before, "what was in force stays");
    let example = "row = { client_status = [\"Client\"], title = \"Sir\"";
    fs::write(&rules, whole.replace(example, &example.replace("Sir", "Lord")))?;
    host.post(activate, &json!({})).await?.ok()?;
    ensure!(revision(&host).await? != before, "the corrected example lets it in");

    // And back in one step, whatever stands in the folder by now; done twice, it is taken back.
    let corrected = revision(&host).await?;
    fs::remove_dir_all(&pack)?;
    let rolled_back = host.run(&["pack", "rollback", "--connection", "main"]).await?;
    let said = String::from_utf8(rolled_back.stdout)?;
    ensure!(said.contains(&format!("revision {} of xplan-au is in force", text(&before))), "{said}");
    host.stop().await?;
    host.restart().await?;
    ensure!(at_work(&host).await? && revision(&host).await? == before, "a start takes up what was in force");
    let rollback = "/api/v1/connections/main/rollback";
    host.post(rollback, &json!({ "from": before })).await?.ok()?;
    ensure!(revision(&host).await? == corrected, "what was taken back is in force again");
    let twice = host.post(rollback, &json!({ "from": before })).await?;
    ensure!(
        twice.status == 409 && revision(&host).await? == corrected,
        "what is sent twice is done once: {}",
        twice.text
    );
    host.post(activate, &json!({ "revision": before })).await?.ok()?;
    ensure!(revision(&host).await? == before, "one of before is put in force by its name");
    let unknown = host.post(activate, &json!({ "revision": "000000000000" })).await?;
    ensure!(unknown.status == 409 && unknown.text.contains("never had a revision"), "{}", unknown.text);
    let history = host.get("/api/v1/connections/main/revisions").await?.ok()?;
    let why: Vec<&str> = history["items"].as_array().into_iter().flatten().map(|one| text(&one["why"])).collect();
    ensure!(why == ["activated", "rolled_back", "rolled_back", "activated", "activated"], "{history}");
    ensure!(history["items"][0]["revision"] == before && history["items"][0]["by"]["who"].is_string(), "{history}");

    // What is kept of the revision in force is damaged: the host starts, says so, and goes back at a word.
    let kept = host.folder().join("data/packs").join(text(&history["items"][0]["digest"]));
    let words = kept.join("base/base/rules.toml");
    fs::write(&words, fs::read_to_string(&words)?.replace("\"Mister\"", "\"Mester\""))?;
    host.stop().await?;
    host.restart().await?;
    let problem = host.get("/api/v1/connections/main").await?.ok()?["problem"].take();
    ensure!(
        text(&problem).contains("the kept files of revision") && text(&problem).contains("pack rollback"),
        "{problem}"
    );
    ensure!(!host.get("/api/v1/clients").await?.ok()?["items"].as_array().is_none_or(Vec::is_empty), "clients stay");
    copy_pack("xplan-au", &pack)?;
    host.post(activate, &json!({})).await?.ok()?;
    ensure!(at_work(&host).await? && revision(&host).await? == before, "what it was is at hand, and kept anew");
    host.post(rollback, &json!({})).await?.ok()?;
    ensure!(at_work(&host).await? && revision(&host).await? == corrected, "it goes back from there");
    host.sync_and_wait().await?;
    let clients = host.get("/api/v1/clients").await?.ok()?;
    ensure!(clients["items"].as_array().is_some_and(|clients| !clients.is_empty()), "{clients}");
    Ok(())
}

#[tokio::test]
async fn a_variable_that_is_no_setting_is_told_of() -> Result<()> {
    let mut host = Host::prepare(Setup::with_clients(1)).await?;
    let misspelt = ("TIDEGATE_SERVER_LISTEN", "127.0.0.1:canary");
    let words = "TIDEGATE_SERVER_LISTEN is not known and is ignored; the setting is TIDEGATE__SERVER__LISTEN";
    for arguments in [&["config", "check"][..], &["config", "check", "--json"]] {
        let output = host.command(arguments)?.env(misspelt.0, misspelt.1).output().await?;
        let said = String::from_utf8([output.stdout, output.stderr].concat())?;
        ensure!(output.status.success() && said.contains(words) && !said.contains("canary"), "{said}");
    }
    let (_, said) = check(&host, &[]).await?;
    ensure!(!said.contains("warning"), "{said}");
    host.restart_with(&[misspelt]).await?;
    let log = fs::read_to_string(host.folder().join("host.log"))?;
    ensure!(log.contains(words) && !log.contains("canary"), "{log}");
    Ok(())
}

/// A file with a secret that every account of the machine can read is warned of, by the check and by the host's log; it stops
/// neither.
#[tokio::test]
async fn a_secret_that_everybody_can_read_is_told_of() -> Result<()> {
    let mut host = Host::prepare(Setup::with_clients(1)).await?;
    let secret = host.folder().join("secrets/xplan");
    for (path, mode) in [(host.folder(), 0o755), (&host.folder().join("secrets"), 0o755), (&secret, 0o644)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    }
    fs::set_permissions(host.folder().join("secrets/token"), fs::Permissions::from_mode(0o600))?;
    let words = format!("connections.main.auth.password-file: {} is open to others", secret.display());
    let (code, said) = check(&host, &[]).await?;
    ensure!(code == 0 && said.contains(&format!("warning: {words}")), "{said}");
    let (_, said) = check(&host, &["--json"]).await?;
    let answer: Value = serde_json::from_str(&said)?;
    let warnings = answer["warnings"].as_array().context("a list")?;
    ensure!(warnings.len() == 1 && text(&warnings[0]).starts_with(&words) && answer["ok"] == true, "{said}");
    host.restart().await?;
    let log = fs::read_to_string(host.folder().join("host.log"))?;
    ensure!(log.contains(&words), "{log}");
    Ok(())
}

#[tokio::test]
async fn what_the_host_makes_is_for_its_owner_alone() -> Result<()> {
    let mut host = Host::prepare(Setup::with_clients(1)).await?;
    let data = host.folder().join("data");
    fs::create_dir_all(&data)?;
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755))?;
    host.restart().await?;
    let mode = |path: &Path| -> Result<u32> { Ok(fs::metadata(path)?.permissions().mode() & 0o777) };
    ensure!(mode(&data)? == 0o700, "{:o}", mode(&data)?);
    for entry in fs::read_dir(&data)? {
        let path = entry?.path();
        ensure!(mode(&path)? & 0o077 == 0, "{} is {:o}", path.display(), mode(&path)?);
    }
    let process = Path::new("/proc").join(host.process_id().context("it runs")?.to_string());
    let status = fs::read_to_string(process.join("status"))?;
    ensure!(status.contains("Umask:\t0077"), "{status}");
    let limits = fs::read_to_string(process.join("limits"))?;
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).context("a limit")?;
    ensure!(core.split_whitespace().skip(4).take(2).all(|limit| limit == "0"), "{core}");
    Ok(())
}

/// A host that logs all it can goes through everything that could carry somebody's data into its log.
#[tokio::test]
async fn nothing_about_a_person_and_no_secret_is_in_the_log() -> Result<()> {
    // A create without an answer is looked for as long as a request can live: seconds here.
    let settings = "\n[log]\nlevel = \"trace\"\n[crm]\nrequest-timeout = \"3s\"\n[notes]\nsite-lag = \"1s\"\n";
    let mut setup = Setup { settings: settings.to_owned(), ..Setup::default() };
    setup.site.clients = 40;
    setup.site.accounts[0].password = "canary-password-of-the-site".to_owned();
    let mut host = Host::prepare(setup).await?;
    // A template that tells what it was given where it fails, for everybody but the sample.
    let packs = host.folder().join("packs");
    copy_pack("xplan-au", &packs.join("xplan-au"))?;
    let template = file_of(&packs.join("xplan-au"), "documents/best-life-plan.exported.typ");
    let sample: Value =
        serde_json::from_slice(&fs::read(packs.join("xplan-au/documents/best-life-plan.exported.json"))?)?;
    let sampled = sample["household"]["members"][0]["name"].as_str().context("the sample has a member")?;
    let tells = format!("#if data.household.members.at(0).name != {sampled:?} {{ panic(data.household) }}\n");
    let import = "#import \"layout.typ\": *\n";
    fs::write(&template, fs::read_to_string(&template)?.replacen(import, &format!("{import}{tells}"), 1))?;
    let settings = host.folder().join("tidegate.toml");
    let shipped = std::env::var("TIDEGATE_PACKS")?;
    fs::write(&settings, fs::read_to_string(&settings)?.replace(&shipped, &packs.display().to_string()))?;
    host.restart().await?;

    // The CRM's words in a walk, in a note's delivery and in a refusal of the sign-in.
    for fault in ["names_people:every=7,times=3", "login_page:on=/entity/client,skip=1,times=1"] {
        host.crm().set_faults(plan(fault)?);
        host.sync_and_wait().await?;
    }
    host.crm().set_faults(plan("names_people:every=3")?);
    host.sync_and_wait().await?;
    host.crm().set_faults(plan("names_people:method=POST,on=docnote,times=2")?);
    let clients = host.get("/api/v1/clients?limit=500").await?.ok()?["items"].take();
    let clients = clients.as_array().context("a list")?.clone();
    let household = &clients[0]["household_id"];
    let moment = "2026-03-02T01:30:00Z";
    let note =
        |data: Value| json!({"type": "note.written", "household_id": household, "occurred_at": moment, "data": data});
    let written = json!({ "subject": "About Ignatia Canary", "body": "Ignatia Canary, 0491 570 156" });
    let sent = host.post_event("canary-idempotency-key", &note(written)).await?.ok()?;
    let path = format!("/api/v1/notes/{}", sent["id"].as_str().context("an id")?);
    host.wait_for(&path, |note| note["state"] == "done").await?;
    host.crm().set_faults(plan("slow:times=1,ms=1")?);

    // Events, edits, searches, uploads and documents that are refused.
    host.post_event("k", &note(json!({ "subject": "Ignatia Canary", "odd": "Canary" }))).await?;
    host.post_event("k", &json!({ "type": "Ignatia Canary", "household_id": "Canary" })).await?;
    let id = clients[0]["id"].as_str().context("an id")?;
    host.patch(&format!("/api/v1/clients/{id}"), &json!({ "state": "Canary", "email": "canary" })).await?;
    for path in
        ["households?search=Ignatia+Canary", "Ignatia-Canary", "clients/Ignatia-Canary?q=canary", "households?q=Canary"]
    {
        host.get(&format!("/api/v1/{path}")).await?;
    }
    let upload = host.http().post(host.url("/api/v1/documents")).bearer_auth(TOKEN);
    let upload = upload.header("content-disposition", "attachment; filename=\"Ignatia Canary.pdf\"");
    let refused = host.send(upload.header(CONTENT_TYPE, "application/pdf").body("Ignatia Canary")).await?;
    ensure!(refused.status == 422, "{}", refused.text);
    let household = household.as_str().context("an id")?;
    let made = host.get(&format!("/api/v1/households/{household}/document?document=best-life-plan")).await?;
    ensure!(made.status == 500 && made.text.contains("panicked"), "{}", made.text);
    let exported =
        json!({"type": "best-life-plan.exported", "household_id": household, "occurred_at": moment, "data": {}});
    ensure!(host.post_event("export", &exported).await?.status == 409, "the document was made");
    // Sign-ins with a wrong password and a wrong token.
    let form = "email=ignatia.canary%40example.com&password=canary-password-0123456789";
    let sign_in = host.http().post(host.url("/sign-in")).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    host.send(sign_in.body(form)).await?;
    host.send(host.http().get(host.url("/api/v1/clients")).bearer_auth("canary-token-0123456789")).await?;
    host.stop().await?;

    let log = fs::read_to_string(host.folder().join("host.log"))?;
    ensure!(log.contains("asking the CRM again") && log.contains("not logged"), "nothing of it was logged:\n{log}");
    let mut secrets = vec!["canary".to_owned(), "0491 570 156".to_owned(), TOKEN.to_owned()];
    secrets.push(fs::read_to_string(host.folder().join("secrets/xplan"))?.trim().to_owned());
    secrets.push(fs::read_to_string(host.folder().join("data/secret.key"))?.trim().to_owned());
    for client in &clients {
        for field in ["email", "mobile", "date_of_birth", "address_line_1"] {
            secrets.extend(client[field].as_str().map(str::to_owned));
        }
        let names = ["first_name", "last_name"].map(|name| client[name].as_str().unwrap_or_default());
        secrets.push(names.join(" "));
    }
    let lower = log.to_lowercase();
    for secret in secrets.iter().filter(|secret| secret.trim().len() > 4) {
        let found = lower.find(&secret.to_lowercase());
        let around = found.map(|at| log.get(at.saturating_sub(200)..(at + 200).min(log.len())).unwrap_or_default());
        ensure!(found.is_none(), "{secret:?} is in the log: {}", around.unwrap_or_default());
    }
    Ok(())
}

fn plan(rule: &str) -> Result<FaultPlan> {
    Ok(FaultPlan { seed: 1, rules: vec![rule.parse()?] })
}

/// The demo prints its sign-in and invents a book: nothing of it may get into a practice's store, or be heard outside,
/// where the environment is a practice's, as in a container.
#[tokio::test]
async fn the_demo_keeps_out_of_a_practices_settings() -> Result<()> {
    let practice = tempfile::tempdir()?;
    let data = practice.path().join("data");
    let packs = std::env::var("TIDEGATE_PACKS")?;
    let demo = |more: &[&str]| -> Result<Command> {
        let mut command = Command::new(std::env::var("TIDEGATE_BIN")?);
        command.args(["demo", "--json", "--clients", "10", "--listen", "127.0.0.1:0"]).args(more);
        command
            .env("TIDEGATE__SERVER__DATA_DIR", &data)
            .env("TIDEGATE__SERVER__LISTEN", "0.0.0.0:0")
            .env("TIDEGATE__SERVER__PACKS_DIR", &packs)
            .env("TIDEGATE__CONNECTIONS__NORTH__FORWARD_HOST", "acme.example")
            .current_dir(practice.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        Ok(command)
    };
    let mut running = demo(&[])?.spawn()?;
    let mut lines = BufReader::new(running.stdout.take().context("its output")?).lines();
    let first: Value = serde_json::from_str(&lines.next_line().await?.context("it says where it listens")?)?;
    let address = first["address"].as_str().unwrap_or_default();
    ensure!(address.starts_with("http://127.0.0.1:"), "{first}");
    let connections = reqwest::Client::new().get(format!("{address}/api/v1/connections"));
    let connections = connections.bearer_auth(first["token"].as_str().unwrap_or_default()).send().await?;
    let connections: Value = serde_json::from_str(&connections.text().await?)?;
    let names: Vec<_> = connections["items"].as_array().into_iter().flatten().map(|one| &one["name"]).collect();
    ensure!(names == ["main"], "{connections}");
    running.kill().await?;
    ensure!(!data.exists(), "the demo wrote into the practice's data folder");

    let refused = demo(&["--data-dir", "data"])?.output().await?;
    ensure!(refused.status.code() == Some(2), "{refused:?}");
    ensure!(String::from_utf8_lossy(&refused.stderr).contains("a data folder of its own"), "{refused:?}");
    Ok(())
}
