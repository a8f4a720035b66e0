//! The pages in a real browser: `tests/browser/main.mjs` walks through them as people do and says what it saw.
//!
//! Pictures of every page are kept where `TIDEGATE_SCREENSHOTS` names a folder.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tidegate_tests::{Host, Setup, TOKEN};
use tokio::process::Command;
use xplan_sandbox::{Fault, FaultPlan, Rule};

/// Several browsers' worth of pages, at four widths, light and dark.
const WITHIN: Duration = Duration::from_secs(600);

#[tokio::test(flavor = "multi_thread")]
async fn people_find_their_way_through_the_pages() -> Result<()> {
    let mut setup = Setup::with_clients(400);
    // A walk long enough to be watched.
    setup.site.faults =
        FaultPlan { rules: vec![Rule { ms: 400, ..Rule::always(Fault::Slow) }], ..FaultPlan::default() };
    let host = Host::start(setup).await?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/main.mjs");
    let mut browser = Command::new("node");
    browser
        .arg(script)
        .env("HOST", host.url(""))
        .env("SET_UP", host.set_up_path()?)
        .env("TOKEN", TOKEN)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(WITHIN, browser.output()).await.context("the browser comes to an end")??;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{said}\n{}\n{}", String::from_utf8_lossy(&output.stderr), host.log_tail());
    println!("{said}");
    Ok(())
}
