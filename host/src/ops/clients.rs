//! Clients: made in the practice, changed until the next sync, linked to the CRM and synced one by one.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{FieldError, Kind, Refusal, audited, book, may, names, runs};
use crate::app::App;
use crate::domain::access::{Action, Actor, Reach, reach};
use crate::domain::audit::Subject;
use crate::domain::edit::{self, NewValue, Rules};
use crate::domain::field::{self, pointer_to};
use crate::domain::practice_client;
use crate::domain::stored::StoredClient;
use crate::domain::text;
use crate::domain::{Client, ClientId, ConnectionName, Date, ExternalId, Timestamp};
use crate::pack::is_mobile;
use crate::store::audit::scope;
use crate::store::commit::Edit;
use crate::store::household_access::Maker;
use crate::sync::SyncedClient;

/// A client to be made, as somebody wrote it.
#[derive(Debug)]
pub struct NewClient {
    /// The client's id, a new UUIDv7 of the sender's, so that what is sent twice is one client; none where the host makes
    /// one.
    pub id: Option<ClientId>,
    /// Fields with their values.
    pub values: Vec<(String, NewValue)>,
    /// The client whose partner the new one is: both share that one's household.
    pub partner_of: Option<ClientId>,
}

/// A client that there is now.
#[derive(Debug)]
pub struct Made {
    /// The client.
    pub client: StoredClient,
    /// False where the same was sent under this id before.
    pub is_new: bool,
}

/// Makes a client without an id in the CRM, in a household of their own or as somebody's partner.
///
/// # Errors
/// Returns an error if a value does not fit, or the id made another client before.
pub async fn make(app: &App, actor: &Actor, new: NewClient, now: Timestamp) -> Result<Made, Refusal> {
    audited(app, actor, ("clients.make", Subject::of_kind("client")), async move {
        let NewClient { id, values, partner_of } = new;
        match partner_of {
            None => may(actor, Action::AddClients)?,
            Some(partner) => {
                let book = book(app, actor, Action::WriteBook).await?;
                if book.client(partner).await?.is_none() {
                    return Err(no_partner(partner));
                }
            }
        }
        if let Some(id) = id.filter(|ClientId(id)| id.get_version_num() != 7) {
            return Err(Refusal::at("/id", format!("{id} is not a UUIDv7. Send a new one, or leave it out.")));
        }
        let rules = Rules { today: today(app, now), forms: &app.connections.address_forms(), is_mobile };
        let client = edit::make(&values, rules).map_err(unfit)?;
        let id = id.unwrap_or_else(|| ClientId(Uuid::now_v7()));
        scope::about(id);
        let digest = digest(&values, partner_of);
        let new = practice_client::NewClient { id, client: client.clone(), partner_of, digest };
        let maker = actor.account().map(|user| Maker { user, role: actor.role, name: actor.name.clone() });
        match app.store.make_client(new, maker, now).await? {
            Ok(()) => Ok(Made { client: find_seen(app, actor, Action::WriteBook, id).await?, is_new: true }),
            Err(practice_client::Refusal::IsMade { digest: kept, .. }) => {
                // Who it is, is for those to know who see them.
                let Some(made) = book(app, actor, Action::WriteBook).await?.client(id).await? else {
                    return Err(Refusal::at("/id", format!("{id} is taken. Send a new UUIDv7, or leave it out.")));
                };
                if kept == Some(digest) {
                    return Ok(Made { client: made, is_new: false });
                }
                made_before(actor, made, client, partner_of.is_some())
            }
            Err(practice_client::Refusal::Unknown(partner)) => Err(no_partner(partner)),
            Err(practice_client::Refusal::HasPartner(partner)) => {
                let whose = called(actor, &find(app, partner).await?).unwrap_or_else(|| "this client".to_owned());
                let message =
                    format!("The household of {whose} has two people already. Make the client without a partner.");
                Err(Refusal::at("/partner_of", message))
            }
            Err(refusal) => Err(refusal.into()),
        }
    })
    .await
}

