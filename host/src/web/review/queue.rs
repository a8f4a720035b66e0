//! Clients of the CRM who look like somebody whom the practice has made: import, ignore, or link.

use askama::Template;
use axum::Form;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::super::components::{Clock, Moment, Paging, pair};
use super::super::failure::{Failure, page};
use super::super::format;
use super::super::layout::{Layout, Section};
use super::super::listing::{Asked, Choice};
use super::super::session::SignedIn;
use super::{Filter, Of, choices};
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::review::{Likeness, Review, ReviewDecision, ReviewState};
use crate::domain::stored::StoredClient;
use crate::ops;
use crate::store::review::ReviewId;

#[derive(Template)]
#[template(path = "review-queue.html")]
pub(in crate::web) struct QueuePage {
    pub(in crate::web) layout: Layout,
    pub(in crate::web) state: String,
    pub(in crate::web) choices: Vec<Choice>,
    /// The states of the queue to choose from.
    pub(in crate::web) states: Vec<Choice>,
    pub(in crate::web) cards: Vec<Card>,
    pub(in crate::web) paging: Paging,
}

/// One client of the CRM.
pub(in crate::web) struct Card {
    pub(in crate::web) name: String,
    pub(in crate::web) about: String,
    pub(in crate::web) since: Moment,
    pub(in crate::web) decide: String,
    pub(in crate::web) is_waiting: bool,
    /// The decision, in a sentence; empty where there is none.
    pub(in crate::web) decided: String,
    pub(in crate::web) lookalikes: Vec<Own>,
}

/// One client of the practice.
pub(in crate::web) struct Own {
    pub(in crate::web) id: String,
    pub(in crate::web) name: String,
    pub(in crate::web) about: String,
    pub(in crate::web) path: String,
    pub(in crate::web) likeness: &'static str,
}

/// `GET /review?of=lookalikes&state=…`
pub(super) async fn list(app: App, person: SignedIn, asked: Asked<Filter>) -> Result<Response, Failure> {
    let state = asked.filter.state.unwrap_or(ReviewState::Waiting);
    let book = person.book(&app, Action::ReadWholeBook).await?;
    let found = app.store.reviews(state, asked.page()).await?;
    crate::audit::counted(found.items.len());
    let mut cards = Vec::with_capacity(found.items.len());
    for (id, review) in &found.items {
        let mut own = Vec::new();
        for lookalike in &review.lookalikes {
            if let Some(client) = book.client(lookalike.client_id).await? {
                own.push((client, lookalike.likeness));
            }
        }
        cards.push(card(*id, review, &own, &person.clock));
    }
    let query = format!("of=lookalikes&{}", pair("state", state.as_str()));
    page(&QueuePage {
        layout: Layout::load(&app, &person, Section::Review).await?,
        state: sentence(state, cards.len(), found.next.is_some()),
        choices: choices(Of::Lookalikes),
        states: states(state),
        cards,
        paging: asked.paging("/review", &query, found.next.as_deref()),
    })
}

fn sentence(state: ReviewState, count: usize, is_more: bool) -> String {
    let more = if is_more { "More than " } else { "" };
    let clients = format::count(count as u64, "client", "clients");
    let (is, a) = if count == 1 { ("is", "looks") } else { ("are", "look") };
    match state {
        ReviewState::Waiting => {
            format!("{more}{clients} of the CRM {a} like somebody here and {is} not in the book until you decide.")
        }
        ReviewState::Ignored => format!("{more}{clients} of the CRM {is} kept out of the book."),
        ReviewState::Imported => format!("{more}{clients} of the CRM {is} somebody else and come with the sync."),
        ReviewState::Linked => format!("{more}{clients} of the CRM {is} linked to a client from here."),
    }
}

fn states(shown: ReviewState) -> Vec<Choice> {
    let labels = ["Waiting", "Ignored", "Imported", "Linked"];
    let choice = |(state, word): (ReviewState, &'static str)| Choice {
        word,
        path: format!("/review?of=lookalikes&{}", pair("state", state.as_str())),
        is_chosen: state == shown,
    };
    ReviewState::ALL.into_iter().zip(labels).map(choice).collect()
}

/// A card, from values alone.
pub(in crate::web) fn card(id: ReviewId, review: &Review, own: &[(StoredClient, Likeness)], clock: &Clock) -> Card {
    let linked = own.iter().find(|(client, _)| Some(client.id) == review.linked_to);
    let decided = match review.state {
        ReviewState::Waiting => String::new(),
        ReviewState::Ignored => "Stays out of the book.".to_owned(),
        ReviewState::Imported => "Somebody else: comes as a new client with the next sync.".to_owned(),
        ReviewState::Linked => match linked {
            Some((client, _)) => format!("Linked to {}.", format::name(&client.client.full_name())),
            None => "Linked.".to_owned(),
        },
    };
    Card {
        name: format::name(&review.client.full_name()),
        about: format!("{} in {}{}", review.external_id(), review.connection, about(&review.client)),
        since: Moment::new(review.since, clock),
        decide: format!("/review/{id}/decision"),
        is_waiting: review.state == ReviewState::Waiting,
        decided,
        lookalikes: own.iter().map(|(client, likeness)| own_client(client, *likeness)).collect(),
    }
}

fn own_client(client: &StoredClient, likeness: Likeness) -> Own {
    Own {
        id: client.id.to_string(),
        name: format::name(&client.client.full_name()),
        about: format!("{}{}", format::crm_id(&client.client.external_id), about(&client.client)),
        path: format!("/households/{}", client.household_id),
        likeness: match likeness {
            Likeness::Email => "the same email",
            Likeness::NameAndDateOfBirth => "the same name and date of birth",
            Likeness::NameAndMobile => "the same name and mobile",
            Likeness::NameAndPartner => "the same name and partner",
            Likeness::Name => "the same name",
        },
    }
}

/// The details that tell people apart.
fn about(client: &crate::domain::Client) -> String {
    let born = client.date_of_birth.map(|date| format!("born {}", format::date(date)));
    let email = client.email.as_ref().filter(|_| !client.email_is_placeholder).map(ToString::to_string);
    let facts = [born, email, client.mobile.as_ref().map(ToString::to_string), client.suburb.clone()];
    facts.into_iter().flatten().map(|fact| format!(" · {fact}")).collect()
}

/// `import`, `ignore`, `wait`, or the id of the client to link.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::web) struct DecisionForm {
    decision: String,
}

/// `POST /review/{id}/decision`
pub(in crate::web) async fn decide(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<DecisionForm>,
) -> Result<Response, Failure> {
    const GONE: Failure = Failure::NotFound("Nobody with this address is in the review queue.");
    let id = id.parse::<ReviewId>().map_err(|_| GONE)?;
    let decision = match form.decision.as_str() {
        "import" => ReviewDecision::Import,
        "ignore" => ReviewDecision::Ignore,
        "wait" => ReviewDecision::Wait,
        client => ReviewDecision::Link(client.parse().map_err(|_| GONE)?),
    };
    ops::review::decide(&app, person.actor(), id, decision, person.clock.now).await?;
    Ok(Redirect::to("/review?of=lookalikes").into_response())
}
