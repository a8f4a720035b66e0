//! The files of a revision that an operator edits: read, held against the plugin as they are edited, staged.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{OfParams, StagedBody, staged};
use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Body, BodyLimit, Params, PathPair, PathParam, page};
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::{ConnectionName, RevisionDigest};
use crate::ops;
use crate::pack::{EditableFile, FileKind, FileText, Problem as RuleProblem};

/// The largest body with edited files: what a pack's rules take many times over.
const LIMIT: BodyLimit = BodyLimit { what: "The files", megabytes: 4 };

/// All of `/api/v1/revisions/{id}` that is about its files.
pub fn routes() -> OpenApiRouter<App> {
    let (largest, limit) = LIMIT.layers();
    let bodies = OpenApiRouter::new().routes(routes!(check)).routes(routes!(stage_edited)).layer(largest).layer(limit);
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(one)).merge(bodies)
}

/// The connection whose revision is meant.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListParams {
    /// The connection.
    #[param(value_type = String)]
    connection: ConnectionName,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// The files of a revision that an operator edits, rule tables first: those whose folders are kept.
#[utoipa::path(
    get,
    path = "/api/v1/revisions/{id}/files",
    operation_id = "list_revision_files",
    tag = "revisions",
    security(("token" = []), ("session" = [])),
    params(("id" = String, Path, description = "Its digest, or the beginning of it"), ListParams),
    responses((status = 200, body = List<EditableFile>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<String>,
    params: Result<Params<ListParams>, Problem>,
) -> Result<Json<List<EditableFile>>, Problem> {
    caller.may(Action::ReadRuns)?;
    let Params(params) = params?;
    let page = page(params.limit, params.cursor)?;
    let (_, files) = app.integrations.rule_files(&params.connection, &id).await?;
    Ok(Json(List::cut("revision files", files, &page, |_, file| file.path.clone())?))
}

/// A file of a revision.
#[derive(Serialize, ToSchema)]
#[schema(as = RevisionFile)]
pub struct FileBody {
    /// The revision's whole digest.
    #[schema(value_type = String)]
    revision: RevisionDigest,
    /// The file's path in the pack's folder.
    path: String,
    /// Its kind.
    kind: FileKind,
    /// Its text, byte for byte; of one that only a base has so far, the text that the pack's own begins with.
    text: String,
    /// The base whose file it is, which is read here and not edited. Null where it is the pack's own.
    #[schema(required, example = "acme-base")]
    base: Option<String>,
    /// Whether the pack has this file, or one of its own in place of the base's.
    is_there: bool,
}

/// One of these files.
#[utoipa::path(
    get,
    path = "/api/v1/revisions/{id}/files/{path}",
    operation_id = "get_revision_file",
    tag = "revisions",
    security(("token" = []), ("session" = [])),
    params(
        ("id" = String, Path, description = "Its digest, or the beginning of it"),
        ("path" = String, Path, description = "The file's path, with `%2F` for each slash: `notes%2Fannual-review.completed.toml`"),
        OfParams
    ),
    responses((status = 200, body = FileBody))
)]
pub async fn one(
    caller: Caller,
    State(app): State<App>,
    PathPair(id, path): PathPair<String>,
    params: Result<Params<OfParams>, Problem>,
) -> Result<Json<FileBody>, Problem> {
    caller.may(Action::ReadRuns)?;
    let Params(OfParams { connection }) = params?;
    let (revision, file) = app.integrations.rule_file(&connection, &id, &path).await?;
    let FileText { kind, text, base, is_there, .. } = file;
    Ok(Json(FileBody { revision, path, kind, text, base, is_there }))
}

/// Files of a revision as they are edited.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EditedFiles)]
pub struct EditedBody {
    /// The texts, by the files' paths: those that differ, at most 20, each of 1 MB at most. Ends of lines stay as the files have
    /// them.
    #[schema(example = json!({ "rules.toml": "[client.titles]\n…" }))]
    files: BTreeMap<String, String>,
}

/// The problems with edited files.
#[derive(Serialize, ToSchema)]
#[schema(as = EditCheck)]
pub struct CheckBody {
    /// Whether none was found. The gates look at more: signature, templates, the operator's own cases.
    ok: bool,
    /// The problems, those in the way of the others first; at most 50.
    problems: Vec<RuleProblem>,
}

/// Holds files of a revision, as they are edited, against their plugin: what cannot be read, what is not known and which name
/// is nearest, the examples and fixtures that come out otherwise. Nothing is changed, and nothing is kept.
#[utoipa::path(
    post,
    path = "/api/v1/revisions/{id}/check",
    operation_id = "check_revision_files",
    tag = "revisions",
    security(("token" = []), ("session" = [])),
    params(("id" = String, Path, description = "Its digest, or the beginning of it"), OfParams),
    request_body = EditedBody,
    responses((status = 200, body = CheckBody))
)]
pub async fn check(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<String>,
    params: Result<Params<OfParams>, Problem>,
    body: Result<Body<EditedBody>, Problem>,
) -> Result<Json<CheckBody>, Problem> {
    caller.may(Action::ManageConnections)?;
    let (Params(OfParams { connection }), Body(EditedBody { files })) = (params?, body?);
    let problems = app.integrations.check_edit(&connection, &id, &files).await?;
    Ok(Json(CheckBody { ok: problems.is_empty(), problems }))
}

/// Files of a revision as they are edited, to be staged.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StagedFiles)]
pub struct StageBody {
    /// The texts, by the files' paths: those that differ, at most 20, each of 1 MB at most. Ends of lines stay as the files have
    /// them.
    files: BTreeMap<String, String>,
    /// The revision in force, as the caller has seen it: where another one is by now, nothing is staged. Null stages whatever
    /// is in force.
    #[serde(default)]
    in_force: Option<String>,
}

/// Stages a revision's files as they are edited, as a revision of their own: what is kept of it, with these texts in place of
/// its files, goes through the same gates as what is brought. Nothing comes in force by this.
#[utoipa::path(
    post,
    path = "/api/v1/revisions/{id}/edit",
    operation_id = "stage_edited_revision",
    tag = "revisions",
    security(("token" = []), ("session" = [])),
    params(("id" = String, Path, description = "Its digest, or the beginning of it"), OfParams),
    request_body = StageBody,
    responses(
        (status = 200, description = "It went through all gates", body = StagedBody),
        (status = 422, description = "It did not, and nothing was kept", body = StagedBody)
    )
)]
pub async fn stage_edited(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<String>,
    params: Result<Params<OfParams>, Problem>,
    body: Result<Body<StageBody>, Problem>,
) -> Result<Response, Problem> {
    caller.may(Action::ManageConnections)?;
    let (Params(OfParams { connection }), Body(StageBody { files, in_force })) = (params?, body?);
    let edited = (id.as_str(), &files);
    Ok(staged(ops::revisions::stage_edited(&app, caller.actor(), &connection, edited, in_force.as_deref()).await?))
}
