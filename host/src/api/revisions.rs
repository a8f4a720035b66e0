//! Revisions of packs that are brought: staged, seen on the whole book, let go of.

mod files;

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::caller::Caller;
use crate::api::extract::{Params, PathParam};
use crate::api::problem::{FieldError, Kind, Problem};
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::{ConnectionName, RevisionDigest, RevisionId};
use crate::intake::{Sending, whole};
use crate::integrations::Staged;
use crate::ops;
use crate::pack::{GateOutcome, LARGEST_ARCHIVE};
use crate::preview::Preview;

/// The time for which an answer waits for a preview, unless the caller prefers otherwise, and the longest.
const WAIT: Duration = Duration::from_secs(10);
/// See [`WAIT`].
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The media types by which an archive may come as the body.
const ARCHIVES: [&str; 6] =
    ["", "application/x-tar", "application/tar", "application/gzip", "application/x-gzip", "application/octet-stream"];

/// All of `/api/v1/revisions`. The size of an archive is bounded where it is read.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(stage)).routes(routes!(discard)).routes(routes!(preview)).merge(files::routes())
}

/// The connection that is meant.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OfParams {
    /// The connection.
    #[param(value_type = String)]
    connection: ConnectionName,
}

/// A revision that was brought, and what became of it.
#[derive(Serialize, ToSchema)]
#[schema(as = StagedRevision)]
pub struct StagedBody {
    /// The revision; null where it did not go through all gates, of which nothing is kept.
    #[schema(value_type = Option<String>, example = "8c21f0e9a3b7")]
    revision: Option<RevisionId>,
    /// Its whole digest.
    #[schema(value_type = Option<String>)]
    digest: Option<RevisionDigest>,
    /// The state: `verified` (it can be seen on the book and put in force) or `refused`.
    #[schema(schema_with = schema::staged_state)]
    state: &'static str,
    /// The gates that were tried, in their order: those behind one that it does not go through may be left out.
    gates: Vec<GateBody>,
}

/// A gate that a revision has to go through.
#[derive(Serialize, ToSchema)]
#[schema(as = Gate)]
pub struct GateBody {
    /// The gate.
    #[schema(schema_with = schema::gate)]
    gate: crate::pack::Gate,
    /// Whether it went through.
    ok: bool,
    /// The reason why it did not; lines, where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl From<Staged> for StagedBody {
    fn from(Staged { revision, gates }: Staged) -> Self {
        Self {
            revision: revision.as_ref().map(|revision| revision.id()),
            digest: revision.as_ref().map(|revision| revision.digest()),
            state: if revision.is_some() { "verified" } else { "refused" },
            gates: gates.into_iter().map(GateBody::from).collect(),
        }
    }
}

impl From<GateOutcome> for GateBody {
    fn from(GateOutcome { gate, ok, reason }: GateOutcome) -> Self {
        Self { gate, ok, reason }
    }
}

/// A form that brings a pack.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes what a form has")]
struct UploadForm {
    /// The archive.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Brings a revision of a connection's pack and leads it through the gates; nothing else changes. The pack's folder comes as
/// a tar archive, gzipped or not: as the body, or as the part `file` of a form. Without a body it is what stands in the
/// packs' folder by now.
#[utoipa::path(
    post,
    path = "/api/v1/revisions",
    operation_id = "stage_revision",
    tag = "revisions",
    security(("token" = []), ("session" = [])),
    params(OfParams),
    request_body(content(
        (Vec<u8> = "application/x-tar"),
        (UploadForm = "multipart/form-data")
    ), description = "The pack's folder"),
    responses(
        (status = 200, description = "It went through all gates", body = StagedBody),
        (status = 422, description = "It did not, and nothing was kept", body = StagedBody)
    )
)]
pub async fn stage(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<OfParams>, Problem>,
    request: Request,
) -> Result<Response, Problem> {
    caller.may(Action::ManageConnections)?;
    let Params(OfParams { connection }) = params?;
    let archive = app.intake.take(caller.actor().account(), archive(request)).await?;
    Ok(staged(ops::revisions::stage(&app, caller.actor(), &connection, archive).await?))
}

/// The answer about a revision that was brought; its status says whether it went through.
fn staged(staged: Staged) -> Response {
    let status = if staged.revision.is_some() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    (status, Json(StagedBody::from(staged))).into_response()
}

