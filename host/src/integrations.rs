//! Connections as people manage them: those of the settings file and those made at run time, and what sites authorise.
//!
//! Serves `api` and `web`. What is at work at any time is [`Connections`]; this is what puts connections there and
//! takes them out. A name in the settings file outranks one made at run time. Removing a connection leaves its clients.

mod authorise;
mod drafts;
mod editing;
mod error;
mod history;
mod incoming;
mod revisions;
mod settings;
mod site;
mod staging;
mod tokens;
mod trials;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::tz::TimeZone;

use crate::config::Config;
use crate::connection::{AuthState, Authorisation, Connection, Connections};
use crate::crm::held::Held;
use crate::crm::http::chain;
use crate::crm::kind::CrmKind;
use crate::crm::spec::{ConnectionSpec, SiteAccess};
use crate::crm::{Connector, Tokens};
use crate::domain::{ConnectionName, Timestamp};
use crate::pack::{KeptPacks, Packs, Revision, crm_of, is_base, is_stray};
use crate::secrets::Secrets;
use crate::store::connections::{By, Sealed, StoredConnection};
use crate::store::sites::Conflict;
use crate::store::{Store, StoreError};

pub use authorise::{Attempt, Callback, CallbackError, Granted};
pub use drafts::{RuleDraft, Typed};
pub use editing::Place;
pub use error::{ConnectError, IntegrationError, NotOpened, PackUnavailable};
pub use incoming::{IncomingPack, IncomingState, Looked, WATCHED_FOLDER};
pub use settings::Draft;
use site::site_at;
pub use staging::{KnownRevision, RevisionState, Staged};
use tokens::TokenManager;
pub use trials::{Activation, found, held_against, is_written_out};

/// Manages connections. Cheap to clone.
#[derive(Clone)]
pub struct Integrations(Arc<Inner>);

struct Inner {
    config: Arc<Config>,
    store: Store,
    packs: Packs,
    kept: KeptPacks,
    secrets: Arc<Secrets>,
    connections: Connections,
    token_managers: Mutex<HashMap<ConnectionName, Arc<TokenManager>>>,
    /// The reason why a connection that is to run does not, by its name.
    problems: Mutex<BTreeMap<ConnectionName, String>>,
    attempts: Mutex<authorise::Attempts>,
    watch: incoming::Watch,
    /// The lock that is held while the list changes, so that two changes at once do not mix.
    changing: tokio::sync::Mutex<()>,
}

/// The place where a connection was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The settings file, where alone it is changed.
    File,
    /// The page or the API.
    Page,
}

/// A connection as people manage it.
#[derive(Clone)]
pub struct Integration {
    /// The connection's specification.
    pub spec: Arc<ConnectionSpec>,
    /// The connection's name for people.
    pub title: String,
    /// The place where the connection was made.
    pub origin: Origin,
    /// Whether one of this name was made at run time too, and waits behind the file's.
    pub hides_another: bool,
    /// The person who confirmed the check that comes before a connection; one of the settings file may run without.
    pub preflight: Option<By>,
    /// The host under which the site was known before, and who said that it is the same site.
    pub same_site: Option<(String, By)>,
    /// The person who said that the connection is apart from another one of the same site.
    pub apart: Option<By>,
    /// The reason why the connection is enabled and does not run.
    pub problem: Option<String>,
    /// The connection at work; none where it is disabled or has a problem.
    pub connection: Option<Arc<Connection>>,
}

impl Integration {
    /// The connection's name in addresses.
    pub fn name(&self) -> &ConnectionName {
        &self.spec.name
    }

    /// The reason why the connection does not run, as a sentence; none where it is at work.
    pub fn idle(&self) -> Option<String> {
        let name = self.name();
        match (&self.connection, &self.problem) {
            (Some(_), _) => None,
            (None, Some(problem)) => Some(format!("The connection {name} is not at work: {problem}")),
            (None, None) => Some(format!("The connection {name} is disabled. Enable it first.")),
        }
    }

    /// The next times at which its schedule starts runs; none where it is disabled, or does not come round any more.
    pub fn next_runs(&self, now: Timestamp, zone: &TimeZone) -> Vec<Timestamp> {
        if self.spec.enabled { self.spec.schedule.next_runs(now, zone) } else { Vec::new() }
    }

    /// Whether its site lets the host in.
    pub fn auth_state(&self) -> AuthState {
        match (&self.connection, self.spec.sign_in.mode.needs_person) {
            (Some(connection), _) => connection.authorisation.state(),
            (None, false) => AuthState::NotNeeded,
            (None, true) => AuthState::Needed,
        }
    }
}

