//! Commands that are given another data folder than the host's, by a slip: they make no store there, and do not say that all is well.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tidegate_tests::{Host, Setup};

/// Commands that work on a store that is there already, of each kind.
const ON_A_STORE: &[&[&str]] = &[
    &["audit", "export"],
    &["audit", "verify"],
    &["backup"],
    &["connection", "same-site", "main", "acme.example"],
    &["explain", "1259", "mobile"],
    &["import", "ids.csv"],
    &["note", "list"],
    &["pack", "history", "--connection", "main"],
    &["pack", "stage", "--connection", "main"],
    &["privacy", "register"],
    &["run", "list"],
    &["sync", "--once"],
    &["sync", "main", "--client", "1259"],
    &["sync", "main", "--confirm-gone"],
    &["token", "add", "Nightly", "--scope", "read"],
    &["token", "list"],
    &["user", "disable", "pat.lee@example.com"],
    &["user", "list"],
];

#[tokio::test]
async fn a_data_folder_without_a_store_is_told_of_and_stays_empty() -> Result<()> {
    let host = Host::prepare(Setup::with_clients(3)).await?;
    fs::write(host.folder().join("ids.csv"), "First Name,Last Name,Email,Xplan ID\n")?;
    let wrong = host.folder().join("wrong");
    let run = async |arguments: &[&str]| host.run(&[arguments, &["--data-dir", "wrong"]].concat()).await;
    let words = format!("there is no store in {}, and none was made", wrong.display());
    for command in ON_A_STORE {
        let output = run(command).await?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(1) && said.contains(&words), "{command:?}: {said}");
        ensure!(output.stdout.is_empty() && !wrong.exists(), "{command:?}");
        let output = run(&[command, &["--json"][..]].concat()).await?;
        let said: Value = serde_json::from_slice(&output.stderr).with_context(|| format!("{command:?}"))?;
        ensure!(said["error"].as_str().is_some_and(|why| why.starts_with(&words)), "{command:?}: {said}");
    }
    // What looks and keeps nothing needs no store, and leaves none.
    let looked = run(&["sync", "main", "--dry-run"]).await?;
    let said = String::from_utf8(looked.stdout)?;
    ensure!(looked.status.success() && said.contains("Nothing was stored.") && !wrong.exists(), "{said}");
    let looked = run(&["config", "check", "--connect"]).await?;
    let said = String::from_utf8(looked.stdout)?;
    ensure!(looked.status.success() && said.contains("main: signed in as svc") && !wrong.exists(), "{said}");
    // The first account may be made before the host's first start, and the new store is told of, once.
    let add = |email| ["user", "add", email, "--name", "Pat Lee", "--role", "practice_manager"];
    let made = format!("There was no store in {}: a new one was made.", wrong.display());
    for (email, is_told) in [("pat.lee@example.com", true), ("omar@example.com", false)] {
        let output = run(&add(email)).await?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(output.status.success() && said.contains(&made) == is_told, "{email}: {said}");
    }
    ensure!(run(&["user", "list"]).await?.status.success());
    Ok(())
}
