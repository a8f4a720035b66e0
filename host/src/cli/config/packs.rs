//! Whether the packs of the settings' connections load.

use std::collections::BTreeSet;

use crate::app::typesetter;
use crate::config::Config;
use crate::integrations::load_pack;
use crate::pack::{Packs, signature};

/// Each connection whose pack does not load, with the reason. What is compiled for it is kept where there is a data
/// folder already; none is made.
pub(super) async fn problems(config: Config) -> anyhow::Result<Vec<String>> {
    tokio::task::spawn_blocking(move || {
        let own = tempfile::tempdir()?;
        let data_dir = &config.server.data_dir;
        let cache = if data_dir.is_dir() { data_dir.join("cache") } else { own.path().join("cache") };
        let packs = match Packs::new(&cache, config.server.compiler.as_deref(), typesetter(&config)) {
            Ok(packs) => packs,
            Err(error) => return Ok(vec![format!("server.data-dir: {error}")]),
        };
        let mut tried = BTreeSet::new();
        let mut problems = Vec::new();
        for (name, access) in &config.connections {
            // One that is not named is among the problems already.
            let spec = &access.spec;
            let is_new = tried.insert((&spec.pack, &spec.dialect, spec.crm.name));
            if spec.pack.is_empty() || !is_new {
                continue;
            }
            let signed = signature::check(&config.server.packs_dir.join(&spec.pack), &config.pack_keys);
            let loaded = load_pack(&packs, &config, spec).and_then(|_| Ok(signed?));
            if let Err(error) = loaded {
                problems.push(format!("connections.{name}.pack: {error}"));
            }
        }
        Ok(problems)
    })
    .await?
}
