//! The professionals of the CRM, with the accounts that stand for them.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, PageParams, Params, PathPair};
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::{ConnectionName, EmailAddress, ExternalId, UserId};
use crate::ops;
use crate::store::household_access::{LinkedBy, LinkedProfessional};

/// A professional of the CRM.
#[derive(Serialize, ToSchema)]
#[schema(as = Adviser)]
pub struct AdviserBody {
    /// The connection of the CRM.
    #[schema(value_type = String)]
    connection: ConnectionName,
    /// The id in the CRM.
    #[schema(value_type = String)]
    external_id: ExternalId,
    /// First name.
    #[schema(required)]
    first_name: Option<String>,
    /// Last name.
    #[schema(required)]
    last_name: Option<String>,
    /// Email.
    #[schema(required, value_type = Option<String>, format = Email)]
    email: Option<EmailAddress>,
    /// Whether the CRM calls them active.
    active: bool,
    /// The account that stands for them; null where there is none.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    user_id: Option<UserId>,
    /// Whether a person said so; else it is the account of the same email.
    linked_by_hand: bool,
}

impl From<LinkedProfessional> for AdviserBody {
    fn from(linked: LinkedProfessional) -> Self {
        let (adviser, connection) = (linked.adviser.adviser, linked.adviser.origin.connection);
        Self {
            connection,
            external_id: adviser.external_id,
            first_name: adviser.first_name,
            last_name: adviser.last_name,
            email: adviser.email,
            active: adviser.active,
            user_id: linked.account.map(|account| account.user.id),
            linked_by_hand: linked.by_hand,
        }
    }
}

/// Professionals of the CRM who are active or have an account here, by connection and CRM id.
#[utoipa::path(
    get,
    path = "/api/v1/advisers",
    operation_id = "list_advisers",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(PageParams),
    responses((status = 200, body = List<AdviserBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<PageParams>, Problem>,
) -> Result<Json<List<AdviserBody>>, Problem> {
    caller.may(Action::ReadPeople)?;
    let page = params?.0.page()?;
    let rows = app.store.linked_professionals().await?.into_iter().map(AdviserBody::from).collect();
    let key = |_: usize, row: &AdviserBody| format!("{} {}", row.connection, row.external_id);
    Ok(Json(List::cut("advisers", rows, &page, key)?))
}

/// The account that is to stand for a professional.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AdviserLink)]
pub struct LinkBody {
    /// The account; null: nobody, whoever has the email.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required, value_type = Option<String>, format = Uuid)]
    user_id: Option<UserId>,
}

/// Says which account stands for a professional of the CRM: it has access to their households from then on.
#[utoipa::path(
    put,
    path = "/api/v1/connections/{name}/advisers/{external_id}/account",
    operation_id = "link_adviser",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(
        ("name" = String, Path, description = "The connection's name"),
        ("external_id" = String, Path, description = "The professional's id in the CRM")
    ),
    request_body = LinkBody,
    responses((status = 200, body = AdviserBody))
)]
pub async fn link(
    caller: Caller,
    State(app): State<App>,
    PathPair(connection, id): PathPair<ConnectionName>,
    _: NoParams,
    body: Result<Body<LinkBody>, Problem>,
) -> Result<Json<AdviserBody>, Problem> {
    caller.may(Action::ManageHouseholds)?;
    let Body(LinkBody { user_id }) = body?;
    let to = user_id.map_or(LinkedBy::Nobody, LinkedBy::Hand);
    let id = ExternalId::of_crm(&id);
    Ok(Json(ops::household_access::link_professional(&app, caller.actor(), connection, id, to).await?.into()))
}

/// Takes back what a person said: the account with the professional's email stands for them again.
#[utoipa::path(
    delete,
    path = "/api/v1/connections/{name}/advisers/{external_id}/account",
    operation_id = "unlink_adviser",
    tag = "people",
    security(("token" = []), ("session" = [])),
    params(
        ("name" = String, Path, description = "The connection's name"),
        ("external_id" = String, Path, description = "The professional's id in the CRM")
    ),
    responses((status = 200, body = AdviserBody))
)]
pub async fn unlink(
    caller: Caller,
    State(app): State<App>,
    PathPair(connection, id): PathPair<ConnectionName>,
    _: NoParams,
) -> Result<Json<AdviserBody>, Problem> {
    let id = ExternalId::of_crm(&id);
    let linked =
        ops::household_access::link_professional(&app, caller.actor(), connection, id, LinkedBy::Email).await?;
    Ok(Json(linked.into()))
}