fn no_partner(id: ClientId) -> Refusal {
    Refusal::at("/partner_of", format!("There is no client {id} whose partner this could be."))
}

/// BLAKE3 of what is sent to make a client: equal for the same fields, in whatever order, however their blanks stand.
fn digest(values: &[(String, NewValue)], partner_of: Option<ClientId>) -> [u8; 32] {
    let said =
        |(field, value): &(String, NewValue)| Some((field.clone(), text::one_line(value.as_ref().ok()?.as_ref()?)));
    let said: BTreeMap<String, String> =
        values.iter().filter_map(said).filter(|(_, value)| !value.is_empty()).collect();
    let partner = partner_of.map(|partner| ("partner_of".to_owned(), partner.to_string()));
    let mut hasher = blake3::Hasher::new();
    for text in said.into_iter().chain(partner).flat_map(|(field, value)| [field, value]) {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().into()
}

/// The client who has the id already, made in other words or by an earlier version, where that client is what was sent.
fn made_before(actor: &Actor, made: StoredClient, sent: Client, is_partner: bool) -> Result<Made, Refusal> {
    let before = &made.client;
    // What the store adds to what is sent.
    let sent = Client {
        external_id: before.external_id.clone(),
        adviser_external_id: before.adviser_external_id.clone(),
        partner_external_id: before.partner_external_id.clone(),
        is_partner,
        ..sent
    };
    if sent == *before {
        return Ok(Made { client: made, is_new: false });
    }
    let whom = called(actor, &made).map(|name| format!(", {name}")).unwrap_or_default();
    let message = format!(
        "There is a client with this id already{whom}, and what was sent is something else. Nothing was kept of it: send it \
         with an id of its own, which a form has as soon as it is shown again, to add another client."
    );
    let mut refusal = Refusal::new(Kind::KeyReused, message.clone());
    refusal.fields.push(FieldError { pointer: "/id".to_owned(), message });
    Err(refusal)
}

/// The name of a client in a refusal; none where there is none, or the actor may change clients and not see them.
fn called(actor: &Actor, client: &StoredClient) -> Option<String> {
    let name = client.client.full_name();
    (!name.is_empty() && !matches!(reach(actor, Action::ReadBook), Reach::Nowhere { .. })).then_some(name)
}

/// A refusal with the errors of fields, each under its name.
pub(super) fn unfit(errors: Vec<field::FieldError>) -> Refusal {
    let error = |error: field::FieldError| FieldError { pointer: pointer_to(&error.field), message: error.message };
    Refusal::invalid(errors.into_iter().map(error).collect())
}

/// Changes fields of a client until the next sync: all of them, or none.
///
/// # Errors
/// Returns an error if there is no such client, or a field cannot be changed so.
pub async fn edit(
    app: &App,
    actor: &Actor,
    id: ClientId,
    changes: Vec<(String, NewValue)>,
    now: Timestamp,
) -> Result<StoredClient, Refusal> {
    audited(app, actor, ("clients.edit", Subject::new("client", id)), async move {
        scope::detail(&names(&changes));
        find_seen(app, actor, Action::EditClients, id).await?;
        if changes.is_empty() {
            let message = "There is nothing to change: name at least one field with its new value, such as `mobile`, or null to \
                           empty it.";
            return Err(Refusal::new(Kind::Invalid, message));
        }
        let (today, forms) = (today(app, now), app.connections.address_forms());
        let edit = Edit { client: id, changes, by: actor.name.clone(), at: now, today, forms, is_mobile };
        app.store.edit_client(edit).await?.map_err(unfit)?;
        find_seen(app, actor, Action::EditClients, id).await
    })
    .await
}

/// Takes a client who is not linked to the CRM out of lists, search and household.
///
/// # Errors
/// Returns an error if there is no such client, or the client is linked.
pub async fn remove(app: &App, actor: &Actor, id: ClientId, now: Timestamp) -> Result<(), Refusal> {
    audited(app, actor, ("clients.remove", Subject::new("client", id)), async move {
        find_seen(app, actor, Action::WriteBook, id).await?;
        Ok(app.store.remove_client(id, now).await??)
    })
    .await
}

/// Takes [`remove`] back.
///
/// # Errors
/// Fails as [`remove`] does.
pub async fn restore(app: &App, actor: &Actor, id: ClientId, now: Timestamp) -> Result<StoredClient, Refusal> {
    audited(app, actor, ("clients.restore", Subject::new("client", id)), async move {
        find_seen(app, actor, Action::WriteBook, id).await?;
        app.store.restore_client(id, now).await??;
        find_seen(app, actor, Action::WriteBook, id).await
    })
    .await
}

/// A record of a CRM, as somebody wrote it.
#[derive(Clone, Copy, Debug)]
pub struct Link<'w> {
    /// The connection of the CRM that the record is in.
    pub connection: &'w str,
    /// The client's id there.
    pub external_id: &'w str,
}

