//! Privacy: the register of what is kept, exports of clients, erasures, legal holds, and who is due for erasure.

mod export;
mod holds;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::body::List;
use crate::api::caller::Caller;
use crate::api::extract::{Body, NoParams, PageParams, Params, PathPair, PathParam, page};
use crate::api::problem::{Kind, Problem};
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::privacy::register::{Kept, REGISTER};
use crate::domain::privacy::{Erasure, ErasureAct, ErasureCounts, ErasureOf, left_to_do_of_record};
use crate::domain::stored::StoredClient;
use crate::domain::{ClientId, ConnectionName, ExternalId, HouseholdId, Timestamp, UserId};
use crate::ops;
use crate::ops::privacy::{AskedErasure, Erased};

/// The operations of privacy.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(register))
        .routes(routes!(erasures))
        .routes(routes!(lift))
        .routes(routes!(due))
        .routes(routes!(preview))
        .routes(routes!(erase))
        .routes(routes!(preview_record))
        .routes(routes!(erase_record))
        .routes(routes!(export::export))
        .merge(holds::routes())
}

/// A kind of data that is kept.
#[derive(Serialize, ToSchema)]
#[schema(as = KeptData)]
pub struct KeptBody {
    /// The kind.
    #[schema(example = "notes")]
    kind: &'static str,
    /// What it is.
    what: &'static str,
    /// The one whose data it is: `clients`, `staff` or `nobody`.
    #[schema(example = "clients")]
    whose: &'static str,
    /// The tables of the store in which it is.
    tables: &'static [&'static str],
    /// The files of the data folder in which it is.
    files: &'static [&'static str],
    /// The purpose.
    purpose: &'static str,
    /// The legal basis on which a practice commonly rests it.
    basis: &'static str,
    /// How long it is kept.
    kept: &'static str,
    /// What the erasure of a client does with it.
    erasure: &'static str,
}

impl From<&Kept> for KeptBody {
    fn from(row: &Kept) -> Self {
        let Kept { kind, what, whose, tables, files, purpose, basis, kept, erasure } = *row;
        Self { kind, what, whose: whose.as_str(), tables, files, purpose, basis, kept, erasure }
    }
}

/// The register of what is kept where and why.
#[derive(Serialize, ToSchema)]
#[schema(as = PrivacyRegister)]
pub struct RegisterBody {
    /// The kinds of data.
    items: Vec<KeptBody>,
}

/// The register: each kind of data that is kept, where, whose it is, why, for how long, and what an erasure does with it.
#[utoipa::path(
    get,
    path = "/api/v1/privacy/register",
    operation_id = "get_privacy_register",
    tag = "privacy",
    security(("token" = []), ("session" = [])),
    responses((status = 200, body = RegisterBody))
)]
pub async fn register(caller: Caller, _: NoParams) -> Result<Json<RegisterBody>, Problem> {
    caller.may(Action::ReadPeople)?;
    Ok(Json(RegisterBody { items: REGISTER.iter().map(KeptBody::from).collect() }))
}

/// An erasure, or the lifting of one. It has no personal data of the client.
#[derive(Serialize, ToSchema)]
#[schema(as = Erasure)]
pub struct ErasureBody {
    /// Its number.
    number: u64,
    /// The moment of it.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The name, at that time, of the one whose word it was.
    by: String,
    /// Their account; null where it was nobody's, or was not kept yet.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    by_user_id: Option<UserId>,
    /// The reason: `asked`, `retention_over`, `mistake` or `client_again`.
    #[schema(example = "asked")]
    reason: &'static str,
    /// The erasure that it lifts; null where it is an erasure itself.
    #[schema(required)]
    lifts: Option<u64>,
    /// Whether the person is kept away by it: an erasure that is not lifted.
    in_force: bool,
}

impl ErasureBody {
    fn of(erasure: &Erasure, in_force: bool) -> Self {
        let lifts = match erasure.act {
            ErasureAct::Erased { .. } => None,
            ErasureAct::Lifted { erasure } => Some(erasure),
        };
        let Erasure { number, at, by, by_account, reason, .. } = erasure;
        let (by, by_user_id) = (by.clone(), *by_account);
        Self { number: *number, at: *at, by, by_user_id, reason: reason.as_str(), lifts, in_force }
    }
}

