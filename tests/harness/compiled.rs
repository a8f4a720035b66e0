//! The shipped packs, compiled once for all hosts: each would else spend seconds on it.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;
use tokio::sync::OnceCell;

use super::folder::from_environment;

static COMPILED: OnceCell<()> = OnceCell::const_new();

/// Gives the host with these settings the packs' compiled code, with the key that says it is the host's own.
pub(super) async fn copy_to(settings: &Path) -> Result<()> {
    // Beside the packs, so that the next tests find it.
    let data = from_environment("TIDEGATE_PACKS")?.with_file_name("tests-data");
    COMPILED
        .get_or_try_init(async || {
            // Looking makes no data folder, and keeps what it compiled only where there is one.
            DirBuilder::new().recursive(true).mode(0o700).create(&data)?;
            let mut command = Command::new(from_environment("TIDEGATE_BIN")?);
            command.args(["pack", "list"]).arg("--config").arg(settings).env("TIDEGATE__SERVER__DATA_DIR", &data);
            let output = command.output().await.context("the host's binary runs")?;
            ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            anyhow::Ok(())
        })
        .await?;
    let cache = settings.with_file_name("data").join("cache");
    fs::create_dir_all(&cache)?;
    for file in fs::read_dir(data.join("cache"))? {
        let file = file?;
        fs::copy(file.path(), cache.join(file.file_name()))?;
    }
    Ok(())
}
