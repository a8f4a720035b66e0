//! The audit log: who did, saw, exported or was refused what, with filters, and the same as a file for spreadsheets.

use askama::Template;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use futures::stream::{self, StreamExt as _};
use jiff::ToSpan as _;
use jiff::civil::Date;
use serde::Deserialize;

use super::components::{Badge, Clock, Moment, Paging, Tone, address, pair};
use super::failure::{Failure, page};
use super::format;
use super::inputs::{PlainInput, problem_of};
use super::layout::{Layout, Section};
use super::listing::Asked;
use super::session::SignedIn;
use crate::app::App;
use crate::audit::verbs;
use crate::domain::access::Action;
use crate::domain::audit::{ActorKind, Entry, Outcome, Subject};
use crate::domain::field::FieldError;
use crate::domain::text::{excerpt, sentence};
use crate::domain::{HouseholdId, Timestamp};
use crate::import::harmless;
use crate::store::StoreError;
use crate::store::audit::AuditFilter;

/// The filter of the log, as the address says it. What is empty filters nothing.
#[derive(Deserialize, Default, Clone)]
pub(super) struct Filter {
    /// The first day, in the practice's zone.
    #[serde(default)]
    pub(super) from: String,
    /// The last day.
    #[serde(default)]
    pub(super) to: String,
    #[serde(default)]
    pub(super) verb: String,
    #[serde(default)]
    pub(super) outcome: String,
    #[serde(default)]
    pub(super) actor: String,
    #[serde(default)]
    pub(super) actor_kind: String,
    #[serde(default)]
    pub(super) subject_kind: String,
    #[serde(default)]
    pub(super) subject: String,
    /// Or as the interface and the other lists name it.
    #[serde(default, alias = "household_id")]
    pub(super) household: String,
}

impl Filter {
    /// What does not fit in the parts that the form has.
    pub(super) fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        let mut day = |field: &str, text: &str| match text.trim() {
            "" => None,
            text => text.parse::<Date>().map_err(|_| problems.push(FieldError::new(field, NO_DAY))).ok(),
        };
        let days = (day("from", &self.from), day("to", &self.to));
        if let (Some(from), Some(to)) = days
            && to < from
        {
            let date = format::date(from);
            let message = format!("The end date is before the start date. Choose {date} or later.");
            problems.push(FieldError::new("to", message));
        }
        let verb = self.verb.trim();
        if !verb.is_empty() && !verbs::is_known(verb) {
            let message = format!("The log has no entries about “{}”. Choose one from the list.", excerpt(verb, 40));
            problems.push(FieldError::new("verb", message));
        }
        let outcome = self.outcome.trim();
        if !outcome.is_empty() && !Outcome::WORDS.contains(&outcome) {
            problems.push(FieldError::new("outcome", "Choose one from the list."));
        }
        problems
    }

    /// The filter as the store takes it.
    fn of_store(&self, clock: &Clock) -> Result<AuditFilter, Failure> {
        fn read<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Failure> {
            let text = text.trim();
            if text.is_empty() { Ok(None) } else { read(text).map(Some).ok_or(Failure::Unreadable) }
        }
        Ok(AuditFilter {
            actor: read(&self.actor, |text| text.parse().ok())?,
            actor_kind: read(&self.actor_kind, |text| ActorKind::ALL.into_iter().find(|kind| kind.as_str() == text))?,
            verb: read(&self.verb, |text| Some(text.to_owned()))?,
            subject_kind: read(&self.subject_kind, Subject::kind_of)?,
            subject_id: read(&self.subject, |text| Some(text.to_owned()))?,
            household: read(&self.household, |text| text.parse::<HouseholdId>().ok())?,
            outcome: read(&self.outcome, |text| Outcome::WORDS.into_iter().find(|word| *word == text))?,
            since: read(&self.from, |text| Some(begins(text.parse().ok()?, 0, clock)))?,
            until: read(&self.to, |text| Some(begins(text.parse().ok()?, 1, clock)))?,
        })
    }

    fn query(&self) -> String {
        let fields = [
            ("from", &self.from),
            ("to", &self.to),
            ("verb", &self.verb),
            ("outcome", &self.outcome),
            ("actor", &self.actor),
            ("actor_kind", &self.actor_kind),
            ("subject_kind", &self.subject_kind),
            ("subject", &self.subject),
            ("household", &self.household),
        ];
        let pairs = fields.iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| pair(name, value));
        pairs.collect::<Vec<_>>().join("&")
    }

    fn path(&self) -> String {
        address("/audit", &[&self.query()])
    }

    /// The parts that the form has no field for, which stay when it is sent.
    fn carried(&self) -> Vec<(&'static str, String)> {
        let fields = [
            ("actor", &self.actor),
            ("actor_kind", &self.actor_kind),
            ("subject_kind", &self.subject_kind),
            ("subject", &self.subject),
            ("household", &self.household),
        ];
        fields.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, value.clone())).collect()
    }
}

const NO_DAY: &str = "Enter a date such as 2026-11-30, or leave it empty.";

