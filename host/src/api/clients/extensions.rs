//! The fields that a pack adds to a client, with what the pack says of each. The only place of the API that answers what is
//! sensitive: a program asks for it by its own call.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::find;
use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{PageParams, Params, PathParam};
use crate::api::problem::Problem;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::declaration::ExtensionField;
use crate::domain::record::Extension;
use crate::domain::{ClientId, RecordKind};

/// A field that a pack adds to a client.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientExtension)]
pub struct ClientExtensionBody {
    /// Unique within the client.
    #[schema(example = "national_insurance_number")]
    name: String,
    /// The name that people read; null where the pack in force does not declare the field.
    #[schema(required)]
    label: Option<String>,
    /// The type of its values, by which they are written: `2026-03-01`, `1250.5`, `1250.5 GBP`, `true`. Null where the pack
    /// in force does not declare the field.
    #[serde(rename = "type")]
    #[schema(required)]
    form: Option<&'static str>,
    /// The value as text, what is sensitive too; null where the client has none.
    #[schema(required)]
    value: Option<String>,
    /// Whether people see it only where they ask for it.
    sensitive: bool,
}

/// The fields that a pack adds to a client, with their values.
///
/// Those that the pack in force declares, filled or not, in the order of their names, and behind them those that are
/// stored and that it does not declare any more. What is sensitive is answered here alone.
#[utoipa::path(
    get,
    path = "/api/v1/clients/{id}/extensions",
    operation_id = "list_client_extensions",
    tag = "clients",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The client's id"), PageParams),
    responses((status = 200, body = List<ClientExtensionBody>))
)]
pub async fn extensions(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    params: Result<Params<PageParams>, Problem>,
) -> Result<Json<List<ClientExtensionBody>>, Problem> {
    caller.may_somewhere(Action::ReadBook)?;
    let page = params?.0.page()?;
    let client = find(&app, &caller, id).await?;
    let revision = app.connections.get(&client.origin.connection).map(|connection| connection.revision());
    let declared = revision.as_ref().map_or(&[][..], |revision| revision.extensions(RecordKind::Client));
    let rows = bodies(declared, &client.client.extensions);
    let name = |_: usize, body: &ClientExtensionBody| body.name.clone();
    Ok(Json(List::cut(&format!("extensions of {id}"), rows, &page, name)?))
}

fn bodies(declared: &[ExtensionField], stored: &[Extension]) -> Vec<ClientExtensionBody> {
    let of_declared = |field: &ExtensionField| {
        let value = stored.iter().find(|one| one.name == field.name);
        ClientExtensionBody {
            name: field.name.clone(),
            label: Some(field.label.clone()),
            form: Some(field.form.as_str()),
            value: value.map(|one| one.value.clone()),
            sensitive: field.sensitive || value.is_some_and(|one| one.sensitive),
        }
    };
    let is_undeclared = |one: &&Extension| declared.iter().all(|field| field.name != one.name);
    let of_stored = |one: &Extension| ClientExtensionBody {
        name: one.name.clone(),
        label: None,
        form: None,
        value: Some(one.value.clone()),
        sensitive: one.sensitive,
    };
    declared.iter().map(of_declared).chain(stored.iter().filter(is_undeclared).map(of_stored)).collect()
}
