//! The one handle that pages, calls and commands are given, and how it comes about from the settings.

pub mod client_export;
mod document_maker;
mod erasure;
mod explain;
mod fixture;
mod history;
mod past_events;
mod professional;
mod retention;
pub mod troubleshoot;

pub use document_maker::DocumentError;
use document_maker::Maker;
pub use explain::ExplainError;
pub use fixture::FixtureError;
pub use history::{History, ValueChange};
use past_events::EventHistory;
pub use professional::{PrimaryProfessional, full_name};
pub use retention::Due;

use std::collections::BTreeMap;
use std::iter;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::access::{Access, SecondFactors};
use crate::audit::Trail;
use crate::backup::{self, BackupError};
use crate::config::Config;
use crate::connection::{Connection, Connections, OnTrial};
use crate::documents::Uploads;
use crate::domain::audit::{Act, By, Subject, THIS_MACHINE};
use crate::domain::{ConnectionName, Timestamp};
use crate::import::Imports;
use crate::intake::Intake;
use crate::integrations::{Integrations, NotOpened};
use crate::notes::Notes;
use crate::openid::OpenId;
use crate::pack::{PackError, Packs, Typesetter};
use crate::preview::Previews;
use crate::secrets::{Secrets, SecretsError};
use crate::store::audit::scope;
use crate::store::{Store, StoreError};
use crate::supervise::Supervisor;
use crate::sync::{SyncError, Syncs};

/// The time between two looks at which sites asked to be left alone.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

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
    /// Previews of changes of mapping.
    pub previews: Previews,
    /// File notes.
    pub notes: Notes,
    /// Identity lists.
    pub imports: Imports,
    /// Files and forms on their way in.
    pub intake: Intake,
    /// People and tokens.
    pub access: Access,
    /// The identity provider by which people sign in; none where the settings name none.
    pub openid: Option<OpenId>,
    /// The audit log.
    pub audit: Trail,
    /// Documents that are sent in.
    pub uploads: Uploads,
    /// The tasks that run as long as the host does.
    pub supervisor: Supervisor,
}

