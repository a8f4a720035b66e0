//! What is kept of a revision is damaged on the disk: its connection stands still and says why, all else goes on.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup, copy_pack, without_fixtures};
use xplan_sandbox::{Options, Region, Sandbox};

use crate::connections::{draft, sync};
use crate::packs::{all, edit, mapped_again, text};

const MAIN: &str = "/api/v1/connections/main";
const REVISIONS: &str = "/api/v1/revisions?connection=main";

/// Changes a byte in the middle of a file.
fn flip(path: &Path) -> Result<()> {
    let mut bytes = fs::read(path)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    Ok(fs::write(path, bytes)?)
}

fn cut(path: &Path) -> Result<()> {
    let bytes = fs::read(path)?;
    Ok(fs::write(path, &bytes[..bytes.len() / 3])?)
}

/// The compiled code that a host keeps.
fn compiled(host: &Host) -> Result<Vec<PathBuf>> {
    let files = fs::read_dir(host.folder().join("data/cache"))?.map(|entry| Ok(entry?.path()));
    let files: Vec<PathBuf> = files.collect::<Result<_>>()?;
    Ok(files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "compiled")).collect())
}

#[tokio::test]
async fn a_damaged_revision_costs_its_own_connection_and_is_left_at_a_word() -> Result<()> {
    let mut setup = Setup::with_clients(60);
    setup.settings = "\n[crm]\nstand-in-sites = true\n".to_owned();
    let mut host = Host::prepare(setup).await?;
    let packs = host.own_packs()?;
    for pack in ["xplan-au", "xplan-nz"] {
        copy_pack(pack, &packs.join(pack))?;
        without_fixtures(&packs.join(pack))?;
    }
    host.restart().await?;
    let other = Sandbox::start(Options { clients: 30, region: Region::Nz, ..Options::default() }).await?;
    host.post("/api/v1/connections", &draft("south", &other, "xplan-nz")).await?.ok()?;
    host.sync_and_wait().await?;
    sync(&host, "south").await?;
    let first = text(&host.get(MAIN).await?.ok()?["revision"]);
    edit(&packs.join("xplan-au"), &[("\"Missus\"", "\"Missus\", \"Missis\"")])?;
    host.post(REVISIONS, &Value::Null).await?.ok()?;
    host.post(&format!("{MAIN}/activate"), &json!({})).await?.ok()?;
    mapped_again(&host).await?;
    host.sync_and_wait().await?;
    let before = all(&host, "clients").await?;
    let main = host.get(MAIN).await?.ok()?;
    let (second, digest) = (text(&main["revision"]), text(&main["revision_digest"]));
    ensure!(first != second, "another revision is in force");
    let cookie = host.sign_up().await?;

    for (what, damage) in [("cut short", cut as fn(&Path) -> Result<()>), ("changed", flip)] {
        host.stop().await?;
        damage(&host.folder().join("data/packs").join(&digest).join("base/component.wasm"))?;
        let code = compiled(&host)?;
        ensure!(!code.is_empty(), "compiled code is kept");
        code.iter().try_for_each(|path| damage(path))?;
        // It starts, and it is ready: what is damaged is said.
        host.restart().await?;
        let ready = host.get("/readyz").await?.ok()?;
        let warning = text(&ready["warnings"][0]);
        let cause = "the kept files of revision";
        for words in ["main", cause, &second, "component.wasm"] {
            let is_there = warning.contains(words)
                || (what == "changed" && words == "component.wasm" && warning.contains("were changed"));
            ensure!(is_there, "{what}, {words}: {ready}");
        }
        ensure!(
            !warning.contains(&*host.folder().to_string_lossy()),
            "where the data lies is nobody's concern: {ready}"
        );
        let problem = text(&host.get(MAIN).await?.ok()?["problem"]);
        ensure!(problem.contains(cause) && problem.contains(&second) && problem.contains("pack rollback"), "{problem}");
        let request = host.http().get(host.url("/settings/integrations/main")).header("cookie", &cookie);
        let page = host.send(request).await?.text;
        for words in ["Not at work", &second, "Go back to the revision before", "Load the pack again"] {
            ensure!(page.contains(words), "{what}, {words}: {page}");
        }
        // The other one syncs, and what was stored is there.
        let run = sync(&host, "south").await?;
        ensure!(run["state"] == "done" && run["counts"]["unchanged"] == run["counts"]["seen"], "{run}");
        ensure!(all(&host, "clients").await? == before, "{what}: clients stay");
        // Back at a word, and on.
        let back = host.post(&format!("{MAIN}/rollback"), &json!({})).await?.ok()?;
        ensure!(back["revision"] == first && back["problem"].is_null(), "{back}");
        mapped_again(&host).await?;
        let run = host.sync_and_wait().await?;
        ensure!(run["state"] == "done" && host.get("/readyz").await?.ok()?["warnings"].is_null(), "{run}");
        // What it was stands in the packs' folder, and is kept anew from there.
        let again = host.post(&format!("{MAIN}/activate"), &json!({})).await?.ok()?;
        ensure!(again["revision"] == second, "{again}");
        mapped_again(&host).await?;
        host.sync_and_wait().await?;
        ensure!(all(&host, "clients").await?.len() == before.len(), "{what}: everybody is there");
    }
    let listed = host.get(&format!("{MAIN}/revisions?limit=1")).await?.ok()?;
    listed["items"][0]["is_kept"].as_bool().filter(|is_kept| *is_kept).context("it is kept")?;
    Ok(())
}