/// Links a client to a record of the CRM: the next sync brings its values to this client and makes no other.
///
/// # Errors
/// Returns an error if there is no such client or connection, the site is not known as the connection's, the id is none
/// or another client's, or the client is linked or lives with somebody of another connection.
pub async fn link(
    app: &App,
    actor: &Actor,
    id: ClientId,
    to: Link<'_>,
    now: Timestamp,
) -> Result<StoredClient, Refusal> {
    audited(app, actor, ("clients.link", Subject::new("client", id)), async move {
        // A link joins households, and takes whichever record of the CRM: it is for those who see the whole book.
        may(actor, Action::ManageBook)?;
        let book = book(app, actor, Action::ManageBook).await?;
        book.client(id).await?.ok_or_else(|| no_client(id))?;
        let connection = to.connection.parse::<ConnectionName>().ok().and_then(|name| app.connections.get(&name));
        let unknown = || Refusal::at("/connection", format!("There is no connection `{}`.", to.connection));
        let connection = connection.ok_or_else(unknown)?;
        if let Some(why) = connection.unknown_site() {
            return Err(Refusal::at("/connection", why));
        }
        let external_id = connection.spec.crm.id_column.form.read(to.external_id);
        let external_id = external_id.map_err(|error| Refusal::at("/external_id", error.to_string()))?;
        match app.store.link_client(id, connection.name.clone(), external_id, now).await? {
            Ok(()) => find(app, id).await,
            Err(practice_client::Refusal::IsTaken { id, client }) => {
                // Who it is, is for those to know who see that one.
                let whose = match book.client(client).await? {
                    Some(other) => match called(actor, &other) {
                        Some(name) => format!(", {name} ({client})"),
                        None => format!(", {client}"),
                    },
                    None => String::new(),
                };
                let message = format!("{id} is linked to another client{whose}. Unlink or remove that one first.");
                Err(Refusal::at("/external_id", message))
            }
            Err(refusal) => Err(refusal.into()),
        }
    })
    .await
}

/// Takes a client's link to the CRM back. The client stays as it is.
///
/// # Errors
/// Returns an error if there is no such client, or it is not linked.
pub async fn unlink(app: &App, actor: &Actor, id: ClientId, now: Timestamp) -> Result<StoredClient, Refusal> {
    audited(app, actor, ("clients.unlink", Subject::new("client", id)), async move {
        may(actor, Action::ManageBook)?;
        app.store.unlink_client(id, now).await?.map_err(|why| match why {
            practice_client::Refusal::IsHeld(hold) => {
                let besides = "Unlinking would take the CRM’s record out from under it.";
                Refusal::of_hold(app, "Nothing was changed", &hold, besides)
            }
            other => other.into(),
        })?;
        find(app, id).await
    })
    .await
}

/// A client who was read from the CRM.
#[derive(Debug)]
pub struct Synced {
    /// The connection of the CRM that was read.
    pub connection: ConnectionName,
    /// The client's id there.
    pub external_id: ExternalId,
    /// The result of the sync.
    pub outcome: SyncedClient,
}

