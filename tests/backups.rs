//! Backups with the real host: the data folder is lost and put back, nothing is sent twice, and nobody comes back who was
//! erased since.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup};
use xplan_sandbox::FaultPlan;

/// A host that makes backups into the folder `backups`, with a key that `tidegate backup key` made.
async fn host(clients: u32) -> Result<Host> {
    let mut host = Host::start(Setup::with_clients(clients)).await?;
    let key = host.folder().join("backup.key");
    done(&host.run(&["backup", "key", text(&key)?]).await?)?;
    let folder = host.folder().join("backups");
    host.stop().await?;
    let settings = host.folder().join("tidegate.toml");
    let section = "\n[backup]\nfolder = \"backups\"\nkey-file = \"backup.key\"\nkeep = 2\n";
    fs::write(&settings, fs::read_to_string(&settings)? + section)?;
    host.restart().await?;
    ensure!(!folder.exists(), "it is made with the first backup");
    Ok(host)
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path")
}

/// What a command printed, where it succeeded.
fn done(output: &Output) -> Result<String> {
    ensure!(output.status.success(), "{output:?}");
    Ok(String::from_utf8(output.stdout.clone())?)
}

fn refused(output: &Output, because: &str) -> Result<()> {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success() && said.contains(because), "{because}: {output:?}");
    Ok(())
}

async fn back_up(host: &Host) -> Result<PathBuf> {
    let made: Value = serde_json::from_str(&done(&host.run(&["backup", "--json"]).await?)?)?;
    ensure!(made["sealed_rows"].as_u64() > Some(100) && made["rows"].as_u64() > made["sealed_rows"].as_u64(), "{made}");
    Ok(host.folder().join("backups").join(made["name"].as_str().context("a name")?))
}

/// Loses the data folder, and puts a backup in its place.
async fn restore(host: &mut Host, backup: &Path) -> Result<Value> {
    let data = host.folder().join("data");
    host.stop().await?;
    let secret = fs::read(data.join("secret.key"))?;
    fs::remove_dir_all(&data)?;
    let arguments = ["restore", text(backup)?, "--into", text(&data)?, "--json"].map(str::to_owned);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let said = serde_json::from_str(&done(&host.run(&arguments).await?)?)?;
    fs::write(data.join("secret.key"), secret)?;
    host.restart().await?;
    Ok(said)
}

async fn all_clients(host: &Host) -> Result<Vec<Value>> {
    let listed = host.get("/api/v1/clients?limit=500").await?.ok()?["items"].take();
    Ok(listed.as_array().context("a list")?.clone())
}

#[tokio::test]
async fn a_lost_folder_is_put_back_and_no_note_is_sent_twice() -> Result<()> {
    let mut host = host(40).await?;
    host.sync_and_wait().await?;
    let household = host.get("/api/v1/households?limit=1").await?.ok()?["items"][0]["id"].take();
    let event = |subject: &str| {
        json!({
            "type": "note.written", "household_id": household,
            "occurred_at": "2026-03-02T01:30:00Z", "data": { "subject": subject, "body": "Called about the plan" },
        })
    };
    let sent = host.post_event("first", &event("First")).await?.ok()?["id"].as_str().context("an id")?.to_owned();
    host.wait_for(&format!("/api/v1/notes/{sent}"), |note| note["state"] == "done").await?;
    // One that waits when the backup is made, and goes out afterwards.
    host.crm().set_faults(FaultPlan {
        seed: 1,
        rules: vec!["too_many_requests:retry_after=1,on=docnote-v2,method=POST".parse()?],
    });
    let waiting = host.post_event("second", &event("Second")).await?.ok()?["id"].as_str().context("an id")?.to_owned();
    host.wait_for(&format!("/api/v1/notes/{waiting}"), |note| note["state"] == "waiting").await?;
    let (clients, backup) = (all_clients(&host).await?, back_up(&host).await?);
    host.crm().set_faults(FaultPlan::default());
    // A run that succeeds says that the CRM is well again.
    host.sync_and_wait().await?;
    host.wait_for(&format!("/api/v1/notes/{waiting}"), |note| note["state"] == "done").await?;
    ensure!(host.crm().notes().len() == 2);

    let restored = restore(&mut host, &backup).await?;
    ensure!(restored["notes_to_look_for"] == 1 && restored["erased"] == 0, "{restored}");
    ensure!(all_clients(&host).await? == clients, "every client as before");
    host.wait_for(&format!("/api/v1/notes/{waiting}"), |note| note["state"] == "done").await?;
    ensure!(host.crm().notes().len() == 2, "{:?}", host.crm().notes());
    let run = host.sync_and_wait().await?;
    ensure!(run["counts"]["created"] == 0 && run["counts"]["changed"] == 0, "{run}");
    done(&host.run(&["audit", "verify"]).await?)?;
    Ok(())
}

