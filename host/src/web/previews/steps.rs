//! The steps around a preview: bringing a revision, previewing it, putting it in force, letting go of it. Each leads to a page,
//! so that a reload does nothing twice.

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use serde::Deserialize;

use super::{NO_PREVIEW, path};
use crate::app::App;
use crate::domain::PreviewId;
use crate::domain::access::Action;
use crate::domain::text::full_stop;
use crate::intake::{NotRead, Sending};
use crate::integrations::Staged;
use crate::ops::connections::Wanted;
use crate::ops::{self, Kind};
use crate::pack::{GateOutcome, LARGEST_ARCHIVE};
use crate::web::answers::{Answers, Checked};
use crate::web::failure::Failure;
use crate::web::format::{self, gate_name};
use crate::web::integrations::{parse, path as path_of};
use crate::web::session::SignedIn;

/// `POST /settings/integrations/{name}/revisions/{revision}/preview`
pub(in crate::web) async fn start(
    State(app): State<App>,
    person: SignedIn,
    Path((name, revision)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let preview = ops::revisions::preview(&app, person.actor(), &parse(&name)?, &revision).await?;
    Ok(Redirect::to(&path(&preview)).into_response())
}

/// `POST /settings/integrations/{name}/previews/{id}/cancel`
pub(in crate::web) async fn cancel(
    State(app): State<App>,
    person: SignedIn,
    Path((_, id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let preview = ops::revisions::cancel_preview(&app, person.actor(), id.parse().map_err(|_| NO_PREVIEW)?).await?;
    Ok(Redirect::to(&path(&preview)).into_response())
}

/// `POST /settings/integrations/{name}/revisions`, from the form that brings a pack, or from the button that takes what
/// stands in the packs' folder.
pub(in crate::web) async fn stage(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Failure> {
    person.may(Action::ManageConnections)?;
    let name = parse(&name)?;
    let archive = app.intake.take(person.actor().account(), archive(request)).await?;
    let Staged { revision, gates } = ops::revisions::stage(&app, person.actor(), &name, archive).await?;
    let checked = match revision {
        Some(revision) => Checked::good(format!(
            "Revision {} is staged. Preview it below to see what it would change.",
            revision.id()
        )),
        None => Checked {
            is_good: false,
            message: "The pack was refused. Nothing was kept, and what is in force stays so.".to_owned(),
            lines: gates.iter().filter(|gate| !gate.ok).map(refused).collect(),
        },
    };
    Ok(answers.lead(&path_of(&name), person.user(), checked))
}

/// A gate that a pack did not go through, in a person's words.
fn refused(outcome: &GateOutcome) -> String {
    let reason = outcome.reason.as_deref().unwrap_or_default();
    full_stop(&format!("{}: {reason}", gate_name(outcome.gate)))
}

/// The archive of a form; none where it has no file.
async fn archive(request: Request) -> Result<Option<Vec<u8>>, NotRead> {
    let sending = Sending::of(request, LARGEST_ARCHIVE)?;
    if !sending.is_form() {
        return Ok(None);
    }
    let mut form = sending.form()?.of_parts(&["file"]);
    // An empty file is refused as an archive, and not taken for what stands in the packs' folder.
    let Some(part) = form.next().await? else { return Ok(Some(Vec::new())) };
    let bytes = part.bytes(LARGEST_ARCHIVE).await?;
    form.next().await?;
    Ok(Some(bytes))
}

/// `POST /settings/integrations/{name}/revisions/{revision}/discard`
pub(in crate::web) async fn discard(
    State(app): State<App>,
    person: SignedIn,
    Path((name, revision)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let name = parse(&name)?;
    ops::revisions::discard(&app, person.actor(), &name, &revision).await?;
    Ok(Redirect::to(&path_of(&name)).into_response())
}

/// What the form of a preview says, or that of a connection's page.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct ActivateForm {
    revision: Option<String>,
    preview: Option<String>,
    confirm: Option<String>,
}

/// `POST /settings/integrations/{name}/activate`, from a preview's page, or from that of a connection whose pack does not load.
pub(in crate::web) async fn activate(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path(name): Path<String>,
    Form(form): Form<ActivateForm>,
) -> Result<Response, Failure> {
    let name = parse(&name)?;
    let preview = form.preview.as_deref().map(|id| id.parse::<PreviewId>().map_err(|_| Failure::Unreadable));
    let preview = preview.transpose()?;
    let wanted = Wanted { revision: form.revision.as_deref(), preview, confirm: form.confirm.as_deref() };
    let (one, before) = match (ops::connections::activate(&app, person.actor(), &name, wanted).await, preview) {
        (Ok(done), _) => done,
        // What does not fit is said where the form stands.
        (Err(refusal), Some(id)) if [Kind::Invalid, Kind::WrongState].contains(&refusal.kind) => {
            let Ok(seen) = app.previews.one(id) else { return Err(refusal.into()) };
            let why = refusal.fields.first().map_or(refusal.message.clone(), |field| field.message.clone());
            let why = full_stop(&format::sentence(&why));
            return Ok(answers.lead(&path(&seen), person.user(), Checked::bad(why)));
        }
        (Err(refusal), _) => return Err(refusal.into()),
    };
    let now = one.connection.as_ref().map_or(before, |connection| connection.revision().id());
    let message = if now == before {
        format!("Revision {now} of {} is in force already.", one.spec.pack)
    } else {
        format!("Revision {now} of {} is in force, in place of {before}.", one.spec.pack)
    };
    Ok(answers.lead(&path_of(&name), person.user(), Checked::good(message)))
}
