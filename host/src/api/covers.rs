//! Covers of insurance policies.

use axum::Json;
use axum::extract::State;

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{NoParams, Params, PathParam, page};
use crate::api::goals::WhoseParams;
use crate::api::listed::ListedBody;
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::{Cover, CoverId};

/// A cover as it is answered.
pub type CoverBody = ListedBody<Cover>;

/// Covers in the CRM's order, those that are gone behind. Covers of one policy share its number.
#[utoipa::path(
    get,
    path = "/api/v1/covers",
    operation_id = "list_covers",
    tag = "covers",
    security(("token" = []), ("session" = [])),
    params(WhoseParams),
    responses((status = 200, body = List<CoverBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Params(params): Params<WhoseParams>,
) -> Result<Json<List<CoverBody>>, Problem> {
    caller.may(Action::ReadBook)?;
    let whose = params.whose()?;
    let page = page(params.limit, params.cursor)?;
    Ok(Json(List::of(app.store.covers(whose, page).await?)))
}

/// One cover.
#[utoipa::path(
    get,
    path = "/api/v1/covers/{id}",
    operation_id = "get_cover",
    tag = "covers",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The cover's id")),
    responses((status = 200, body = CoverBody))
)]
pub async fn one(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<CoverId>,
    _: NoParams,
) -> Result<Json<CoverBody>, Problem> {
    caller.may(Action::ReadBook)?;
    let cover = app.store.cover(id).await?.ok_or_else(|| Problem::not_found(format_args!("cover {id}")))?;
    Ok(Json(cover.into()))
}
