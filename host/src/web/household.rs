//! A household with its people: every value with its origin, and what was left out of it.

use std::collections::BTreeSet;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::{Redirect, Response};

use super::answers::{AnswerQuery, Answers, Checked};
use super::changes::Diff;
use super::components::{Badge, Clock, Finding, Moment, pair};
use super::failure::{Failure, page};
use super::format;
use super::households::{adviser_name, look_badge};
use super::inputs::problem_of;
use super::layout::{Layout, Section};
use super::session::SignedIn;
use crate::access::Book;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::declaration::ExtensionField;
use crate::domain::edit::Overridden;
use crate::domain::field::{FieldError, Record as _, ValueType};
use crate::domain::stored::{HouseholdRole, Member, StoredClient};
use crate::domain::{Client, ClientId, ConnectionName, Diagnostic, ExternalId, HouseholdId, RecordKind, Severity};
use crate::store::book::HouseholdRow;
use document_panel::DocumentPanel;
use fields::Group;
use lists::{Found, Lists};

pub(super) mod document_panel;
pub(super) mod export;
mod fields;
pub(super) mod lists;
mod sync;

use sync::SyncForm;
pub(super) use sync::Synced;
pub(super) use sync::sync;

#[derive(Template)]
#[template(path = "household.html")]
pub(super) struct HouseholdPage {
    pub(super) layout: Layout,
    pub(super) id: String,
    pub(super) path: String,
    pub(super) name: String,
    pub(super) state: String,
    pub(super) look: Option<Badge>,
    /// The result of what was just done elsewhere.
    pub(super) checked: Option<Checked>,
    pub(super) crm: String,
    pub(super) adviser: Option<String>,
    pub(super) sync: Option<SyncForm>,
    pub(super) findings: Vec<Finding>,
    pub(super) people: Vec<PersonCard>,
    pub(super) lists: Lists,
    /// The people who were in the household before.
    pub(super) former: Vec<Former>,
    /// The panel of documents; none in snapshots of the rest.
    pub(super) documents: Option<DocumentPanel>,
}

/// A person who was in the household before.
pub(super) struct Former {
    pub(super) name: String,
    pub(super) path: String,
    pub(super) until: Option<Moment>,
}

/// One person of the household.
pub(super) struct PersonCard {
    pub(super) name: String,
    pub(super) role: &'static str,
    pub(super) explain: String,
    /// The path of the person's file notes.
    pub(super) notes: String,
    pub(super) edit: String,
    pub(super) not_visible: Option<Moment>,
    pub(super) overridden: Vec<OverriddenEdit>,
    pub(super) groups: Vec<Group>,
    /// The path that shows the person's sensitive values.
    pub(super) reveal: String,
    /// The findings about the record as a whole.
    pub(super) findings: Vec<Finding>,
    pub(super) changed: Moment,
    /// The pack's revision; none where no sync has brought the client yet.
    pub(super) revision: Option<String>,
    pub(super) linking: Linking,
}

impl PersonCard {
    /// What the problems of a link begin with.
    fn not_linked(&self) -> String {
        format!("{} was not linked:", self.name)
    }
}

/// The panel of how a client is linked to the CRM, and where that is changed.
pub(super) struct Linking {
    /// `/clients/…`
    pub(super) path: String,
    pub(super) is_linked: bool,
    /// The connections by which the client may be linked.
    pub(super) connections: Vec<String>,
    /// The path where a partner is added; none for a couple.
    pub(super) add_partner: Option<String>,
    /// What was typed and did not fit; none before.
    pub(super) refused: Option<RefusedLink>,
}

/// A link as somebody typed it, and what is wrong with it.
pub(super) struct RefusedLink {
    pub(super) connection: String,
    pub(super) external_id: String,
    pub(super) problems: Vec<FieldError>,
}

impl RefusedLink {
    /// The problems beside the fields of the person with this number in the page.
    fn in_page(&self, number: &usize) -> Vec<FieldError> {
        let of_person =
            |problem: &FieldError| FieldError::new(&format!("{}-{number}", problem.field), &problem.message);
        self.problems.iter().map(of_person).collect()
    }
}

impl Linking {
    /// What is wrong with what was typed.
    fn problems(&self) -> &[FieldError] {
        self.refused.as_ref().map(|refused| refused.problems.as_slice()).unwrap_or_default()
    }

    fn is_chosen(&self, connection: &str) -> bool {
        self.refused.as_ref().is_some_and(|refused| refused.connection == connection)
    }
}

/// A local edit that the CRM overrode.
pub(super) struct OverriddenEdit {
    pub(super) field: Diff,
    pub(super) by: String,
    pub(super) run: String,
    pub(super) at: Moment,
}

/// What a household's fields refer to.
pub(super) struct Names<'a> {
    pub(super) advisers: &'a [(ExternalId, String)],
    pub(super) people: &'a [StoredClient],
    /// The fields that the pack in force adds to clients.
    pub(super) added: &'a [ExtensionField],
    /// The person whose sensitive values somebody asked for.
    pub(super) revealed: Option<ClientId>,
}

