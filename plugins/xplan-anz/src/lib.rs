//! Maps the advisers, clients, goals and covers of Xplan sites.
//!
//! The component's code: how a field is read, chosen and checked. What a site or region calls things, and which
//! words mean what, is in the packs' rules (`rules/xplan-base` and those that extend it).

mod address;
mod adviser;
mod checks;
mod client;
mod client_row;
mod contact;
mod cover;
mod dates;
mod extensions;
mod goal;
mod listed;
mod mapping;
mod person;
mod record;
mod refusal;
mod rules;
mod standing;

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};
use tidegate_sdk::{
    Ctx, Diagnostic, Event, FileNote, LineageRecorder, MapResult, Plugin, RawRecord, RecordKind, RuleProblem, Severity,
    Source,
    notes::{NoteRules, Notes},
};

use cover::{CoverMapping, CoverRules};
use goal::{GoalMapping, GoalRules};
use mapping::ClientMapping;
use rules::{AdviserRules, ClientRules};
use xplan::{Calendar, CalendarRules, Forms, Unknown, UnknownRules};

/// All rules of a pack.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The way in which the site writes its dates.
    #[serde(default)]
    dates: CalendarRules,
    /// The words that the site writes where it does not know.
    #[serde(default)]
    unknown: UnknownRules,
    /// The rules by which advisers are read.
    adviser: AdviserRules,
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
pub struct XplanAnz {
    forms: Forms,
    adviser: AdviserRules,
    client: ClientMapping,
    /// The mapping of goals; none where the rules import none.
    goal: Option<GoalMapping>,
    /// The mapping of covers; none where the rules import none.
    cover: Option<CoverMapping>,
    notes: Notes,
}

tidegate_sdk::export!(XplanAnz);

impl Plugin for XplanAnz {
    const MANIFEST: &'static str = include_str!("../manifest.json");

    type Rules = Rules;

    fn configure(rules: Rules) -> Result<Self, Vec<RuleProblem>> {
        let mut problems = Vec::new();
        let calendar = Calendar::new(&rules.dates, "/dates", &mut problems);
        let forms = Forms { calendar, unknown: Unknown::new(rules.unknown) };
        let client = ClientMapping::new(rules.client, &mut problems);
        let goal = rules.goal.map(|rules| GoalMapping::new(rules, &mut problems));
        let cover = rules.cover.map(|rules| CoverMapping::new(rules, &mut problems));
        let notes = Notes::new(rules.notes, "/notes");
        match notes {
            Ok(notes) if problems.is_empty() => Ok(Self { forms, adviser: rules.adviser, client, goal, cover, notes }),
            notes => {
                problems.extend(notes.err().into_iter().flatten());
                Err(problems)
            }
        }
    }

    fn sources(&self) -> Vec<Source> {
        let mut sources = vec![self.adviser.source(), self.client.source()];
        sources.extend(self.goal.as_ref().map(|goal| self.client.below(RecordKind::Goal, &goal.lists())));
        sources.extend(self.cover.as_ref().map(|cover| self.client.below(RecordKind::Cover, &[&cover.list.list])));
        sources
    }

    fn map(&self, ctx: &Ctx<'_>, raw: &RawRecord, recorder: &mut LineageRecorder) -> MapResult {
        let forms = &self.forms;
        match (raw.kind, &self.goal, &self.cover) {
            (RecordKind::Adviser, ..) => adviser::map(&self.adviser, forms, raw, recorder),
            (RecordKind::Client, ..) => client::map(&self.client, forms, ctx, raw, recorder),
            (RecordKind::Goal, Some(goal), _) => goal::map(goal, forms, raw, recorder),
            (RecordKind::Cover, _, Some(cover)) => cover::map(cover, forms, ctx, raw, recorder),
            (RecordKind::Goal | RecordKind::Cover, ..) => {
                let message = "The pack's rules do not say how goals or covers are read.";
                recorder.whole(Severity::Error, "unknown-kind", message);
                MapResult::Rejected
            }
        }
    }

    fn render_note(&self, _ctx: &Ctx<'_>, event: &Event) -> Result<FileNote, Vec<Diagnostic>> {
        self.notes.render(event)
    }
}
