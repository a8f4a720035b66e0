//! Changes of a run, client by client, goal by goal and cover by cover, with the values from what to what.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;

use super::components::{Badge, Paging, Tone, pair};
use super::failure::{Failure, page};
use super::format;
use super::households::adviser_named;
use super::layout::{Layout, Section};
use super::listing::{Asked, Choice};
use super::session::SignedIn;
use crate::access::Book;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::edit::FieldChange;
use crate::domain::field::ValueType;
use crate::domain::run::{ChangeKind, Run};
use crate::domain::{ConnectionName, ExternalId, RecordKind, RunId, record};
use crate::store::book::{ClientFilter, Page, PageRequest};
use crate::store::report::{Change, ROWS_OF_A_RUN};

#[derive(Deserialize)]
pub(super) struct Filter {
    kind: Option<ChangeKind>,
}

#[derive(Template)]
#[template(path = "changes.html")]
pub(super) struct ChangesPage {
    pub(super) layout: Layout,
    pub(super) connection: String,
    pub(super) run: String,
    pub(super) state: String,
    /// The sentence that says how many are listed, where that is not all.
    pub(super) clipped: Option<String>,
    pub(super) choices: Vec<Choice>,
    pub(super) rows: Vec<Row>,
    pub(super) paging: Paging,
}

/// One client.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) external_id: String,
    pub(super) path: String,
    /// The goal or cover that changed, where it is not the client.
    pub(super) item: Option<String>,
    pub(super) badge: Badge,
    /// The reason why a client is left out.
    pub(super) reason: Option<String>,
    pub(super) fields: Vec<Diff>,
}

/// One field, before and after.
pub(super) struct Diff {
    pub(super) label: String,
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    /// The word between the two, for whoever hears the page.
    pub(super) verb: &'static str,
}

impl Diff {
    /// The word for what would come.
    pub(super) const WOULD_BE: &str = "would become";

    /// The difference between a field's stored values.
    pub(super) fn new(field: &str, from: Option<&str>, to: Option<&str>) -> Self {
        let [from, to] = [from, to].map(|value| value.map(|value| format::value(field, value)));
        Self { label: format::field(field), from, to, verb: "is now" }
    }

    /// The same as what would come.
    pub(super) fn planned(self) -> Self {
        Self { verb: Self::WOULD_BE, ..self }
    }
}

impl From<&FieldChange> for Diff {
    fn from(change: &FieldChange) -> Self {
        Self::new(&change.field, change.from.as_deref(), change.to.as_deref())
    }
}

/// `GET /runs/{id}/changes?kind=…&cursor=…`
pub(super) async fn list(
    State(app): State<App>,
    person: SignedIn,
    Path(id): Path<String>,
    asked: Asked<Filter>,
) -> Result<Response, Failure> {
    person.may(Action::ReadWholeBook)?;
    let found = match id.parse::<RunId>() {
        Ok(id) => app.store.run(id).await?,
        Err(_) => None,
    };
    let run = found.ok_or(Failure::NotFound("There is no run here. The list of runs shows those there were."))?;
    let mut changes = app.store.changes(run.id, asked.filter.kind, asked.page()).await?;
    let book = person.book(&app, Action::ReadWholeBook).await?;
    for field in changes.items.iter_mut().flat_map(|change| &mut change.fields) {
        name_people(&app, &book, &run.connection, field).await?;
    }
    let layout = Layout::load(&app, &person, Section::Runs).await?;
    page(&view(&run, &changes, &asked, layout))
}

/// Puts the names of advisers and partners before their ids in the CRM.
pub(super) async fn name_people(
    app: &App,
    book: &Book,
    connection: &ConnectionName,
    change: &mut FieldChange,
) -> Result<(), Failure> {
    for value in [&mut change.from, &mut change.to].into_iter().flatten() {
        let id = ExternalId(value.clone());
        let name = match record::field(&change.field).map(|field| field.value) {
            Some(ValueType::Id(RecordKind::Adviser)) => {
                app.store.adviser(connection.clone(), id).await?.map(|found| adviser_named(&found.adviser))
            }
            Some(ValueType::Id(_)) => {
                let filter = ClientFilter { external_id: Some((connection.clone(), id)), ..ClientFilter::default() };
                let found = book.clients(filter, PageRequest { cursor: None, limit: 1 }).await?.items.pop();
                found.map(|partner| format::name(&partner.client.full_name()))
            }
            _ => None,
        };
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            *value = format!("{name} ({value})");
        }
    }
    Ok(())
}

/// The page, from values alone.
fn view(run: &Run, changes: &Page<Change>, asked: &Asked<Filter>, layout: Layout) -> ChangesPage {
    let path = format!("/runs/{}/changes", run.id);
    let kind = |kind: Option<ChangeKind>, word| {
        let path = kind.map_or_else(|| path.clone(), |kind| format!("{path}?{}", pair("kind", kind.as_str())));
        Choice { word, path, is_chosen: kind == asked.filter.kind }
    };
    let mut choices = vec![kind(None, "All")];
    choices.extend(ChangeKind::ALL.iter().map(|each| kind(Some(*each), word(*each))));
    let query = asked.filter.kind.map(|kind| pair("kind", kind.as_str())).unwrap_or_default();
    ChangesPage {
        layout,
        connection: run.connection.to_string(),
        run: format!("/runs/{}", run.id),
        state: format!("{}.", format::what_changed(&run.counts)),
        clipped: (run.counts.listed >= ROWS_OF_A_RUN).then(|| format::number(ROWS_OF_A_RUN)),
        choices,
        rows: changes.items.iter().map(row).collect(),
        paging: asked.paging(&path, &query, changes.next.as_deref()),
    }
}

fn row(change: &Change) -> Row {
    let tone = match change.kind {
        ChangeKind::Created | ChangeKind::Returned | ChangeKind::VisibleAgain => Tone::Good,
        ChangeKind::Changed => Tone::Neutral,
        ChangeKind::Overridden | ChangeKind::LeftOut | ChangeKind::Gone | ChangeKind::NotVisible => Tone::Attention,
    };
    Row {
        name: format::name(&change.name),
        external_id: change.external_id.to_string(),
        path: format!("/households/{}", change.household_id),
        item: change.record.is_listed().then(|| format::item(change.record, change.label.as_deref())),
        badge: Badge::new(tone, word(change.kind)),
        reason: change.reason.clone(),
        fields: change.fields.iter().map(Diff::from).collect(),
    }
}

fn word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Created => "New",
        ChangeKind::Changed => "Changed",
        ChangeKind::Overridden => "Overridden",
        ChangeKind::LeftOut => "Left out",
        ChangeKind::Returned => "Back in the book",
        ChangeKind::Gone => "Gone from the CRM",
        ChangeKind::NotVisible => "Not visible",
        ChangeKind::VisibleAgain => "Visible again",
    }
}
