//! Editing a revision's files, for practice managers: rule tables, dialects, templates and what is expected of them, in a
//! plain field of text. What is typed is kept in a draft, held against the plugin, and staged as a revision of its own.

mod problems;

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use serde::Deserialize;
use uuid::Uuid;

use self::problems::{Problems, Refused};
use super::answers::{AnswerQuery, Answers, Checked};
use super::components::pair;
use super::failure::{Failure, page};
use super::format;
use super::integrations::{find, parse, path as path_of};
use super::layout::{Layout, Section};
use super::previews;
use super::session::SignedIn;
use crate::app::App;
use crate::domain::access::Action;
use crate::domain::{ConnectionName, RevisionDigest};
use crate::integrations::{KnownRevision, RevisionState, RuleDraft, Typed};
use crate::ops::{self, Kind};
use crate::pack::{EditableFile, Edited, FileKind, FileText};
use crate::store::page::PageRequest;

/// The most lines beside which their numbers stand.
const MOST_LINES: usize = 5_000;

/// The bytes of a form: a file of 1 MB, each byte written as three.
pub(super) const LARGEST_FORM: usize = 4 << 20;

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage {
    layout: Layout,
    connection: String,
    connection_path: String,
    state: String,
    answer: Option<Checked>,
    takes_unsigned: bool,
    groups: Vec<Group>,
}

/// Files of a kind.
struct Group {
    heading: &'static str,
    about: &'static str,
    files: Vec<FileRow>,
}

/// A file of the list.
struct FileRow {
    name: String,
    path: String,
    size: String,
    /// The base whose file it is; none of the pack's own.
    base: Option<String>,
    is_changed: bool,
}

#[derive(Template)]
#[template(path = "rule-file.html")]
struct FilePage {
    layout: Layout,
    connection: String,
    connection_path: String,
    files_path: String,
    /// The address to which what is typed goes to be looked at.
    check: String,
    file: String,
    state: String,
    answer: Option<Checked>,
    /// What came in force since the editing began.
    meanwhile: Option<Meanwhile>,
    takes_unsigned: bool,
    /// The base whose file it is, which is only read here.
    base: Option<OfBase>,
    /// Whether only a base has the file so far, and whether the pack's own is joined with that.
    is_new: bool,
    /// See [`FilePage::is_new`].
    is_joined: bool,
    /// Whether a form can carry the text as it is.
    can_edit: bool,
    in_force: String,
    draft: Option<Uuid>,
    refused: Option<Refused>,
    problems: Problems,
    /// The numbers of lines, each with the problem that is told of it; empty where there are too many.
    lines: Vec<Option<usize>>,
    rows: usize,
    text: String,
    /// The other files that the draft changes.
    others: Vec<FileRow>,
}

/// The base whose file is shown.
struct OfBase {
    name: String,
    /// The pack's own file in its place, and the address at which that is edited.
    own: String,
    path: String,
    /// Whether the pack has it.
    is_there: bool,
}

/// A revision that came in force since the editing began.
struct Meanwhile {
    revision: String,
    by: String,
    at: String,
    base: String,
    /// The same file of that revision.
    path: String,
}

/// What an address of these pages says beside the file.
#[derive(Default, Deserialize)]
pub(super) struct DraftQuery {
    draft: Option<Uuid>,
}

/// `GET /settings/integrations/{name}/revisions/{revision}/rules?draft=…`
pub(super) async fn list(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path((name, revision)): Path<(String, String)>,
    (Query(DraftQuery { draft }), Query(answer)): (Query<DraftQuery>, Query<AnswerQuery>),
) -> Result<Response, Failure> {
    person.may(Action::ReadRuns)?;
    let draft = draft.filter(|_| person.can(Action::ManageConnections));
    let one = find(&app, &name).await?;
    let (digest, files) = app.integrations.rule_files(one.name(), &revision).await?;
    let draft = draft_of(&app, one.name(), digest, draft).await?;
    let edited = draft.as_ref().map(|draft| draft.files.clone()).unwrap_or_default();
    let here = Place { name: one.name(), digest, draft: draft.as_ref().map(|draft| draft.id) };
    let state = state(&app, one.name(), digest, &person).await?;
    let layout = Layout::load(&app, &person, Section::Settings).await?;
    page(&RulesPage {
        layout,
        connection: one.title.clone(),
        connection_path: path_of(one.name()),
        state,
        answer: answers.of(&answer, person.user()),
        takes_unsigned: app.integrations.takes_unsigned(),
        groups: groups(files, &edited, &here),
    })
}

