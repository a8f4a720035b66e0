//! Maps the clients of {{CRM}} sites in {{REGION}}: a start of a few fields, to be gone on from.
//!
//! What a site calls a field is a rule (`pack/rules.toml`); how a field is read, chosen and checked is code.

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use tidegate_sdk::{
    Canonical, Client, ClientStatus, Ctx, Diagnostic, Event, FileNote, LineType, LineageRecorder, MapResult, Origin,
    Plugin, RawRecord, RecordKind, RuleProblem, Severity, Source, Spellings, Table, Title, text,
};

/// The rules, as `pack/rules.toml` has them. A key that is not known is an error with its place.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    client: ClientRules,
    /// For the host, which runs them.
    #[serde(default, rename = "examples")]
    _examples: IgnoredAny,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientRules {
    resource: String,
    fields: Fields,
    titles: Spellings,
}

/// The CRM's names of what is read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    title: String,
    first_name: String,
    last_name: String,
    email: String,
    mobile: String,
}

/// The plugin, configured.
pub struct Mapping {
    resource: String,
    fields: Fields,
    titles: Table<Title>,
}

tidegate_sdk::export!(Mapping);

impl Plugin for Mapping {
    const MANIFEST: &'static str = include_str!("../manifest.json");

    type Rules = Rules;

    fn configure(rules: Rules) -> Result<Self, Vec<RuleProblem>> {
        let mut problems = Vec::new();
        let ClientRules { resource, fields, titles } = rules.client;
        let titles = titles.choices("/client/titles", &mut problems);
        if problems.is_empty() { Ok(Self { resource, fields, titles }) } else { Err(problems) }
    }

    fn sources(&self) -> Vec<Source> {
        let Fields { title, first_name, last_name, email, mobile } = &self.fields;
        let fields = [title, first_name, last_name, email, mobile].map(String::clone).to_vec();
        vec![Source { kind: RecordKind::Client, resource: self.resource.clone(), fields, lists: Vec::new() }]
    }

    fn map(&self, ctx: &Ctx<'_>, raw: &RawRecord, recorder: &mut LineageRecorder) -> MapResult {
        if raw.kind != RecordKind::Client {
            recorder.whole(Severity::Error, "unknown-kind", "The pack maps clients alone.");
            return MapResult::Rejected;
        }
        let Ok(json) = serde_json::from_slice::<Value>(&raw.json) else {
            let message = "What the CRM sent is no JSON; the record is kept aside until it can be read.";
            recorder.whole(Severity::Error, "not-json", message);
            return MapResult::Rejected;
        };
        let row = Row { json: &json["row"] };
        let fields = &self.fields;
        let title = row.text("title", &fields.title, recorder);
        let title = title.and_then(|word| self.titles.read(&word, "title", recorder)).copied();
        let first_name = row.text("first_name", &fields.first_name, recorder);
        let last_name = row.text("last_name", &fields.last_name, recorder);
        if first_name.is_none() && last_name.is_none() {
            recorder.whole(Severity::Info, "no-name", "The record has no name; it was left out.");
            return MapResult::Skipped;
        }
        let email = row.text("email", &fields.email, recorder);
        let mobile = row.text("mobile", &fields.mobile, recorder).and_then(|text| mobile(ctx, &text, recorder));
        MapResult::Mapped(vec![Canonical::Client(Client {
            external_id: raw.id.clone(),
            title,
            first_name,
            middle_name: None,
            last_name,
            preferred_name: None,
            date_of_birth: None,
            sex: None,
            address_line_1: None,
            address_line_2: None,
            suburb: None,
            state: None,
            postcode: None,
            country_code: None,
            email,
            email_is_placeholder: false,
            mobile,
            adviser_external_id: None,
            secondary_adviser_external_id: None,
            partner_external_id: None,
            is_partner: false,
            status: ClientStatus::Client,
            extensions: Vec::new(),
        })])
    }

    fn render_note(&self, _ctx: &Ctx<'_>, event: &Event) -> Result<FileNote, Vec<Diagnostic>> {
        let message = format!("The pack has no note for {}.", event.event_type);
        Err(vec![Diagnostic { severity: Severity::Error, field: None, code: "unknown-event".to_owned(), message }])
    }
}

/// A client's row, in either of the forms in which it comes: its fields in `fields`, or beside the others.
struct Row<'a> {
    json: &'a Value,
}

impl Row<'_> {
    /// The text of a field, without blanks at its ends and what cannot be seen. Tells where it is from.
    fn text(&self, field: &'static str, name: &str, recorder: &mut LineageRecorder) -> Option<String> {
        let (value, place) = match &self.json["fields"][name] {
            Value::Null => (&self.json[name], "/row"),
            value => (value, "/row/fields"),
        };
        let text = match value {
            Value::String(text) => text::clean(text).map(|text| text.into_owned()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        recorder.origin(field, || Origin {
            source: Some(format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"))),
            source_value: text.clone(),
            rule: Some(format!("/client/fields/{field} {name}")),
        });
        text
    }
}

/// A number that can be sent a message to; none, and a diagnostic, of any other.
fn mobile(ctx: &Ctx<'_>, text: &str, recorder: &mut LineageRecorder) -> Option<String> {
    let parsed = ctx.host.parse_phone(text, Some(&ctx.context.region));
    let is_mobile = |line| matches!(line, LineType::Mobile | LineType::FixedLineOrMobile);
    let number = parsed.ok().filter(|number| is_mobile(number.line));
    if number.is_none() {
        let message = format!(
            "“{text}” is no mobile number that can be dialled; it was left out. Correct it in the CRM, with its country code."
        );
        recorder.warn("mobile", "not-a-mobile", message);
    }
    number.map(|number| number.e164)
}