#[tokio::test]
async fn whoever_was_erased_since_is_in_no_backup_and_does_not_come_back() -> Result<()> {
    let mut host = host(30).await?;
    host.sync_and_wait().await?;
    let clients = all_clients(&host).await?;
    let (id, external_id) = (&clients[0]["id"], clients[0]["external_id"].as_str().context("an id")?);
    let id = id.as_str().context("an id")?;
    let backup = back_up(&host).await?;
    let verify = ["backup", "verify", text(&backup)?, "--json"];
    let before: Value = serde_json::from_str(&done(&host.run(&verify).await?)?)?;
    ensure!(before["forgotten_rows"] == 0 && before["files"].as_u64() > Some(5), "{before}");
    let erase = json!({"reason": "asked", "confirm": id});
    host.post(&format!("/api/v1/clients/{id}/erase"), &erase).await?.ok()?;
    // The keys beside the backup went with it, at once.
    let after: Value = serde_json::from_str(&done(&host.run(&verify).await?)?)?;
    ensure!(
        after["forgotten_rows"].as_u64() > Some(5) && after["keyless_rows"] == 0 && after["rows"] == before["rows"],
        "{after}"
    );

    let restored = restore(&mut host, &backup).await?;
    ensure!(restored["erased"] == 1, "{restored}");
    ensure!(host.get(&format!("/api/v1/clients/{id}")).await?.status == 404);
    ensure!(all_clients(&host).await?.len() == clients.len() - 1);
    let run = host.sync_and_wait().await?;
    ensure!(run["counts"]["erased"] == 1 && run["counts"]["created"] == 0, "{run}");
    let path = format!("/api/v1/clients?connection=main&external_id={external_id}");
    ensure!(host.get(&path).await?.ok()?["items"] == json!([]));
    done(&host.run(&["audit", "verify"]).await?)?;
    Ok(())
}

#[tokio::test]
async fn a_backup_that_cannot_be_used_says_so_and_leaves_nothing() -> Result<()> {
    let host = host(20).await?;
    host.sync_and_wait().await?;
    let (first, second, backup) = (back_up(&host).await?, back_up(&host).await?, back_up(&host).await?);
    ensure!(first != second && second != backup && first != backup, "each has a name of its own");
    let listed = done(&host.run(&["backup", "list", "--json"]).await?)?;
    ensure!(serde_json::from_str::<Value>(&listed)?.as_array().map(Vec::len) == Some(2), "two are kept: {listed}");

    let into = host.folder().join("restored");
    let (file, to) = (text(&backup)?, text(&into)?);
    let other = host.folder().join("other.key");
    done(&host.run(&["backup", "key", text(&other)?]).await?)?;
    refused(&host.run(&["backup", "key", text(&other)?]).await?, "choose another name")?;
    let keys = host.folder().join("backups/tidegate-keys.age");
    let with_other = ["restore", file, "--into", to, "--key-file", text(&other)?];
    refused(&host.run(&with_other).await?, "encrypted with another key")?;
    let cut = host.folder().join("cut.backup.age");
    let bytes = fs::read(&backup)?;
    for length in [0, 40, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&cut, &bytes[..length])?;
        let arguments = ["restore", text(&cut)?, "--into", to, "--keys", text(&keys)?];
        let said = String::from_utf8_lossy(&host.run(&arguments).await?.stderr).into_owned();
        ensure!(said.contains("cut short") || said.contains("is no backup"), "cut at {length}: {said}");
        ensure!(!into.exists(), "nothing is left of one that is cut at {length}");
        let verified = host.run(&["backup", "verify", text(&cut)?, "--keys", text(&keys)?]).await?;
        ensure!(!verified.status.success(), "cut at {length}: {verified:?}");
    }
    let data = host.folder().join("data");
    refused(&host.run(&["restore", file, "--into", text(&data)?]).await?, "is not empty")?;
    ensure!(host.get("/api/v1/clients?limit=1").await?.status == 200, "the running host goes on");
    let missing = ["restore", file, "--into", to, "--keys", "nowhere.age"];
    refused(&host.run(&missing).await?, "nowhere.age")?;

    // A pipe that nobody writes into is no key file, and is not waited for.
    let pipe = host.folder().join("pipe");
    ensure!(tokio::process::Command::new("mkfifo").arg(&pipe).status().await?.success());
    let with_pipe = ["backup", "verify", file, "--key-file", text(&pipe)?];
    refused(&host.run(&with_pipe).await?, "pipe isn't a regular file")?;
    Ok(())
}

