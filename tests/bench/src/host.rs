//! Walks by the host's own binary, beside the hand-written loop.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::measure::{self, Cost};
use crate::report::{Bound, Report};
use crate::site::{PASSWORD, Site, USER};

/// The pack whose rules bring clients over with contacts and addresses, and nothing else.
const CLIENTS_ALONE: &str = "clients-alone";

/// The pack as it is shipped, with goals and covers.
const WHOLE: &str = "xplan-au";

/// The pack that both extend.
const BASE: &str = "xplan-base";

/// The pack that this extends.
const COMMON: &str = "practice-base";

/// Every walk of the large book, and the loop, take turns so often, and of each the least disturbed counts: a neighbour
/// on the machine makes any of them dearer and none cheaper.
const ROUNDS: usize = 3;

/// Measures first walks of a small and a large book, a walk in which nothing changed, and the loop on the large book.
pub async fn measure(binary: &Path, packs: &Path, small: u32, large: u32, report: &mut Report) -> anyhow::Result<()> {
    let practice = Practice::new(packs)?;
    let small_site = Site::start(small)?;
    // Compiles the packs and lets the site prepare its pages; counted nowhere.
    practice.with_empty_store(binary, &small_site, WHOLE)?.walk(binary)?;
    practice.with_empty_store(binary, &small_site, CLIENTS_ALONE)?.walk(binary)?;
    let on_small = practice.with_empty_store(binary, &small_site, CLIENTS_ALONE)?.walk(binary)?;
    drop(small_site);

    let site = Site::start(large)?;
    practice.with_empty_store(binary, &site, WHOLE)?.walk(binary)?;
    let mut site_cpu = f64::MAX;
    let (mut first, mut again, mut by_hand) = (Cost::MOST, Cost::MOST, Cost::MOST);
    let (mut whole, mut whole_again) = (Cost::MOST, Cost::MOST);
    let (mut store_mb, mut whole_store_mb) = (0.0, 0.0);
    for _ in 0..ROUNDS {
        let site_before = site.cpu().await?;
        first.or_less(practice.with_empty_store(binary, &site, CLIENTS_ALONE)?.walk(binary)?);
        site_cpu = site_cpu.min(site.cpu().await? - site_before);
        again.or_less(practice.walk(binary)?);
        store_mb = practice.store_mb();
        let (folder, this) = (tempfile::tempdir()?, std::env::current_exe()?);
        by_hand.or_less(measure::run(Command::new(this).args(["baseline", &site.address]).arg(folder.path()))?);
        whole.or_less(practice.with_empty_store(binary, &site, WHOLE)?.walk(binary)?);
        whole_again.or_less(practice.walk(binary)?);
        whole_store_mb = practice.store_mb();
    }

    let clients = f64::from(large);
    let each = |cost: &Cost| cost.cpu / clients * 1e6;
    report.ask("first walk: clients a second of CPU time", clients / first.cpu, "clients/s", Bound::AtLeast(20_000.0));
    report.add("first walk: CPU a client", each(&first), "µs");
    report.add("first walk: on the clock", first.wall, "s");
    report.add("nothing changed: CPU a client", each(&again), "µs");
    report.ask("first walk ÷ walk in which nothing changed, CPU", first.cpu / again.cpu, "×", Bound::AtLeast(4.0));
    report.add("hand-written loop into SQLite: CPU a client", each(&by_hand), "µs");
    report.add("first walk ÷ hand-written loop, CPU", first.cpu / by_hand.cpu, "×");
    report.add("hand-written loop: peak memory", by_hand.peak_mb, "MB");
    report.ask("host's peak memory, large book", first.peak_mb.max(again.peak_mb), "MB", Bound::AtMost(100.0));
    report.add("host's peak memory, small book", on_small.peak_mb, "MB");
    report.ask("peak memory, large ÷ small book", first.peak_mb / on_small.peak_mb, "×", Bound::AtMost(1.3));
    report.ask("stand-in site's CPU ÷ host's, first walk", site_cpu / first.cpu, "×", Bound::AtMost(1.0 / 3.0));
    report.add("store on disk", store_mb, "MB");
    report.ask("first walk with goals and covers ÷ clients alone, CPU", whole.cpu / first.cpu, "×", Bound::AtMost(3.0));
    report.add("with goals and covers: CPU a client", each(&whole), "µs");
    report.add("with goals and covers, nothing changed: CPU a client", each(&whole_again), "µs");
    report.add("with goals and covers: peak memory", whole.peak_mb.max(whole_again.peak_mb), "MB");
    report.add("with goals and covers: store on disk", whole_store_mb, "MB");
    Ok(())
}

