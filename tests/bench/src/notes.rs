//! How soon a file note is on its way, and how a heap of them drains after an outage.
//!
//! The stand-in site runs in this process and stamps each note as it makes it; the host is the real binary.

use std::collections::HashMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use xplan_sandbox::{Account, Fault, FaultPlan, Options, Rule, Sandbox};

use crate::report::{Bound, Report};

const TOKEN: &str = "bench-bootstrap-token-0123456789abcdef";
const PASSWORD: &str = "bench";
/// Events a second, and for how long.
const RATE: u32 = 50;
const SECONDS: u32 = 20;
/// Notes that wait when the outage ends.
const HEAP: usize = 10_000;
/// Events posted side by side while the site is down.
const POSTERS: usize = 16;

/// Measures both.
pub async fn measure(binary: &Path, packs: &Path, report: &mut Report) -> anyhow::Result<()> {
    let accounts = vec![Account::new("svc", PASSWORD)];
    let site = Sandbox::start(Options { clients: 4_000, accounts, ..Options::default() }).await?;
    let host = Host::start(binary, packs, &site).await?;
    let households = host.api.households().await?;
    anyhow::ensure!(households.len() > 1_000, "the book has {} households only", households.len());
    let (steady, heap) = households.split_at(200);

    let answered = host.api.post_steadily(steady, RATE * SECONDS).await?;
    host.api.until_done(answered.len()).await?;
    let mut waits = waits(&site, &answered)?;
    report.ask("note: from the answer to the create, p99", percentile(&mut waits, 0.99), "ms", Bound::AtMost(50.0));
    report.add("note: from the answer to the create, median", percentile(&mut waits, 0.5), "ms");

    site.admin().set_faults(FaultPlan { rules: vec![Rule::always(Fault::CutBefore)], ..FaultPlan::default() });
    let begun = Instant::now();
    host.api.post_heap(heap).await?;
    report.add("outage: events accepted a second", HEAP as f64 / begun.elapsed().as_secs_f64(), "events/s");
    site.admin().clear_notes();
    site.admin().set_faults(FaultPlan::default());
    let begun = Instant::now();
    let fresh = host.api.post_steadily(steady, 60).await?;
    while site.admin().notes().len() < HEAP + fresh.len() {
        anyhow::ensure!(begun.elapsed() < Duration::from_secs(600), "{} notes arrived", site.admin().notes().len());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let drained = HEAP as f64 / begun.elapsed().as_secs_f64();
    report.ask("after the outage: notes drained a second", drained, "notes/s", Bound::AtLeast(50.0));
    let mut waits = self::waits(&site, &fresh)?;
    // The site is found to be back within the breaker's longest pause; then new notes are not behind the heap.
    let slowest = percentile(&mut waits, 1.0) / 1e3;
    report.ask("after the outage: new note beside the heap, slowest", slowest, "s", Bound::AtMost(130.0));
    report.add("after the outage: new note beside the heap, median", percentile(&mut waits, 0.5), "ms");
    let notes = site.admin().notes();
    let markers: std::collections::HashSet<_> = notes.iter().filter_map(|note| note.guid.as_deref()).collect();
    anyhow::ensure!(markers.len() == notes.len(), "{} notes with {} markers", notes.len(), markers.len());
    Ok(())
}

/// Milliseconds from each answer to the create of its note.
fn waits(site: &Sandbox, answered: &HashMap<String, Timestamp>) -> anyhow::Result<Vec<f64>> {
    let mut waits = Vec::with_capacity(answered.len());
    for note in site.admin().notes() {
        let Some(at) = note.guid.as_ref().and_then(|marker| answered.get(marker)) else { continue };
        let made: Timestamp = note.created_date.parse()?;
        waits.push(made.duration_since(*at).as_secs_f64().max(0.0) * 1e3);
    }
    anyhow::ensure!(waits.len() == answered.len(), "{} of {} notes arrived", waits.len(), answered.len());
    Ok(waits)
}

fn percentile(values: &mut [f64], share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * share).round() as usize]
}

/// A host at work on a folder of its own.
struct Host {
    process: Child,
    _folder: tempfile::TempDir,
    api: Api,
}