/// The erasures and what lifted them, the latest first.
#[utoipa::path(
    get,
    path = "/api/v1/privacy/erasures",
    operation_id = "list_erasures",
    tag = "privacy",
    security(("token" = []), ("session" = [])),
    params(PageParams),
    responses((status = 200, body = List<ErasureBody>))
)]
pub async fn erasures(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<PageParams>, Problem>,
) -> Result<Json<List<ErasureBody>>, Problem> {
    caller.may(Action::ExportClients)?;
    let Params(params) = params?;
    let page = params.page()?;
    let all = app.store.erasures().await?;
    let in_force: Vec<u64> = crate::store::erasure::in_force(&all).map(|erasure| erasure.number).collect();
    let rows = all.iter().map(|erasure| ErasureBody::of(erasure, in_force.contains(&erasure.number))).collect();
    Ok(Json(List::cut("erasures", rows, &page, |_, row: &ErasureBody| row.number.to_string())?))
}

/// The reason for lifting an erasure.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LiftErasure)]
pub struct LiftBody {
    /// The reason: `client_again` or `mistake`.
    #[schema(example = "client_again")]
    reason: String,
}

/// Lifts an erasure: the person may come again, by the next sync or by hand. What was erased does not come back by it.
#[utoipa::path(
    post,
    path = "/api/v1/privacy/erasures/{number}/lift",
    operation_id = "lift_erasure",
    tag = "privacy",
    security(("token" = []), ("session" = [])),
    params(("number" = u64, Path, description = "The erasure's number")),
    request_body = LiftBody,
    responses((status = 200, body = ErasureBody))
)]
pub async fn lift(
    caller: Caller,
    State(app): State<App>,
    PathParam(number): PathParam<u64>,
    _: NoParams,
    body: Result<Body<LiftBody>, Problem>,
) -> Result<Json<ErasureBody>, Problem> {
    caller.may(Action::EraseClients)?;
    let Body(LiftBody { reason }) = body?;
    let lifted = ops::privacy::lift(&app, caller.actor(), number, &reason, Timestamp::now()).await?;
    Ok(Json(ErasureBody::of(&lifted, false)))
}

/// What an erasure takes away, and what stays.
#[derive(Serialize, ToSchema)]
#[schema(as = ErasureCounts)]
pub struct CountsBody {
    /// The number of raw records of the CRM.
    raw_records: u64,
    /// The number of items of the client's lists.
    listed: u64,
    /// The number of file notes that are of this person alone.
    notes: u64,
    /// The number, among those, that the CRM has not taken: they are never sent.
    notes_not_sent: u64,
    /// The number, among those, of which it is not known whether the CRM took them.
    notes_in_doubt: u64,
    /// The number, among those, that the CRM has. They stay there.
    notes_in_crm: u64,
    /// The number of file notes that are somebody else's too: they stay with that one.
    shared_notes: u64,
    /// The number, among those, that were not sent: they never are.
    shared_notes_ended: u64,
    /// The number of documents.
    documents: u64,
    /// The number of rows in the reports of runs.
    report_rows: u64,
    /// The number of rows of identity lists, which are blanked.
    import_rows: u64,
    /// The number of entries of the review queue.
    reviews: u64,
    /// The number of records in quarantine or left out by a rule.
    set_aside: u64,
    /// The number of households that nobody is left in.
    households: u64,
    /// The households that others are in, too, of whose access reasons name this person: these go.
    access_reasons: Vec<AccessReasonsBody>,
    /// The number of other clients whose record names this person as partner. They stay as the CRM has them.
    partner_records: u64,
    /// The number of goals and covers of other clients whose owner is this person, as the partner, alone or jointly. They stay.
    partner_items: u64,
}

/// The reasons of access to a household that an erasure takes away, because they name the person.
#[derive(Serialize, ToSchema)]
#[schema(as = ErasedAccessReasons)]
pub struct AccessReasonsBody {
    /// The household.
    #[schema(value_type = String, format = Uuid)]
    household_id: HouseholdId,
    /// The number of reasons, of staff access and emergency access.
    reasons: u64,
}

impl From<ErasureCounts> for CountsBody {
    fn from(counts: ErasureCounts) -> Self {
        let (partner_records, partner_items) = (counts.partner_records(), counts.partner_items());
        let ErasureCounts { raw_records, listed, notes, notes_not_sent, notes_in_doubt, notes_in_crm, .. } = counts;
        let ErasureCounts { shared_notes, shared_notes_ended, documents, report_rows, import_rows, reviews, .. } =
            counts;
        let (set_aside, households) = (counts.set_aside, counts.households);
        let access_reasons = counts.reasons.iter();
        let access_reasons = access_reasons
            .map(|(household_id, reasons)| AccessReasonsBody { household_id: *household_id, reasons: *reasons });
        Self {
            raw_records,
            listed,
            notes,
            notes_not_sent,
            notes_in_doubt,
            notes_in_crm,
            shared_notes,
            shared_notes_ended,
            documents,
            report_rows,
            import_rows,
            reviews,
            set_aside,
            households,
            access_reasons: access_reasons.collect(),
            partner_records,
            partner_items,
        }
    }
}

