//! A connection: one CRM site with its connector and the pack revision that maps it.
//!
//! Serves `sync` and `notes`, which both need the three together. Connections come and go while the host runs: who
//! holds one goes on with it until its `gone` is cancelled, and who keeps jobs for them watches the list.

#[cfg(test)]
pub mod for_tests;
mod trial;

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::crm::Connector;
use crate::crm::kind::IdColumn;
use crate::crm::registry::Registry;
use crate::crm::spec::ConnectionSpec;
use crate::domain::address::{AddressForm, AddressForms};
use crate::domain::note::Note;
use crate::domain::{ConnectionName, Date, Timestamp};
use crate::pack::{Context, EventType, Revision};
pub use trial::OnTrial;

/// One CRM site of the practice.
pub struct Connection {
    /// The connection's name, as in its specification.
    pub name: ConnectionName,
    /// The specification that was given for it.
    pub spec: Arc<ConnectionSpec>,
    /// The practice's domain for made-up addresses.
    pub placeholder_email_domain: String,
    /// Speaks to the site.
    pub connector: Arc<dyn Connector>,
    /// Whether the host may speak to the site.
    pub authorisation: Authorisation,
    /// Notified when a sync came to its end: the site is well, whatever it asked for before.
    pub came_through: Arc<Notify>,
    /// Cancelled when it is changed, disabled or removed.
    pub gone: CancellationToken,
    active: watch::Sender<InForce>,
}

/// The revision in force, with its trial as long as that goes on.
#[derive(Clone)]
pub struct InForce {
    /// The revision.
    pub revision: Arc<Revision>,
    /// The revision's trial.
    pub trial: Option<Arc<OnTrial>>,
}

/// The state of a connection's authorisation: whether the host may speak to its site, and if not, what a person has to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AuthState {
    /// The connection signs in by name and password.
    NotNeeded,
    /// Nobody has authorised the connection yet.
    Needed,
    /// The connection was authorised.
    Granted {
        /// The person who authorised it.
        by: String,
        /// The moment at which it was authorised.
        at: Timestamp,
    },
    /// The connection was authorised, and the site does not accept that any more.
    Refused {
        /// The moment at which the site refused it.
        at: Timestamp,
        /// The site's words.
        message: String,
    },
    /// The connection leads to another host than the site whose ids it brought. Nothing is sent there until somebody
    /// says that it is the same site.
    AnotherSite {
        /// The host of the site that its clients and notes are of.
        known: String,
        /// The host of the site that it leads to now.
        now: String,
    },
    /// Another connection brought the clients of its site already. Nothing is sent there until somebody says that the
    /// two are apart.
    TakenSite {
        /// The other.
        by: ConnectionName,
        /// The site's host.
        host: String,
    },
}

impl AuthState {
    /// Whether it is held until a person says what its site is.
    pub fn is_held(&self) -> bool {
        matches!(self, Self::AnotherSite { .. } | Self::TakenSite { .. })
    }

    /// The action that a person has to take, as the text of a link to where it is done.
    pub fn to_do(&self) -> &'static str {
        match self {
            Self::AnotherSite { .. } => "Say which site it is",
            Self::TakenSite { .. } => "Say whether it is apart",
            Self::NotNeeded | Self::Granted { .. } | Self::Needed => "Authorise",
            Self::Refused { .. } => "Authorise again",
        }
    }

    /// The reason why the connection does not work, as briefly as a list has room for; none where it does.
    pub fn in_short(&self) -> Option<String> {
        match self {
            Self::AnotherSite { known, now } => Some(format!(
                "What it brought is of {known}, and it leads to {now} now. Nothing is read or sent there."
            )),
            Self::TakenSite { by, host } => {
                Some(format!("The connection {by} brought clients of {host} already. Nothing is read or sent there."))
            }
            other => other.obstacle(),
        }
    }

    /// The obstacle that has to be removed before the connection can work; none where it can.
    pub fn obstacle(&self) -> Option<String> {
        match self {
            Self::NotNeeded | Self::Granted { .. } => None,
            Self::Needed => Some("It has to be authorised on its site first.".to_owned()),
            Self::Refused { message, .. } => {
                Some(format!("The site does not accept the authorisation any more: {message}. Authorise it again."))
            }
            Self::AnotherSite { known, now } => Some(format!(
                "Its clients and notes are those of {known}, and it leads to {now} now. Nothing is read from {now} and \
                 nothing is sent there. Where {now} is the same site under another name, say so on the connection’s page, or \
                 by tidegate connection same-site; where it is not, let this connection lead to {known} again and add one of \
                 another name for {now}."
            )),
            Self::TakenSite { by, host } => Some(format!(
                "The connection {by} brought clients of {host} already, and by this one each of them would come a second \
                 time. Nothing is read from {host} and nothing is sent there. Where it is the same connection under a new \
                 name, use the name {by} again; where the two read different clients of the site, say so on the \
                 connection’s page, or by tidegate connection apart."
            )),
        }
    }
}