/// `GET /settings/integrations/{name}/revisions/{revision}/rules/{file}?draft=…`
pub(super) async fn show(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path((name, revision, file)): Path<(String, String, String)>,
    (Query(DraftQuery { draft }), Query(answer)): (Query<DraftQuery>, Query<AnswerQuery>),
) -> Result<Response, Failure> {
    person.may(Action::ReadRuns)?;
    let draft = draft.filter(|_| person.can(Action::ManageConnections));
    let one = find(&app, &name).await?;
    let (digest, FileText { kind, text: original, base, own_path, is_there }) =
        app.integrations.rule_file(one.name(), &revision, &file).await?;
    let draft = draft_of(&app, one.name(), digest, draft).await?;
    let edited = draft.as_ref().map(|draft| draft.files.clone()).unwrap_or_default();
    let text = edited.get(&file).cloned().unwrap_or(original);
    let here = Place { name: one.name(), digest, draft: draft.as_ref().map(|draft| draft.id) };
    let found = match edited.is_empty() {
        true => Vec::new(),
        false => app.integrations.check_edit(one.name(), &digest.to_string(), &edited).await?,
    };
    let problems = Problems::new(&found, &file, &text, !edited.is_empty(), |file| here.file(file));
    let refused = match &draft {
        Some(draft) if !draft.refused.is_empty() => {
            Some(Refused::load(&app, draft, &file, |file| here.file(file)).await?)
        }
        _ => None,
    };
    let numbers = text.matches('\n').count() + 1;
    let lines = if numbers <= MOST_LINES { problems.by_line(numbers) } else { Vec::new() };
    let in_force = active(&app, one.name()).await?;
    let seen = draft.as_ref().and_then(|draft| draft.in_force);
    let others = edited.keys().filter(|path| **path != file);
    let layout = Layout::load(&app, &person, Section::Settings).await?;
    page(&FilePage {
        layout,
        connection: one.title.clone(),
        connection_path: path_of(one.name()),
        files_path: here.files(),
        check: format!("{}/revisions/{digest}/check", path_of(one.name())),
        state: state(&app, one.name(), digest, &person).await?,
        answer: answers.of(&answer, person.user()),
        meanwhile: in_force.as_ref().filter(|now| seen.is_some_and(|seen| seen != now.entry.digest)).map(|now| {
            Meanwhile {
                revision: now.entry.digest.short().to_string(),
                by: now.entry.by.who.clone(),
                at: format::time(now.entry.by.at, &person.clock.zone),
                base: digest.short().to_string(),
                path: Place { digest: now.entry.digest, draft: None, ..here }.file(&file),
            }
        }),
        takes_unsigned: app.integrations.takes_unsigned(),
        base: base.map(|name| OfBase { name, path: here.file(&own_path), own: own_path, is_there }),
        is_new: !is_there,
        is_joined: kind.is_joined(),
        can_edit: can_be_carried(&text),
        in_force: in_force.map(|now| now.entry.digest.to_string()).unwrap_or_default(),
        draft: here.draft,
        refused,
        problems,
        rows: numbers + 1,
        lines,
        others: others.map(|path| here.row(path, None, true)).collect(),
        text,
        file,
    })
}

/// What a person does with what they typed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// Keeps it and says what is wrong with it.
    #[default]
    Check,
    /// Stages it.
    Stage,
    /// Gives the draft up.
    Discard,
}

/// The form of a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileForm {
    text: String,
    draft: Option<String>,
    in_force: Option<String>,
    #[serde(default, rename = "do")]
    step: Step,
}