/// Reads one client from the CRM and brings it over, within seconds.
///
/// # Errors
/// Returns an error if there is no such client, it is not linked, its connection does not run, or the CRM fails.
pub async fn sync(app: &App, actor: &Actor, id: ClientId) -> Result<Synced, Refusal> {
    audited(app, actor, ("clients.sync", Subject::new("client", id)), async move {
        may(actor, Action::ControlRuns)?;
        let StoredClient { client, origin, .. } = find(app, id).await?;
        let (connection, external_id) = (origin.connection, client.external_id);
        let outcome = runs::one(app, &connection, &external_id).await?;
        Ok(Synced { connection, external_id, outcome })
    })
    .await
}

/// The same by the CRM's id, for a client that the practice need not have yet.
///
/// # Errors
/// Returns an error if it is no id, there is no such connection, it does not run, or the CRM fails.
pub async fn sync_by_external_id(
    app: &App,
    actor: &Actor,
    connection: ConnectionName,
    id: &str,
) -> Result<Synced, Refusal> {
    audited(app, actor, ("clients.sync_by_external_id", Subject::new("connection", &connection)), async move {
        may(actor, Action::ControlRuns)?;
        let external_id = app.connections.id_column(&connection).form.read(id);
        let external_id =
            external_id.map_err(|error| Refusal::new(Kind::Malformed, format!("{error} The CRM was not asked.")))?;
        let outcome = runs::one(app, &connection, &external_id).await?;
        Ok(Synced { connection, external_id, outcome })
    })
    .await
}

async fn find(app: &App, id: ClientId) -> Result<StoredClient, Refusal> {
    app.store.client(id).await?.ok_or_else(|| no_client(id))
}

/// The client of whom the actor may do the action.
async fn find_seen(app: &App, actor: &Actor, action: Action, id: ClientId) -> Result<StoredClient, Refusal> {
    book(app, actor, action).await?.client(id).await?.ok_or_else(|| no_client(id))
}

fn no_client(id: ClientId) -> Refusal {
    Refusal::not_found(format_args!("client {id}"))
}

/// The practice's day.
fn today(app: &App, now: Timestamp) -> Date {
    now.to_zoned(app.config.practice.time_zone.clone()).date()
}

impl From<practice_client::Refusal> for Refusal {
    fn from(refusal: practice_client::Refusal) -> Self {
        use practice_client::Refusal as Why;
        match refusal {
            Why::Unknown(id) => Self::not_found(format_args!("client {id}")),
            Why::IsMade { id, .. } => Self::new(Kind::WrongState, format!("The client {id} was made before.")),
            Why::IsTakenId(id) => Self::at(
                "/id",
                format!(
                    "{id} is the id of something else here, and not of a client. Send a new UUIDv7, or leave it out."
                ),
            ),
            Why::HasPartner(id) => {
                Self::new(Kind::WrongState, format!("The household of {id} has two people already."))
            }
            // To which record, is for those to know who see the client.
            Why::IsLinked { connection, .. } => Self::new(
                Kind::WrongState,
                format!("The client is linked to a record of the connection `{connection}`. Unlink it first."),
            ),
            // A refused unlinking says more: see `unlink`.
            held @ Why::IsHeld(_) => Self::new(Kind::WrongState, format!("Nothing was changed: {held}.")),
            Why::IsNotLinked => {
                Self::new(Kind::WrongState, "The client is not linked to the CRM, so there is nothing to take back.")
            }
            Why::IsLeftOut => Self::new(
                Kind::WrongState,
                "A rule leaves this client's record in the CRM out of the book. Nothing was changed: let it in first, by the \
                 rules of the pack or by going back to the revision before.",
            ),
            Why::IsTaken { id, client } => Self::at(
                "/external_id",
                format!("{id} is linked to another client, {client}. Unlink or remove that one first."),
            ),
            Why::IsErased(id) => Self::new(
                Kind::WrongState,
                format!(
                    "{id} is of somebody who was erased here. Nothing was changed. A practice manager can lift the erasure, \
                     under Settings, Privacy."
                ),
            ),
            Why::LivesElsewhere(connection) => Self::at(
                "/connection",
                format!("The client shares a household with somebody from `{connection}`. Link to that connection."),
            ),
        }
    }
}
