//! `tidegate backup` and `tidegate restore`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::local::Local;
use super::output::text;
use super::{Global, local, output, owner};
use crate::backup::{self, KEYS, Verified};
use crate::config::{BackupKey, BackupSettings};
use crate::domain::Timestamp;

#[derive(Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  tidegate backup key backup.key          once: a key, named by [backup] key-file, with a copy of it elsewhere
  tidegate backup                         a backup into [backup] folder, of the host as it runs
  tidegate backup verify FILE             that one opens, whole, with the keys beside it

The settings and the key of the host's secrets (secret.key, TIDEGATE_SECRET_KEY) are in no backup: keep copies elsewhere."
)]
pub(super) struct Backup {
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// Make a key for backups, into a file that is not there yet
    #[command(after_help = "Examples:\n  tidegate backup key secrets/backup.key")]
    Key {
        /// The file
        file: PathBuf,
    },
    /// List the backups of the folder in the settings, or of the one that the running host was started with, the oldest first
    #[command(after_help = "Examples:\n  tidegate backup list --json")]
    List,
    /// Read a backup to its end, and say what it holds
    #[command(after_help = "Examples:
  tidegate backup verify /backups/tidegate-4f1d9a02-2026-03-01T020000.123Z.backup.age
  tidegate backup verify copy.backup.age --key-file backup.key --keys tidegate-keys.age")]
    Verify(Named),
}

#[derive(Args)]
struct Named {
    /// The backup
    file: PathBuf,
    #[command(flatten)]
    with: With,
}

/// What opens a backup.
#[derive(Args)]
struct With {
    /// The key of age, in a regular file [default: that of the settings]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The file of clients' keys [default: tidegate-keys.age beside the backup]
    #[arg(long, value_name = "FILE")]
    keys: Option<PathBuf>,
}

#[derive(Args)]
#[command(after_help = "Examples:
  tidegate restore /backups/tidegate-4f1d9a02-2026-03-01T020000.123Z.backup.age --into /data --key-file backup.key

The newest tidegate-keys.age is the one to name: whoever was erased after the backup was made is in none of its rows that it
opens. File notes that had not reached the CRM are looked for there, by their markers, before any is sent.")]
pub(super) struct Restore {
    /// The backup
    file: PathBuf,
    /// The data folder to make; it is empty or not there
    #[arg(long, value_name = "FOLDER")]
    into: PathBuf,
    #[command(flatten)]
    with: With,
}

impl With {
    fn keys(&self, backup: &Path) -> PathBuf {
        self.keys.clone().unwrap_or_else(|| backup.with_file_name(KEYS))
    }

    fn key(&self, global: &Global) -> anyhow::Result<BackupKey> {
        let Some(path) = &self.key_file else {
            let to = global.load_quietly()?.backup;
            return Ok(to.context("the settings name no key for backups; name it with --key-file")?.key);
        };
        let key = BackupKey::read(path).map_err(|why| anyhow::anyhow!("--key-file {why}"))?;
        output::warn_if_open("--key-file", path);
        Ok(key)
    }
}

impl Backup {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        match self.what {
            None => make(global).await,
            Some(What::List) => list(global).await,
            Some(What::Key { file }) => key(&file, global.json),
            Some(What::Verify(named)) => named.verify(global).await,
        }
    }
}