#[tokio::test]
async fn no_backup_is_made_by_other_settings_than_those_of_now() -> Result<()> {
    let mut host = host(5).await?;
    let folder = host.folder().join("backups");
    let made =
        || anyhow::Ok(fs::read_dir(&folder)?.map(|entry| Ok(entry?.file_name())).collect::<Result<BTreeSet<_>>>()?);
    let first: Value = serde_json::from_str(&done(&host.run(&["backup", "--json"]).await?)?)?;
    ensure!(first["path"].as_str() == Some(text(&folder.join(first["name"].as_str().context("a name")?))?), "{first}");
    done(&host.run(&["backup"]).await?)?;
    let before = made()?;

    // From another folder, with the settings' file named from there, they are the same.
    let name = host.folder().file_name().and_then(|name| name.to_str()).context("a name")?;
    let mut command = tokio::process::Command::new(std::env::var("TIDEGATE_BIN")?);
    let beside = host.folder().parent().context("a folder around it")?;
    let output =
        command.args(["backup", "--json", "--config"]).arg(format!("{name}/tidegate.toml")).current_dir(beside);
    let third: Value = serde_json::from_str(&done(&output.output().await?)?)?;
    ensure!(third["removed"] == json!([first["name"]]), "{first} {third}");
    let kept = made()?;
    ensure!(kept.len() == before.len() && kept != before, "{kept:?}");

    let other = host.folder().join("other.key");
    done(&host.run(&["backup", "key", text(&other)?]).await?)?;
    let settings = host.folder().join("tidegate.toml");
    let as_started = fs::read_to_string(&settings)?;
    let section = as_started.split_once("[backup]").context("a section")?.1;
    for (was, is) in [
        ("folder = \"backups\"", "folder = \"elsewhere\""),
        ("= \"backup.key\"", "= \"other.key\""),
        ("keep = 2", "keep = 1"),
        (section, ""),
    ] {
        fs::write(&settings, as_started.replace(was, is))?;
        let words = "[backup] has changed since the host was started, and no backup was made";
        let output = host.run(&["backup", "--json"]).await?;
        refused(&output, words)?;
        let said: Value = serde_json::from_slice(&output.stderr)?;
        ensure!(output.stdout.is_empty() && said["error"].as_str().is_some_and(|why| why.starts_with(words)), "{said}");
        refused(&host.run(&["backup"]).await?, words)?;
        ensure!(made()? == kept, "{is:?}: {:?}", made()?);
    }
    // The host makes none, and the settings say by now where to.
    host.stop().await?;
    host.restart().await?;
    fs::write(&settings, &as_started)?;
    refused(&host.run(&["backup"]).await?, "[backup] has changed since the host was started")?;
    Ok(())
}

