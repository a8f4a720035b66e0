//! The one handle that pages, calls and commands are given, and how it comes about from the settings.

mod documents;
mod explain;
mod professional;
pub mod troubleshoot;

pub use documents::DocumentError;
use documents::Maker;
pub use explain::ExplainError;
pub use professional::{NotChosen, PrimaryProfessional, full_name};

use std::iter;
use std::sync::Arc;

use anyhow::Context as _;

use crate::access::Access;
use crate::config::Config;
use crate::connection::Connections;
use crate::documents::Uploads;
use crate::import::Imports;
use crate::intake::Intake;
use crate::integrations::Integrations;
use crate::notes::Notes;
use crate::pack::{Packs, Typesetter};
use crate::secrets::Secrets;
use crate::store::Store;
use crate::supervise::Supervisor;
use crate::sync::Syncs;

/// The host's parts, put together. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The settings in force.
    pub config: Arc<Config>,
    /// The store.
    pub store: Store,
    /// The plugin engine.
    pub packs: Packs,
    /// Connections as people manage them.
    pub integrations: Integrations,
    /// The CRM sites at work.
    pub connections: Connections,
    /// Runs.
    pub syncs: Syncs,
    /// File notes.
    pub notes: Notes,
    /// Identity lists.
    pub imports: Imports,
    /// Files and forms on their way in.
    pub intake: Intake,
    /// People and tokens.
    pub access: Access,
    /// Documents that are sent in.
    pub uploads: Uploads,
    /// The tasks that run as long as the host does.
    pub supervisor: Supervisor,
}

impl App {
    /// Opens the store and loads every connection's pack. Nothing runs yet, and nothing was asked of a CRM.
    ///
    /// # Errors
    /// Where the data folder is in use or unusable, or a pack does not load; nothing is left half-made.
    pub fn open(config: Config) -> anyhow::Result<Self> {
        let data_dir = config.server.data_dir.clone();
        let store = Store::open_sparing(&data_dir, config.storage)
            .with_context(|| format!("the data folder {}", data_dir.display()))?;
        let packs = Packs::new(&data_dir.join("cache"), config.server.compiler.as_deref(), typesetter(&config))?;
        let config = Arc::new(config);
        let secrets = Secrets::open(&config.server)?;
        let integrations = Integrations::open(Arc::clone(&config), store.clone(), packs.clone(), secrets)?;
        let connections = integrations.connections().clone();
        let syncs = Syncs::new(store.clone(), connections.clone(), config.practice.time_zone.clone());
        let maker = Maker { store: store.clone(), connections: connections.clone(), config: Arc::clone(&config) };
        let practice = config.practice.clone();
        let notes = Notes::new(store.clone(), connections.clone(), practice, config.patience, Some(Arc::new(maker)));
        let imports = Imports::new(store.clone(), &data_dir);
        let access = Access::new(store.clone(), config.server.bootstrap_token.as_ref());
        let uploads = Uploads::new(store.clone(), data_dir);
        let supervisor = Supervisor::default();
        let intake = Intake::default();
        Ok(Self {
            config,
            store,
            packs,
            integrations,
            connections,
            syncs,
            notes,
            imports,
            intake,
            access,
            uploads,
            supervisor,
        })
    }

    /// Puts the connections that were made at run time to work, and takes up what sites authorised and what earlier
    /// processes left. To be called once, before anything else.
    ///
    /// # Errors
    /// Where the store fails.
    pub async fn start(&self) -> anyhow::Result<()> {
        self.integrations.start().await?;
        self.syncs.resume().await?;
        Ok(())
    }
}

/// Sets documents in a process of its own, as plugins are compiled; inside where there is no program for it.
pub fn typesetter(config: &Config) -> Typesetter {
    let font_dir = config.documents.font_dir.clone();
    let Some(program) = config.server.compiler.clone() else { return Typesetter::inside(font_dir) };
    let fonts = font_dir.into_iter().flat_map(|folder| ["--font-dir".into(), folder.into_os_string()]);
    Typesetter::process(program, iter::once("typeset".into()).chain(fonts).collect())
}
