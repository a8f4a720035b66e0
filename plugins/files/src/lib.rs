//! Maps the advisers, clients, goals and covers of CRMs that are read from files.
//!
//! An export's columns are called anything: which is which, and which words mean what, is in the pack's rules
//! (`rules/files-au`). Regions and currencies are tables, too. A column that the rules do not name is not read, and a field
//! that no column is named for stays empty.

mod client;
mod contact;
mod cover;
mod forms;
mod goal;
mod row;
mod rules;
mod values;

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};
use tidegate_sdk::{
    Ctx, Diagnostic, Event, FileNote, LineageRecorder, MapResult, Plugin, RawRecord, RecordKind, RuleProblem, Severity,
    Source,
    notes::{NoteRules, Notes},
    read::{Calendar, CalendarRules, Unknown, UnknownRules},
};

use client::ClientMapping;
use cover::{CoverMapping, CoverRules};
use forms::Forms;
use goal::{GoalMapping, GoalRules};
use rules::{AdviserRules, ClientRules, Columns};

/// All rules of a pack.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The way in which the exports write their dates.
    #[serde(default)]
    dates: CalendarRules,
    /// The words that they have where something is not known.
    #[serde(default)]
    unknown: UnknownRules,
    /// The rules by which advisers are read; without them none are imported.
    #[serde(default)]
    adviser: Option<AdviserRules>,
    /// The rules by which clients are read.
    client: ClientRules,
    /// The rules by which goals are read; without them none are imported.
    #[serde(default)]
    goal: Option<GoalRules>,
    /// The rules by which covers are read; without them none are imported.
    #[serde(default)]
    cover: Option<CoverRules>,
    /// The file notes, by event type.
    #[serde(default)]
    notes: BTreeMap<String, NoteRules>,
    /// Examples that run as tests; nothing for the plugin to do.
    #[serde(default, rename = "examples")]
    _examples: IgnoredAny,
}

/// The plugin, configured.
pub struct Files {
    forms: Forms,
    adviser: Option<(String, Columns)>,
    client: ClientMapping,
    goal: Option<GoalMapping>,
    cover: Option<CoverMapping>,
    notes: Notes,
}

tidegate_sdk::export!(Files);

impl Plugin for Files {
    const MANIFEST: &'static str = include_str!("../manifest.json");

    type Rules = Rules;

    fn configure(rules: Rules) -> Result<Self, Vec<RuleProblem>> {
        let mut problems = Vec::new();
        let calendar = Calendar::new(&rules.dates, "/dates", &mut problems);
        let forms = Forms { calendar, unknown: Unknown::new(rules.unknown) };
        let adviser = rules.adviser.map(|rules| (rules.resource.clone(), rules.columns(&mut problems)));
        let client = ClientMapping::new(rules.client, &mut problems);
        let goal = rules.goal.map(|rules| GoalMapping::new(rules, &mut problems));
        let cover = rules.cover.map(|rules| CoverMapping::new(rules, &mut problems));
        match Notes::new(rules.notes, "/notes") {
            Ok(notes) if problems.is_empty() => Ok(Self { forms, adviser, client, goal, cover, notes }),
            notes => {
                problems.extend(notes.err().into_iter().flatten());
                Err(problems)
            }
        }
    }

    fn sources(&self) -> Vec<Source> {
        let clients = || self.client.resource.clone();
        let below = |kind, list: &str, columns: &Columns| Source {
            kind,
            resource: clients(),
            fields: columns.names(),
            lists: vec![list.to_owned()],
        };
        let mut sources: Vec<Source> = self
            .adviser
            .iter()
            .map(|(resource, columns)| Source {
                kind: RecordKind::Adviser,
                resource: resource.clone(),
                fields: columns.names(),
                lists: Vec::new(),
            })
            .collect();
        let fields = self.client.columns.names();
        sources.push(Source { kind: RecordKind::Client, resource: clients(), fields, lists: Vec::new() });
        sources.extend(self.goal.as_ref().map(|goal| below(RecordKind::Goal, &goal.list, &goal.columns)));
        sources.extend(self.cover.as_ref().map(|cover| below(RecordKind::Cover, &cover.list, &cover.columns)));
        sources
    }

    fn map(&self, ctx: &Ctx<'_>, raw: &RawRecord, recorder: &mut LineageRecorder) -> MapResult {
        let forms = &self.forms;
        match (raw.kind, &self.adviser, &self.goal, &self.cover) {
            (RecordKind::Client, ..) => client::map(&self.client, forms, ctx, raw, recorder),
            (RecordKind::Adviser, Some((_, columns)), ..) => client::adviser(columns, forms, raw, recorder),
            (RecordKind::Goal, _, Some(goal), _) => goal::map(goal, forms, raw, recorder),
            (RecordKind::Cover, .., Some(cover)) => cover::map(cover, forms, ctx, raw, recorder),
            _ => {
                let message = "The pack's rules do not say how records of this kind are read.";
                recorder.whole(Severity::Error, "unknown-kind", message);
                MapResult::Rejected
            }
        }
    }

    fn render_note(&self, _ctx: &Ctx<'_>, event: &Event) -> Result<FileNote, Vec<Diagnostic>> {
        self.notes.render(event)
    }
}
