//! Makes the fixture of a store's format: a practice that has gone through everything that a store can hold, by a real
//! host at a stand-in site, and the host's files when it was stopped.
//!
//! Called by `cargo xtask store-fixture`, which names the host's binary and the packs in the environment as for the
//! end-to-end tests. Its one argument is the folder that the fixture is written into.

mod fill;

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use tidegate_tests::Host;
use tidegate_tests::stores::{self, Holds};

/// The most that a fixture may take: it stays in the repository for ever.
const LARGEST: u64 = 300 << 10;

#[tokio::main]
async fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.context("name the folder to write into; or call `cargo xtask store-fixture`")?;
    if folder.join("data.zip").exists() {
        bail!("{} has a fixture already; remove it first, where it is of no released version", folder.display());
    }
    let mut host = Host::start(stores::setup()).await?;
    host.leave_unquiet();
    fill::fill(&mut host).await?;
    let holds = Holds::of(&host).await?;
    ensure!(host.stop().await? == Some(0), "the host stops when it is asked to");
    fs::create_dir_all(&folder)?;
    let bytes = stores::pack(&host.folder().join("data"), &folder.join("data.zip"))?;
    fs::write(folder.join("holds.json"), holds.written())?;
    println!("{}: {} KB", folder.display(), bytes >> 10);
    ensure!(bytes <= LARGEST, "a fixture of more than {} KB is too much", LARGEST >> 10);
    Ok(())
}
