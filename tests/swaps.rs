//! Revisions exchanged again and again under load: a sync that goes on, people who read, notes that are written. No request
//! fails and no run, no read waits for an exchange, and at the end the store is what the last revision makes of the book.
//!
//! In the suite it is a small book and a few exchanges. `cargo xtask swaps` is the long form: 100,000 clients, a hundred
//! exchanges, 200 reads a second, by an optimised host. `TIDEGATE_SWAPS`, `TIDEGATE_BOOK` and `TIDEGATE_READS` choose others.

use std::env;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use reqwest::Client;
use serde_json::{Value, json};
use tidegate_tests::{Host, TOKEN, without_examples};

use crate::packs::{all, edit, host as host_of, text};

const MAIN: &str = "/api/v1/connections/main";
const REVISIONS: &str = "/api/v1/revisions?connection=main";

/// What a read may take longer for an exchange than for anything else that goes on.
const PAUSE: Duration = Duration::from_millis(10);
/// The same in the suite, where a debug build shares a small machine with other tests.
const PAUSE_IN_SUITE: Duration = Duration::from_millis(750);

/// The size of the test.
struct Size {
    clients: u32,
    swaps: u32,
    reads: u32,
    /// The time from one exchange to the next.
    between: Duration,
    is_long: bool,
}

impl Size {
    fn from_environment() -> Result<Self> {
        let number = |name: &str, usual: u32| match env::var(name) {
            Ok(text) => text.parse().with_context(|| format!("{name} is a number")),
            Err(_) => Ok(usual),
        };
        let is_long = env::var("TIDEGATE_SWAPS").is_ok();
        Ok(Self {
            clients: number("TIDEGATE_BOOK", 2_000)?,
            swaps: number("TIDEGATE_SWAPS", 10)?,
            reads: number("TIDEGATE_READS", if is_long { 200 } else { 50 })?,
            between: Duration::from_millis(if is_long { 1_000 } else { 700 }),
            is_long,
        })
    }
}

/// What was measured of the reads: how long each took, and those that failed.
#[derive(Default)]
struct Reads {
    took: Mutex<Vec<Duration>>,
    failed: Mutex<Vec<String>>,
}

impl Reads {
    fn take(&self) -> Figures {
        let mut took = std::mem::take(&mut *self.took.lock().expect("nobody panicked"));
        took.sort_unstable();
        Figures { took }
    }
}

/// Sorted times.
struct Figures {
    took: Vec<Duration>,
}

impl Figures {
    fn at(&self, share: f64) -> Duration {
        let place = ((self.took.len() as f64 * share) as usize).min(self.took.len().saturating_sub(1));
        self.took.get(place).copied().unwrap_or_default()
    }

    fn max(&self) -> Duration {
        self.took.last().copied().unwrap_or_default()
    }

    fn print(&self, what: &str) {
        let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1e3);
        println!(
            "{what}: {} reads, p50 {} ms, p95 {} ms, p99 {} ms, p99.9 {} ms, max {} ms",
            self.took.len(),
            ms(self.at(0.5)),
            ms(self.at(0.95)),
            ms(self.at(0.99)),
            ms(self.at(0.999)),
            ms(self.max())
        );
    }
}

/// Reads at a steady rate until it is told to stop, whether or not earlier answers came.
async fn read(http: Client, urls: Vec<String>, reads_a_second: u32, reads: Arc<Reads>, stop: Arc<AtomicBool>) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / reads_a_second);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut under_way = tokio::task::JoinSet::new();
    for url in urls.iter().cycle() {
        ticks.tick().await;
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (request, reads, url) = (http.get(url).bearer_auth(TOKEN), Arc::clone(&reads), url.clone());
        under_way.spawn(async move {
            let began = Instant::now();
            let answer = async {
                let answer = request.send().await?.error_for_status()?;
                answer.bytes().await
            };
            match answer.await {
                Ok(_) => reads.took.lock().expect("nobody panicked").push(began.elapsed()),
                Err(error) => reads.failed.lock().expect("nobody panicked").push(format!("{url}: {error:#}")),
            }
        });
        while under_way.try_join_next().is_some() {}
    }
    while under_way.join_next().await.is_some() {}
}

