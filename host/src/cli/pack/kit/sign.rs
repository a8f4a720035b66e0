//! `tidegate pack key`, `sign` and `verify`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use minisign_verify::PublicKey;
use serde_json::json;

use super::{Folder, shown};
use crate::cli::{Global, WrongUse, output};
use crate::config::{PackKeys, bare};
use crate::kit::{Project, make_key, sign as sign_pack};
use crate::pack::signature;

#[derive(Args)]
pub(in crate::cli) struct Key {
    /// The file of the secret key; the public one is put beside it as FILE.pub
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Leave the key open to whoever can read the file, as for a machine that signs by itself
    #[arg(long, conflicts_with = "password_file")]
    no_password: bool,
    #[command(flatten)]
    password: Password,
}

#[derive(Args)]
pub(in crate::cli) struct Sign {
    /// The file of the secret key
    #[arg(value_name = "KEY")]
    key: PathBuf,
    #[command(flatten)]
    of: Folder,
    #[command(flatten)]
    password: Password,
}

#[derive(Args)]
pub(in crate::cli) struct Verify {
    #[command(flatten)]
    of: Folder,
    /// The author's public key, or its file [default: the keys of the settings, packs.keys]
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
}

/// Where a key's password comes from.
#[derive(Args)]
struct Password {
    /// A file whose first line is the key's password; without it, a person is asked
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl Password {
    fn read(&self) -> anyhow::Result<Option<String>> {
        let read = |path: &PathBuf| -> anyhow::Result<String> {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            output::warn_if_open("--password-file", path);
            let line = bare(text.lines().next().unwrap_or_default()).to_owned();
            if line.is_empty() {
                return Err(WrongUse(format!("{}: its first line is to be the password", path.display())).into());
            }
            Ok(line)
        };
        self.password_file.as_ref().map(read).transpose()
    }
}

/// Makes an author's pair of keys.
pub(super) async fn key(global: &Global, key: Key) -> anyhow::Result<ExitCode> {
    let password = if key.no_password { Some(String::new()) } else { key.password.read()? };
    let made = tokio::task::spawn_blocking(move || make_key(&key.file, password)).await??;
    if global.json {
        output::json(&json!({ "secret": made.secret, "public": made.public, "key": made.text }))?;
    } else {
        output::line(format!("{}: the secret key. Nobody else is to have it.", shown(&made.secret)))?;
        output::line(format!(
            "{}: the public key. In a host's settings: packs.keys = [\"{}\"]",
            shown(&made.public),
            made.text
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Signs a pack.
pub(super) async fn sign(global: &Global, sign: Sign) -> anyhow::Result<ExitCode> {
    let password = sign.password.read()?;
    output::warn_if_open("the secret key", &sign.key);
    let work = move || sign_pack(&Project::find(&sign.of.folder)?.pack, &sign.key, password);
    let signature = tokio::task::spawn_blocking(work).await??;
    if global.json {
        output::json(&json!({ "signature": signature }))?;
    } else {
        output::line(format!("{}: signed.", shown(&signature)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks a pack's signature.
pub(super) async fn verify(global: &Global, verify: Verify) -> anyhow::Result<ExitCode> {
    let keys = match &verify.key {
        Some(key) => vec![public_key(key)?],
        None => global.load_quietly()?.pack_keys.keys,
    };
    if keys.is_empty() {
        return Err(WrongUse(
            "no key is named: give the author's with --key, or name it in the settings (packs.keys)".to_owned(),
        )
        .into());
    }
    let folder = verify.of.folder;
    let work = move || {
        let pack = Project::find(&folder)?.pack;
        let checked = if pack.join(signature::SIGNATURE).exists() {
            signature::check(&pack, &PackKeys { keys, allow_unsigned: false })
                .map(drop)
                .map_err(|error| error.to_string())
        } else {
            Err(format!("{}: the pack is not signed; its author signs it with `tidegate pack sign KEY`", shown(&pack)))
        };
        anyhow::Ok((pack, checked))
    };
    let (pack, checked) = tokio::task::spawn_blocking(work).await??;
    if global.json {
        output::json(&json!({ "ok": checked.is_ok(), "pack": pack, "problem": checked.as_ref().err() }))?;
    } else {
        output::line(match &checked {
            Ok(()) => format!("{}: the signature holds.", shown(&pack)),
            Err(problem) => problem.clone(),
        })?;
    }
    Ok(if checked.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A public key as text or as minisign's file.
fn public_key(key: &str) -> anyhow::Result<PublicKey> {
    if let Ok(key) = PublicKey::from_base64(key) {
        return Ok(key);
    }
    let text =
        std::fs::read_to_string(key).with_context(|| format!("{key}: it is neither a public key nor a file of one"))?;
    let decoded = PublicKey::decode(&text).or_else(|_| PublicKey::from_base64(text.trim()));
    decoded.map_err(|_| {
        anyhow::anyhow!("{key}: it holds no public key of minisign; a secret key is not given to `verify`")
    })
}
