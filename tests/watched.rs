//! The watched folder for packs: what is put there is waited for until it is whole, staged once, and tried again where
//! something is in the way; nothing comes in force by itself unless the settings let it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup, copy_folder, copy_pack, without_fixtures};

use crate::disk::{Disk, MB, STORAGE};
use crate::packs::{NO_PARTNERS, edit};

const INCOMING: &str = "/api/v1/incoming";
const REVISIONS: &str = "/api/v1/connections/main/revisions";

/// Longer than a pack has to rest before it is read.
pub const RESTED: Duration = Duration::from_secs(4);

/// A host that watches the folder `incoming`, which is not there yet, with more settings of `[packs]`.
async fn host(clients: u32, more: &str) -> Result<(Host, PathBuf)> {
    let settings = format!("\n[packs]\nwatch-dir = \"incoming\"\n{more}");
    let host = Host::prepare(Setup { settings, ..Setup::with_clients(clients) }).await?;
    let incoming = host.folder().join("incoming");
    Ok((host, incoming))
}

/// A changed pack that maps everybody as before, in a folder of its own. Without its golden fixtures, which take long.
fn pack(host: &Host, name: &str, changes: &[(&str, &str)]) -> Result<PathBuf> {
    let pack = host.folder().join(name);
    copy_pack("xplan-au", &pack)?;
    without_fixtures(&pack)?;
    edit(&pack, changes)?;
    Ok(pack)
}

const SAME: [(&str, &str); 1] = [("\"Missus\"", "\"Missus\", \"Missis\"")];
const SAME_AGAIN: [(&str, &str); 1] = [("\"Missus\"", "\"Missus\", \"Misses\"")];

/// A pack as one file.
async fn archive(host: &Host, pack: &Path) -> Result<Vec<u8>> {
    let file = pack.with_extension("tar");
    let saved = host.run(&["pack", "save", &pack.to_string_lossy(), &file.to_string_lossy()]).await?;
    ensure!(saved.status.success(), "{saved:?}");
    Ok(fs::read(file)?)
}

/// What lies in the folder, when one of it is as wanted.
pub async fn until(host: &Host, is_wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    let found = host
        .wait_for(INCOMING, |list| list["items"].as_array().is_some_and(|items| items.iter().any(&is_wanted)))
        .await?;
    let mut items = found["items"].as_array().cloned().unwrap_or_default();
    items.retain(is_wanted);
    items.into_iter().next().context("it was there")
}

/// Waits until the folder can be looked at, or cannot.
async fn until_looked_at(host: &Host, wanted: bool) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let answer = host.get(INCOMING).await?;
        if (answer.status == 200) == wanted {
            ensure!(wanted || answer.text.contains("cannot be looked at"), "{}", answer.text);
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "{}", answer.text);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

pub fn is(name: &'static str, state: &'static str) -> impl Fn(&Value) -> bool {
    move |one| one["name"] == name && one["state"] == state
}

/// Why each entry of the connection's history stands there, the newest first, with its revision.
async fn history(host: &Host) -> Result<Vec<String>> {
    let revisions = host.get(REVISIONS).await?.ok()?;
    let line =
        |one: &Value| format!("{} {}", one["why"].as_str().unwrap_or("-"), one["revision"].as_str().unwrap_or("-"));
    Ok(revisions["items"].as_array().context("a list")?.iter().map(line).collect())
}

async fn in_force(host: &Host) -> Result<Value> {
    Ok(host.get("/api/v1/connections/main").await?.ok()?["revision"].take())
}