/// An erasure before it is done, or done.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientErasure)]
pub struct ClientErasureBody {
    /// The entry that is kept of it; null where it is a preview.
    #[schema(required)]
    erasure: Option<ErasureBody>,
    /// What goes, and what stays.
    counts: CountsBody,
    /// What is left to do, in the CRM and with backups, and what of the person stays with others.
    left_to_do: String,
}

impl From<Erased> for ClientErasureBody {
    fn from(erased: Erased) -> Self {
        let Erased { erasure, counts, left_to_do } = erased;
        Self { erasure: Some(ErasureBody::of(&erasure, true)), counts: counts.into(), left_to_do }
    }
}

/// What erasing a client would take away. Nothing is changed.
#[utoipa::path(
    get,
    path = "/api/v1/clients/{id}/erasure",
    operation_id = "preview_client_erasure",
    tag = "privacy",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The client's id")),
    responses((status = 200, body = ClientErasureBody))
)]
pub async fn preview(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    _: NoParams,
) -> Result<Json<ClientErasureBody>, Problem> {
    let client = find(&app, &caller, Action::EraseClients, id).await?;
    let counts =
        app.store.rehearse_erasure(id, Timestamp::now()).await?.map_err(|why| ops::Refusal::of_erasure(&app, why))?;
    let left_to_do = app.left_to_do(&client, &counts).await;
    Ok(Json(ClientErasureBody { erasure: None, counts: counts.into(), left_to_do }))
}

/// The word by which a client is erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EraseClient)]
pub struct EraseBody {
    /// The reason: `asked`, `retention_over` or `mistake`. `retention_over` is refused (422) of whom `GET /privacy/due` does not
    /// list by the practice's own years, and of a record that is no client.
    #[schema(example = "asked")]
    reason: String,
    /// The client's name or id, once more.
    confirm: String,
}

/// Erases a client: all that is kept of them here goes, and they are kept away from now on. The CRM is not changed: the
/// answer says what is left to do there.
#[utoipa::path(
    post,
    path = "/api/v1/clients/{id}/erase",
    operation_id = "erase_client",
    tag = "privacy",
    security(("token" = []), ("session" = [])),
    params(("id" = Uuid, Path, description = "The client's id")),
    request_body = EraseBody,
    responses((status = 200, body = ClientErasureBody))
)]
pub async fn erase(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<ClientId>,
    _: NoParams,
    body: Result<Body<EraseBody>, Problem>,
) -> Result<Json<ClientErasureBody>, Problem> {
    caller.may(Action::EraseClients)?;
    let Body(EraseBody { reason, confirm }) = body?;
    let asked = AskedErasure { reason: &reason, confirm: &confirm };
    let erased = ops::privacy::erase(&app, caller.actor(), id, asked, Timestamp::now()).await?;
    Ok(Json(erased.into()))
}

/// What erasing a record of a CRM that is no client here would take away. Nothing is changed.
#[utoipa::path(
    get,
    path = "/api/v1/connections/{name}/clients/{external_id}/erasure",
    operation_id = "preview_record_erasure",
    tag = "privacy",
    security(("token" = []), ("session" = [])),
    params(
        ("name" = String, Path, description = "The connection's name"),
        ("external_id" = String, Path, description = "The record's id in the CRM")
    ),
    responses((status = 200, body = ClientErasureBody))
)]
pub async fn preview_record(
    caller: Caller,
    State(app): State<App>,
    PathPair(connection, id): PathPair<ConnectionName>,
    _: NoParams,
) -> Result<Json<ClientErasureBody>, Problem> {
    caller.may(Action::EraseClients)?;
    let id = ExternalId::of_crm(&id);
    let left_to_do = left_to_do_of_record(&connection, &id);
    let of = ErasureOf::Record(connection, id);
    let counts =
        app.store.rehearse_erasure(of, Timestamp::now()).await?.map_err(|why| ops::Refusal::of_erasure(&app, why))?;
    Ok(Json(ClientErasureBody { erasure: None, counts: counts.into(), left_to_do }))
}