/// A practice's folder, with its settings and its store.
struct Practice {
    folder: tempfile::TempDir,
}

impl Practice {
    fn new(packs: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("password"), PASSWORD)?;
        let of_this = folder.path().join("packs");
        for pack in [WHOLE, BASE, COMMON] {
            copy(&packs.join(pack), &of_this.join(pack))?;
        }
        copy(&packs.join(WHOLE), &of_this.join(CLIENTS_ALONE))?;
        without_lists(&of_this.join(CLIENTS_ALONE).join("rules.toml"), &of_this.join(BASE).join("rules.toml"))?;
        Ok(Self { folder })
    }

    /// Points to a site, to be read with a pack, and forgets the book; the compiled packs stay.
    fn with_empty_store(&self, binary: &Path, site: &Site, pack: &str) -> anyhow::Result<&Self> {
        let settings = format!(
            "[practice]\nname = \"Bench\"\nemail-domain = \"bench.example\"\n\
             [server]\npacks-dir = \"{}\"\n[log]\nlevel = \"warn\"\n\
             [connections.main]\ncrm = \"xplan\"\npack = \"{pack}\"\ninsecure-http = true\nforward-host = \"{}\"\n\
             auth = {{ mode = \"basic\", username = \"{USER}\", password-file = \"password\" }}\n",
            self.folder.path().join("packs").display(),
            site.address,
        );
        std::fs::write(self.folder.path().join("tidegate.toml"), settings)?;
        for entry in std::fs::read_dir(self.folder.path().join("data")).into_iter().flatten() {
            let path = entry?.path();
            if path.is_file() {
                std::fs::remove_file(path)?;
            }
        }
        // A walk by hand makes no store; the first account does.
        let settings = self.folder.path().join("tidegate.toml");
        let mut command = Command::new(binary);
        command.args([
            "user",
            "add",
            "bench@bench.example",
            "--name",
            "Bench",
            "--role",
            "practice_manager",
            "--config",
        ]);
        measure::run(command.arg(settings).stdout(Stdio::null()))?;
        Ok(self)
    }

    fn store_mb(&self) -> f64 {
        folder_bytes(&self.folder.path().join("data")) / 1e6
    }

    fn walk(&self, binary: &Path) -> anyhow::Result<Cost> {
        let settings = self.folder.path().join("tidegate.toml");
        let mut command = Command::new(binary);
        command.args(["sync", "--once", "--json", "--config"]).arg(settings).stdout(Stdio::null());
        measure::run(&mut command)
    }
}

/// Copies a pack; its fixtures are for tests.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_owned();
        if path.is_file() {
            std::fs::copy(&path, to.join(&name))?;
        } else if name != "fixtures" {
            copy(&path, &to.join(&name))?;
        }
    }
    Ok(())
}

/// Takes goals and covers out of a pack's rules and out of what it extends: then no walk asks for them.
fn without_lists(rules: &Path, base: &Path) -> anyhow::Result<()> {
    let mut table: toml::Table = std::fs::read_to_string(rules)?.parse()?;
    let base: toml::Table = std::fs::read_to_string(base)?.parse()?;
    let is_of_list = |example: &&toml::Value| {
        example.get("kind").and_then(toml::Value::as_str).is_some_and(|kind| ["goal", "cover"].contains(&kind))
    };
    let examples = base.get("examples").and_then(toml::Value::as_array).into_iter().flatten().filter(is_of_list);
    let names = examples.filter_map(|example| example.get("name")?.as_str());
    let examples = names.map(|name| format!("/examples/{}", name.replace('~', "~0").replace('/', "~1")));
    let removed: Vec<String> = ["/goal", "/cover"].map(str::to_owned).into_iter().chain(examples).collect();
    for key in ["goal", "cover", "examples"] {
        table.remove(key);
    }
    table.insert("remove".to_owned(), toml::Value::from(removed));
    Ok(std::fs::write(rules, toml::to_string(&table)?)?)
}

fn folder_bytes(folder: &Path) -> f64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    files.filter_map(|file| file.metadata().ok()).filter(|data| data.is_file()).map(|data| data.len() as f64).sum()
}