/// The host's API. Cheap to clone.
#[derive(Clone)]
struct Api {
    http: reqwest::Client,
    base: String,
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Host {
    /// Starts it and lets it read the book.
    async fn start(binary: &Path, packs: &Path, site: &Sandbox) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("password"), PASSWORD)?;
        std::fs::write(folder.path().join("token"), TOKEN)?;
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let settings = format!(
            "[practice]\nname = \"Bench\"\nemail-domain = \"bench.example\"\n\
             [server]\nlisten = \"127.0.0.1:{port}\"\npacks-dir = \"{}\"\nbootstrap-token-file = \"token\"\n\
             [log]\nlevel = \"warn\"\n\
             [connections.main]\ncrm = \"xplan\"\npack = \"xplan-au\"\ninsecure-http = true\n\
             forward-host = \"{}\"\nschedule = \"0 0 0 1 1 *\"\n\
             auth = {{ mode = \"basic\", username = \"svc\", password-file = \"password\" }}\n",
            packs.display(),
            site.addr(),
        );
        let path = folder.path().join("tidegate.toml");
        std::fs::write(&path, settings)?;
        let mut command = Command::new(binary);
        command.args(["serve", "--config"]).arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn()?;
        let host = Self {
            process,
            _folder: folder,
            api: Api { http: reqwest::Client::new(), base: format!("http://127.0.0.1:{port}/api/v1") },
        };
        host.until(|| async { host.api.get("connections").await.is_ok() }).await?;
        let run = host.api.http.post(format!("{}/connections/main/sync", host.api.base)).bearer_auth(TOKEN);
        let run: Value = run.send().await?.error_for_status()?.json().await?;
        let run = format!("runs/{}", run["id"].as_str().context("a run has an id")?);
        host.until(|| async { host.api.get(&run).await.is_ok_and(|run| run["state"] == "done") }).await?;
        Ok(host)
    }

    async fn until<F: Future<Output = bool>>(&self, holds: impl Fn() -> F) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !holds().await {
            anyhow::ensure!(begun.elapsed() < Duration::from_secs(300), "the host does not come so far");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }
}

impl Api {
    async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer = self.http.get(format!("{}/{path}", self.base)).bearer_auth(TOKEN).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }

    async fn households(&self) -> anyhow::Result<Vec<String>> {
        let (mut ids, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("households?limit=500{cursor}")).await?;
            let items = page["items"].as_array().context("a list")?;
            ids.extend(items.iter().filter_map(|one| one["id"].as_str()).map(str::to_owned));
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(ids),
            }
        }
    }

    /// Posts an event; answers its note's marker and when the answer came.
    async fn post(&self, household: &str, key: &str) -> anyhow::Result<(String, Timestamp)> {
        let event = json!({
            "type": "your-life-survey.completed", "household_id": household, "occurred_at": "2026-03-02T01:30:00Z",
            "data": { "score": 72, "goals": ["Retire at 60"], "dimensions": [{ "name": "Money", "percent": 65 }] },
        });
        let request = self.http.post(format!("{}/events", self.base)).bearer_auth(TOKEN).header("idempotency-key", key);
        let answer = request.json(&event).send().await?.error_for_status()?;
        let at = Timestamp::now();
        let note: Value = answer.json().await?;
        Ok((note["marker"].as_str().context("a note has a marker")?.to_owned(), at))
    }

    /// Posts so many events, one after the other at the rate; answers when each was answered.
    async fn post_steadily(&self, households: &[String], count: u32) -> anyhow::Result<HashMap<String, Timestamp>> {
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
        let round = Timestamp::now().as_millisecond();
        let mut posts = Vec::new();
        for number in 0..count {
            ticks.tick().await;
            let household = households[number as usize % households.len()].clone();
            let api = self.clone();
            posts.push(tokio::spawn(async move { api.post(&household, &format!("steady-{round}-{number}")).await }));
        }
        let mut answered = HashMap::new();
        for post in posts {
            let (marker, at) = post.await??;
            answered.insert(marker, at);
        }
        Ok(answered)
    }

    /// Posts the heap, several side by side.
    async fn post_heap(&self, households: &[String]) -> anyhow::Result<()> {
        let mut posters = tokio::task::JoinSet::new();
        for poster in 0..POSTERS {
            let (api, households) = (self.clone(), households.to_vec());
            posters.spawn(async move {
                for number in (poster..HEAP).step_by(POSTERS) {
                    api.post(&households[number % households.len()], &format!("heap-{number}")).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(posted) = posters.join_next().await {
            posted??;
        }
        Ok(())
    }

    /// Waits until so many notes are done.
    async fn until_done(&self, count: usize) -> anyhow::Result<()> {
        let begun = Instant::now();
        loop {
            let open = ["queued", "sending", "waiting"].map(|state| format!("notes?state={state}&limit=1"));
            let mut is_quiet = true;
            for path in &open {
                is_quiet &= self.get(path).await?["items"].as_array().is_some_and(Vec::is_empty);
            }
            if is_quiet {
                return Ok(());
            }
            anyhow::ensure!(begun.elapsed() < Duration::from_secs(120), "not all of {count} notes are done");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