/// The reason why the host's parts cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store does not open.
    #[error("the data folder {}", folder.display())]
    Store {
        /// The data folder.
        folder: PathBuf,
        /// The error of the store.
        source: StoreError,
    },
    /// The plugin engine does not start.
    #[error(transparent)]
    Engine(#[from] PackError),
    /// The key of the secrets is not there or does not fit.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A connection of the settings cannot work.
    #[error(transparent)]
    Connection(#[from] NotOpened),
    /// There is no client for the identity provider.
    #[error("the identity provider cannot be asked")]
    OpenId(#[source] reqwest::Error),
}

impl OpenError {
    /// Whether another process has the data folder open: once it has ended, this one can.
    pub fn is_held_by_another(&self) -> bool {
        matches!(self, Self::Store { source: StoreError::Locked, .. })
    }
}

/// The reason why what earlier processes left cannot be taken up.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NotTakenUp(#[from] SyncError);

impl From<StoreError> for NotTakenUp {
    fn from(error: StoreError) -> Self {
        Self(error.into())
    }
}

impl App {
    /// Opens the store and loads every connection's pack. Nothing runs yet, and nothing was asked of a CRM.
    ///
    /// # Errors
    /// Returns an error if the data folder is in use or unusable, or a pack does not load; nothing is left half-made.
    pub fn open(config: Config) -> Result<Self, OpenError> {
        let data_dir = config.server.data_dir.clone();
        let store = Store::open_sparing(&data_dir, config.storage)
            .map_err(|source| OpenError::Store { folder: data_dir.clone(), source })?;
        let packs = Packs::new(&data_dir.join("cache"), config.server.compiler.as_deref(), typesetter(&config))?;
        let config = Arc::new(config);
        let secrets = Secrets::open(&config.server)?;
        let integrations = Integrations::open(Arc::clone(&config), store.clone(), packs.clone(), secrets.clone())?;
        let connections = integrations.connections().clone();
        let syncs = Syncs::new(store.clone(), connections.clone(), config.practice.time_zone.clone());
        let maker = Maker { store: store.clone(), connections: connections.clone(), config: Arc::clone(&config) };
        let practice = config.practice.clone();
        let notes = Notes::new(
            store.clone(),
            connections.clone(),
            practice,
            config.crm_timeouts,
            Some(Arc::new(maker.clone())),
        );
        let history = Arc::new(EventHistory { notes: notes.clone(), maker });
        let previews = Previews::new(store.clone(), &data_dir, config.practice.time_zone.clone(), history);
        let imports = Imports::new(store.clone(), &data_dir);
        let access = Access::new(
            store.clone(),
            &config.practice.name,
            config.server.bootstrap_token.as_ref(),
            config.link_lasts,
            SecondFactors::new(secrets, config.second_factor),
        );
        let openid = openid(&config).map_err(OpenError::OpenId)?;
        let access = match &openid {
            Some(provider) if !provider.settings().passwords => access.with_passwords_of_managers_alone(),
            _ => access,
        };
        let audit = Trail::new(store.clone());
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
            previews,
            notes,
            imports,
            intake,
            access,
            openid,
            audit,
            uploads,
            supervisor,
        })
    }

    /// Puts the connections that were made at run time to work, and takes up what sites authorised and what earlier
    /// processes left. To be called once, before anything else.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn start(&self) -> Result<(), NotTakenUp> {
        self.integrations.start().await?;
        self.retire_other_providers().await?;
        for connection in self.connections.all().iter() {
            if let Some(until) = self.store.left_alone_until(connection.name.clone()).await? {
                connection.connector.leave_alone_until(until);
            }
        }
        self.syncs.resume().await?;
        Ok(())
    }

    /// Turns sign-in by an identity provider off for accounts whose provider the settings do not name, with what they began by
    /// it, and on again for those whose provider they do.
    async fn retire_other_providers(&self) -> Result<(), StoreError> {
        let issuer = self.openid.as_ref().map(|provider| provider.settings().issuer.clone());
        let told = Act::done(By::host("settings"), THIS_MACHINE, "openid.retire", Subject::of_kind("account"));
        let changed = scope::enter(told, self.store.retire_other_providers(issuer, Timestamp::now())).await.0?;
        if changed > 0 {
            tracing::warn!(
                accounts = changed,
                "accounts’ sign-in by the identity provider was turned on or off, as the settings name it now"
            );
        }
        Ok(())
    }

    /// Keeps for the next process until when each site asked to be left alone. Looks every [`BETWEEN_LOOKS`], without end.
    pub async fn keep_left_alone(&self) {
        let mut kept: BTreeMap<ConnectionName, i64> = BTreeMap::new();
        loop {
            for connection in self.connections.all().iter() {
                let until = connection.connector.left_alone_until();
                // Worked out from what is left, it differs by a little each time.
                let seconds = until.map_or(0, Timestamp::as_second);
                if kept.get(&connection.name).copied().unwrap_or_default().abs_diff(seconds) < 2 {
                    continue;
                }
                match self.store.keep_left_alone(connection.name.clone(), until).await {
                    Ok(()) => drop(kept.insert(connection.name.clone(), seconds)),
                    // Tried again; a disk that is full is told of elsewhere.
                    Err(error) => tracing::debug!(%error, "until when a site asked to be left alone is not kept"),
                }
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }
}

/// The time between two looks at whether the keys beside the backups are to be written anew.
const BETWEEN_KEYS: Duration = Duration::from_mins(1);

impl App {
    /// The names of the backups in the folder of the settings, the oldest first; none where the settings name none.
    ///
    /// # Errors
    /// Returns an error if the folder cannot be read.
    pub async fn backups(&self) -> Result<Vec<String>, BackupError> {
        let Some(folder) = self.config.backup.as_ref().map(|to| to.folder.clone()) else { return Ok(Vec::new()) };
        let at = folder.clone();
        let names = tokio::task::spawn_blocking(move || backup::names_in(&folder)).await.map_err(std::io::Error::other);
        names.flatten().map_err(|source| BackupError::Io { path: at, source })
    }

    /// Writes the keys beside the backups anew where an erasure has not come that far. Goes on without end.
    pub async fn keep_keys_of_backups(&self) {
        let Some(to) = &self.config.backup else { return std::future::pending().await };
        let mut has_failed = false;
        loop {
            match backup::renew_keys(&self.store, to, Timestamp::now(), false).await {
                Ok(()) => has_failed = false,
                Err(error) if !has_failed => {
                    tracing::error!(%error, "the keys beside the backups could not be written anew: backups still open who was erased");
                    has_failed = true;
                }
                Err(_) => {}
            }
            tokio::time::sleep(BETWEEN_KEYS).await;
        }
    }
}

/// The time between two looks at whether the breaker tripped, beside being woken when it does.
const BETWEEN_TRIPS: Duration = Duration::from_secs(5);

impl App {
    /// Takes revisions back over which the breaker tripped, and has what is stored mapped again. Goes on without end.
    pub async fn keep_breaker(&self) {
        loop {
            for connection in self.connections.all().iter() {
                let Some(trial) = connection.trial().filter(|trial| trial.tripped().is_some()) else { continue };
                if let Err(error) = self.take_back(connection, &trial).await {
                    tracing::error!(connection = %connection.name, %error, "a revision could not be taken back; it is tried again");
                }
            }
            // Whoever trips between the look and the wait is found at the next one.
            drop(tokio::time::timeout(BETWEEN_TRIPS, self.syncs.until_tripped()).await);
        }
    }

    async fn take_back(&self, connection: &Arc<Connection>, trial: &Arc<OnTrial>) -> Result<(), StoreError> {
        // Nobody follows a preview of what is being left.
        let _turn = self.previews.turn().await;
        let subject = Subject::new("connection", &connection.name);
        let told = Act::done(By::host("breaker"), THIS_MACHINE, "revisions.breaker", subject);
        if scope::enter(told, self.integrations.take_back(connection, trial)).await.0? {
            self.syncs.map_again(&connection.name).await?;
        }
        Ok(())
    }
}

/// The identity provider of the settings. It is asked for nothing before somebody signs in by it.
pub fn openid(config: &Config) -> reqwest::Result<Option<OpenId>> {
    let Some(settings) = config.openid.clone() else { return Ok(None) };
    OpenId::new(settings, &config.server.base_url(), config.proxy.as_ref()).map(Some)
}

/// Sets documents in a process of its own, as plugins are compiled; inside where there is no program for it.
pub fn typesetter(config: &Config) -> Typesetter {
    let font_dir = config.documents.font_dir.clone();
    let Some(program) = config.server.compiler.clone() else { return Typesetter::inside(font_dir) };
    let fonts = font_dir.into_iter().flat_map(|folder| ["--font-dir".into(), folder.into_os_string()]);
    Typesetter::process(program, iter::once("typeset".into()).chain(fonts).collect())
}