#[tokio::test]
async fn what_is_put_there_is_staged_once_and_not_before_it_is_whole() -> Result<()> {
    let (mut host, incoming) = host(3, "").await?;
    host.restart().await?;
    let before = in_force(&host).await?;
    until_looked_at(&host, false).await?;
    let whole = archive(&host, &pack(&host, "acme", &SAME)?).await?;

    // Half of it, for longer than it has to rest, then the rest.
    fs::create_dir(&incoming)?;
    until_looked_at(&host, true).await?;
    let file = incoming.join("xplan-au.tar");
    fs::write(&file, &whole[..whole.len() / 2])?;
    let half = until(&host, is("xplan-au.tar", "refused")).await?;
    ensure!(half["reason"].as_str().is_some_and(|reason| reason.contains("cut short")), "{half}");
    ensure!(half["next_try_at"].is_string() && half["connection"].is_null(), "{half}");
    ensure!(history(&host).await?.len() == 1, "half a pack is staged");
    // Still growing: nothing is read.
    for end in [3, 4, 5] {
        fs::write(&file, &whole[..whole.len() * end / 6])?;
        tokio::time::sleep(Duration::from_millis(900)).await;
        let growing = host.get(INCOMING).await?.ok()?;
        ensure!(growing["items"][0]["state"] != "staged", "{growing}");
    }
    fs::write(&file, &whole)?;
    let staged = until(&host, is("xplan-au.tar", "staged")).await?;
    let revision = staged["revision"].as_str().context("a revision")?.to_owned();
    ensure!(staged["connection"] == "main" && staged["pack"] == "xplan-au", "{staged}");
    ensure!(in_force(&host).await? == before, "nothing comes in force by itself");
    let staged_once = history(&host).await?;
    ensure!(staged_once[0] == format!("staged {revision}") && staged_once.len() == 2, "{staged_once:?}");
    let entry = host.get(REVISIONS).await?.ok()?["items"][0].take();
    ensure!(entry["by"]["who"] == "Watched folder" && entry["state"] == "verified", "{entry}");

    // The same once more: touched, written anew, as a folder, beside what editors leave; and after a restart.
    let again = async |host: &Host, what: &str| -> Result<()> {
        tokio::time::sleep(RESTED).await;
        let now = history(host).await?;
        ensure!(now == staged_once, "{what}: {now:?}");
        Ok(())
    };
    fs::File::options().append(true).open(&file)?.set_modified(std::time::SystemTime::now())?;
    again(&host, "touched").await?;
    fs::write(incoming.join("new"), &whole)?;
    fs::rename(incoming.join("new"), &file)?;
    again(&host, "renamed over it").await?;
    copy_folder(&host.folder().join("acme"), &incoming.join("acme"))?;
    for stray in ["pack.toml~", ".pack.toml.swp", "._pack.toml", ".DS_Store", "#pack.toml#"] {
        fs::write(incoming.join("acme").join(stray), "x")?;
        fs::write(incoming.join(stray), "x")?;
    }
    until(&host, is("acme", "staged")).await?;
    again(&host, "as a folder").await?;
    host.stop().await?;
    host.restart().await?;
    until(&host, is("acme", "staged")).await?;
    again(&host, "after a restart").await?;
    let listed = host.run(&["pack", "incoming", "--json"]).await?;
    ensure!(listed.status.success(), "{listed:?}");
    let listed: Value = serde_json::from_slice(&listed.stdout)?;
    ensure!(listed.as_array().is_some_and(|items| items.len() == 2), "strays are not listed: {listed}");

    // One that a person lets go of does not come back by itself; the folder is another one by then.
    let discarded = host.run(&["pack", "discard", &revision, "--connection", "main"]).await?;
    ensure!(discarded.status.success(), "{discarded:?}");
    fs::rename(&incoming, host.folder().join("before"))?;
    until_looked_at(&host, false).await?;
    fs::rename(host.folder().join("before"), &incoming)?;
    until_looked_at(&host, true).await?;
    until(&host, is("acme", "staged")).await?;
    ensure!(history(&host).await?.len() == 1, "{:?}", history(&host).await?);
    fs::remove_dir_all(&incoming)?;
    fs::create_dir(&incoming)?;
    copy_folder(&pack(&host, "other", &SAME_AGAIN)?, &incoming.join("other"))?;
    until(&host, is("other", "staged")).await?;
    ensure!(in_force(&host).await? == before, "nothing comes in force by itself");
    Ok(())
}

