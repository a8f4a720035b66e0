//! The crate that the author of a Tidegate mapping plugin depends on.
//!
//! A plugin is a type that implements [`Plugin`] and one line, `tidegate_sdk::export!(MyPlugin);`. The types it
//! takes and gives are the contract's own (`wit/v1`), the same natively and in the sandbox, so that a plugin is
//! tested and measured as ordinary Rust. `tidegate pack new NAME --region ZA --lang rust` makes a crate to begin with.
//!
//! The kit knows no CRM and no region. It never reads a clock, a file or the network outside the test harness
//! (feature `harness`), and a plugin built with it cannot.
//!
//! # What there is
//!
//! | for | take |
//! |---|---|
//! | saying what became of a record | [`MapResult`]; [`LineageRecorder`] for diagnostics and for where a field comes from |
//! | tables of the CRM's words | [`Spellings`] in the rules, made a [`Table`] once, [`Table::read`] for a word with its diagnostic |
//! | text as people write it | [`text::clean`], [`text::decode_entities`], [`text::is_email_address`], [`text::ascii`] |
//! | countries by their names | [`countries`] |
//! | telephone numbers | [`Host::parse_phone`], by way of [`Ctx::host`] |
//! | file notes from templates | [`notes::Notes`] |
//! | the words of a choice in JSON | [`canonical::Choice`] |
//!
//! # A whole plugin
//!
//! Clients by their names and titles, of a CRM that sends `{"row": {"first": "Ada", "last": "Example", "title": "Dr."}}`:
//!
//! ```
//! use serde::Deserialize;
//! use tidegate_sdk::{
//!     Canonical, Client, ClientStatus, Ctx, Diagnostic, Event, FileNote, LineageRecorder, MapResult, Origin, Plugin,
//!     RawRecord, RecordKind, RuleProblem, Severity, Source, Spellings, Table, Title, text,
//! };
//!
//! /// The rules, as the pack's rules.toml has them: `[titles]` with `Dr = ["Dr", "Doctor"]`. A key that is not known is an
//! /// error with its place.
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Rules {
//!     resource: String,
//!     titles: Spellings,
//! }
//!
//! /// The plugin, made of its rules for each batch of records.
//! struct Acme {
//!     resource: String,
//!     titles: Table<Title>,
//! }
//!
//! // Makes the component; natively it makes nothing.
//! tidegate_sdk::export!(Acme);
//!
//! impl Plugin for Acme {
//!     // Usually `include_str!("../manifest.json")`.
//!     const MANIFEST: &'static str = r#"{
//!         "name": "acme", "version": "0.1.0", "crm": "acme", "regions": ["ZA"],
//!         "kinds": ["client"], "kinds_reading_as_of": [],
//!         "fields_read": ["person.first", "person.last", "person.title"],
//!         "fields_written": ["client.first_name", "client.last_name", "client.title", "client.status"],
//!         "events": [], "rules_schema": {"type": "object"}
//!     }"#;
//!
//!     type Rules = Rules;
//!
//!     fn configure(rules: Rules) -> Result<Self, Vec<RuleProblem>> {
//!         let mut problems = Vec::new();
//!         let titles = rules.titles.choices("/titles", &mut problems);
//!         if problems.is_empty() { Ok(Self { resource: rules.resource, titles }) } else { Err(problems) }
//!     }
//!
//!     fn sources(&self) -> Vec<Source> {
//!         let fields = ["first", "last", "title"].map(str::to_owned).to_vec();
//!         vec![Source { kind: RecordKind::Client, resource: self.resource.clone(), fields, lists: Vec::new() }]
//!     }
//!
//!     fn map(&self, _: &Ctx<'_>, raw: &RawRecord, recorder: &mut LineageRecorder) -> MapResult {
//!         // Read what may be anything, so that a bad field never costs the record.
//!         let Ok(json) = serde_json::from_slice::<serde_json::Value>(&raw.json) else {
//!             recorder.whole(Severity::Error, "not-json", "The record is no JSON; it is kept aside.");
//!             return MapResult::Rejected;
//!         };
//!         // One function maps and explains: tell the recorder where each field is from.
//!         let mut read = |field: &'static str, name: &str| {
//!             let value = json["row"][name].as_str().and_then(text::clean).map(|text| text.into_owned());
//!             recorder.origin(field, || Origin {
//!                 source: Some(format!("/row/{name}")),
//!                 source_value: value.clone(),
//!                 rule: None,
//!             });
//!             value
//!         };
//!         let (first_name, last_name) = (read("first_name", "first"), read("last_name", "last"));
//!         let title = read("title", "title");
//!         // A word that stands in no table is left out with a diagnostic that says where to add it.
//!         let title = title.and_then(|word| self.titles.read(&word, "title", recorder)).copied();
//!         if first_name.is_none() && last_name.is_none() {
//!             recorder.whole(Severity::Info, "no-name", "The record has no name; it was left out.");
//!             return MapResult::Skipped;
//!         }
//!         MapResult::Mapped(vec![Canonical::Client(Client {
//!             external_id: raw.id.clone(),
//!             title, first_name, last_name,
//!             middle_name: None, preferred_name: None, date_of_birth: None, sex: None,
//!             address_line_1: None, address_line_2: None, suburb: None, state: None, postcode: None,
//!             country_code: None, email: None, email_is_placeholder: false, mobile: None,
//!             adviser_external_id: None, secondary_adviser_external_id: None,
//!             partner_external_id: None, is_partner: false,
//!             status: ClientStatus::Client, extensions: Vec::new(),
//!         })])
//!     }
//!
//!     fn render_note(&self, _: &Ctx<'_>, event: &Event) -> Result<FileNote, Vec<Diagnostic>> {
//!         let message = format!("The pack has no note for {}.", event.event_type);
//!         Err(vec![Diagnostic { severity: Severity::Error, field: None, code: "unknown-event".into(), message }])
//!     }
//! }
//!
//! // What a test of it looks like: the contract's own calls, natively.
//! use tidegate_sdk::{Context, Host, LogLevel, PhoneNumber, PhoneProblem, Session, Verdict};
//!
//! struct NoPhones;
//! impl Host for NoPhones {
//!     fn parse_phone(&self, _: &str, _: Option<&str>) -> Result<PhoneNumber, PhoneProblem> {
//!         Err(PhoneProblem::NotANumber)
//!     }
//!     fn log(&self, _: LogLevel, _: &str) {}
//! }
//!
//! let acme = Session::<Acme>::configure(r#"{"resource": "person", "titles": {"Dr": ["Dr", "Doctor"]}}"#).unwrap();
//! let context = Context {
//!     region: "ZA".into(), dialect: "resourceful".into(), connection: "main".into(),
//!     placeholder_email_domain: "practice.example".into(), as_of: "2026-03-01".into(),
//! };
//! let json = br#"{"row": {"first": " Ada ", "last": "Example", "title": "Dr."}}"#.to_vec();
//! let raw = RawRecord { kind: RecordKind::Client, id: "7".into(), json };
//! let outcomes = acme.map(&NoPhones, &context, vec![raw.clone()]);
//! let Verdict::Mapped(mapped) = &outcomes[0].verdict else { panic!("{outcomes:?}") };
//! let Canonical::Client(client) = &mapped.records[0] else { panic!("{mapped:?}") };
//! assert_eq!(client.first_name.as_deref(), Some("Ada"));
//! assert_eq!(client.title, Some(Title::Dr));
//! let explained = acme.explain(&NoPhones, &context, &raw);
//! assert!(explained.iter().any(|field| field.source.as_deref() == Some("/row/first")));
//! ```

mod allocator;
pub mod canonical;
pub mod countries;
#[cfg(test)]
mod echo;
mod export;
#[cfg(feature = "harness")]
pub mod harness;
mod lineage;
pub mod notes;
mod plugin;
pub mod read;
mod rules;
mod session;
mod table;
pub mod text;

pub use bindings::tidegate::mapping::{
    log::Level as LogLevel,
    phone::{LineType, Number as PhoneNumber, Problem as PhoneProblem},
};
pub use canonical::bindings;
pub use canonical::bindings::exports::tidegate::mapping::mapper::*;
pub use lineage::{ItemPlace, LineageRecorder, Origin};
pub use plugin::{Ctx, Host, MapResult, Plugin};
pub use session::Session;
pub use table::{Spellings, Table, choice};

/// The parts that the code behind [`export!`] uses; not for plugin authors.
#[doc(hidden)]
pub mod glue {
    pub use crate::allocator::Allocator;
    pub use crate::bindings::exports::tidegate::mapping::mapper::Guest;
    pub use crate::export::{Imports, section};
}