#[tokio::test]
async fn keys_that_are_missing_are_no_erasure_and_a_folder_is_one_hosts() -> Result<()> {
    let mut host = host(20).await?;
    host.sync_and_wait().await?;
    let (folder, old) = (host.folder().join("backups"), host.folder().join("old-keys.age"));
    let first = back_up(&host).await?;
    fs::copy(folder.join("tidegate-keys.age"), &old)?;
    let id = all_clients(&host).await?[0]["id"].as_str().context("an id")?.to_owned();
    let second = back_up(&host).await?;
    let into = host.folder().join("restored");
    let with_old = ["restore", text(&second)?, "--into", text(&into)?, "--keys", text(&old)?];
    refused(&host.run(&with_old).await?, "older than the backup")?;
    ensure!(!into.exists(), "nothing is left");

    // The data folder is lost, and a backup is made before one is put back.
    host.stop().await?;
    let data = host.folder().join("data");
    fs::rename(&data, host.folder().join("lost"))?;
    refused(&host.run(&["backup"]).await?, "there is no store")?;
    ensure!(!data.exists(), "none is made that would stand in the way of the lost one");
    refused(&host.run(&["audit", "verify"]).await?, "there is no store")?;
    let add = ["user", "add", "omar@example.com", "--name", "Omar Haddad", "--role", "practice_manager"];
    done(&host.run(&add).await?)?;
    refused(&host.run(&["backup"]).await?, "holds backups of another host")?;
    fs::remove_dir_all(&data)?;
    let verify = ["backup", "verify", text(&first)?, "--json"];
    let verified: Value = serde_json::from_str(&done(&host.run(&verify).await?)?)?;
    ensure!(verified["keyless_rows"] == 0 && verified["forgotten_rows"] == 0, "{verified}");
    fs::rename(host.folder().join("lost"), &data)?;
    host.restart().await?;

    let before = host.folder().join("before.age");
    fs::copy(folder.join("tidegate-keys.age"), &before)?;
    host.leave_unquiet();
    // The disk of the backups is away when somebody is erased: it is said, and done when it is back.
    fs::rename(&folder, host.folder().join("away"))?;
    refused(&host.run(&["backup"]).await?, "is their disk mounted?")?;
    fs::create_dir_all(&folder)?;
    refused(&host.run(&["backup"]).await?, "is their disk mounted?")?;
    fs::remove_dir_all(&folder)?;
    let erase = json!({"reason": "asked", "confirm": id});
    let erased = host.post(&format!("/api/v1/clients/{id}/erase"), &erase).await?.ok()?;
    ensure!(erased["left_to_do"].as_str().is_some_and(|left| left.contains("could not be written anew")), "{erased}");
    fs::rename(host.folder().join("away"), &folder)?;
    host.stop().await?;
    host.restart().await?;
    let verify = ["backup", "verify", text(&second)?, "--json"];
    forgets(&host, &verify).await?;

    // A copy of the keys of before is put in their place.
    host.stop().await?;
    fs::copy(&before, folder.join("tidegate-keys.age"))?;
    host.restart().await?;
    forgets(&host, &verify).await
}