/// A container's files are links through one that is exchanged, and what it led to is removed.
#[tokio::test]
async fn files_that_are_exchanged_by_one_link_are_staged_within_seconds_and_never_mixed() -> Result<()> {
    let (mut host, incoming) = host(3, "").await?;
    let mount = incoming.join("xplan-au");
    fs::create_dir_all(&mount)?;
    let [first, second] = [("first", &SAME), ("second", &SAME_AGAIN)].map(|(name, changes)| pack(&host, name, changes));
    let [first, second] = [first?, second?];
    copy_folder(&first, &mount.join("..2026_a"))?;
    symlink("..2026_a", mount.join("..data"))?;
    for file in fs::read_dir(&first)? {
        let name = file?.file_name();
        symlink(Path::new("..data").join(&name), mount.join(&name))?;
    }
    host.restart().await?;
    let one = until(&host, is("xplan-au", "staged")).await?;

    copy_folder(&second, &mount.join("..2026_b"))?;
    symlink("..2026_b", mount.join("..data_tmp"))?;
    let exchanged = Instant::now();
    fs::rename(mount.join("..data_tmp"), mount.join("..data"))?;
    fs::remove_dir_all(mount.join("..2026_a"))?;
    let other = until(&host, |now| is("xplan-au", "staged")(now) && now["revision"] != one["revision"]).await?;
    ensure!(exchanged.elapsed() < Duration::from_secs(15), "after {:?}", exchanged.elapsed());
    // They are what either of the two is by itself.
    for (staged, pack) in [(&one, first), (&other, second)] {
        let by_hand = host.run(&["pack", "stage", &pack.to_string_lossy(), "--connection", "main", "--json"]).await?;
        let by_hand: Value = serde_json::from_slice(&by_hand.stdout)?;
        ensure!(by_hand["revision"] == staged["revision"], "{by_hand} is not {staged}");
    }
    ensure!(history(&host).await?.len() <= 5, "{:?}", history(&host).await?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_is_shown_with_its_reason_and_tried_again_once_nothing_is_in_the_way() -> Result<()> {
    let settings = format!("\n[packs]\nwatch-dir = \"incoming\"\n{STORAGE}");
    let mut host = Host::prepare(Setup { settings, ..Setup::with_clients(3) }).await?;
    let disk = Disk::under(&host, 160)?;
    let incoming = host.folder().join("incoming");
    fs::create_dir(&incoming)?;
    host.restart().await?;
    let before = in_force(&host).await?;

    // The operator's own case does not hold; nothing about the pack changes.
    let cases = host.folder().join("data/cases/xplan-au");
    fs::create_dir_all(&cases)?;
    let case = json!({
        "name": "our VIP stays a client",
        "raw": { "kind": "client", "id": "7", "json": { "row": { "id": 7, "client_status": ["VIP"], "last_name": "Ash" } } },
        "outcome": { "outcome": "skipped" },
    });
    fs::write(cases.join("vip.json"), case.to_string())?;
    copy_folder(&pack(&host, "acme", &SAME)?, &incoming.join("acme"))?;
    fs::write(incoming.join("b.zip"), b"PK\x03\x04")?;
    let refused = until(&host, is("acme", "refused")).await?;
    ensure!(refused["reason"].as_str().is_some_and(|reason| reason.contains("our VIP stays a client")), "{refused}");
    let gate = refused["gates"].as_array().and_then(|gates| gates.iter().find(|gate| gate["ok"] == false));
    ensure!(gate.is_some_and(|gate| gate["gate"] == "cases") && refused["connection"] == "main", "{refused}");
    for (arguments, code) in [(&["pack", "incoming"][..], Some(1)), (&["pack", "list"], Some(0))] {
        let said = host.run(arguments).await?;
        let text = String::from_utf8(said.stdout)?;
        ensure!(said.status.code() == code && text.contains("our VIP") && text.contains("zip archive"), "{text}");
    }
    ensure!(host.log_tail().contains("our VIP stays a client"), "{}", host.log_tail());
    let cookie = host.sign_up().await?;
    let page = host.http().get(host.url("/settings/integrations/main")).header("cookie", &cookie);
    let page = host.send(page).await?.text;
    ensure!(page.contains("our VIP stays a client") && page.contains("zip archive"), "{page}");
    fs::remove_dir_all(&cases)?;
    until(&host, is("acme", "staged")).await?;
    ensure!(in_force(&host).await? == before, "what is wrong disturbs nothing");

    // Nobody's pack, until its name is that of a connection's.
    let other = pack(&host, "other", &SAME_AGAIN)?;
    let own = fs::read_to_string(other.join("pack.toml"))?;
    fs::write(other.join("pack.toml"), own.replace("xplan-au", "acme-au"))?;
    copy_folder(&other, &incoming.join("other"))?;
    let nobodys = until(&host, is("other", "refused")).await?;
    ensure!(nobodys["reason"].as_str().is_some_and(|reason| reason.contains("which no connection has")), "{nobodys}");
    let Some(disk) = disk else { return Ok(()) };
    // No space, and then again.
    disk.fill(16 * MB)?;
    fs::write(incoming.join("other/pack.toml"), own)?;
    let full = until(&host, |one| is("other", "refused")(one) && one["connection"] == "main").await?;
    ensure!(full["reason"].as_str().is_some_and(|reason| reason.contains("nearly full")), "{full}");
    disk.empty()?;
    until(&host, is("other", "staged")).await?;
    ensure!(in_force(&host).await? == before, "what is wrong disturbs nothing");
    host.stop().await?;
    Ok(())
}

#[tokio::test]
async fn what_the_settings_let_comes_in_force_by_its_preview_and_nothing_else_does() -> Result<()> {
    let (mut host, incoming) = host(400, "activate = \"when-empty\"\n").await?;
    fs::create_dir(&incoming)?;
    host.restart().await?;
    host.sync_and_wait().await?;
    let before = in_force(&host).await?;
    // Eighty and more people would change: a person decides.
    copy_folder(&pack(&host, "large", &NO_PARTNERS)?, &incoming.join("large"))?;
    let waits = until(&host, |one| is("large", "staged")(one) && one["reason"].is_string()).await?;
    ensure!(waits["reason"].as_str().is_some_and(|reason| reason.contains("of 400 clients would change")), "{waits}");
    ensure!(in_force(&host).await? == before, "{waits}");
    copy_folder(&pack(&host, "same", &SAME)?, &incoming.join("same"))?;
    let activated = until(&host, is("same", "activated")).await?;
    ensure!(in_force(&host).await? == activated["revision"], "{activated}");
    let entry = host.get(REVISIONS).await?.ok()?["items"][0].take();
    ensure!(entry["why"] == "activated" && entry["by"]["who"] == "Watched folder", "{entry}");
    let run = |runs: &Value| runs["items"][0]["trigger"] == "revision" && runs["items"][0]["state"] == "done";
    host.wait_for("/api/v1/runs?limit=1", run).await?;

    // A person goes back; that stays so, whatever restarts.
    host.post("/api/v1/connections/main/rollback", &json!({})).await?.ok()?;
    host.wait_for("/api/v1/runs?limit=1", run).await?;
    host.stop().await?;
    host.restart().await?;
    until(&host, is("same", "activated")).await?;
    tokio::time::sleep(RESTED).await;
    ensure!(in_force(&host).await? == before, "the person's word holds");
    Ok(())
}