/// Erases a record of a CRM that is no client here, as it is in quarantine or left out by a rule: it goes, and is kept away from now
/// on. The CRM is not changed. `confirm` is the record's id, once more.
#[utoipa::path(
    post,
    path = "/api/v1/connections/{name}/clients/{external_id}/erase",
    operation_id = "erase_record",
    tag = "privacy",
    security(("token" = []), ("session" = [])),
    params(
        ("name" = String, Path, description = "The connection's name"),
        ("external_id" = String, Path, description = "The record's id in the CRM")
    ),
    request_body = EraseBody,
    responses((status = 200, body = ClientErasureBody))
)]
pub async fn erase_record(
    caller: Caller,
    State(app): State<App>,
    PathPair(connection, id): PathPair<ConnectionName>,
    _: NoParams,
    body: Result<Body<EraseBody>, Problem>,
) -> Result<Json<ClientErasureBody>, Problem> {
    caller.may(Action::EraseClients)?;
    let Body(EraseBody { reason, confirm }) = body?;
    let (asked, record) = (AskedErasure { reason: &reason, confirm: &confirm }, (connection, ExternalId::of_crm(&id)));
    let erased = ops::privacy::erase_record(&app, caller.actor(), record, asked, Timestamp::now()).await?;
    Ok(Json(erased.into()))
}

/// The years after which somebody who left is due.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DueParams {
    /// The years since the client was last shown by the CRM, 1 to 99; without, those of the practice's retention profile (7 in
    /// Australia and New Zealand, 6 in the United Kingdom, 5 in South Africa), or the longest where it has none.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 99)]
    years: Option<u64>,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// Somebody who is due for erasure.
#[derive(Serialize, ToSchema)]
#[schema(as = DueForErasure)]
pub struct DueBody {
    /// The client.
    #[schema(value_type = String, format = Uuid)]
    client_id: ClientId,
    /// The client's name.
    name: String,
    /// The moment since which the CRM no longer shows the client.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    left_at: Option<Timestamp>,
    /// Whether a legal hold keeps the client.
    is_held: bool,
}

/// Clients whom the CRM has not shown for so many years: due for erasure. Nobody is erased by being listed.
#[utoipa::path(
    get,
    path = "/api/v1/privacy/due",
    operation_id = "list_due_for_erasure",
    tag = "privacy",
    security(("token" = []), ("session" = [])),
    params(DueParams),
    responses((status = 200, body = List<DueBody>))
)]
pub async fn due(
    caller: Caller,
    State(app): State<App>,
    params: Result<Params<DueParams>, Problem>,
) -> Result<Json<List<DueBody>>, Problem> {
    caller.may(Action::ExportClients)?;
    let Params(DueParams { years, limit, cursor }) = params?;
    let page = page(limit, cursor)?;
    let years = years.map_or(Ok(app.config.practice.retention_years()), u8::try_from);
    let Some(years) = years.ok().filter(|years| (1..=99).contains(years)) else {
        return Err(Problem::new(Kind::Malformed, "`years` is a number from 1 to 99."));
    };
    let due = app.due_for_erasure(years, Timestamp::now()).await?;
    let row = |due: crate::app::Due| DueBody {
        client_id: due.client.id,
        name: due.client.client.full_name(),
        left_at: due.client.not_visible_since,
        is_held: due.is_held,
    };
    let mut rows: Vec<DueBody> = due.into_iter().map(row).collect();
    rows.sort_unstable_by_key(|row| row.client_id);
    Ok(Json(List::cut_in_order("due for erasure", rows, &page, |row| row.client_id.to_string())?))
}

/// The client of whom the caller may do the action.
async fn find(app: &App, caller: &Caller, action: Action, id: ClientId) -> Result<StoredClient, Problem> {
    let book = caller.book(app, action).await?;
    book.client(id).await?.ok_or_else(|| Problem::not_found(format_args!("client {id}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::privacy::ErasureReason;

    #[test]
    fn the_document_names_each_reason() {
        let erase = serde_json::to_string(&<EraseBody as utoipa::PartialSchema>::schema()).unwrap();
        assert!(ErasureReason::TO_ERASE.iter().all(|reason| erase.contains(reason.as_str())), "{erase}");
        let lift = serde_json::to_string(&<LiftBody as utoipa::PartialSchema>::schema()).unwrap();
        assert!(ErasureReason::TO_LIFT.iter().all(|reason| lift.contains(reason.as_str())), "{lift}");
    }
}
