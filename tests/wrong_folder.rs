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
    // What is refused makes none, neither an account nor a schedule that nobody could keep.
    let password = wrong.with_file_name("password");
    fs::write(&password, "short\n")?;
    for (arguments, words) in [
        (&["user", "add", "pat.lee@example", "--name", "Pat", "--role", "support"][..], "email: This is not"),
        (&["user", "add", "pat@xn--a.example", "--name", "Pat", "--role", "support"], "xn--"),
        (&["user", "add", "pat@example.com", "--name", "12", "--role", "support"], "name: Enter the name"),
        (&["user", "add", "pat@example.com", "--name", "Pat", "--role", "boss"], "invalid value 'boss'"),
        (
            &["user", "add", "pat@example.com", "--name", "Pat", "--role", "support", "--password-stdin"],
            "password: Choose a password of at least 12 characters",
        ),
        (&["sync", "elsewhere"], "there is no connection `elsewhere` that is enabled; there are: main"),
    ] {
        let mut command = host.command(&[arguments, &["--data-dir", "wrong"]].concat())?;
        let output = command.stdin(fs::File::open(&password)?).output().await?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(!output.status.success() && said.contains(words) && !wrong.exists(), "{arguments:?}: {said}");
    }
    fs::write(&password, "password12345\n")?;
    let arguments = ["user", "add", "pat@example.com", "--name", "Pat", "--role", "support", "--password-stdin"];
    let mut command = host.command(&[&arguments, &["--data-dir", "wrong"][..]].concat())?;
    let output = command.stdin(fs::File::open(&password)?).output().await?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(!output.status.success() && said.contains("tried first") && !wrong.exists(), "{said}");
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

#[tokio::test]
async fn without_a_connection_it_is_said_how_one_is_added() -> Result<()> {
    let mut host = Host::prepare(Setup::with_clients(3)).await?;
    let settings = host.folder().join("tidegate.toml");
    let text = fs::read_to_string(&settings)?;
    fs::write(&settings, text.split_once("\n[connections").context("a connection")?.0)?;
    let wrong = host.folder().join("wrong");
    let words = "none is enabled: add or enable one on the page Integrations";
    for arguments in [&["sync"][..], &["sync", "main"]] {
        let output = host.run(&[arguments, &["--data-dir", "wrong"]].concat()).await?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(2) && said.contains(words) && !wrong.exists(), "{arguments:?}: {said}");
    }
    host.restart_unready().await?;
    for arguments in [&["sync", "--once"][..], &["sync", "main", "--once"], &["sync", "main", "--client", "7"]] {
        let output = host.run(arguments).await?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(2) && said.contains(words), "{arguments:?}: {said}");
    }
    Ok(())
}