impl Integrations {
    /// Connects those of the settings file. Nothing is asked of a CRM yet, and those made at run time wait for
    /// [`Integrations::start`]. One whose pack does not load is not at work, and holds nothing else up.
    ///
    /// # Errors
    /// Returns an error if one of the file cannot be connected for another reason.
    pub fn open(config: Arc<Config>, store: Store, packs: Packs, secrets: Secrets) -> Result<Self, NotOpened> {
        let inner = Inner {
            kept: KeptPacks::of(&config.server.data_dir),
            config,
            store,
            packs,
            secrets: Arc::new(secrets),
            connections: Connections::default(),
            token_managers: Mutex::default(),
            problems: Mutex::default(),
            attempts: Mutex::default(),
            watch: incoming::Watch::default(),
            changing: tokio::sync::Mutex::default(),
        };
        let integrations = Self(Arc::new(inner));
        for (name, access) in integrations.0.config.connections.iter().filter(|(_, access)| access.spec.enabled) {
            match integrations.connect_at_opening(access) {
                Ok(connection) => integrations.0.connections.put(connection),
                Err(ConnectError::Pack(error)) => {
                    let message = chain(&error);
                    tracing::error!(connection = %name, reason = message, "the connection cannot work");
                    lock(&integrations.0.problems).insert(name.clone(), message);
                }
                Err(source) => return Err(NotOpened { connection: name.clone(), source }),
            }
        }
        Ok(integrations)
    }

    fn connect_at_opening(&self, access: &SiteAccess) -> Result<Connection, ConnectError> {
        let conflict = self.0.store.bind_site_at_opening(&access.spec.name, site_at(&access.spec))?;
        let revision = self.to_begin_with_at_opening(&access.spec)?;
        self.connect(access, revision, conflict)
    }

    /// The connections at work.
    pub fn connections(&self) -> &Connections {
        &self.0.connections
    }