/// Waits until the keys of what was erased are gone.
async fn forgets(host: &Host, verify: &[&str]) -> Result<()> {
    for _ in 0..100 {
        let verified: Value = serde_json::from_str(&done(&host.run(verify).await?)?)?;
        if verified["forgotten_rows"].as_u64() > Some(0) {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("the keys are as they were")
}

#[tokio::test]
async fn a_restore_that_is_cut_off_is_no_host_and_a_copy_of_a_host_takes_nothing_back() -> Result<()> {
    let mut host = host(20).await?;
    host.sync_and_wait().await?;
    let backup = back_up(&host).await?;
    let (data, copy) = (host.folder().join("data"), host.folder().join("copy"));
    host.stop().await?;
    done(&host.run(&["restore", text(&backup)?, "--into", text(&copy)?]).await?)?;
    // As a kill leaves it.
    fs::rename(copy.join("tidegate.redb"), copy.join("tidegate.redb.new"))?;
    fs::write(copy.join("tidegate.restoring"), "A backup is being restored into this folder.\n")?;
    let in_copy = ["--data-dir", text(&copy)?];
    refused(&host.run(&[&["audit", "verify"], &in_copy[..]].concat()).await?, "half of a backup")?;
    done(&host.run(&["restore", text(&backup)?, "--into", text(&copy)?]).await?)?;
    fs::copy(data.join("secret.key"), copy.join("secret.key"))?;
    done(&host.run(&[&["audit", "verify"], &in_copy[..]].concat()).await?)?;
    let log = done(&host.run(&[&["audit", "export", "--json"], &in_copy[..]].concat()).await?)?;
    ensure!(log.contains("backups.restore") && log.contains("notes to look for"), "{log}");

    // The copy and the host erase different people, and both would write the file of keys.
    host.restart().await?;
    let clients = all_clients(&host).await?;
    let id = clients[0]["id"].as_str().context("an id")?;
    let erase = json!({"reason": "asked", "confirm": id});
    host.post(&format!("/api/v1/clients/{id}/erase"), &erase).await?.ok()?;
    host.stop().await?;
    refused(
        &host.run(&[&["backup"], &in_copy[..]].concat()).await?,
        "knows of erasures that this store does not know",
    )?;
    let listed = done(&host.run(&["backup", "list", "--json"]).await?)?;
    ensure!(serde_json::from_str::<Value>(&listed)?.as_array().map(Vec::len) == Some(1), "{listed}");
    Ok(())
}

/// The names that `tidegate backup list` prints, and what it says on standard error.
async fn listed(host: &Host) -> Result<(Vec<String>, String)> {
    let output = host.run(&["backup", "list", "--json"]).await?;
    let names: Vec<Value> = serde_json::from_str(&done(&output)?)?;
    let names = names.iter().map(|one| one["name"].as_str().unwrap_or_default().to_owned()).collect();
    Ok((names, String::from_utf8(output.stderr)?))
}

#[tokio::test]
async fn backups_are_listed_where_the_running_host_makes_them() -> Result<()> {
    let mut host = host(5).await?;
    let made: Value = serde_json::from_str(&done(&host.run(&["backup", "--json"]).await?)?)?;
    let names = vec![made["name"].as_str().context("a name")?.to_owned()];
    ensure!(listed(&host).await? == (names.clone(), String::new()));
    let settings = host.folder().join("tidegate.toml");
    let as_started = fs::read_to_string(&settings)?;
    fs::write(&settings, as_started.replace("folder = \"backups\"", "folder = \"elsewhere\""))?;
    let (of_host, said) = listed(&host).await?;
    let folder = host.folder().join("backups");
    ensure!(of_host == names, "{of_host:?}");
    ensure!(said.contains("has changed since the host was started") && said.contains(text(&folder)?), "{said}");
    // Without a host, those of the settings.
    host.stop().await?;
    ensure!(listed(&host).await? == (Vec::new(), String::new()));
    // A host that makes none, where the settings say by now where to.
    fs::write(&settings, as_started.split_once("\n[backup]").context("a section")?.0)?;
    host.restart().await?;
    fs::write(&settings, &as_started)?;
    let output = host.run(&["backup", "list"]).await?;
    refused(&output, "the host was started without a folder for backups")?;
    refused(&output, "Restart the host")
}

/// A pack's folder may hold what an editor or a tool listens at.
#[tokio::test]
async fn a_socket_or_a_pipe_among_the_packs_stands_in_no_backups_way() -> Result<()> {
    let mut host = host(5).await?;
    let packs = host.folder().join("data/packs/of-an-editor");
    fs::create_dir_all(&packs)?;
    fs::write(packs.join("notes.txt"), "kept")?;
    std::os::unix::fs::symlink("notes.txt", packs.join("link"))?;
    let _listener = std::os::unix::net::UnixListener::bind(packs.join("socket"))?;
    ensure!(tokio::process::Command::new("mkfifo").arg(packs.join("pipe")).status().await?.success());
    let made: Value = serde_json::from_str(&done(&host.run(&["backup", "--json"]).await?)?)?;
    restore(&mut host, Path::new(made["path"].as_str().context("a path")?)).await?;
    let mut names: Vec<_> = fs::read_dir(&packs)?.map(|entry| Ok(entry?.file_name())).collect::<Result<_>>()?;
    names.sort();
    ensure!(names == ["link", "notes.txt"], "{names:?}");
    Ok(())
}

#[tokio::test]
async fn a_key_that_every_account_can_read_is_warned_about() -> Result<()> {
    let host = host(5).await?;
    let backup: Value = serde_json::from_str(&done(&host.run(&["backup", "--json"]).await?)?)?;
    let (file, key) = (backup["path"].as_str().context("a path")?, host.folder().join("backup.key"));
    let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    let verify = ["backup", "verify", file, "--key-file", text(&key)?];
    open(host.folder(), 0o755)?;
    for (mode, warns) in [(0o644, true), (0o600, false)] {
        open(&key, mode)?;
        let output = host.run(&verify).await?;
        done(&output)?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(said.contains("warning: --key-file: ") == warns, "{mode:o}: {said}");
    }
    open(&key, 0o644)?;
    let into = host.folder().join("restored");
    let output = host.run(&["restore", file, "--into", text(&into)?, "--key-file", text(&key)?]).await?;
    done(&output)?;
    let said = String::from_utf8(output.stderr)?;
    ensure!(said.contains("is open to others on this machine (mode 644)"), "{said}");
    // Nobody gets to it.
    open(host.folder(), 0o700)?;
    let output = host.run(&verify).await?;
    done(&output)?;
    ensure!(output.stderr.is_empty(), "{output:?}");
    Ok(())
}