/// The moment at which a day begins, or one so many days later. Days at either end of time begin at the first or last moment that
/// there is: they filter nothing.
fn begins(day: Date, later: i32, clock: &Clock) -> Timestamp {
    let begin = day.checked_add(later.days()).and_then(|day| day.to_zoned(clock.zone.clone()));
    begin.map_or(if day.year() > 0 { Timestamp::MAX } else { Timestamp::MIN }, |begin| begin.timestamp())
}

#[derive(Template)]
#[template(path = "audit.html")]
pub(super) struct AuditPage {
    pub(super) layout: Layout,
    pub(super) filter: Fields,
    /// What does not fit in the filter; nothing is shown then.
    pub(super) problems: Vec<FieldError>,
    pub(super) rows: Vec<Row>,
    pub(super) paging: Paging,
    /// Whether older entries were not looked at for this page.
    pub(super) goes_on: bool,
}

/// The form, as it is filled in.
pub(super) struct Fields {
    pub(super) from: PlainInput,
    pub(super) to: PlainInput,
    pub(super) verb: String,
    pub(super) outcome: String,
    /// The areas of verbs, and their words.
    pub(super) areas: Vec<(String, String)>,
    pub(super) outcomes: [(&'static str, &'static str); 3],
    pub(super) carried: Vec<(&'static str, String)>,
    /// The path of the same log without what has no field; none where all has.
    pub(super) without: Option<String>,
    pub(super) export: String,
}

/// An entry.
pub(super) struct Row {
    pub(super) number: u64,
    pub(super) at: Moment,
    pub(super) who: String,
    /// The path of all that the same one did; none where nobody is named.
    pub(super) who_path: Option<String>,
    pub(super) role: String,
    pub(super) source: String,
    pub(super) verb: String,
    pub(super) subject: String,
    pub(super) subject_path: Option<String>,
    pub(super) household_path: Option<String>,
    pub(super) outcome: Badge,
    pub(super) why: String,
}

/// `GET /audit?from=…&cursor=…`
pub(super) async fn list(State(app): State<App>, person: SignedIn, asked: Asked<Filter>) -> Result<Response, Failure> {
    person.may(Action::ReadAudit)?;
    let problems = asked.filter.problems();
    if !problems.is_empty() {
        return refused(&app, &person, asked, problems).await;
    }
    let filter = asked.filter.of_store(&person.clock)?;
    // What was seen until now is part of what is looked for.
    app.audit.flush().await;
    let found = app.store.audit(filter, asked.page()).await?;
    crate::audit::counted(found.items.len());
    let rows: Vec<Row> = found.items.iter().map(|entry| row(entry, &person.clock)).collect();
    let paging = asked.paging("/audit", &asked.filter.query(), found.next.as_deref());
    let layout = Layout::load(&app, &person, Section::Audit).await?;
    let (filter, goes_on) = (fields(&asked.filter), found.next.is_some());
    page(&AuditPage { layout, filter, problems, rows, paging, goes_on })
}

/// The page with what does not fit in the filter. Never the file: it would look like an empty log.
async fn refused(
    app: &App,
    person: &SignedIn,
    asked: Asked<Filter>,
    problems: Vec<FieldError>,
) -> Result<Response, Failure> {
    let (layout, paging) = (Layout::load(app, person, Section::Audit).await?, asked.paging("/audit", "", None));
    let filter = fields(&asked.filter);
    let again = page(&AuditPage { layout, filter, problems, rows: Vec::new(), paging, goes_on: false })?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, again).into_response())
}

pub(super) fn fields(filter: &Filter) -> Fields {
    let bare = Filter {
        from: filter.from.clone(),
        to: filter.to.clone(),
        verb: filter.verb.clone(),
        outcome: filter.outcome.clone(),
        ..Filter::default()
    };
    let (carried, problems) = (filter.carried(), filter.problems());
    Fields {
        from: PlainInput::day("from", "From", &filter.from).problems(&problems),
        to: PlainInput::day("to", "To", &filter.to).problems(&problems),
        verb: filter.verb.clone(),
        outcome: filter.outcome.clone(),
        areas: choices(filter),
        outcomes: [("done", "Done"), ("refused", "Refused"), ("failed", "Failed")],
        without: (!carried.is_empty()).then(|| bare.path()),
        carried,
        export: address("/audit/export", &[&filter.query()]),
    }
}

/// The choices of what entries are about: the areas, and what an address names beside them and fits, as a single verb.
fn choices(filter: &Filter) -> Vec<(String, String)> {
    let (mut choices, verb) = (areas(), filter.verb.trim());
    let is_other = !verb.is_empty() && choices.iter().all(|(area, _)| area != verb);
    if is_other && problem_of(&filter.problems(), "verb").is_none() {
        choices.push((verb.to_owned(), verb.to_owned()));
    }
    choices
}

