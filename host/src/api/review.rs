//! Clients of a CRM who look like somebody whom the practice has made, and what a person decides about them.

use axum::Json;
use axum::extract::State;
use serde::de::value::Error as ValueError;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::body::{List, Written};
use crate::api::caller::Caller;
use crate::api::extract::{Body, Decided, NoParams, Params, PathParam, page};
use crate::api::problem::Problem;
use crate::api::schema;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::review::{Likeness, Review, ReviewDecision, ReviewState};
use crate::domain::{ClientId, ConnectionName, Date, EmailAddress, ExternalId, RunId, Timestamp};
use crate::ops;
use crate::store::review::ReviewId;

/// The choice of clients in the review queue.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReviewParams {
    /// The state of the clients that are listed; `waiting` if not said.
    #[param(schema_with = schema::review_state, required = false)]
    state: Option<ReviewState>,
    /// The number of items, 1 to 500; 50 if not said.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A client of a CRM in the review queue.
#[derive(Serialize, ToSchema)]
#[schema(as = Review)]
pub struct ReviewBody {
    /// The place in the queue.
    id: String,
    /// The connection whose client it is.
    #[schema(value_type = String)]
    connection: ConnectionName,
    /// The CRM's id.
    #[schema(value_type = String)]
    external_id: ExternalId,
    /// The state that it is in.
    #[schema(schema_with = schema::review_state)]
    state: ReviewState,
    /// First name in the CRM.
    #[schema(required)]
    first_name: Option<String>,
    /// Last name in the CRM.
    #[schema(required)]
    last_name: Option<String>,
    /// Date of birth in the CRM.
    #[schema(required, value_type = Option<String>, format = Date)]
    date_of_birth: Option<Date>,
    /// Email in the CRM.
    #[schema(required, value_type = Option<String>, format = Email)]
    email: Option<EmailAddress>,
    /// The practice's clients whom it looks like.
    lookalikes: Vec<LookalikeBody>,
    /// The client of the practice whom it is linked to.
    #[schema(required, value_type = Option<String>, format = Uuid)]
    client_id: Option<ClientId>,
    /// The run that brought it first.
    #[schema(value_type = String, format = Uuid)]
    run_id: RunId,
    /// The moment at which that run read it.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// The moment at which somebody decided.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    decided_at: Option<Timestamp>,
}

/// A client of the practice whom one of the CRM looks like.
#[derive(Serialize, ToSchema)]
#[schema(as = Lookalike)]
pub struct LookalikeBody {
    /// The client.
    #[schema(value_type = String, format = Uuid)]
    client_id: ClientId,
    /// The values that they have in common.
    #[schema(schema_with = schema::likeness)]
    likeness: Likeness,
}

impl From<(ReviewId, Review)> for ReviewBody {
    fn from((id, review): (ReviewId, Review)) -> Self {
        let Review { connection, client, lookalikes, state, linked_to, run, since, decided_at } = review;
        let lookalikes = lookalikes.into_iter();
        Self {
            id: id.to_string(),
            connection,
            external_id: client.external_id,
            state,
            first_name: client.first_name,
            last_name: client.last_name,
            date_of_birth: client.date_of_birth,
            email: client.email.filter(|_| !client.email_is_placeholder),
            lookalikes: lookalikes
                .map(|like| LookalikeBody { client_id: like.client_id, likeness: like.likeness })
                .collect(),
            client_id: linked_to,
            run_id: run,
            since,
            decided_at,
        }
    }
}

/// The review queue, by connection and CRM id.
#[utoipa::path(
    get,
    path = "/api/v1/review",
    operation_id = "list_review",
    tag = "review",
    security(("token" = []), ("session" = [])),
    params(ReviewParams),
    responses((status = 200, body = List<ReviewBody>))
)]
pub async fn list(
    caller: Caller,
    State(app): State<App>,
    Params(params): Params<ReviewParams>,
) -> Result<Json<List<ReviewBody>>, Problem> {
    caller.may(Action::ReadWholeBook)?;
    let state = params.state.unwrap_or(ReviewState::Waiting);
    Ok(Json(List::of(app.store.reviews(state, page(params.limit, params.cursor)?).await?)))
}

/// A person's decision about a client in the review queue.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "decision", try_from = "Decided<DecisionWord>")]
#[schema(as = ReviewDecision)]
pub enum DecisionBody {
    /// The client is somebody else: it is imported as a new client by the next sync.
    Import,
    /// The client stays out of the book.
    Ignore,
    /// The client is this client of the practice: it is linked at once, and the next sync reads the CRM's values.
    Link {
        /// The client.
        #[schema(value_type = String, format = Uuid)]
        client_id: ClientId,
    },
    /// The decision is taken back: the client waits again.
    Wait,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum DecisionWord {
    Import,
    Ignore,
    Link,
    Wait,
}

impl TryFrom<Decided<DecisionWord>> for DecisionBody {
    type Error = ValueError;

    fn try_from(given: Decided<DecisionWord>) -> Result<Self, ValueError> {
        match given.decision {
            DecisionWord::Import => given.alone(Self::Import),
            DecisionWord::Ignore => given.alone(Self::Ignore),
            DecisionWord::Link => Ok(Self::Link { client_id: given.client()? }),
            DecisionWord::Wait => given.alone(Self::Wait),
        }
    }
}

/// Decides about a client of a CRM. Every decision can be taken back with `wait`.
#[utoipa::path(
    post,
    path = "/api/v1/review/{id}/decision",
    operation_id = "decide_review",
    tag = "review",
    security(("token" = []), ("session" = [])),
    params(("id" = String, Path, description = "The place in the queue")),
    request_body = DecisionBody,
    responses((status = 200, body = Written<ReviewBody>))
)]
pub async fn decide(
    caller: Caller,
    State(app): State<App>,
    PathParam(id): PathParam<String>,
    _: NoParams,
    decision: Result<Body<DecisionBody>, Problem>,
) -> Result<Json<Written<ReviewBody>>, Problem> {
    caller.may(Action::ManageBook)?;
    let Body(decision) = decision?;
    let id = id.parse::<ReviewId>().map_err(|_| Problem::not_found(format_args!("review {id}")))?;
    let decision = match decision {
        DecisionBody::Import => ReviewDecision::Import,
        DecisionBody::Ignore => ReviewDecision::Ignore,
        DecisionBody::Link { client_id } => ReviewDecision::Link(client_id),
        DecisionBody::Wait => ReviewDecision::Wait,
    };
    let review = ops::review::decide(&app, caller.actor(), id, decision, Timestamp::now()).await?;
    Ok(Json(Written::of(caller.can(Action::ReadWholeBook), id, (id, review))))
}
