//! Maps the advisers and clients of Xplan sites in Australia and New Zealand.
//!
//! The component's code; what differs between sites and regions is in the packs' rules (`rules/xplan-au`,
//! `rules/xplan-nz`), whose format `rules/README.md` describes.

mod adviser;
mod client;
mod rules;

use tidegate_sdk::{
    Ctx, Diagnostic, Event, Fate, FileNote, Lineage, Plugin, RawRecord, RecordKind, RuleProblem, Severity, Source,
    Trail,
};

pub use rules::Rules;

/// The plugin, configured.
pub struct XplanAnz {
    rules: Rules,
}

tidegate_sdk::export!(XplanAnz);

impl Plugin for XplanAnz {
    const MANIFEST: &'static str = include_str!("../manifest.json");

    type Rules = Rules;

    fn configure(rules: Rules) -> Result<Self, Vec<RuleProblem>> {
        Ok(Self { rules })
    }

    fn sources(&self) -> Vec<Source> {
        vec![self.rules.adviser.source(), self.rules.client.source()]
    }

    fn map<L: Lineage>(&self, ctx: &Ctx<'_>, raw: &RawRecord, trail: &mut Trail<L>) -> Fate {
        match raw.kind {
            RecordKind::Adviser => adviser::map(&self.rules.adviser, raw, trail),
            RecordKind::Client => client::map(&self.rules.client, ctx, raw, trail),
            RecordKind::Goal | RecordKind::Cover => {
                trail.whole(Severity::Error, "unknown-kind", "This pack maps advisers and clients only.");
                Fate::Rejected
            }
        }
    }

    fn render_note(&self, _ctx: &Ctx<'_>, event: &Event) -> Result<FileNote, Vec<Diagnostic>> {
        Err(vec![Diagnostic {
            severity: Severity::Error,
            field: None,
            code: "unknown-event".to_owned(),
            message: format!("The pack has no note for the event {}.", event.event_type),
        }])
    }
}