/// The archive of a request; none where it declares none.
async fn archive(request: Request) -> Result<Option<Vec<u8>>, Problem> {
    let sending = Sending::of(request, LARGEST_ARCHIVE)?;
    let empty = |pointer: &str| {
        let detail = "there is nothing in it: send a tar archive of the pack's folder, or nothing at all for what stands in \
                      the packs' folder";
        Problem::invalid(vec![FieldError { pointer: pointer.to_owned(), detail: detail.to_owned() }])
    };
    if sending.is_form() {
        let mut form = sending.form()?.of_parts(&["file"]);
        let Some(part) = form.next().await? else { return Err(empty("/file")) };
        let bytes = part.bytes(LARGEST_ARCHIVE).await?;
        form.next().await?;
        return if bytes.is_empty() { Err(empty("/file")) } else { Ok(Some(bytes)) };
    }
    let media_type = sending.kind();
    let bytes = whole(sending.body, LARGEST_ARCHIVE).await?;
    match media_type.as_str() {
        "" if bytes.is_empty() => Ok(None),
        // Programs that speak JSON only say nothing so.
        "application/json" if [&b""[..], b"null", b"{}"].contains(&bytes.trim_ascii()) => Ok(None),
        archive if ARCHIVES.contains(&archive) && bytes.is_empty() => Err(empty("")),
        archive if ARCHIVES.contains(&archive) => Ok(Some(bytes)),
        other => {
            let detail = format!(
                "Nothing was kept. Send a tar archive of the pack's folder as `application/x-tar`, or as the part `file` of \
                 `multipart/form-data`, not `{other}`."
            );
            Err(Problem::new(Kind::WrongMediaType, detail))
        }
    }
}

/// Lets go of a revision that is staged and was never in force.
#[utoipa::path(
    delete,
    path = "/api/v1/revisions/{id}",
    operation_id = "discard_revision",
    tag = "revisions",
    security(("token" = []), ("session" = [])),
    params(("id" = String, Path, description = "Its digest, or the beginning of it"), OfParams),
    responses((status = 204))
)]
pub async fn discard(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<String>,
    params: Result<Params<OfParams>, Problem>,
) -> Result<StatusCode, Problem> {
    caller.may(Action::ManageConnections)?;
    let Params(OfParams { connection }) = params?;
    ops::revisions::discard(&app, caller.actor(), &connection, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Maps the whole book by a revision, without asking the CRM, and holds it against what is stored. Nothing changes. Answers
/// when it is done, or after ten seconds as it is by then (`Prefer: wait=N`, 60 at most, or `respond-async`); its address
/// has it from then on, for a week.
#[utoipa::path(
    post,
    path = "/api/v1/revisions/{id}/preview",
    operation_id = "preview_revision",
    tag = "revisions",
    security(("token" = []), ("session" = [])),
    params(
        ("id" = String, Path, description = "Its digest, or the beginning of it"),
        OfParams,
        ("Prefer" = Option<String>, Header, description = "`wait=N` for N seconds, or `respond-async`")
    ),
    responses(
        (status = 200, description = "Done", body = Preview, headers(("Location" = String, description = "The preview's address"))),
        (status = 202, description = "Under way", body = Preview, headers(("Location" = String, description = "The preview's address")))
    )
)]
pub async fn preview(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<String>,
    params: Result<Params<OfParams>, Problem>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.may(Action::ManageConnections)?;
    let Params(OfParams { connection }) = params?;
    let begun = ops::revisions::preview(&app, caller.actor(), &connection, &id).await?;
    if let Some(mut progress) = app.previews.watch(begun.id) {
        let ended = progress.wait_for(|preview| preview.state.is_finished());
        // Whether it ended or goes on is seen below.
        drop(tokio::time::timeout(preferred(&headers), ended).await);
    }
    let preview = app.previews.one(begun.id).map_err(ops::Refusal::from)?;
    let status = if preview.state.is_finished() { StatusCode::OK } else { StatusCode::ACCEPTED };
    let location = format!("/api/v1/previews/{}", preview.id);
    Ok((status, [(LOCATION, location)], Json(preview)).into_response())
}

/// The time for which the caller prefers to wait (RFC 7240).
fn preferred(headers: &HeaderMap) -> Duration {
    let texts = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut wait = WAIT;
    for preference in texts.flat_map(|text| text.split(',')).map(str::trim) {
        if preference.eq_ignore_ascii_case("respond-async") {
            wait = Duration::ZERO;
        } else if let Some(seconds) = preference.strip_prefix("wait=").and_then(|text| text.trim().parse().ok()) {
            wait = Duration::from_secs(seconds).min(LONGEST_WAIT);
        }
    }
    wait
}
