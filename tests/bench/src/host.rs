//! Walks by the host's own binary, beside the hand-written loop.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::measure::{self, Cost};
use crate::report::{Bound, Report};
use crate::site::{PASSWORD, Site, USER};

/// Measures first walks of a small and a large book, a walk in which nothing changed, and the loop on the large book.
pub async fn measure(binary: &Path, packs: &Path, small: u32, large: u32, report: &mut Report) -> anyhow::Result<()> {
    let small_site = Site::start(small)?;
    let practice = Practice::new(packs)?;
    // Compiles the pack and lets the site prepare its pages; counted nowhere.
    practice.with_empty_store(&small_site)?.walk(binary)?;
    let on_small = practice.with_empty_store(&small_site)?.walk(binary)?;
    drop(small_site);

    let site = Site::start(large)?;
    practice.with_empty_store(&site)?.walk(binary)?;
    practice.with_empty_store(&site)?;
    let site_before = site.cpu().await?;
    let first = practice.walk(binary)?;
    let site_cpu = site.cpu().await? - site_before;
    let again = practice.walk(binary)?;
    let store_mb = folder_bytes(&practice.folder.path().join("data")) / 1e6;
    let folder = tempfile::tempdir()?;
    let this = std::env::current_exe()?;
    let by_hand = measure::run(Command::new(this).args(["baseline", &site.address]).arg(folder.path()))?;

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
    Ok(())
}

/// A practice's folder, with its settings and its store.
struct Practice {
    folder: tempfile::TempDir,
    packs: PathBuf,
}

impl Practice {
    fn new(packs: &Path) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("password"), PASSWORD)?;
        Ok(Self { folder, packs: packs.to_owned() })
    }

    /// Points to a site and forgets the book; the compiled packs stay.
    fn with_empty_store(&self, site: &Site) -> anyhow::Result<&Self> {
        let settings = format!(
            "[practice]\nname = \"Bench\"\nemail-domain = \"bench.example\"\n\
             [server]\npacks-dir = \"{}\"\n[log]\nlevel = \"warn\"\n\
             [connections.main]\ncrm = \"xplan\"\npack = \"xplan-au\"\ninsecure-http = true\nforward-host = \"{}\"\n\
             auth = {{ mode = \"basic\", username = \"{USER}\", password-file = \"password\" }}\n",
            self.packs.display(),
            site.address,
        );
        std::fs::write(self.folder.path().join("tidegate.toml"), settings)?;
        for entry in std::fs::read_dir(self.folder.path().join("data")).into_iter().flatten() {
            let path = entry?.path();
            if path.is_file() {
                std::fs::remove_file(path)?;
            }
        }
        Ok(self)
    }

    fn walk(&self, binary: &Path) -> anyhow::Result<Cost> {
        let settings = self.folder.path().join("tidegate.toml");
        let mut command = Command::new(binary);
        command.args(["sync", "--once", "--json", "--config"]).arg(settings).stdout(Stdio::null());
        measure::run(&mut command)
    }
}

fn folder_bytes(folder: &Path) -> f64 {
    let files = std::fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    files.filter_map(|file| file.metadata().ok()).filter(|data| data.is_file()).map(|data| data.len() as f64).sum()
}
