//! Maps the advisers and clients of Xplan sites in Australia and New Zealand.
//!
//! The component's code: how a field is read, chosen and checked. What a site or region calls things, and which
//! words mean what, is in the packs' rules (`rules/xplan-au`, `rules/xplan-nz`).

mod address;
mod adviser;
mod client;
mod contact;
mod mapping;
mod person;
mod record;
mod rules;
mod standing;

use tidegate_sdk::{
    Ctx, Diagnostic, Event, Fate, FileNote, Lineage, Plugin, RawRecord, RecordKind, RuleProblem, Severity, Source,
    Trail, notes::Notes,
};

use mapping::ClientMapping;
use rules::AdviserRules;
pub use rules::Rules;

/// The plugin, configured.
pub struct XplanAnz {
    adviser: AdviserRules,
    client: ClientMapping,
    notes: Notes,
}

tidegate_sdk::export!(XplanAnz);

impl Plugin for XplanAnz {
    const MANIFEST: &'static str = include_str!("../manifest.json");

    type Rules = Rules;

    fn configure(rules: Rules) -> Result<Self, Vec<RuleProblem>> {
        let mut problems = Vec::new();
        let client = ClientMapping::new(rules.client, &mut problems);
        let notes = Notes::new(rules.notes, "/notes");
        match notes {
            Ok(notes) if problems.is_empty() => Ok(Self { adviser: rules.adviser, client, notes }),
            notes => {
                problems.extend(notes.err().into_iter().flatten());
                Err(problems)
            }
        }
    }

    fn sources(&self) -> Vec<Source> {
        vec![self.adviser.source(), self.client.source()]
    }

    fn map<L: Lineage>(&self, ctx: &Ctx<'_>, raw: &RawRecord, trail: &mut Trail<L>) -> Fate {
        match raw.kind {
            RecordKind::Adviser => adviser::map(&self.adviser, raw, trail),
            RecordKind::Client => client::map(&self.client, ctx, raw, trail),
            RecordKind::Goal | RecordKind::Cover => {
                let message = "The pack maps advisers and clients only.";
                trail.whole(Severity::Error, "unknown-kind", message);
                Fate::Rejected
            }
        }
    }

    fn render_note(&self, _ctx: &Ctx<'_>, event: &Event) -> Result<FileNote, Vec<Diagnostic>> {
        self.notes.render(event)
    }
}