/// The authorisation of a connection, shared by who finds it out and who acts on it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Authorisation(watch::Sender<AuthState>);

impl Authorisation {
    /// An authorisation that is in this state now.
    pub fn new(state: AuthState) -> Self {
        Self(watch::Sender::new(state))
    }

    /// The state of the authorisation now.
    pub fn state(&self) -> AuthState {
        self.0.borrow().clone()
    }

    /// Changes the state, and wakes everybody who waits for it.
    pub fn set(&self, state: AuthState) {
        self.0.send_replace(state);
    }

    /// Waits until nothing keeps the connection from working.
    pub async fn until_granted(&self) {
        let mut changes = self.0.subscribe();
        // The sender lives as long as `self`.
        drop(changes.wait_for(|state| state.obstacle().is_none()).await);
    }
}

impl Connection {
    /// A connection mapped by `revision`.
    pub fn new(
        spec: Arc<ConnectionSpec>,
        placeholder_email_domain: String,
        (connector, authorisation): (Arc<dyn Connector>, Authorisation),
        revision: Arc<Revision>,
    ) -> Self {
        Self {
            name: spec.name.clone(),
            spec,
            placeholder_email_domain,
            connector,
            authorisation,
            came_through: Arc::default(),
            gone: CancellationToken::new(),
            active: watch::Sender::new(InForce { revision, trial: None }),
        }
    }

    /// The reason why ids of its site are not taken from people either: nobody knows which site theirs are of. None
    /// where its site is known.
    pub fn unknown_site(&self) -> Option<String> {
        let state = self.authorisation.state();
        state.is_held().then(|| state.obstacle()).flatten()
    }

    /// The revision in force. A batch holds on to the one it began with.
    pub fn revision(&self) -> Arc<Revision> {
        Arc::clone(&self.active.borrow().revision)
    }

    /// The revision in force and its trial, as they belong together.
    pub fn in_force(&self) -> InForce {
        self.active.borrow().clone()
    }

    /// The trial of the revision in force, where it is on trial.
    pub fn trial(&self) -> Option<Arc<OnTrial>> {
        self.active.borrow().trial.clone()
    }

    /// Puts another revision in force, on trial or not. What holds on to the one before ends on it.
    pub fn activate(&self, revision: Arc<Revision>, trial: Option<Arc<OnTrial>>) {
        self.active.send_replace(InForce { revision, trial });
    }

    /// Ends a trial, unless another revision came in force meanwhile.
    pub fn end_trial(&self, of: &Arc<OnTrial>) {
        self.active.send_if_modified(|active| {
            let is_this = active.trial.as_ref().is_some_and(|trial| Arc::ptr_eq(trial, of));
            if is_this {
                active.trial = None;
            }
            is_this
        });
    }

    /// Waits until a trial is over, whichever way.
    pub async fn until_over(&self, trial: &Arc<OnTrial>) {
        let mut changes = self.active.subscribe();
        let is_over = |now: &InForce| !now.trial.as_ref().is_some_and(|now| Arc::ptr_eq(now, trial));
        // The sender lives as long as `self`.
        drop(changes.wait_for(is_over).await);
    }

    /// The context that the mapping of a revision is given on the day `as_of`.
    pub fn context(&self, revision: &Revision, as_of: Date) -> Context {
        Context {
            region: revision.region().to_owned(),
            dialect: self.spec.dialect.clone(),
            connection: self.name.to_string(),
            placeholder_email_domain: self.placeholder_email_domain.clone(),
            as_of,
        }
    }
}

/// The practice's connections that are at work. Cheap to clone; all clones see the same list.
#[derive(Clone)]
pub struct Connections(watch::Sender<Arc<[Arc<Connection>]>>);

impl Default for Connections {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Connections {
    /// The connections, kept in the configuration's order.
    pub fn new(connections: Vec<Connection>) -> Self {
        Self(watch::Sender::new(connections.into_iter().map(Arc::new).collect()))
    }

    /// All connections, as they are now.
    pub fn all(&self) -> Arc<[Arc<Connection>]> {
        self.0.borrow().clone()
    }

    /// The connection of this name.
    pub fn get(&self, name: &ConnectionName) -> Option<Arc<Connection>> {
        self.0.borrow().iter().find(|connection| connection.name == *name).cloned()
    }

    /// The column of ids in lists of the connection of this name; the usual one where it is not at work.
    pub fn id_column(&self, name: &ConnectionName) -> &'static IdColumn {
        let kind = self.get(name).map_or(Registry::BUILT_IN.usual(), |connection| connection.spec.crm);
        &kind.id_column
    }

