//! Households with their people and the professional who answers for them.

pub mod access;
pub mod professional;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::Book;
use crate::api::body::{DiagnosticBody, List, diagnostics};
use crate::api::caller::Caller;
use crate::api::clients::ClientBody;
use crate::api::extract::{NoParams, Params, PathParam, page};
use crate::api::households::professional::ProfessionalBody;
use crate::api::problem::Problem;
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::stored::{Household, HouseholdRole, Member, StoredClient};
use crate::domain::{ClientId, ConnectionName, ExternalId, HouseholdId, Timestamp};
use crate::store::book::{HouseholdFilter, HouseholdRow, NameOrder};

/// The choice of households in a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct HouseholdParams {
    /// Words that begin names of its people, or the whole email, mobile or CRM id of one of them.
    search: Option<String>,
    /// `name`, or `-name` from Z on; `name` if not said.
    #[serde(default)]
    #[param(inline, required = false)]
    sort: Sort,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// The order of households in a list.
#[derive(Deserialize, ToSchema, Clone, Copy, Default)]
pub enum Sort {
    /// The order of last names, then first names.
    #[default]
    #[serde(rename = "name")]
    Name,
    /// The other way round.
    #[serde(rename = "-name")]
    NameBackwards,
}

impl From<Sort> for NameOrder {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Name => Self::Ascending,
            Sort::NameBackwards => Self::Descending,
        }
    }
}

/// A client, or a client and the partner whom the CRM links.
#[derive(Serialize, ToSchema)]
#[schema(as = Household)]
pub struct HouseholdBody<M> {
    /// The household's id.
    #[schema(value_type = String, format = Uuid)]
    id: HouseholdId,
    /// The name for people.
    #[schema(example = "Ayda Khan & Sam Khan")]
    name: String,
    /// One or two members, the CFO first.
    members: Vec<M>,
    /// The professional who answers for the household; there is always one.
    primary_professional: ProfessionalBody,
    /// The connection whose clients these are; null where none of them is linked to the CRM.
    #[schema(required, value_type = Option<String>)]
    connection: Option<ConnectionName>,
    /// Diagnostics about what is in doubt, such as a link that only one side has.
    diagnostics: Vec<DiagnosticBody>,
    /// The people who were in the household before and are not now, the latest to leave first; where one household is
    /// asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    former_members: Option<Vec<FormerMemberBody>>,
}

/// Somebody who was in a household before.
#[derive(Serialize, ToSchema)]
#[schema(as = FormerMember)]
pub struct FormerMemberBody {
    /// The client.
    #[schema(value_type = String, format = Uuid)]
    client_id: ClientId,
    /// The client's id in the CRM.
    #[schema(value_type = String)]
    external_id: ExternalId,
    /// The client's name.
    name: String,
    /// The moment until which the client was in the household.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
}

/// One person of a household.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
pub struct MemberBody {
    /// The client.
    #[schema(value_type = String, format = Uuid)]
    client_id: ClientId,
    /// The client's id in the CRM; null for one made in the practice and not linked to the CRM.
    #[schema(required, value_type = Option<String>)]
    external_id: Option<ExternalId>,
    /// The place: the primary client is the CFO.
    #[schema(schema_with = schema::household_role)]
    role: HouseholdRole,
}

/// One person of a household, in full.
#[derive(Serialize, ToSchema)]
#[schema(as = MemberInFull)]
pub struct MemberInFullBody {
    /// The client's id and place in the household.
    #[serde(flatten)]
    member: MemberBody,
    /// The person.
    client: ClientBody,
}

impl From<Member> for MemberBody {
    fn from(Member { client_id, external_id, role }: Member) -> Self {
        Self { client_id, external_id: external_id.in_crm().cloned(), role }
    }
}

/// Each member with its client.
fn in_full(members: Vec<Member>, mut people: Vec<StoredClient>) -> Vec<MemberInFullBody> {
    let of = |member: Member| {
        let place = people.iter().position(|person| person.id == member.client_id)?;
        let client = people.swap_remove(place).into();
        Some(MemberInFullBody { member: member.into(), client })
    };
    members.into_iter().filter_map(of).collect()
}

impl<M> HouseholdBody<M> {
    fn new(household: Household, members: Vec<M>, primary_professional: ProfessionalBody) -> Self {
        let Household { id, name, connection, diagnostics: found, .. } = household;
        let connection = (!connection.is_practice()).then_some(connection);
        let diagnostics = diagnostics(found);
        Self { id, name, members, primary_professional, connection, diagnostics, former_members: None }
    }
}

/// Households by name.
#[utoipa::path(
    get,
    path = "/api/v1/households",
    operation_id = "list_households",
    tag = "households",
    security(("token" = []), ("session" = [])),
    params(HouseholdParams),
    responses((status = 200, body = List<HouseholdBody<MemberBody>>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Params(params): Params<HouseholdParams>,
) -> Result<Json<List<HouseholdBody<MemberBody>>>, Problem> {
    let book = caller.book(&app, Action::ReadBook).await?;
    let filter = HouseholdFilter { search: params.search, order: params.sort.into(), ..HouseholdFilter::default() };
    let found = book.households(filter, page(params.limit, params.cursor)?).await?;
    let mut items = Vec::with_capacity(found.items.len());
    for HouseholdRow { mut household, .. } in found.items {
        let primary = app.primary_professional(&household).await?.into();
        let members = std::mem::take(&mut household.members).into_iter().map(MemberBody::from).collect();
        items.push(HouseholdBody::new(household, members, primary));
    }
    Ok(Json(List::new(items, found.next)))
}

/// One household with its members in full.
#[utoipa::path(
    get,
    path = "/api/v1/households/{id}",
    operation_id = "get_household",
    tag = "households",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The household's id")),
    responses((status = 200, body = HouseholdBody<MemberInFullBody>))
)]
pub async fn one(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<HouseholdId>,
    _: NoParams,
) -> Result<Json<HouseholdBody<MemberInFullBody>>, Problem> {
    let book = caller.book(&app, Action::ReadBook).await?;
    let found = book.household(id).await?;
    let HouseholdRow { mut household, people } =
        found.ok_or_else(|| Problem::not_found(format_args!("household {id}")))?;
    let primary = app.primary_professional(&household).await?.into();
    let former = former_members(&app, &book, &household).await?;
    let members = in_full(std::mem::take(&mut household.members), people);
    Ok(Json(HouseholdBody { former_members: Some(former), ..HouseholdBody::new(household, members, primary) }))
}

/// Who left for a household that the caller does not see is not told.
async fn former_members(app: &App, book: &Book, household: &Household) -> Result<Vec<FormerMemberBody>, Problem> {
    let mut former = Vec::new();
    for (client, until) in app.store.former_members(household).await? {
        if !book.visible().has(client.household_id) {
            continue;
        }
        let (name, external_id) = (client.client.full_name(), client.client.external_id);
        former.push(FormerMemberBody { client_id: client.id, external_id, name, until });
    }
    Ok(former)
}