impl Names<'_> {
    fn adviser(&self, id: &ExternalId) -> Option<&str> {
        self.advisers.iter().find(|(known, _)| known == id).map(|(_, name)| name.as_str())
    }
}

/// `GET /households/{id}`
pub(super) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
    Extension(answers): Extension<Answers>,
    (Query(synced), Query(answer)): (Query<Synced>, Query<AnswerQuery>),
) -> Result<Response, Failure> {
    let checked = answers.of(&answer, person.user());
    page(&HouseholdPage { checked, ..load(&app, &person, &id, &synced).await? })
}

/// `POST /households/{id}/clients/{client}/reveal`: the page with the sensitive values of one person. It changes nothing;
/// it is no link, so that nothing follows it unasked and no address keeps it.
pub(super) async fn reveal(
    State(app): State<App>,
    person: SignedIn,
    Path((id, client)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let found = find(&app, &person, Action::ReadBook, &id).await?;
    let client = found.people.iter().map(|person| person.id).find(|known| known.to_string() == client);
    let client = client.ok_or(Failure::NotFound("There is no such person in this household."))?;
    tracing::info!(user = %person.user(), %client, "sensitive fields were shown");
    page(&of(&app, &person, found, &Synced::default(), Some(client)).await?)
}

/// `GET /households/{id}/clients/{client}/reveal`: what was shown is asked for anew, as by somebody who opens the address
/// again: the household's page, where it is masked.
pub(super) async fn masked_again(Path((id, _)): Path<(uuid::Uuid, String)>) -> Redirect {
    Redirect::to(&format!("/households/{id}"))
}

/// The page of a household with all that stands on it.
pub(super) async fn load(app: &App, person: &SignedIn, id: &str, synced: &Synced) -> Result<HouseholdPage, Failure> {
    let found = find(app, person, Action::ReadBook, id).await?;
    of(app, person, found, synced, None).await
}

async fn of(
    app: &App,
    person: &SignedIn,
    found: HouseholdRow,
    synced: &Synced,
    revealed: Option<ClientId>,
) -> Result<HouseholdPage, Failure> {
    let layout = Layout::load(app, person, Section::Households).await?;
    let connection = &found.household.connection;
    let at_work = app.connections.get(connection);
    let crm = match &at_work {
        Some(at_work) => format::crm(at_work.revision().crm()),
        None => {
            app.integrations.one(connection).await.map_or("The CRM".to_owned(), |one| format::crm(one.spec.crm.name))
        }
    };
    let advisers = advisers(app, &found).await?;
    let book = person.book(app, Action::ReadBook).await?;
    let former = former(app, &book, &found, &person.clock).await?;
    let mut lists = Found::read(app, &found, person.can_somewhere(Action::ChangeGoals)).await?;
    let documents = DocumentPanel::load(app, person, &found).await?;
    let revision = at_work.as_ref().map(|at_work| at_work.revision());
    let declared = |kind| revision.as_ref().map_or(&[][..], |revision| revision.extensions(kind));
    lists.added = RecordKind::LISTED.iter().map(|kind| (*kind, declared(*kind).to_vec())).collect();
    let names = Names { advisers: &advisers, people: &found.people, added: declared(RecordKind::Client), revealed };
    let mut view = view(&found, &lists, layout, crm, &names, Some(documents), &person.clock);
    let is_open = |name: &&ConnectionName| connection.is_practice() || *name == connection;
    let all = app.connections.all();
    let open = all.iter().map(|connection| &connection.name).filter(is_open);
    let open: Vec<String> = open.map(ToString::to_string).collect();
    view.people.iter_mut().for_each(|person| person.linking.connections.clone_from(&open));
    if !connection.is_practice() {
        view.sync = SyncForm::new(found.household.id, synced, person);
    }
    view.former = former;
    Ok(view)
}

/// The people who were in the household before and are not now, each once, the latest to leave first.
async fn former(app: &App, book: &Book, found: &HouseholdRow, clock: &Clock) -> Result<Vec<Former>, Failure> {
    let mut former = Vec::new();
    for (client, until) in app.store.former_members(&found.household).await? {
        if !book.visible().has(client.household_id) {
            continue;
        }
        former.push(Former {
            name: format::name(&client.client.full_name()),
            path: format!("/troubleshoot?{}", pair("search", client.client.external_id.as_str())),
            until: until.map(|until| Moment::new(until, clock)),
        });
    }
    Ok(former)
}

/// The names of all advisers that the household and its people refer to.
async fn advisers(app: &App, found: &HouseholdRow) -> Result<Vec<(ExternalId, String)>, Failure> {
    let fields = || Client::FIELDS.iter().filter(|field| field.value == ValueType::Id(RecordKind::Adviser));
    let of_person = |person: &StoredClient| fields().filter_map(|field| person.client.text_of(field.name)).collect();
    let mut ids: BTreeSet<ExternalId> =
        found.people.iter().flat_map(|person| -> Vec<String> { of_person(person) }).map(ExternalId).collect();
    ids.extend(found.household.adviser_external_id.clone());
    let mut advisers = Vec::new();
    for id in ids {
        let name = adviser_name(app, &found.household.connection, &id).await?;
        advisers.push((id, name));
    }
    Ok(advisers)
}

/// The household that an address names, where the person may do the action in it.
pub(super) async fn find(app: &App, person: &SignedIn, action: Action, id: &str) -> Result<HouseholdRow, Failure> {
    let book = person.book(app, action).await?;
    let found = match id.parse::<HouseholdId>() {
        Ok(id) => book.household(id).await?,
        Err(_) => None,
    };
    found.ok_or(NO_HOUSEHOLD)
}

const NO_HOUSEHOLD: Failure = Failure::NotFound("There is no household here. Look for it in the list of households.");

/// The page, from values alone.
pub(super) fn view(
    found: &HouseholdRow,
    lists: &Found,
    layout: Layout,
    crm: String,
    names: &Names<'_>,
    documents: Option<DocumentPanel>,
    clock: &Clock,
) -> HouseholdPage {
    let adviser = found.household.adviser_external_id.as_ref().and_then(|id| names.adviser(id));
    let people = found.people.iter().map(|client| card(client, &found.household.members, names, clock)).collect();
    HouseholdPage {
        layout,
        id: found.household.id.to_string(),
        path: format!("/households/{}", found.household.id),
        name: format::name(&found.household.name),
        state: sentence(found, &crm),
        lists: Lists::new(lists, &found.people, &crm, clock),
        look: look_badge(&found.household.diagnostics, &found.people),
        checked: None,
        crm,
        adviser: adviser.map(ToOwned::to_owned),
        sync: None,
        findings: found.household.diagnostics.iter().map(Finding::from).collect(),
        people,
        documents,
        former: Vec::new(),
    }
}

fn sentence(found: &HouseholdRow, crm: &str) -> String {
    let who = match found.people.len() {
        0 => "Nobody is in this household".to_owned(),
        1 => "A household of one".to_owned(),
        _ if found.people.iter().any(|person| person.crm_id().is_none()) => "A couple".to_owned(),
        _ => format!("A couple whom {crm} links as partners"),
    };
    if found.household.connection.is_practice() {
        return format!("{who}, made in the practice and not linked to the CRM.");
    }
    format!("{who}, from the connection {}.", found.household.connection)
}

fn card(client: &StoredClient, members: &[Member], names: &Names<'_>, clock: &Clock) -> PersonCard {
    let member = members.iter().find(|member| member.client_id == client.id);
    let role = match member.map(|member| member.role) {
        Some(HouseholdRole::NonCfo) => "Non-CFO",
        _ => "CFO",
    };
    let of_record = client.diagnostics.iter().filter(|diagnostic| diagnostic.field.is_none());
    PersonCard {
        name: format::name(&client.client.full_name()),
        role,
        explain: format!("/households/{}/clients/{}/explain", client.household_id, client.id),
        notes: format!("/notes?client_id={}", client.id),
        edit: format!("/households/{}/clients/{}/edit", client.household_id, client.id),
        not_visible: client.not_visible_since.map(|since| Moment::new(since, clock)),
        overridden: client.overridden.iter().map(|edit| overridden(edit, clock)).collect(),
        groups: fields::groups(client, names),
        reveal: format!("/households/{}/clients/{}/reveal", client.household_id, client.id),
        findings: of_record.map(Finding::from).collect(),
        changed: Moment::new(client.origin.changed_at, clock),
        revision: client.origin.revision.of_pack().map(|revision| revision.to_string()),
        linking: Linking {
            path: format!("/clients/{}", client.id),
            is_linked: client.crm_id().is_some(),
            connections: Vec::new(),
            refused: None,
            add_partner: (members.len() == 1)
                .then(|| format!("/clients/new?{}", pair("partner_of", &client.id.to_string()))),
        },
    }
}

fn overridden(edit: &Overridden, clock: &Clock) -> OverriddenEdit {
    OverriddenEdit {
        field: Diff::new(&edit.field, edit.from.as_deref(), edit.to.as_deref()),
        by: edit.by.clone(),
        run: format!("/runs/{}", edit.run),
        at: Moment::new(edit.at, clock),
    }
}

/// The findings about one field, the worst first; notes of how a value was made are for the page that explains it.
fn findings_of(client: &StoredClient, field: &str) -> Vec<Finding> {
    let is_of_field = |diagnostic: &&Diagnostic| diagnostic.field.as_deref() == Some(field);
    let mut found: Vec<&Diagnostic> = client.diagnostics.iter().filter(is_of_field).collect();
    found.retain(|diagnostic| diagnostic.severity >= Severity::Warning);
    found.sort_by_key(|diagnostic| std::cmp::Reverse(diagnostic.severity));
    found.into_iter().map(Finding::from).collect()
}