    /// The headings of the columns of ids in lists of the connections at work, joined for people.
    pub fn id_headings(&self) -> String {
        let mut headings: Vec<&str> = Vec::new();
        for connection in self.all().iter() {
            let heading = connection.spec.crm.id_column.heading;
            if !headings.contains(&heading) {
                headings.push(heading);
            }
        }
        if headings.is_empty() {
            Registry::BUILT_IN.usual().id_column.heading.to_owned()
        } else {
            headings.join(" or ")
        }
    }

    /// The message where a connection is needed and not at work.
    pub fn not_at_work(name: &ConnectionName) -> String {
        format!(
            "the connection `{name}` is not at work: it was removed or disabled, or has a problem, which Settings, Integrations tells"
        )
    }

    /// The connection whose pack writes the notes and documents of a household of this connection: its own; the first
    /// one where nobody in the household is linked to a CRM yet.
    pub fn serving(&self, name: &ConnectionName, is_anybody_linked: bool) -> Option<Arc<Connection>> {
        self.get(name).or_else(|| self.0.borrow().first().filter(|_| !is_anybody_linked).cloned())
    }

    /// The forms of addresses in the countries of the packs in force.
    pub fn address_forms(&self) -> AddressForms {
        let mut forms: Vec<AddressForm> = Vec::new();
        for connection in self.all().iter() {
            let form = connection.revision().address_form().cloned();
            forms.extend(form.filter(|form| !forms.iter().any(|known| known.country == form.country)));
        }
        AddressForms(forms)
    }

    /// The types of events that the packs in force take, each with its connection; those of one in its pack's order.
    pub fn event_types(&self) -> Vec<(ConnectionName, Arc<EventType>)> {
        let all = self.all();
        let of_one = |connection: &Arc<Connection>| {
            let revision = connection.revision();
            revision.events().all().iter().map(|one| (connection.name.clone(), Arc::clone(one))).collect::<Vec<_>>()
        };
        all.iter().flat_map(of_one).collect()
    }

    /// What the packs in force call a type of event; its name where none of them has it.
    pub fn event_label(&self, event_type: &str) -> String {
        let all = self.all();
        let label = |connection: &Arc<Connection>| Some(connection.revision().events().get(event_type)?.label.clone());
        all.iter().find_map(label).unwrap_or_else(|| event_type.to_owned())
    }

    /// What a note's type of event is called: by the pack that took the event, else by those in force, else by its name.
    pub fn label_of(&self, note: &Note) -> String {
        if note.event_label.is_empty() { self.event_label(&note.event_type) } else { note.event_label.clone() }
    }

    /// A receiver of every change: of the list, and of what a site authorised.
    pub fn changes(&self) -> watch::Receiver<Arc<[Arc<Connection>]>> {
        self.0.subscribe()
    }

    /// Waits until a sync of one of them came to its end, and says which.
    pub async fn one_came_through(&self) -> ConnectionName {
        let mut changes = self.changes();
        loop {
            let all = changes.borrow_and_update().clone();
            let each = all.iter().map(|one| Box::pin(async { one.came_through.notified().await }));
            let each: Vec<_> = each.collect();
            let first = async {
                match each.is_empty() {
                    true => std::future::pending().await,
                    false => futures::future::select_all(each).await.1,
                }
            };
            tokio::select! {
                place = first => return all[place].name.clone(),
                // The sender lives as long as `self`.
                _ = changes.changed() => {}
            }
        }
    }

    /// Puts a connection to work, in place of one of its name, whose runs end.
    pub fn put(&self, connection: Connection) {
        self.replace(&connection.name.clone(), Some(connection));
    }

    /// Takes a connection out of work; its runs end.
    pub fn remove(&self, name: &ConnectionName) {
        self.replace(name, None);
    }

    fn replace(&self, name: &ConnectionName, by: Option<Connection>) {
        self.0.send_modify(|list| {
            let mut by = by.map(Arc::new);
            let mut next = Vec::with_capacity(list.len() + 1);
            for connection in list.iter() {
                if connection.name == *name {
                    connection.gone.cancel();
                    next.extend(by.take());
                } else {
                    next.push(Arc::clone(connection));
                }
            }
            next.extend(by);
            *list = next.into();
        });
    }

    /// Tells those who watch that a site lets a connection in again.
    pub fn announce(&self) {
        self.0.send_modify(|_| {});
    }

    /// Ends the sessions with all sites, side by side and briefly, so that none is left open behind a host that ends.
    pub async fn sign_out(&self) {
        let all = self.all();
        futures::future::join_all(all.iter().map(|connection| connection.connector.sign_out())).await;
    }
}