    /// Connects those made at run time, and takes up what sites authorised. One that cannot be connected is reported
    /// and holds nothing else up.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn start(&self) -> Result<(), StoreError> {
        self.name_recipients().await?;
        for connection in self.0.connections.all().iter() {
            if let Err(error) = self.keep_first(connection).await {
                self.cannot_work(&connection.name, error).await;
            }
            self.resume_trial(connection).await?;
        }
        let of_file: Vec<_> = lock(&self.0.token_managers).values().cloned().collect();
        for manager in of_file {
            manager.load().await;
        }
        for stored in self.0.store.stored_connections().await? {
            if stored.removed_at.is_none() && !self.0.config.connections.contains_key(&stored.name) {
                self.take_up(&stored).await;
            }
        }
        Ok(())
    }

    /// The connections that are enabled and have a problem, by name, each with the reason. Where the data folder lies is in
    /// none.
    pub fn not_at_work(&self) -> Vec<(ConnectionName, String)> {
        let data_dir = format!("{}/", self.0.config.server.data_dir.display());
        let without_folder = |reason: &String| reason.replace(&data_dir, "");
        lock(&self.0.problems).iter().map(|(name, reason)| (name.clone(), without_folder(reason))).collect()
    }

    /// The packs that a connection to a CRM can be mapped by: the folders among the packs, by name, without bases and those
    /// of other CRMs.
    pub fn packs_of(&self, crm: &CrmKind) -> Vec<String> {
        let packs_dir = &self.0.config.server.packs_dir;
        let folders = std::fs::read_dir(packs_dir).into_iter().flatten().flatten();
        let folders = folders.filter(|entry| entry.path().is_dir() && !is_base(&entry.path()));
        let mut names: Vec<String> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.retain(|name| !is_stray(name.as_ref()));
        // One of which that cannot be told is refused in words when it is chosen.
        names.retain(|name| crm_of(&packs_dir.join(name)).is_none_or(|of| of == crm.name));
        names.sort_unstable();
        names
    }

    /// All connections, those of the file first.
    ///
    /// # Errors
    /// Returns an error if the store fails.
    pub async fn list(&self) -> Result<Vec<Integration>, StoreError> {
        let stored = self.0.store.stored_connections().await?;
        let stored: Vec<_> = stored.into_iter().filter(|stored| stored.removed_at.is_none()).collect();
        let mut all = Vec::new();
        for (name, access) in &self.0.config.connections {
            let hides_another = stored.iter().any(|stored| stored.name == *name);
            let preflight = self.0.store.preflight(name.clone()).await?;
            let origin = Origin::File;
            let one = self.integration_of(Arc::clone(&access.spec), name.to_string(), origin);
            all.push(Integration { preflight, hides_another, ..one });
        }
        let others = stored.iter().filter(|stored| !self.0.config.connections.contains_key(&stored.name));
        all.extend(others.map(|stored| self.of_page(stored)));
        for one in &mut all {
            if let Some(known) = self.0.store.site(one.name().clone()).await? {
                one.same_site = known.same_as.map(|(before, by)| (before.host, by));
                one.apart = known.apart;
            }
        }
        Ok(all)
    }

    /// One connection.
    ///
    /// # Errors
    /// [`IntegrationError::Unknown`], or where the store fails.
    pub async fn one(&self, name: &ConnectionName) -> Result<Integration, IntegrationError> {
        let found = self.list().await?.into_iter().find(|one| one.name() == name);
        found.ok_or_else(|| IntegrationError::Unknown(name.clone()))
    }

    /// Adds a connection.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says.
    pub async fn add(&self, draft: Draft, who: &str) -> Result<Integration, IntegrationError> {
        let _changing = self.0.changing.lock().await;
        let made = By { who: who.to_owned(), at: Timestamp::now() };
        let same_site = draft.confirms_same_site.then(|| made.clone());
        let stored = self.checked(None, draft, made).await?;
        self.keep(stored, same_site).await
    }

    /// Changes a connection; what the draft leaves out stays. A run that is under way ends.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says.
    pub async fn change(
        &self,
        name: &ConnectionName,
        draft: Draft,
        who: &str,
    ) -> Result<Integration, IntegrationError> {
        let _changing = self.0.changing.lock().await;
        let before = self.stored(name).await?;
        let made = By { who: who.to_owned(), at: Timestamp::now() };
        let same_site = draft.confirms_same_site.then(|| made.clone());
        let stored = self.checked(Some(before), draft, made).await?;
        self.keep(stored, same_site).await
    }

    /// Keeps that somebody confirmed the check that comes before a connection: the CRM's ids of all clients who are in
    /// the practice already have been provided. One of the settings file runs without it, because nobody may be there
    /// to be asked; until somebody answers, its page and the API say so. Who confirmed it first stays.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says.
    pub async fn confirm_preflight(&self, name: &ConnectionName, who: &str) -> Result<Integration, IntegrationError> {
        let _changing = self.0.changing.lock().await;
        let one = self.one(name).await?;
        if one.preflight.is_some() {
            return Ok(one);
        }
        let by = By { who: who.to_owned(), at: Timestamp::now() };
        if one.origin == Origin::File {
            self.0.store.keep_preflight(name.clone(), by).await?;
        } else {
            let stored = self.stored(name).await?;
            self.0.store.keep_connection(StoredConnection { preflight: Some(by), ..stored }).await?;
        }
        self.one(name).await
    }

    /// Removes a connection. Its clients, runs and notes stay, and of which site they are; its secrets and what its site
    /// authorised are forgotten.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says.
    pub async fn remove(&self, name: &ConnectionName) -> Result<(), IntegrationError> {
        let _changing = self.0.changing.lock().await;
        let mut stored = self.stored(name).await?;
        stored.enabled = false;
        stored.removed_at = Some(Timestamp::now());
        stored.auth.secrets.values_mut().for_each(|sealed| *sealed = Sealed(Vec::new()));
        self.0.store.keep_connection(stored).await?;
        self.out_of_work(name).await;
        self.0.store.keep_authorisation(name.clone(), None).await?;
        Ok(())
    }

    /// One made at run time, that may be changed.
    async fn stored(&self, name: &ConnectionName) -> Result<StoredConnection, IntegrationError> {
        if self.0.config.connections.contains_key(name) {
            return Err(IntegrationError::InFile(name.clone()));
        }
        let all = self.0.store.stored_connections().await?;
        let found = all.into_iter().find(|stored| stored.name == *name && stored.removed_at.is_none());
        found.ok_or_else(|| IntegrationError::Unknown(name.clone()))
    }

    /// Keeps a connection that was checked; `same_site` is who said that its site has another name now, where somebody did.
    async fn keep(&self, stored: StoredConnection, same_site: Option<By>) -> Result<Integration, IntegrationError> {
        self.0.store.keep_connection(stored.clone()).await?;
        if let Some(by) = same_site {
            self.0.store.rename_site(stored.name.clone(), site_at(&self.spec_of(&stored)), by).await?;
        }
        self.take_up(&stored).await;
        self.one(&stored.name).await
    }

    /// Brings what is at work in line with what is kept.
    async fn take_up(&self, stored: &StoredConnection) {
        let name = &stored.name;
        if !stored.enabled {
            self.out_of_work(name).await;
            return;
        }
        let worked = match self.access(stored) {
            Ok(access) => match self.to_begin_with(&access.spec).await {
                Ok(revision) => self.put_to_work(&access, revision).await,
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        };
        if let Err(error) = worked {
            self.cannot_work(name, error).await;
        }
    }

    /// Takes a connection out of work that cannot be in it, and keeps why.
    async fn cannot_work(&self, name: &ConnectionName, error: ConnectError) {
        let message = chain(&error);
        tracing::error!(connection = %name, reason = message, "the connection cannot work");
        self.out_of_work(name).await;
        lock(&self.0.problems).insert(name.clone(), message);
    }

    /// Connects a connection in place of what is at work under its name.
    async fn put_to_work(&self, access: &SiteAccess, revision: Arc<Revision>) -> Result<(), ConnectError> {
        let spec = &access.spec;
        let name = &spec.name;
        self.end_work_of(name).await;
        let conflict = self.0.store.bind_site(name.clone(), site_at(spec)).await?;
        let connection = self.connect(access, revision, conflict)?;
        let manager = lock(&self.0.token_managers).get(name).cloned();
        if let Some(manager) = manager {
            manager.load().await;
        }
        lock(&self.0.problems).remove(name);
        self.resume_trial(&connection).await?;
        self.0.connections.put(connection);
        Ok(())
    }

    async fn out_of_work(&self, name: &ConnectionName) {
        self.end_work_of(name).await;
        self.0.connections.remove(name);
        lock(&self.0.problems).remove(name);
    }

    /// Makes what is at work for a connection. Where it may not lead to its site, nothing is made that speaks to the
    /// site.
    fn connect(
        &self,
        access: &SiteAccess,
        revision: Arc<Revision>,
        conflict: Option<Conflict>,
    ) -> Result<Connection, ConnectError> {
        let spec = &access.spec;
        let domain = self.0.config.practice.email_domain.clone();
        let now = || spec.forward_host.clone();
        let held = conflict.map(|conflict| match conflict {
            Conflict::Other(known) => AuthState::AnotherSite { known: known.host, now: now() },
            Conflict::Taken(by) => AuthState::TakenSite { by, host: now() },
        });
        if let Some(state) = held {
            let held: Arc<dyn Connector> = Arc::new(Held::new(state.obstacle().unwrap_or_default()));
            let site = (held, Authorisation::new(state));
            return Ok(Connection::new(Arc::clone(spec), domain, site, revision));
        }
        let mut authorisation = Authorisation::new(AuthState::NotNeeded);
        let mut tokens: Option<Arc<dyn Tokens>> = None;
        let driver = self.0.config.crms.driver(spec.crm);
        if let Some(oauth) = (driver.authorisation)(access)? {
            let place = (spec.name.clone(), spec.recipients());
            let manager = Arc::new(TokenManager::new(place, self.0.store.clone(), Arc::clone(&self.0.secrets), oauth));
            authorisation = manager.authorisation.clone();
            tokens = Some(Arc::new(Arc::clone(&manager)));
            lock(&self.0.token_managers).insert(spec.name.clone(), manager);
        }
        let request_timeout = self.0.config.crm_timeouts.request_timeout.unsigned_abs();
        let connector = (driver.connector)(access, tokens, request_timeout)?;
        Ok(Connection::new(Arc::clone(spec), domain, (connector, authorisation), revision))
    }

    /// The connection's pack, loaded, which may mean compiled.
    fn of_page(&self, stored: &StoredConnection) -> Integration {
        let at_work = self.0.connections.get(&stored.name);
        let spec = at_work.map_or_else(|| Arc::new(self.spec_of(stored)), |at_work| Arc::clone(&at_work.spec));
        let one = self.integration_of(spec, stored.title.clone(), Origin::Page);
        Integration { preflight: stored.preflight.clone(), ..one }
    }

    /// A connection as it is at work, without what is kept of it beside its specification.
    fn integration_of(&self, spec: Arc<ConnectionSpec>, title: String, origin: Origin) -> Integration {
        Integration {
            title,
            origin,
            hides_another: false,
            preflight: None,
            same_site: None,
            apart: None,
            problem: lock(&self.0.problems).get(&spec.name).cloned(),
            connection: self.0.connections.get(&spec.name),
            spec,
        }
    }
}

/// Loads and verifies the pack that a connection names.
///
/// # Errors
/// Returns an error if there is none, or it does not load, or reads another CRM.
pub fn load_pack(packs: &Packs, config: &Config, spec: &ConnectionSpec) -> Result<Arc<Revision>, PackUnavailable> {
    let packs_dir = &config.server.packs_dir;
    let folder = packs_dir.join(&spec.pack);
    let pack = || spec.pack.clone();
    if !folder.is_dir() {
        return Err(PackUnavailable::NoFolder { pack: pack(), packs_dir: packs_dir.clone() });
    }
    let revision: Arc<Revision> = packs.load(&folder, &spec.dialect)?;
    if revision.crm() != spec.crm.name {
        let reads = revision.crm().to_owned();
        return Err(PackUnavailable::OfAnotherCrm { pack: pack(), reads, wanted: spec.crm.name });
    }
    Ok(revision)
}

/// Locks what is guarded, also after a panic elsewhere: it is replaced as a whole, so that none left it half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