/// Syncs again and again until it is told to stop; answers how many runs there were, all of which came to their end.
async fn keep_syncing(host: &Host, stop: &AtomicBool) -> Result<u64> {
    let mut runs = 0;
    while !stop.load(Ordering::Relaxed) {
        let run = host.sync_and_wait().await?;
        ensure!(run["state"] == "done", "a run that met an exchange: {run}");
        runs += 1;
    }
    Ok(runs)
}

/// Writes notes to one client after the other until it is told to stop; answers how many were taken.
async fn keep_writing(host: &Host, households: &[String], stop: &AtomicBool) -> Result<u64> {
    let written = AtomicU64::new(0);
    for household in households.iter().cycle() {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let number = written.fetch_add(1, Ordering::Relaxed);
        let event = json!({
            "type": "note.written", "household_id": household, "occurred_at": "2026-03-02T01:30:00Z",
            "data": { "subject": format!("Note {number}"), "body": "Written while revisions were exchanged." },
        });
        let answer = host.post_event(&format!("swap-{number}"), &event).await?;
        ensure!((200..300).contains(&answer.status), "{} {}", answer.status, answer.text);
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    Ok(written.into_inner())
}

/// The times that exchanges took.
async fn keep_swapping(host: &Host, pair: [&str; 2], size: &Size) -> Result<Vec<Duration>> {
    let mut took = Vec::new();
    // An odd number of them, so that the last one puts in force what the first one did.
    for revision in pair.iter().cycle().take((size.swaps | 1) as usize) {
        let began = Instant::now();
        let activated = host.post(&format!("{MAIN}/activate"), &json!({ "revision": revision })).await?.ok()?;
        took.push(began.elapsed());
        ensure!(activated["revision"] == **revision, "{activated}");
        tokio::time::sleep(size.between.saturating_sub(began.elapsed())).await;
    }
    took.sort_unstable();
    Ok(took)
}

#[tokio::test(flavor = "multi_thread")]
async fn swaps_under_load_cost_no_request_no_run_and_no_pause() -> Result<()> {
    let size = Size::from_environment()?;
    let (mut host, pack) = host_of(size.clients).await?;
    without_examples(&pack)?;
    host.restart().await?;
    let first = host.sync().await?;
    while host.get(&format!("/api/v1/runs/{}", text(&first["id"]))).await?.ok()?["state"] != "done" {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // By the other one, every Mr is a Ms.
    let one = text(&host.get(MAIN).await?.ok()?["revision"]);
    edit(
        &pack,
        &[("\nMr = [\"Mr\", \"Mister\"]", "\nMr = [\"Ms\"]"), ("\nMs = [\"Ms\"]", "\nMs = [\"Mr\", \"Mister\"]")],
    )?;
    let staged = host.post(REVISIONS, &Value::Null).await?.ok()?;
    let other = text(&staged["revision"]);
    ensure!(staged["state"] == "verified" && other != one, "{staged}");

    let page = host.get("/api/v1/clients?limit=100").await?.ok()?;
    let page = page["items"].as_array().context("clients")?;
    let mut urls: Vec<String> =
        page.iter().map(|one| host.url(&format!("/api/v1/clients/{}", text(&one["id"])))).collect();
    let lists =
        ["clients?limit=50", "households?limit=50", "clients?search=an&limit=20", "goals?limit=50", "connections/main"];
    for (place, list) in lists.iter().enumerate() {
        urls.insert(place * 20, host.url(&format!("/api/v1/{list}")));
    }
    let mut households: Vec<String> = page.iter().map(|one| text(&one["household_id"])).collect();
    households.sort();
    households.dedup();

    let (reads, stop) = (Arc::new(Reads::default()), Arc::new(AtomicBool::new(false)));
    let reading = tokio::spawn(read(host.http().clone(), urls, size.reads, Arc::clone(&reads), Arc::clone(&stop)));
    let swapping = async {
        // What reads take when nothing is exchanged: the noise of this very machine, with all else under way.
        tokio::time::sleep(Duration::from_secs(1)).await;
        drop(reads.take());
        tokio::time::sleep(size.between * size.swaps.div_ceil(2).max(8)).await;
        let noise = reads.take();
        let took = keep_swapping(&host, [&other, &one], &size).await;
        let swapped = reads.take();
        stop.store(true, Ordering::Relaxed);
        anyhow::Ok((noise, swapped, took?))
    };
    let (measured, runs, written) =
        tokio::join!(swapping, keep_syncing(&host, &stop), keep_writing(&host, &households, &stop));
    let ((noise, swapped, took), runs, written) = (measured?, runs?, written?);
    reading.await?;
    noise.print("without exchanges");
    swapped.print("with exchanges");
    let (median, longest) = (took[took.len() / 2], took[took.len() - 1]);
    println!("{} exchanges: median {median:.0?}, longest {longest:.0?}; {runs} runs, {written} notes", took.len());
    let failed = std::mem::take(&mut *reads.failed.lock().expect("nobody panicked"));
    ensure!(failed.is_empty(), "{} reads failed, such as {:?}", failed.len(), failed.first());
    ensure!(runs > 1 && written > 1 && swapped.took.len() > 50, "there was a load");

    // All that was begun comes to its end.
    let is_over = |runs: &Value| {
        let runs = runs["items"].as_array().into_iter().flatten();
        runs.into_iter().all(|run| !["queued", "running"].contains(&run["state"].as_str().unwrap_or_default()))
    };
    host.wait_for("/api/v1/runs?limit=200", is_over).await?;
    let states = all(&host, "runs").await?;
    ensure!(states.iter().all(|run| run["state"] != "failed"), "a run failed: {states:?}");
    host.wait_for("/api/v1/notes?limit=500&state=queued", |notes| notes["items"].as_array().is_some_and(Vec::is_empty))
        .await?;
    ensure!(host.crm().notes().len() as u64 == written, "{} notes of {written}", host.crm().notes().len());
    host.sync_and_wait().await?;
    let main = host.get(MAIN).await?.ok()?;
    ensure!(main["revision"] == other, "{main}");
    ensure!(main.get("breaker").is_none_or(Value::is_null), "both are good: {main}");

    // The store is what the last one makes of the book: each record is its, and a fresh mapping of all differs in nothing.
    for client in all(&host, "clients").await? {
        ensure!(client["revision"] == other, "{client}");
    }
    edit(&pack, &[("\"Missus\"", "\"Missus\", \"Missis\"")])?;
    let same = host.post(REVISIONS, &Value::Null).await?.ok()?;
    let path = format!("/api/v1/revisions/{}/preview?connection=main", text(&same["revision"]));
    let preview = host.post(&path, &Value::Null).await?.ok()?;
    let preview =
        host.wait_for(&format!("/api/v1/previews/{}", text(&preview["id"])), |one| one["state"] != "running").await?;
    ensure!(preview["state"] == "done" && preview["differing"] == 0, "{preview}");
    ensure!(preview["compared_clients"] == json!(size.clients), "{preview}");

    let pause = if size.is_long { PAUSE } else { PAUSE_IN_SUITE };
    for (what, calm, busy) in [("p99", noise.at(0.99), swapped.at(0.99)), ("max", noise.max(), swapped.max())] {
        ensure!(busy <= calm + pause, "{what}: {busy:.1?} with exchanges, {calm:.1?} without");
    }
    Ok(())
}