async fn make(global: &Global) -> anyhow::Result<ExitCode> {
    let (config, json) = (global.load_quietly()?, global.json);
    let to = config.backup.clone();
    let work = |host: Local| async move {
        refuse_where_changed(&host, to.as_ref()).await?;
        host.post_json("backups", &Value::Null).await
    };
    let made = local::with_host(config, work).await?;
    if json {
        output::json(&made)?;
        return Ok(ExitCode::SUCCESS);
    }
    let (path, bytes, rows) = (text(&made["path"]), text(&made["bytes"]), text(&made["rows"]));
    output::line(format!("{path}: {bytes} bytes, {rows} rows; it was opened again and is whole."))?;
    output::line(format!("Copy it elsewhere, with {KEYS} beside it in place of the previous copy."))?;
    output::line(
        "The key of the host's secrets isn't in it: keep a copy of secret.key (or of TIDEGATE_SECRET_KEY) elsewhere, too.",
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses where the settings say something else by now than when the running host was started, which goes by those of then:
/// its backup would lie in another folder, be under another key, or take other ones away.
async fn refuse_where_changed(host: &Local, to: Option<&BackupSettings>) -> anyhow::Result<()> {
    if !are_those_of(&host.get("backups/settings").await?, to) {
        anyhow::bail!(
            "[backup] has changed since the host was started, and no backup was made: restart the host, and try again"
        );
    }
    Ok(())
}

/// Whether these are the settings that a host goes by, as it says.
fn are_those_of(by: &Value, to: Option<&BackupSettings>) -> bool {
    match (to, by["folder"].as_str(), by["public_key"].as_str(), by["keep"].as_u64()) {
        (Some(to), Some(folder), Some(public_key), Some(keep)) => to.are_those(Path::new(folder), public_key, keep),
        (to, folder, ..) => to.is_none() && folder.is_none(),
    }
}

/// Lists what lies in the folder that the running host goes by; where none runs, in the one of the settings.
async fn list(global: &Global) -> anyhow::Result<ExitCode> {
    let config = global.load_quietly()?;
    let ask = |host: Local| async move {
        let by = host.get("backups/settings").await?;
        Ok((by, host.list("backups", &[], usize::MAX).await?))
    };
    let names: Vec<String> = match local::with_running(&config.server.data_dir, ask).await? {
        Some((by, listed)) => {
            if !are_those_of(&by, config.backup.as_ref()) {
                let of =
                    by["folder"].as_str().map_or("it makes none".to_owned(), |folder| format!("they go into {folder}"));
                output::tell(&format!(
                    "[backup] has changed since the host was started, which goes by what it was then: {of}. Restart the host for \
                     the change to take effect."
                ));
            }
            by["folder"].as_str().context("the host was started without a folder for backups: [backup] folder")?;
            listed.iter().map(|backup| text(&backup["name"])).collect()
        }
        None => {
            let to = config.backup.context("the settings name no folder for backups: [backup] folder")?;
            backup::names_in(&to.folder).with_context(|| format!("{}", to.folder.display()))?
        }
    };
    if global.json {
        output::json(&names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>())?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = names.into_iter().map(|name| vec![name]).collect();
    output::table(&["BACKUP"], &rows, "No backups yet. tidegate backup makes one.")?;
    Ok(ExitCode::SUCCESS)
}

fn key(file: &Path, json: bool) -> anyhow::Result<ExitCode> {
    let public = backup::make_key(output::new_file(file)?).with_context(|| format!("{}", file.display()))?;
    if json {
        output::json(&json!({"file": file, "public_key": public}))?;
        return Ok(ExitCode::SUCCESS);
    }
    output::line(format!("{}: a new key. Name it in the settings ([backup] key-file).", file.display()))?;
    output::line("Keep a copy of it elsewhere: without it nobody opens the backups.")?;
    Ok(ExitCode::SUCCESS)
}

impl Named {
    async fn verify(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (key, keys, json) = (self.with.key(global)?, self.with.keys(&self.file), global.json);
        let file = self.file.clone();
        let Verified { at, version, copied, files } =
            tokio::task::spawn_blocking(move || backup::verify(&file, &keys, key.identity())).await??;
        let outcome = if copied.keyless > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        if json {
            output::json(&json!({
                "file": self.file,
                "made_at": at,
                "version": version,
                "rows": copied.rows,
                "sealed_rows": copied.sealed,
                "forgotten_rows": copied.forgotten,
                "keyless_rows": copied.keyless,
                "files": files,
            }))?;
            return Ok(outcome);
        }
        let path = self.file.display();
        output::line(format!(
            "{path}: whole. Made at {at} by tidegate {version}: {} rows, {files} files.",
            copied.rows
        ))?;
        if copied.forgotten > 0 {
            output::line(format!(
                "{} rows are of people who were erased since, and can no longer be read.",
                copied.forgotten
            ))?;
        }
        if copied.keyless > 0 {
            output::line(format!(
                "The keys of {} rows are missing: name the newest tidegate-keys.age with --keys.",
                copied.keyless
            ))?;
        }
        Ok(outcome)
    }
}

impl Restore {
    pub(super) async fn run(self, global: &Global) -> anyhow::Result<ExitCode> {
        let (key, keys, json) = (self.with.key(global)?, self.with.keys(&self.file), global.json);
        let (file, into) = (self.file, self.into);
        let to = into.clone();
        let put_back = move || backup::put_back((&file, &keys, key.identity()), &to, Timestamp::now());
        let (verified, restored) = tokio::task::spawn_blocking(put_back).await??;
        owner::warn_of_another(&into);
        if json {
            output::json(&json!({
                "into": into,
                "made_at": verified.at,
                "rows": restored.copied.rows - restored.copied.forgotten,
                "erased": restored.erased,
                "notes_to_look_for": restored.notes_to_look_for,
                "files": verified.files,
            }))?;
            return Ok(ExitCode::SUCCESS);
        }
        let rows = restored.copied.rows - restored.copied.forgotten;
        output::line(format!(
            "{}: as it was at {}: {rows} rows, {} files.",
            into.display(),
            verified.at,
            verified.files
        ))?;
        if restored.erased > 0 {
            output::line(format!("{} clients were erased since, and are not in it.", restored.erased))?;
        }
        if restored.notes_to_look_for > 0 {
            output::line(format!(
                "{} file notes had not reached the CRM: each is looked for there before it is sent.",
                restored.notes_to_look_for
            ))?;
        }
        output::line(
            "Throw away the backups that were made after this one: from now on, people may have other ids here than in them, and an \
             erasure would not find them there.",
        )?;
        output::line(
            "Everybody is signed out. Accounts, passwords and API tokens are as they were then: disable and revoke again those that \
             were ended since.",
        )?;
        output::line(format!(
            "Before you start the host, put its secret.key of then into {}, or set TIDEGATE_SECRET_KEY as it was. Without that key, \
             the connections' secrets have to be entered anew.",
            into.display()
        ))?;
        Ok(ExitCode::SUCCESS)
    }
}