/// `POST /settings/integrations/{name}/revisions/{revision}/rules/{file}`
pub(super) async fn send(
    State(app): State<App>,
    person: SignedIn,
    Extension(answers): Extension<Answers>,
    Path((name, revision, file)): Path<(String, String, String)>,
    Form(form): Form<FileForm>,
) -> Result<Response, Failure> {
    let name = parse(&name)?;
    let draft = id_of(form.draft.as_deref())?;
    if let (Step::Discard, Some(draft)) = (form.step, draft) {
        ops::revisions::discard_draft(&app, person.actor(), &name, draft).await?;
        let files = format!("{}/revisions/{}/rules", path_of(&name), draft_path(&revision));
        let message = "The draft is discarded. The files are as the revision has them.".to_owned();
        return Ok(answers.lead(&files, person.user(), Checked::good(message)));
    }
    let in_force = form.in_force.filter(|seen| !seen.is_empty());
    let in_force = in_force.map(|seen| RevisionDigest::try_from(seen).map_err(|_| Failure::Unreadable)).transpose()?;
    let typed = Typed { draft, revision: &revision, path: &file, text: &form.text, in_force };
    let draft = ops::revisions::keep_draft(&app, person.actor(), &name, typed).await?;
    let here = Place { name: &name, digest: draft.base, draft: Some(draft.id) }.file(&file);
    let now = active(&app, &name).await?.map(|known| known.entry.digest);
    let is_overtaken = draft.in_force.is_some() && draft.in_force != now;
    if form.step != Step::Stage || is_overtaken {
        return Ok(Redirect::to(&here).into_response());
    }
    match ops::revisions::stage_draft(&app, person.actor(), &name, draft.id).await {
        Ok(staged) => match staged.revision {
            Some(revision) => preview(&app, &person, &answers, &name, revision.digest()).await,
            None => Ok(Redirect::to(&here).into_response()),
        },
        Err(refusal) if [Kind::WrongState, Kind::Invalid].contains(&refusal.kind) => {
            let message = refusal.fields.first().map_or(refusal.message.clone(), |field| field.message.clone());
            Ok(answers.lead(&here, person.user(), Checked::bad(format::sentence(&message))))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Leads to the preview of a revision that was just staged.
async fn preview(
    app: &App,
    person: &SignedIn,
    answers: &Answers,
    name: &ConnectionName,
    revision: RevisionDigest,
) -> Result<Response, Failure> {
    match ops::revisions::preview(app, person.actor(), name, &revision.to_string()).await {
        Ok(preview) => Ok(Redirect::to(&previews::path(&preview)).into_response()),
        Err(refusal) => {
            let message = format!("Revision {} is staged. {}", revision.short(), format::sentence(&refusal.message));
            Ok(answers.lead(&path_of(name), person.user(), Checked::good(message)))
        }
    }
}

/// A file as it is being typed.
#[derive(Deserialize)]
pub(super) struct CheckForm {
    file: String,
    text: String,
    draft: Option<String>,
}

/// `POST /settings/integrations/{name}/revisions/{revision}/check`: the problems with what is typed, as a part of the page.
/// Nothing is changed, and nothing kept.
pub(super) async fn check(
    State(app): State<App>,
    person: SignedIn,
    Path((name, revision)): Path<(String, String)>,
    Form(form): Form<CheckForm>,
) -> Result<Response, Failure> {
    person.may(Action::ManageConnections)?;
    let name = parse(&name)?;
    let (digest, ..) = app.integrations.rule_file(&name, &revision, &form.file).await?;
    let draft = draft_of(&app, &name, digest, id_of(form.draft.as_deref())?).await?;
    let here = Place { name: &name, digest, draft: draft.as_ref().map(|draft| draft.id) };
    let mut edited = draft.map(|draft| draft.files).unwrap_or_default();
    edited.insert(form.file.clone(), form.text.clone());
    let found = app.integrations.check_edit(&name, &digest.to_string(), &edited).await?;
    let problems = Problems::new(&found, &form.file, &form.text, true, |file| here.file(file));
    let html = problems.render().map_err(|error| Failure::Broken(error.to_string()))?;
    Ok(Html(html).into_response())
}

fn id_of(draft: Option<&str>) -> Result<Option<Uuid>, Failure> {
    let given = draft.filter(|draft| !draft.is_empty());
    given.map(|draft| draft.parse().map_err(|_| Failure::Unreadable)).transpose()
}

/// A revision as it stands in addresses: what is none is told of where it is looked for.
fn draft_path(revision: &str) -> String {
    revision.chars().filter(char::is_ascii_hexdigit).collect()
}

/// The draft of an address: one of this revision's files.
async fn draft_of(
    app: &App,
    name: &ConnectionName,
    base: RevisionDigest,
    id: Option<Uuid>,
) -> Result<Option<RuleDraft>, Failure> {
    let Some(id) = id else { return Ok(None) };
    let draft = app.integrations.draft(name, id).await?;
    let of_another = "This draft is of another revision's files. Open it from the connection's page.";
    if draft.base == base { Ok(Some(draft)) } else { Err(Failure::NotFound(of_another)) }
}

/// The revision that is in force for a connection.
async fn active(app: &App, name: &ConnectionName) -> Result<Option<KnownRevision>, Failure> {
    let whole = PageRequest { cursor: None, limit: usize::MAX };
    let known = app.integrations.revisions(name, whole).await?.items;
    Ok(known.into_iter().find(|known| known.state == RevisionState::Active))
}

/// The revision whose files are edited, in a sentence.
async fn state(app: &App, name: &ConnectionName, digest: RevisionDigest, person: &SignedIn) -> Result<String, Failure> {
    let whole = PageRequest { cursor: None, limit: usize::MAX };
    let known = app.integrations.revisions(name, whole).await?.items;
    let known = known.into_iter().find(|known| known.entry.digest == digest);
    let stands = known.map(|KnownRevision { entry, state, .. }| {
        let at = format::time(entry.by.at, &person.clock.zone);
        match state {
            RevisionState::Active => format!("in force since {at}"),
            RevisionState::Verified => format!("staged by {}, {at}", entry.by.who),
            RevisionState::Retired => "which was in force before".to_owned(),
            RevisionState::TakenBack => "which the breaker took back".to_owned(),
        }
    });
    let stands = stands.map(|stands| format!(", {stands}")).unwrap_or_default();
    Ok(format!("From revision {}{stands}. Nothing changes until you stage it and put it in force.", digest.short()))
}

/// Whether a form brings a text back as it is: fields of text know one kind of line ends, and no zero bytes.
fn can_be_carried(text: &str) -> bool {
    !text.contains('\0') && !text.replace("\r\n", "\n").contains('\r')
}

/// The revision and draft that addresses are of.
#[derive(Clone, Copy)]
struct Place<'a> {
    name: &'a ConnectionName,
    digest: RevisionDigest,
    draft: Option<Uuid>,
}

impl Place<'_> {
    /// The address of the list of files.
    fn files(&self) -> String {
        let draft = self.draft.map(|draft| format!("?{}", pair("draft", &draft.to_string()))).unwrap_or_default();
        format!("{}/revisions/{}/rules{draft}", path_of(self.name), self.digest.short())
    }

    /// The address of a file.
    fn file(&self, file: &str) -> String {
        let draft = self.draft.map(|draft| format!("?{}", pair("draft", &draft.to_string()))).unwrap_or_default();
        format!("{}/revisions/{}/rules/{file}{draft}", path_of(self.name), self.digest.short())
    }

    fn row(&self, file: &str, bytes: Option<u64>, is_changed: bool) -> FileRow {
        let size = bytes.map(format::size).unwrap_or_default();
        FileRow { name: file.to_owned(), path: self.file(file), size, base: None, is_changed }
    }
}

fn groups(files: Vec<EditableFile>, edited: &Edited, here: &Place<'_>) -> Vec<Group> {
    let mut by_kind: BTreeMap<FileKind, Vec<FileRow>> = BTreeMap::new();
    for file in files {
        let is_changed = file.base.is_none() && edited.contains_key(&file.path);
        let row = FileRow { base: file.base, ..here.row(&file.path, Some(file.bytes), is_changed) };
        by_kind.entry(file.kind).or_default().push(row);
    }
    let group = |kind: FileKind| {
        let (heading, about) = match kind {
            FileKind::Rules => {
                ("Rules", "What the CRM’s fields and words mean, with examples that are tried each time.")
            }
            FileKind::Dialect => ("Dialects", "What differs where a site speaks another dialect."),
            FileKind::Event => {
                ("Events", "What can be recorded of a household: names, forms, and what has to be filled in.")
            }
            FileKind::Note => ("File notes", "The words of each file note."),
            FileKind::Document => {
                ("Documents", "The templates of documents, and the samples that they are tried with.")
            }
            FileKind::Fixture => (
                "Expected outcomes",
                "Whole records, and what has to become of them. Change one where that is to be another.",
            ),
        };
        by_kind.remove(&kind).map(|files| Group { heading, about, files })
    };
    FileKind::ALL.into_iter().filter_map(group).collect()
}