/// The areas that verbs begin with, in their order, and their words.
pub(super) fn areas() -> Vec<(String, String)> {
    let word = |area: &str| match area {
        "openid" => "OpenID Connect".to_owned(),
        area => sentence(&area.replace('_', " ")),
    };
    verbs::areas().into_iter().map(|area| (area.to_owned(), word(area))).collect()
}

pub(super) fn row(entry: &Entry, clock: &Clock) -> Row {
    let act = &entry.act;
    let of = |filter: Filter| filter.path();
    let kind = act.by.kind;
    let who_path = match act.by.id {
        Some(id) => Filter { actor: id.to_string(), ..Filter::default() },
        None => Filter { actor_kind: kind.as_str().to_owned(), ..Filter::default() },
    };
    let subject = &act.subject;
    let subject_path = (!subject.id.is_empty()).then(|| {
        of(Filter { subject_kind: subject.kind.to_owned(), subject: subject.id.clone(), ..Filter::default() })
    });
    let (tone, word) = match act.outcome {
        Outcome::Done => (Tone::Neutral, "Done"),
        Outcome::Refused(_) => (Tone::Attention, "Refused"),
        Outcome::Failed(_) => (Tone::Trouble, "Failed"),
    };
    let because = act.outcome.because().map(str::to_owned);
    let detail = Some(act.detail.clone()).filter(|detail| !detail.is_empty());
    Row {
        number: entry.number,
        at: Moment::new(entry.at, clock),
        who: who(entry),
        who_path: Some(of(who_path)),
        role: act.by.role.map(|role| role.to_string()).unwrap_or_default(),
        source: act.source.clone(),
        verb: act.verb.clone(),
        subject: [subject.kind, &subject.id].join(" ").trim_end().to_owned(),
        subject_path,
        household_path: act.household.map(|id| of(Filter { household: id.to_string(), ..Filter::default() })),
        outcome: Badge::new(tone, word),
        why: because.into_iter().chain(detail).collect::<Vec<_>>().join(" · "),
    }
}

fn who(entry: &Entry) -> String {
    let by = &entry.act.by;
    match by.kind {
        ActorKind::Nobody => "Somebody not signed in".to_owned(),
        ActorKind::Token => format!("Token “{}”", by.name),
        ActorKind::Host if by.name.is_empty() => "The host".to_owned(),
        _ => sentence(&by.name),
    }
}

/// `GET /audit/export?from=…`: the same part of the log as CSV, in the order of its numbers.
pub(super) async fn export(
    State(app): State<App>,
    person: SignedIn,
    asked: Asked<Filter>,
) -> Result<Response, Failure> {
    person.may(Action::ReadAudit)?;
    let problems = asked.filter.problems();
    if !problems.is_empty() {
        return refused(&app, &person, asked, problems).await;
    }
    let filter = asked.filter.of_store(&person.clock)?;
    app.audit.flush().await;
    let pieces = stream::try_unfold(None, move |after: Option<u64>| {
        let (store, filter) = (app.store.clone(), filter.clone());
        async move {
            let found = store.audit_after(after.unwrap_or_default(), filter).await?;
            if found.is_none() && after.is_some() {
                return Ok(None);
            }
            let (entries, last) = found.unwrap_or((Vec::new(), u64::MAX));
            Ok::<_, StoreError>(Some((lines(&entries, after.is_none())?, Some(last))))
        }
    });
    let headers =
        [(CONTENT_TYPE, "text/csv; charset=utf-8"), (CONTENT_DISPOSITION, "attachment; filename=\"audit.csv\"")];
    Ok((headers, Body::from_stream(pieces.boxed())).into_response())
}

const HEADINGS: [&str; 14] = [
    "Number",
    "At",
    "Kind of actor",
    "Actor ID",
    "Actor",
    "Role",
    "From",
    "Verb",
    "Subject",
    "Subject ID",
    "Household",
    "Outcome",
    "Reason",
    "Detail",
];

/// Entries as lines of CSV, the headings first where they begin the file.
pub(super) fn lines(entries: &[Entry], is_first: bool) -> Result<Vec<u8>, StoreError> {
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(Vec::new());
    let failed = |error: ::csv::Error| StoreError::Unwritable { what: "an entry", source: error.into() };
    if is_first {
        writer.write_record(HEADINGS).map_err(failed)?;
    }
    for entry in entries {
        writer.write_record(record(entry)).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| failed(error.into_error().into()))
}

fn record(Entry { number, at, act }: &Entry) -> [String; 14] {
    let at: Timestamp = *at;
    [
        number.to_string(),
        at.to_string(),
        act.by.kind.as_str().to_owned(),
        act.by.id.map(|id| id.to_string()).unwrap_or_default(),
        act.by.name.clone(),
        act.by.role.map(|role| role.as_str().to_owned()).unwrap_or_default(),
        act.source.clone(),
        act.verb.clone(),
        act.subject.kind.to_owned(),
        act.subject.id.clone(),
        act.household.map(|id| id.to_string()).unwrap_or_default(),
        act.outcome.as_str().to_owned(),
        act.outcome.because().unwrap_or_default().to_owned(),
        act.detail.clone(),
    ]
    .map(harmless)
}
