//! A plugin of a few lines for the kit's own tests.

use serde::Deserialize;

use crate::{
    Adviser, Canonical, Ctx, Diagnostic, Event, FileNote, Host, LineType, LineageRecorder, LogLevel, MapResult, Origin,
    PhoneNumber, PhoneProblem, Plugin, RawRecord, RecordKind, RuleProblem, Severity, Source,
};

#[derive(Deserialize)]
pub struct Rules {
    resource: String,
}

/// Makes an adviser of each record, named by the record's text; an empty text is rejected.
pub struct Echo {
    resource: String,
}

impl Plugin for Echo {
    const MANIFEST: &'static str = r#"{
        "name": "echo", "version": "1.0.0", "crm": "none", "regions": ["AU"], "kinds": ["adviser", "goal"],
        "kinds_reading_as_of": ["cover"], "fields_read": ["a.b"], "fields_written": ["adviser.first_name"],
        "events": ["survey.completed"], "rules_schema": {"type":"object"}
    }"#;

    type Rules = Rules;

    fn configure(rules: Rules) -> Result<Self, Vec<RuleProblem>> {
        match rules.resource.as_str() {
            "" => Err(vec![RuleProblem { path: "/resource".to_owned(), message: "It is empty.".to_owned() }]),
            _ => Ok(Self { resource: rules.resource }),
        }
    }

    fn sources(&self) -> Vec<Source> {
        let (fields, lists) = (Vec::new(), Vec::new());
        vec![Source { kind: RecordKind::Adviser, resource: self.resource.clone(), fields, lists }]
    }

    fn map(&self, ctx: &Ctx<'_>, raw: &RawRecord, recorder: &mut LineageRecorder) -> MapResult {
        if raw.json.is_empty() {
            recorder.whole(Severity::Error, "empty", "There is nothing.");
            return MapResult::Rejected;
        }
        recorder.origin("first_name", || Origin { source: Some("/row".to_owned()), ..Origin::default() });
        recorder.info("first_name", "echo", ctx.context.region.clone());
        MapResult::Mapped(vec![Canonical::Adviser(Adviser {
            external_id: raw.id.clone(),
            first_name: String::from_utf8(raw.json.clone()).ok(),
            last_name: None,
            email: None,
            active: true,
        })])
    }

    fn render_note(&self, ctx: &Ctx<'_>, event: &Event) -> Result<FileNote, Vec<Diagnostic>> {
        ctx.host.parse_phone(&event.data, None).map_err(|_| Vec::new())?;
        Ok(FileNote {
            note_type: "Client".to_owned(),
            note_subtype: None,
            subject: event.household_name.clone(),
            body: String::new(),
            media_type: "text/plain".to_owned(),
            filed_against: Vec::new(),
            attachments: Vec::new(),
        })
    }
}

/// A host that takes any text but none for a number.
pub struct Anything;

impl Host for Anything {
    fn parse_phone(&self, text: &str, _: Option<&str>) -> Result<PhoneNumber, PhoneProblem> {
        let number = PhoneNumber { e164: text.to_owned(), line: LineType::Other, region: None };
        if text.is_empty() { Err(PhoneProblem::NotANumber) } else { Ok(number) }
    }

    fn log(&self, _: LogLevel, _: &str) {}
}
