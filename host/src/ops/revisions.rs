//! Revisions of packs: brought, seen on the whole book beforehand, let go of. Putting one in force is a verb of
//! [`super::connections`].

use uuid::Uuid;

use super::{Kind, Refusal, audited, may};
use crate::app::App;
use crate::domain::access::{Action, Actor};
use crate::domain::audit::Subject;
use crate::domain::{ConnectionName, PreviewId, RevisionDigest};
use crate::integrations::{RuleDraft, Staged, Typed, is_written_out};
use crate::pack::Edited;
use crate::preview::{Preview, PreviewError, PreviewState};

/// Takes in a revision of a connection's pack, an archive of its folder or what stands in the packs' folder by now, and
/// leads it through the gates. Nothing else changes.
///
/// # Errors
/// Returns an error if there is no such connection. A pack that does not go through the gates is no error.
pub async fn stage(
    app: &App,
    actor: &Actor,
    name: &ConnectionName,
    archive: Option<Vec<u8>>,
) -> Result<Staged, Refusal> {
    audited(app, actor, ("revisions.stage", Subject::new("connection", name)), async move {
        may(actor, Action::ManageConnections)?;
        app.store.space().admit()?;
        Ok(app.integrations.stage(name, archive, &actor.name).await?)
    })
    .await
}

/// Stages a revision's files as they are edited, as a revision of their own, through the same gates. `in_force` is the
/// revision that was in force for whoever edited them, where they saw which one.
///
/// # Errors
/// Returns an error if there is no such connection, revision or file, nothing differs, or another revision is in force by
/// now. Files that do not go through the gates are no error.
pub async fn stage_edited(
    app: &App,
    actor: &Actor,
    name: &ConnectionName,
    (revision, edited): (&str, &Edited),
    in_force: Option<&str>,
) -> Result<Staged, Refusal> {
    audited(app, actor, ("revisions.stage_edited", Subject::new("connection", name)), async move {
        may(actor, Action::ManageConnections)?;
        app.store.space().admit()?;
        Ok(app.integrations.stage_edited(name, (revision, edited), in_force, &actor.name).await?)
    })
    .await
}

/// Keeps a file as somebody typed it, in a draft.
///
/// # Errors
/// Returns an error if there is no such connection, revision, file or draft.
pub async fn keep_draft(
    app: &App,
    actor: &Actor,
    name: &ConnectionName,
    typed: Typed<'_>,
) -> Result<RuleDraft, Refusal> {
    audited(app, actor, ("revisions.keep_draft", Subject::new("connection", name)), async move {
        may(actor, Action::ManageConnections)?;
        app.store.space().admit()?;
        Ok(app.integrations.keep_draft(name, typed, &actor.name).await?)
    })
    .await
}

/// Stages a draft. One that went through the gates is forgotten; the others keep what refused them.
///
/// # Errors
/// Returns an error if there is no such connection or draft, nothing differs in it, or another revision is in force by now.
pub async fn stage_draft(app: &App, actor: &Actor, name: &ConnectionName, id: Uuid) -> Result<Staged, Refusal> {
    audited(app, actor, ("revisions.stage_draft", Subject::new("connection", name)), async move {
        may(actor, Action::ManageConnections)?;
        app.store.space().admit()?;
        app.integrations.one(name).await?;
        let draft = app.integrations.draft(name, id).await?;
        let base = draft.base.to_string();
        let in_force = draft.in_force.map(|digest| digest.to_string());
        let staged =
            app.integrations.stage_edited(name, (&base, &draft.files), in_force.as_deref(), &actor.name).await?;
        if staged.revision.is_some() {
            app.integrations.discard_draft(name, id).await?;
        } else {
            app.integrations.keep_refused(draft, staged.gates.clone()).await?;
        }
        Ok(staged)
    })
    .await
}

/// Gives up a draft.
///
/// # Errors
/// Returns an error if there is no such connection or draft.
pub async fn discard_draft(app: &App, actor: &Actor, name: &ConnectionName, id: Uuid) -> Result<RuleDraft, Refusal> {
    audited(app, actor, ("revisions.discard_draft", Subject::new("connection", name)), async move {
        may(actor, Action::ManageConnections)?;
        app.integrations.one(name).await?;
        Ok(app.integrations.discard_draft(name, id).await?)
    })
    .await
}

/// Lets go of a revision that is staged and was never in force.
///
/// # Errors
/// Returns an error if the connection never had it, or had it in force.
pub async fn discard(
    app: &App,
    actor: &Actor,
    name: &ConnectionName,
    revision: &str,
) -> Result<RevisionDigest, Refusal> {
    audited(app, actor, ("revisions.discard", Subject::new("connection", name)), async move {
        may(actor, Action::ManageConnections)?;
        Ok(app.integrations.discard_revision(name, revision).await?)
    })
    .await
}

