//! The resources of every kind that stands in clients' lists: `/goals`, `/goals/{id}` and so on, all alike.

use std::borrow::Cow;

use axum::Json;
use axum::extract::State;
use axum::routing::get;
use serde::Deserialize;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required, ResponseBuilder, Schema};
use utoipa::{IntoParams, PartialSchema as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::ListedBody;
use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{NoParams, Params, PathParam, page};
use crate::api::problem::{Kind, Problem};
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::{ClientId, HouseholdId, ItemId, RecordKind, text, with_listed};
use crate::store::StoredItem;
use crate::store::book::Whose;

/// The client or household whose lists are asked for.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhoseParams {
    /// The client whose lists are asked for; all if not said.
    #[param(value_type = Option<Uuid>)]
    client_id: Option<ClientId>,
    /// The household whose people's lists are asked for; all if not said.
    #[param(value_type = Option<Uuid>)]
    household_id: Option<HouseholdId>,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    pub limit: Option<usize>,
    /// `next` of the page before.
    pub cursor: Option<String>,
}

impl WhoseParams {
    /// The owner of the lists, if one is named at most.
    pub fn whose(&self) -> Result<Whose, Problem> {
        match (self.client_id, self.household_id) {
            (None, None) => Ok(Whose::Practice),
            (Some(client), None) => Ok(Whose::Client(client)),
            (None, Some(household)) => Ok(Whose::Household(household)),
            (Some(_), Some(_)) => {
                let detail = "Name `client_id` or `household_id`, not both: a household's lists are its people's.";
                Err(Problem::new(Kind::Malformed, detail))
            }
        }
    }
}

/// The resources of every kind.
pub fn routes() -> OpenApiRouter<App> {
    RecordKind::LISTED.iter().fold(OpenApiRouter::new(), |router, kind| {
        with_listed!(*kind, Item => of_kind::<Item>()).into_iter().fold(router, OpenApiRouter::merge)
    })
}

fn of_kind<T: StoredItem>() -> OpenApiRouter<App> {
    let (item, items) = (T::KIND.as_str(), T::KIND.plural());
    let mut schemas = Vec::new();
    <ListedBody<T> as ToSchema>::schemas(&mut schemas);
    let (body, list) = (<ListedBody<T> as ToSchema>::name(), Cow::from(format!("List_{}", T::NAME)));
    schemas.push((body.to_string(), ListedBody::<T>::schema()));
    schemas.push((list.to_string(), List::<ListedBody<T>>::schema()));

    let about = format!("{} in the CRM's order, those that are gone behind.", text::sentence(items));
    let many = operation(items, format!("list_{items}"), about, &list)
        .parameters(Some(WhoseParams::into_params(|| Some(ParameterIn::Query))));
    let id = ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)));
    let id = ParameterBuilder::new()
        .name("id")
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .description(Some(format!("The {item}'s id")))
        .schema(Some(RefOr::T(Schema::from(id))));
    let one = operation(items, format!("get_{item}"), format!("One {item}."), &body).parameter(id);

    let paths = |path: &str, operation: OperationBuilder| {
        let mut paths = Paths::new();
        paths.add_path_operation(path, vec![HttpMethod::Get], operation);
        paths
    };
    let (many_at, one_at) = (format!("/api/v1/{items}"), format!("/api/v1/{items}/{{id}}"));
    OpenApiRouter::new().routes((schemas, paths(&many_at, many), get(list_items::<T>))).routes((
        Vec::new(),
        paths(&one_at, one),
        get(one_item::<T>),
    ))
}

fn operation(tag: &str, id: String, about: String, answers: &str) -> OperationBuilder {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(answers))).build();
    let bare = |name| SecurityRequirement::new::<_, [&str; 0], _>(name, []);
    OperationBuilder::new()
        .tag(tag)
        .operation_id(Some(id))
        .summary(Some(about))
        .securities(Some(["token", "session"].map(bare)))
        .response("200", ResponseBuilder::new().content("application/json", content).build())
}

async fn list_items<T: StoredItem>(
    caller: Caller,
    State(app): State<App>,
    Params(params): Params<WhoseParams>,
) -> Result<Json<List<ListedBody<T>>>, Problem> {
    let book = caller.book(&app, Action::ReadBook).await?;
    let whose = params.whose()?;
    let page = page(params.limit, params.cursor)?;
    Ok(Json(List::of(book.items::<T>(whose, page).await?)))
}

async fn one_item<T: StoredItem>(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ItemId>,
    _: NoParams,
) -> Result<Json<ListedBody<T>>, Problem> {
    let book = caller.book(&app, Action::ReadBook).await?;
    let found = book.item::<T>(id).await?;
    let found = found.ok_or_else(|| Problem::not_found(format_args!("{} {id}", T::KIND.as_str())))?;
    Ok(Json(found.into()))
}
