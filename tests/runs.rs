//! What the host says of its runs, where nobody looks at a page.

use anyhow::{Result, ensure};
use tidegate_tests::{Host, Setup};
use xplan_sandbox::FaultPlan;

#[tokio::test]
async fn a_run_that_fails_is_logged_with_its_reason_and_without_the_crms_words() -> Result<()> {
    let host = Host::start(Setup::with_clients(40)).await?;
    host.crm().set_faults(FaultPlan { seed: 1, rules: vec!["forbidden:on=/entity/".parse()?] });
    let run = host.sync_and_wait().await?;
    ensure!(run["state"] == "failed", "{run}");
    let log = host.log_tail();
    let line = log.lines().find(|line| line.contains("run over")).unwrap_or_default();
    ensure!(line.contains("WARN") && line.contains("the call is refused (403)"), "{log}");
    ensure!(line.contains(run["id"].as_str().unwrap_or_default()), "{line}");
    // The CRM's words stand with the run: they may name people.
    let words = run["error"].as_str().unwrap_or_default();
    ensure!(words.contains("403") && !log.contains("You do not have access"), "{words}\n{log}");

    host.crm().set_faults(FaultPlan::default());
    ensure!(host.sync_and_wait().await?["state"] == "done");
    let log = host.log_tail();
    let line = log.lines().rfind(|line| line.contains("run over")).unwrap_or_default();
    ensure!(line.contains("INFO") && line.contains("done"), "{log}");
    Ok(())
}
