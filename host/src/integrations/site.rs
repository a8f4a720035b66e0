//! The binding of a connection's ids to one site, and of its secrets to one host: made when it is put to work, looked
//! at before anything is sent, and changed for another name of the same site, or for apart from another connection's,
//! when a person says so.

use super::{IntegrationError, Integrations, Origin, lock};
use crate::connection::AuthState;
use crate::crm::kind::plain_name;
use crate::crm::spec::ConnectionSpec;
use crate::domain::{ConnectionName, Timestamp};
use crate::integrations::Integration;
use crate::secrets::SealContext;
use crate::store::StoreError;
use crate::store::connections::By;
use crate::store::sites::Site;

/// The site that a connection leads to.
pub(super) fn site_at(spec: &ConnectionSpec) -> Site {
    Site { crm: spec.crm.name.to_owned(), host: spec.forward_host.clone() }
}

/// Refuses an answer about another host than the one that the connection leads to now.
fn leads_to(name: &ConnectionName, now: &str, host: &str) -> Result<(), IntegrationError> {
    if host.trim() == now || host.trim().trim_end_matches('.').to_ascii_lowercase() == now {
        return Ok(());
    }
    let message = format!("the connection `{name}` leads to {now}, and not to `{host}`; nothing was changed");
    Err(IntegrationError::WrongState(message))
}

impl Integrations {
    /// Keeps that somebody says that the connection leads to the site of before under another name, `host`, and puts it to
    /// work there: what waited goes out.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says; [`IntegrationError::WrongState`] where its site is known, or it leads
    /// elsewhere than to `host`.
    pub async fn confirm_same_site(
        &self,
        name: &ConnectionName,
        host: &str,
        who: &str,
    ) -> Result<Integration, IntegrationError> {
        let _changing = self.0.changing.lock().await;
        let one = self.one(name).await?;
        let (known, now) = match one.auth_state() {
            AuthState::AnotherSite { known, now } => (known, now),
            AuthState::TakenSite { by, .. } => {
                let message = format!(
                    "the connection {name} does not ask that: {by} brought clients of its site already. Where the two read \
                     different clients, say so by its page or by tidegate connection apart; nothing was changed"
                );
                return Err(IntegrationError::WrongState(message));
            }
            _ => {
                let message =
                    format!("the connection {name} leads to a site that is known as its own; nothing was changed");
                return Err(IntegrationError::WrongState(message));
            }
        };
        leads_to(name, &now, host)?;
        let by = By { who: who.to_owned(), at: Timestamp::now() };
        self.0.store.rename_site(name.clone(), site_at(&one.spec), by).await?;
        tracing::info!(connection = %name, known, now, "the site has another name");
        self.put_to_work_again(one).await
    }

    /// Keeps that somebody says that the connection is apart from another one that brought clients of its site, `host`, and
    /// puts it to work.
    ///
    /// # Errors
    /// Fails as [`IntegrationError`] says; [`IntegrationError::WrongState`] where it does not wait for that, or leads
    /// elsewhere than to `host`.
    pub async fn confirm_apart(
        &self,
        name: &ConnectionName,
        host: &str,
        who: &str,
    ) -> Result<Integration, IntegrationError> {
        let _changing = self.0.changing.lock().await;
        let one = self.one(name).await?;
        let (other, now) = match one.auth_state() {
            AuthState::TakenSite { by, host } => (by, host),
            AuthState::AnotherSite { known, now } => {
                let message = format!(
                    "the connection {name} does not ask that: its clients are those of {known}, and it leads to {now}. Where \
                     that is the same site, say so by its page or by tidegate connection same-site; nothing was changed"
                );
                return Err(IntegrationError::WrongState(message));
            }
            _ if one.apart.is_some() => {
                let message = format!("the connection {name} is known to be apart already; nothing was changed");
                return Err(IntegrationError::WrongState(message));
            }
            _ => {
                let message = format!("no other connection brought clients of the site of {name}; nothing was changed");
                return Err(IntegrationError::WrongState(message));
            }
        };
        leads_to(name, &now, host)?;
        let by = By { who: who.to_owned(), at: Timestamp::now() };
        self.0.store.keep_site_apart(name.clone(), site_at(&one.spec), by).await?;
        tracing::info!(connection = %name, %other, "two connections of one site are apart");
        self.put_to_work_again(one).await
    }

    /// Puts a connection to work whose site somebody has told.
    async fn put_to_work_again(&self, one: Integration) -> Result<Integration, IntegrationError> {
        let name = one.name();
        match one.origin {
            Origin::Page => self.take_up(&self.stored(name).await?).await,
            Origin::File => {
                if let Some(access) = self.0.config.connections.get(name) {
                    let revision = self.to_begin_with(&access.spec).await?;
                    self.put_to_work(access, revision).await?;
                }
            }
        }
        self.one(name).await
    }

    /// Binds secrets to the hosts of now that were sealed by a version which did not name any.
    pub(super) async fn name_recipients(&self) -> Result<(), StoreError> {
        let store = &self.0.store;
        let of_file = self
            .0
            .config
            .connections
            .iter()
            .map(|(name, access)| (name.clone(), access.spec.forward_host.clone(), access.spec.recipients()));
        let mut hosts: Vec<_> = of_file.collect();
        for mut stored in store.stored_connections().await? {
            let to = self.recipients_of(&stored);
            let mut is_changed = false;
            for (name, sealed) in &mut stored.auth.secrets {
                let context = SealContext { what: &plain_name(name), of: stored.name.as_str(), to: &to };
                is_changed |= self.0.secrets.name_recipients(context, sealed);
            }
            if !self.0.config.connections.contains_key(&stored.name) {
                hosts.push((stored.name.clone(), stored.forward_host.clone(), to));
            }
            if is_changed {
                store.keep_connection(stored).await?;
            }
        }
        for (name, forward_host, to) in hosts {
            let Some(mut kept) = store.authorisation(name.clone()).await? else { continue };
            let context = super::tokens::context(&name, &to);
            if kept.site == forward_host && self.0.secrets.name_recipients(context, &mut kept.tokens) {
                kept.site = to;
                store.keep_authorisation(name, Some(kept)).await?;
            }
        }
        Ok(())
    }

    /// Ends what a connection has under way, before it is put to work otherwise: what it still commits is committed
    /// before its site is looked at.
    pub(super) async fn end_work_of(&self, name: &ConnectionName) {
        let manager = lock(&self.0.token_managers).remove(name);
        if let Some(manager) = manager {
            manager.retire().await;
        }
        if let Some(before) = self.0.connections.get(name) {
            before.gone.cancel();
        }
    }
}
