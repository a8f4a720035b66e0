//! `tidegate pack pull` and `push`: packs from registries and to them. The command asks the registry, and brings the host what
//! came of it as if it were a file.

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use super::{stage, to_be_sent};
use crate::cli::{Global, WrongUse, output};
use crate::kit::Project;
use crate::pack::{LARGEST_ARCHIVE, archive_of, dropped};
use crate::registry::{self, Reference, RegistryError};

/// Pulls a pack and brings it for a connection.
pub(super) async fn pull(global: &Global, reference: &str, connection: String) -> anyhow::Result<ExitCode> {
    let reference = parsed(reference)?;
    let config = global.load_quietly()?;
    let pulled = registry::pull(&reference, (&config.registries, config.proxy.as_ref()), LARGEST_ARCHIVE).await;
    let pulled = pulled.map_err(told)?;
    if !global.json && !reference.is_pinned() {
        output::line(format!("{reference} is {} now.", pulled.reference))?;
    }
    stage::bring(global, config, (connection, pulled.archive), Some(&pulled.reference.to_string())).await
}

/// Pushes a pack's folder under a tag.
pub(super) async fn push(global: &Global, folder: PathBuf, reference: &str) -> anyhow::Result<ExitCode> {
    let reference = parsed(reference)?;
    let config = global.load_quietly()?;
    let packed = move || {
        let pack = Project::find(&folder)?.pack;
        let archive = archive_of(&pack)?;
        anyhow::Ok((dropped::name_in(&archive)?, archive, to_be_sent(&pack)?))
    };
    let (name, archive, is_signed) = tokio::task::spawn_blocking(packed).await??;
    let pushed = registry::push(&reference, (&config.registries, config.proxy.as_ref()), (&name, &archive)).await;
    let pushed = pushed.map_err(told)?;
    if global.json {
        output::json(&json!({
            "pack": name, "reference": reference.to_string(), "pinned": pushed.to_string(), "signed": is_signed,
        }))?;
    } else {
        // Hosts that take signed packs alone refuse it: that is to be known here.
        if !is_signed {
            output::tell(
                "tidegate: the pack is not signed; a host that takes signed packs alone refuses it (tidegate pack sign KEY)",
            );
        }
        output::line(format!("{reference} is {name}. Elsewhere: tidegate pack pull {pushed} --connection NAME"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn parsed(reference: &str) -> anyhow::Result<Reference> {
    reference.parse().map_err(told)
}

/// What is asked for wrongly is wrong use.
fn told(error: RegistryError) -> anyhow::Error {
    match error {
        RegistryError::NotAReference { .. } | RegistryError::NotPinned(_) | RegistryError::NoTag(_) => {
            WrongUse(error.to_string()).into()
        }
        error => error.into(),
    }
}
