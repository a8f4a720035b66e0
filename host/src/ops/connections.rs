//! Connections: added, changed, removed, authorised, checked, and what a person says of their sites.

use std::time::Duration;

use super::{Kind, Refusal, audited, may, may_freshly};
use crate::app::App;
use crate::domain::access::{Action, Actor};
use crate::domain::audit::Subject;
use crate::domain::text::full_stop;
use crate::domain::{ConnectionName, PreviewId, RevisionId, UserId};
use crate::integrations::{Activation, Attempt, Callback, CallbackError, Draft, Granted, Integration};
use crate::preview::Preview;

/// The time that a site may take to say who signs in, with everything that is tried again.
const LONGEST: Duration = Duration::from_secs(45);

/// Adds a connection. One with OAuth then waits to be authorised.
///
/// # Errors
/// Returns an error if a field does not fit.
pub async fn add(app: &App, actor: &Actor, draft: Draft) -> Result<Integration, Refusal> {
    audited(app, actor, ("connections.add", Subject::of_kind("connection")), async move {
        may_draft(actor, &draft)?;
        Ok(app.integrations.add(draft, &actor.name).await?)
    })
    .await
}

/// Changes a connection; what is left out stays.
///
/// # Errors
/// Returns an error if there is none of this name, it is in the settings file, or a field does not fit.
pub async fn change(app: &App, actor: &Actor, name: &ConnectionName, draft: Draft) -> Result<Integration, Refusal> {
    audited(app, actor, ("connections.change", Subject::new("connection", name)), async move {
        may_draft(actor, &draft)?;
        Ok(app.integrations.change(name, draft, &actor.name).await?)
    })
    .await
}

/// Goes on where the actor may add or change a connection so: with other secrets, only after a fresh sign-in.
fn may_draft(actor: &Actor, draft: &Draft) -> Result<(), Refusal> {
    let is_way_in = draft.raw.sign_in.is_some();
    if is_way_in { may_freshly(actor, Action::ManageConnections) } else { may(actor, Action::ManageConnections) }
}

/// Removes a connection. What it imported stays, and what its site authorised is forgotten.
///
/// # Errors
/// Returns an error if there is none of this name, or it is in the settings file.
pub async fn remove(app: &App, actor: &Actor, name: &ConnectionName) -> Result<(), Refusal> {
    audited(app, actor, ("connections.remove", Subject::new("connection", name)), async move {
        may(actor, Action::ManageConnections)?;
        Ok(app.integrations.remove(name).await?)
    })
    .await
}

/// Confirms that the CRM's ids of all clients who are in the practice already have been provided.
///
/// # Errors
/// Returns an error if there is none of this name.
pub async fn confirm_preflight(app: &App, actor: &Actor, name: &ConnectionName) -> Result<Integration, Refusal> {
    audited(app, actor, ("connections.confirm_preflight", Subject::new("connection", name)), async move {
        may(actor, Action::ManageConnections)?;
        Ok(app.integrations.confirm_preflight(name, &actor.name).await?)
    })
    .await
}

/// The statement of a person about the site that a connection leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SiteIs {
    /// The one that its clients are of, under another name.
    TheSame,
    /// One that another connection brought other clients of.
    Apart,
}

/// Keeps what somebody says of the site at `host`, and puts the connection to work there.
///
/// # Errors
/// Returns an error if there is none of this name, it does not ask that, or it leads elsewhere by now.
pub async fn say_of_site(
    app: &App,
    actor: &Actor,
    name: &ConnectionName,
    (host, is): (&str, SiteIs),
) -> Result<Integration, Refusal> {
    audited(app, actor, ("connections.say_of_site", Subject::new("connection", name)), async move {
        may(actor, Action::ManageConnections)?;
        Ok(match is {
            SiteIs::TheSame => app.integrations.confirm_same_site(name, host, &actor.name).await?,
            SiteIs::Apart => app.integrations.confirm_apart(name, host, &actor.name).await?,
        })
    })
    .await
}

/// The revision that is to come in force, and what was seen of it beforehand.
#[derive(Clone, Copy, Default, Debug)]
pub struct Wanted<'a> {
    /// The beginning of its digest; what stands in the connection's pack folder by now, if none.
    pub revision: Option<&'a str>,
    /// The preview that is followed.
    pub preview: Option<PreviewId>,
    /// The revision once more, written out: asked for where the preview shows a large change, or the breaker took it back.
    pub confirm: Option<&'a str>,
}

