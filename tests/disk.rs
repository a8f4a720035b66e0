//! Disks that fill up, on a real small one: nothing new is taken in while there is still room for what was accepted, and
//! there is no state in which writes fail and `/readyz` says yes.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup};
use xplan_sandbox::{FaultPlan, OAuthOptions, Options, Sandbox};

use crate::connections;
use crate::oauth::Practice;

/// A small disk, unmounted when it is dropped.
pub struct Disk(PathBuf);

impl Disk {
    /// Mounts one under the data of a host that does not run yet; none where mounting is not permitted.
    pub fn under(host: &Host, megabytes: u32) -> Result<Option<Self>> {
        let data = host.folder().join("data");
        let kept = host.folder().join("kept");
        fs::create_dir_all(&data)?;
        fs::rename(&data, &kept)?;
        fs::create_dir(&data)?;
        let size = format!("size={megabytes}m,mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&data).output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: mounting a small disk is not permitted here");
            return Ok(None);
        }
        let disk = Self(data);
        let copied = Command::new("cp").arg("-a").arg(format!("{}/.", kept.display())).arg(&disk.0).status()?;
        ensure!(copied.success(), "the compiled packs are copied");
        Ok(Some(disk))
    }

    fn free(&self) -> Result<u64> {
        let output = Command::new("df").args(["--output=avail", "-B1"]).arg(&self.0).output()?;
        let text = String::from_utf8(output.stdout)?;
        text.lines().nth(1).and_then(|line| line.trim().parse().ok()).context("df tells what is free")
    }

    /// Fills it until so much is left.
    pub fn fill(&self, left: u64) -> Result<()> {
        let mut filler = File::options().create(true).append(true).open(self.0.join("filler"))?;
        let piece = vec![0; 64 << 10];
        while self.free()? > left {
            if filler.write_all(&piece).is_err() {
                break;
            }
        }
        Ok(())
    }

    pub fn empty(&self) -> Result<()> {
        Ok(fs::remove_file(self.0.join("filler"))?)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("--lazy").arg(&self.0).status());
    }
}

pub const MB: u64 = 1 << 20;

/// What the tests' host keeps free.
pub const STORAGE: &str = "[storage]\nwarn-below-mb = 48\nrefuse-below-mb = 24\nreserve-mb = 8\n";

async fn is_ready(host: &Host) -> bool {
    let answer = host.http().get(host.url("/readyz")).timeout(Duration::from_secs(5)).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}