/// Begins to map the whole book by a revision and to hold that against what is stored. Answers the preview as it begins;
/// one of the same that is under way already goes on.
///
/// # Errors
/// Returns an error if the connection never had the revision, is not at work, or has it in force.
pub async fn preview(app: &App, actor: &Actor, name: &ConnectionName, revision: &str) -> Result<Preview, Refusal> {
    audited(app, actor, ("revisions.preview", Subject::new("connection", name)), async move {
        may(actor, Action::ManageConnections)?;
        app.store.space().admit()?;
        let to = app.integrations.known_revision(name, revision).await?;
        let Some(connection) = app.connections.get(name) else {
            let why = format!("The connection `{name}` is not at work, so that nothing says what is in force.");
            return Err(Refusal::new(Kind::WrongState, why));
        };
        let from = connection.revision();
        if from.digest() == to.digest() {
            let why = format!("Revision {} is in force for `{name}` already: nothing would change.", to.id());
            return Err(Refusal::new(Kind::WrongState, why));
        }
        Ok(app.previews.start(&connection, to, &actor.name)?)
    })
    .await
}

/// Ends a preview that is under way.
///
/// # Errors
/// Returns an error if there is none of this id, or it has ended.
pub async fn cancel_preview(app: &App, actor: &Actor, id: PreviewId) -> Result<Preview, Refusal> {
    audited(app, actor, ("revisions.cancel_preview", Subject::new("preview", id)), async move {
        may(actor, Action::ManageConnections)?;
        let is_told = app.previews.cancel(id);
        let preview = app.previews.one(id)?;
        if is_told {
            return Ok(preview);
        }
        let why = "This preview has ended already. Nothing was changed.";
        Err(Refusal::new(Kind::WrongState, why))
    })
    .await
}

/// The preview that somebody follows who puts a revision in force: it has to be of that very change, and not followed yet.
/// Where none is named, it is the newest of that change, if there is one. Where it shows a large change, `confirm` has to be
/// the revision, written out.
///
/// # Errors
/// Returns an error that says why it cannot be followed.
pub(super) async fn followed(
    app: &App,
    (name, revision): (&ConnectionName, Option<&str>),
    id: Option<PreviewId>,
    confirm: Option<&str>,
) -> Result<Option<Preview>, Refusal> {
    let now = app.connections.get(name).map(|connection| connection.revision());
    let preview = match (id, revision, &now) {
        (Some(id), ..) => {
            let preview = app.previews.one(id)?;
            let in_force = now.map(|now| now.digest());
            if let Some(why) = stale(&preview, name, revision, in_force) {
                return Err(Refusal::new(Kind::WrongState, format!("Nothing was changed: {why}. Make it anew.")));
            }
            Some(preview)
        }
        (None, Some(revision), Some(now)) => {
            let to = app.integrations.known_revision(name, revision).await?;
            app.previews.of_pair(name, (now.digest(), to.digest()))?.filter(|seen| seen.activated_at.is_none())
        }
        (None, ..) => None,
    };
    match &preview {
        Some(preview) if preview.is_large && !is_written_out(confirm, preview.to_digest) => {
            let message =
                format!("{}. If that is what is meant, write out the revision: {}", preview.size(), preview.to);
            Err(Refusal::at("/confirm", message))
        }
        None if confirm.is_some() && confirm.map(str::trim) != revision.map(str::trim) => {
            Err(Refusal::at("/confirm", "it is to be the revision that is put in force, written out once more"))
        }
        _ => Ok(preview),
    }
}

/// The reason why a preview cannot be followed; none where it can.
fn stale(
    preview: &Preview,
    name: &ConnectionName,
    revision: Option<&str>,
    in_force: Option<RevisionDigest>,
) -> Option<String> {
    let is_of = |revision: &str| preview.to_digest.to_string().starts_with(&revision.to_ascii_lowercase());
    if preview.connection != *name {
        return Some(format!("the preview is of the connection `{}`", preview.connection));
    }
    if !revision.is_some_and(is_of) {
        return Some(format!("the preview is of revision {}", preview.to));
    }
    if preview.state != PreviewState::Done {
        return Some("the preview did not come to its end".to_owned());
    }
    if preview.activated_at.is_some() {
        return Some("the preview was followed already".to_owned());
    }
    let is_other = in_force != Some(preview.from_digest);
    is_other.then(|| format!("the preview is of a change from {}, which is no longer in force", preview.from))
}

impl From<PreviewError> for Refusal {
    fn from(error: PreviewError) -> Self {
        match error {
            PreviewError::Unknown(_) => Self::new(Kind::NotFound, format!("{error}.")),
            PreviewError::Store(error) => error.into(),
            PreviewError::Io(_) => {
                tracing::error!(%error, "a preview failed");
                Self::internal().because(error)
            }
        }
    }
}