/// Puts a revision in force that the connection had staged or in force before, or what stands in its pack folder by now;
/// answers what was in force before.
///
/// # Errors
/// Returns an error if there is none of this name, it is disabled, the pack does not load, or the preview that is followed
/// is of another change.
pub async fn activate(
    app: &App,
    actor: &Actor,
    name: &ConnectionName,
    wanted: Wanted<'_>,
) -> Result<(Integration, RevisionId), Refusal> {
    audited(app, actor, ("connections.activate", Subject::new("connection", name)), async move {
        may(actor, Action::ManageConnections)?;
        let Wanted { revision, preview, confirm } = wanted;
        let _turn = app.previews.turn().await;
        let followed = super::revisions::followed(app, (name, revision), preview, confirm).await?;
        let shown =
            |preview: &Preview| preview.kinds.iter().map(|(kind, changes)| (*kind, changes.newly_rejected)).collect();
        let promised = followed.as_ref().map(shown).unwrap_or_default();
        let activated =
            app.integrations.activate(name, Activation { revision, promised, confirm }, &actor.name).await?;
        if let Some(preview) = followed {
            app.previews.spend(preview)?;
        }
        app.syncs.map_again(name).await?;
        Ok(activated)
    })
    .await
}

/// Puts the revision in force again that was before the one that is, which is `from` where the caller has seen it; answers
/// which was.
///
/// # Errors
/// Returns an error if there is none of this name, it is disabled, had no other revision, or another one is in force.
pub async fn roll_back(
    app: &App,
    actor: &Actor,
    name: &ConnectionName,
    from: Option<&str>,
) -> Result<(Integration, RevisionId), Refusal> {
    audited(app, actor, ("connections.roll_back", Subject::new("connection", name)), async move {
        may(actor, Action::ManageConnections)?;
        let _turn = app.previews.turn().await;
        let gone_back = app.integrations.roll_back(name, from, &actor.name).await?;
        app.syncs.map_again(name).await?;
        Ok(gone_back)
    })
    .await
}

/// Begins to authorise a connection on its site. Begun by a person, only that one can finish it.
///
/// # Errors
/// Returns an error if there is none of this name, or nothing is to be authorised.
pub async fn authorise(
    app: &App,
    actor: &Actor,
    name: &ConnectionName,
    user: Option<UserId>,
) -> Result<Attempt, Refusal> {
    audited(app, actor, ("connections.authorise", Subject::new("connection", name)), async move {
        may_freshly(actor, Action::ManageConnections)?;
        Ok(app.integrations.begin_authorisation(name, user).await?)
    })
    .await
}

/// Takes what a site sent a person back with.
///
/// # Errors
/// Returns an error if the person may not; inside, why the connection is not authorised.
pub async fn finish_authorisation(
    app: &App,
    actor: &Actor,
    callback: Callback,
    user: UserId,
) -> Result<Result<Granted, CallbackError>, Refusal> {
    audited(app, actor, ("connections.finish_authorisation", Subject::of_kind("connection")), async move {
        may(actor, Action::ManageConnections)?;
        Ok(app.integrations.finish_authorisation(callback, user, &actor.name).await)
    })
    .await
}

/// Signs in to the connection's site and asks as whom. Nothing is read or changed there.
///
/// # Errors
/// Returns an error if there is none of this name, it does not run, or the site refuses.
pub async fn check(app: &App, actor: &Actor, name: &ConnectionName) -> Result<String, Refusal> {
    audited(app, actor, ("connections.check", Subject::new("connection", name)), async move {
        may(actor, Action::ManageConnections)?;
        let one = app.integrations.one(name).await?;
        let obstacle = match &one.connection {
            Some(_) => one.auth_state().obstacle(),
            None => Some(one.problem.clone().unwrap_or_else(|| "It is disabled.".to_owned())),
        };
        let (Some(connection), None) = (&one.connection, &obstacle) else {
            let why = obstacle.unwrap_or_default();
            return Err(Refusal::new(Kind::WrongState, format!("The connection `{name}` is not at work. {why}")));
        };
        let failed = |message: String| Refusal::new(Kind::CrmFailed, message);
        match tokio::time::timeout(LONGEST, connection.connector.whoami()).await {
            Ok(Ok(user)) => Ok(user),
            Ok(Err(error)) => {
                let said = full_stop(&error.to_string());
                Err(failed(format!("{said} Check the forward host and how the connection signs in.")))
            }
            Err(_) => Err(failed(format!("The site took longer than {} seconds to answer.", LONGEST.as_secs()))),
        }
    })
    .await
}