async fn until_ready(host: &Host, wanted: bool) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while is_ready(host).await != wanted {
        ensure!(Instant::now() < deadline, "/readyz does not become {wanted}: {}", host.log_tail());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn until_reserve(host: &Host, disk: &Disk) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !disk.0.join("reserve").exists() {
        ensure!(Instant::now() < deadline, "the reserve is not made: {}", host.log_tail());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

async fn event(host: &Host) -> Result<Value> {
    let household = host.get("/api/v1/households?limit=1").await?.ok()?["items"][0]["id"].take();
    Ok(json!({
        "type": "note.written",
        "household_id": household,
        "occurred_at": "2026-03-02T01:30:00Z",
        "data": { "subject": "Called", "body": "About the review." }
    }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_up_refuses_what_is_new_and_keeps_what_was_accepted() -> Result<()> {
    let mut host = Host::prepare(Setup { settings: STORAGE.to_owned(), ..Setup::with_clients(40) }).await?;
    let Some(disk) = Disk::under(&host, 160)? else { return Ok(()) };
    host.restart().await?;
    host.sync_and_wait().await?;
    let event = event(&host).await?;
    // A note that waits for the site, and is not tried while the disk is being filled: that would give the reserve up.
    let busy = "too_many_requests:method=POST,retry_after=3000".parse().map_err(anyhow::Error::msg)?;
    host.crm().set_faults(FaultPlan { seed: 1, rules: vec![busy] });
    let accepted = host.post_event("before", &event).await?.ok()?;
    let note = format!("/api/v1/notes/{}", accepted["id"].as_str().context("a note has an id")?);
    host.wait_for(&note, |note| note["state"] == "waiting").await?;

    disk.fill(40 * MB)?;
    let warned = host.get("/readyz").await?.ok()?;
    assert!(warned["warnings"][0].as_str().is_some_and(|words| words.contains("Little space")), "{warned}");
    disk.fill(16 * MB)?;
    until_ready(&host, false).await?;
    let client = host.get("/api/v1/clients?limit=1").await?.ok()?["items"][0]["id"].take();
    let edit = json!({ "preferred_name": "Alex" });
    let refused = [
        host.post_event("new", &event).await?,
        host.post("/api/v1/connections/main/sync", &Value::Null).await?,
        host.patch(&format!("/api/v1/clients/{}", client.as_str().unwrap_or_default()), &edit).await?,
        host.post("/api/v1/documents", &Value::Null).await?,
        host.post("/api/v1/imports", &Value::Null).await?,
    ];
    for answer in &refused {
        assert_eq!(answer.status, 507, "{answer:?}");
    }
    // What was refused goes to the audit log within a second: while the disk is being filled, that would give the reserve up.
    tokio::time::sleep(Duration::from_secs(3)).await;
    // Everything but the reserve is gone, and the note still goes out.
    disk.fill(0)?;
    host.crm().set_faults(FaultPlan::default());
    host.post(&format!("{note}/retry"), &Value::Null).await?.ok()?;
    host.wait_for(&note, |note| note["state"] == "done").await?;
    assert!(!is_ready(&host).await);
    // Not even the reserve is left: what cannot be written is refused, and the database never comes to know.
    disk.fill(0)?;
    assert_eq!(host.post_event("still-new", &event).await?.status, 507);

    disk.empty()?;
    until_ready(&host, true).await?;
    let accepted = host.post_event("new", &event).await?.ok()?;
    let note = format!("/api/v1/notes/{}", accepted["id"].as_str().context("a note has an id")?);
    host.wait_for(&note, |note| note["state"] == "done").await?;
    until_reserve(&host, &disk).await?;
    assert_eq!(host.stop().await?, Some(0), "{}", host.log_tail());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_starts_on_a_full_disk_with_what_it_has_or_says_why_not() -> Result<()> {
    let mut host = Host::prepare(Setup { settings: STORAGE.to_owned(), ..Setup::with_clients(40) }).await?;
    let Some(disk) = Disk::under(&host, 160)? else { return Ok(()) };
    host.restart().await?;
    host.sync_and_wait().await?;
    until_reserve(&host, &disk).await?;
    let event = event(&host).await?;
    let clients = host.get("/api/v1/clients?limit=500").await?.ok()?["items"].take();
    let has_its_book = async |host: &Host| -> Result<()> {
        let found = host.get("/api/v1/clients?limit=500").await?.ok()?["items"].take();
        ensure!(found == clients, "the book is another");
        ensure!(host.run(&["run", "list"]).await?.status.success(), "commands reach it");
        ensure!(host.post_event("new", &event).await?.status == 507, "something new is taken in");
        let ready = host.http().get(host.url("/readyz")).send().await?;
        ensure!(ready.status() == 503 && ready.text().await?.contains("nothing new is taken in"));
        Ok(())
    };
    // Two notes that wait for the site.
    let busy = "too_many_requests:method=POST".parse().map_err(anyhow::Error::msg)?;
    host.crm().set_faults(FaultPlan { seed: 1, rules: vec![busy] });
    let mut notes = Vec::new();
    for key in ["first", "second"] {
        let accepted = host.post_event(key, &event).await?.ok()?;
        notes.push(format!("/api/v1/notes/{}", accepted["id"].as_str().context("a note has an id")?));
    }
    host.wait_for(&notes[0], |note| note["state"] == "waiting").await?;
    // Killed, so that the store is repaired as it is opened.
    host.kill().await?;
    disk.fill(16 * MB)?;
    host.restart_unready().await?;
    has_its_book(&host).await?;
    assert!(disk.0.join("reserve").exists(), "there was no need of it");
    host.kill().await?;
    disk.fill(0)?;
    host.restart_unready().await?;
    has_its_book(&host).await?;
    assert!(host.log_tail().contains("the reserve is given up"), "{}", host.log_tail());
    // What was accepted before goes out.
    host.crm().set_faults(FaultPlan::default());
    host.post(&format!("{}/retry", notes[0]), &Value::Null).await?.ok()?;
    for note in &notes {
        host.wait_for(note, |note| note["state"] == "done").await?;
    }
    host.stop().await?;

    // Not even the reserve is left.
    disk.fill(0)?;
    for arguments in [&["serve"], &["run", "list"][..]] {
        let output = host.run(arguments).await?;
        let said = String::from_utf8([output.stdout, output.stderr].concat())?;
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("nearly full") && said.contains("Free some space"), "{said}");
    }
    disk.empty()?;
    host.restart().await?;
    let accepted = host.post_event("new", &event).await?.ok()?;
    let note = format!("/api/v1/notes/{}", accepted["id"].as_str().context("a note has an id")?);
    host.wait_for(&note, |note| note["state"] == "done").await?;
    assert_eq!(host.stop().await?, Some(0), "{}", host.log_tail());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_pair_of_tokens_outlives_a_full_disk() -> Result<()> {
    let settings = format!("\n[crm]\nstand-in-sites = true\n{STORAGE}");
    let mut host = Host::prepare(Setup { settings, ..Setup::with_clients(10) }).await?;
    let Some(disk) = Disk::under(&host, 160)? else { return Ok(()) };
    host.restart().await?;
    // The site takes a second use of a pair for theft, and what it gave once it does not give again.
    let mut practice = Practice::of(host, OAuthOptions::default(), 10, false).await?;
    practice.authorise().await?;
    until_reserve(&practice.host, &disk).await?;

    disk.fill(0)?;
    practice.site.admin().expire_tokens();
    assert!(practice.check().await?, "{}", practice.host.log_tail());
    practice.host.kill().await?;
    practice.host.restart_unready().await?;
    practice.site.admin().expire_tokens();
    assert!(practice.check().await?, "the pair was not kept: {}", practice.host.log_tail());

    // Not even the reserve is left: the new pair is used once it is kept.
    disk.fill(0)?;
    practice.site.admin().expire_tokens();
    let kept = async {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !practice.host.log_tail().contains("a new pair of tokens is not kept yet") {
            ensure!(Instant::now() < deadline, "nothing tries to keep it: {}", practice.host.log_tail());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        disk.empty()
    };
    let (is_known, kept) = tokio::join!(practice.check(), kept);
    kept?;
    assert!(is_known?, "{}", practice.host.log_tail());
    practice.host.kill().await?;
    practice.host.restart().await?;
    practice.site.admin().expire_tokens();
    assert!(practice.check().await?, "the pair was not kept: {}", practice.host.log_tail());
    assert_eq!(practice.sync().await?["state"], "done");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_run_that_cannot_be_kept_is_made_up_for() -> Result<()> {
    // Once a year. Of this name the jitter is under four seconds.
    let site = Sandbox::start(Options { clients: 10, ..Options::default() }).await?;
    let later = "0 0 0 2 1 *";
    let settings = format!(
        "{STORAGE}\n[connections.east]\ncrm = \"xplan\"\npack = \"xplan-au\"\nforward-host = \"{}\"\ninsecure-http = true\n\
         schedule = \"{later}\"\nauth = {{ mode = \"basic\", username = \"svc\", password-file = \"secrets/xplan\" }}\n",
        site.addr()
    );
    let mut host = Host::prepare(Setup { settings, ..Setup::with_clients(10) }).await?;
    let Some(disk) = Disk::under(&host, 160)? else { return Ok(()) };
    host.restart().await?;
    ensure!(connections::sync(&host, "east").await?["state"] == "done");
    host.stop().await?;
    // The next tick is over before the host starts, so that it is due at once, however long the disk takes to be filled.
    let tick = jiff::Timestamp::now() + Duration::from_secs(1);
    let text = tick.in_tz("Australia/Sydney")?.strftime("%S %M %H %d %m *").to_string();
    let path = host.folder().join("tidegate.toml");
    fs::write(&path, fs::read_to_string(&path)?.replace(later, &text))?;
    while jiff::Timestamp::now() < tick {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    disk.fill(16 * MB)?;
    host.restart_unready().await?;
    let deadline = Instant::now() + Duration::from_secs(60);
    while !host.log_tail().contains("a scheduled run could not be started") {
        ensure!(Instant::now() < deadline, "it is not tried: {}", host.log_tail());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let runs = host.get("/api/v1/runs?connection=east").await?.ok()?["items"].take();
    assert!(runs.as_array().is_some_and(|runs| runs.len() == 1), "a run was kept: {runs}");
    disk.empty()?;
    let is_made_up_for =
        |runs: &Value| runs["items"][0]["trigger"] == "schedule" && runs["items"][0]["state"] == "done";
    host.wait_for("/api/v1/runs?connection=east", is_made_up_for).await.context("the tick is lost")?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_whose_file_failed_ends_the_host_to_be_opened_anew() -> Result<()> {
    let settings = "[storage]\nwarn-below-mb = 0\nrefuse-below-mb = 0\nreserve-mb = 0\n".to_owned();
    let mut host = Host::prepare(Setup { settings, ..Setup::with_clients(40) }).await?;
    let Some(disk) = Disk::under(&host, 64)? else { return Ok(()) };
    host.restart().await?;
    host.sync_and_wait().await?;
    let event = event(&host).await?;
    disk.fill(0)?;
    let mut number = 0;
    let status = loop {
        match host.post_event(&format!("{number}"), &event).await {
            Ok(answer) if answer.status == 201 => number += 1,
            other => break other.map(|answer| answer.status).ok(),
        }
        ensure!(number < 10_000, "the disk takes everything");
    };
    assert!(!is_ready(&host).await, "a write failed ({status:?}), and /readyz says yes");
    assert_eq!(host.ends_within(Duration::from_secs(20)).await, Some(1), "{}", host.log_tail());
    assert!(host.log_tail().contains("the store's file failed"), "{}", host.log_tail());
    host.kill().await?;
    disk.empty()?;
    host.restart().await?;
    let accepted = host.post_event("afterwards", &event).await?.ok()?;
    let note = format!("/api/v1/notes/{}", accepted["id"].as_str().context("a note has an id")?);
    host.wait_for(&note, |note| note["state"] == "done").await?;
    host.wait_for("/api/v1/notes?limit=500", |list| {
        list["items"].as_array().is_some_and(|notes| notes.iter().all(|note| note["state"] == "done"))
    })
    .await?;
    assert_eq!(host.stop().await?, Some(0));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_does_not_end_the_host() -> Result<()> {
    let full = Path::new("/dev/full");
    if !full.exists() {
        eprintln!("skipped: there is no /dev/full here");
        return Ok(());
    }
    let host = Host::prepare(Setup::with_clients(10)).await?;
    let mut command = host.command(&["serve", "--json"])?.into_std();
    let log = File::options().write(true).open(full)?;
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take().context("stdout is a pipe")?).read_line(&mut line)?;
    let listening: Value = serde_json::from_str(&line).context("it listens")?;
    let ready = format!("{}/readyz", listening["address"].as_str().context("an address")?);
    let deadline = Instant::now() + Duration::from_secs(60);
    while !host.http().get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
        ensure!(Instant::now() < deadline && child.try_wait()?.is_none(), "it is not ready");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Command::new("kill").arg(child.id().to_string()).status()?;
    let begun = Instant::now();
    while child.try_wait()?.is_none() && begun.elapsed() < Duration::from_secs(15) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let ended = child.try_wait()?;
    drop(child.kill());
    assert_eq!(ended.and_then(|status| status.code()), Some(0), "it stops when it is asked to");
    Ok(())
}
