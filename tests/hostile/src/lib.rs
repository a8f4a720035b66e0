//! A plugin that goes wrong on purpose: in the way and on the records that its rules name. All other records it maps as an
//! honest one does, so that a test sees what a hostile plugin costs.
//!
//! Natively there is nothing here: what it does makes sense in the sandbox alone.
#![cfg(target_arch = "wasm32")]

mod wrong;

use std::cell::RefCell;

use serde::Deserialize;
use serde_json::Value;
use tidegate_sdk::bindings::export_component;
use tidegate_sdk::{
    Canonical, Client, ClientStatus, Context, Ctx, Diagnostic, Event, FieldExplanation, FileNote, LineageRecorder,
    Manifest, MapResult, Outcome, Plugin, RawRecord, RecordKind, RuleProblem, Session, Severity, Source, glue,
};

use wrong::How;

/// The rules.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    how: How,
    on: Vec<String>,
    every: u64,
}

impl Rules {
    /// Whether the plugin goes wrong on a record.
    fn names(&self, id: &str) -> bool {
        let is_divided = self.every > 0 && id.parse::<u64>().is_ok_and(|id| id % self.every == 0);
        is_divided || self.on.iter().any(|named| named == id)
    }
}

/// The mapping of an honest plugin: a client by its names.
struct Honest;

impl Plugin for Honest {
    const MANIFEST: &'static str = include_str!("../manifest.json");

    type Rules = Rules;

    fn configure(_: Rules) -> Result<Self, Vec<RuleProblem>> {
        Ok(Self)
    }

    fn sources(&self) -> Vec<Source> {
        let fields = ["first_name", "last_name"].map(str::to_owned).to_vec();
        vec![Source { kind: RecordKind::Client, resource: "client-v4".to_owned(), fields, lists: Vec::new() }]
    }

    fn map(&self, _: &Ctx<'_>, raw: &RawRecord, recorder: &mut LineageRecorder) -> MapResult {
        if raw.kind != RecordKind::Client {
            recorder.whole(Severity::Error, "unknown-kind", "It maps clients alone.");
            return MapResult::Rejected;
        }
        let Ok(json) = serde_json::from_slice::<Value>(&raw.json) else {
            recorder.whole(Severity::Error, "not-json", "The record is no JSON.");
            return MapResult::Rejected;
        };
        let field = |name: &str| json["row"]["fields"][name].as_str().or(json["row"][name].as_str()).map(str::to_owned);
        MapResult::Mapped(vec![Canonical::Client(Client {
            external_id: raw.id.clone(),
            title: None,
            first_name: field("first_name"),
            middle_name: None,
            last_name: field("last_name"),
            preferred_name: None,
            date_of_birth: None,
            sex: None,
            address_line_1: None,
            address_line_2: None,
            suburb: None,
            state: None,
            postcode: None,
            country_code: None,
            email: None,
            email_is_placeholder: false,
            mobile: None,
            adviser_external_id: None,
            secondary_adviser_external_id: None,
            partner_external_id: None,
            is_partner: false,
            status: ClientStatus::Client,
            extensions: Vec::new(),
        })])
    }

    fn render_note(&self, _: &Ctx<'_>, event: &Event) -> Result<FileNote, Vec<Diagnostic>> {
        let message = format!("There is no note for {}.", event.event_type);
        Err(vec![Diagnostic { severity: Severity::Error, field: None, code: "unknown-event".to_owned(), message }])
    }
}

#[used]
#[allow(unsafe_code)]
#[unsafe(link_section = "tidegate:manifest")]
static MANIFEST: [u8; Honest::MANIFEST.len()] = glue::section(Honest::MANIFEST);

thread_local! {
    static CONFIGURED: RefCell<Option<(Session<Honest>, Rules)>> = const { RefCell::new(None) };
}

fn configured<T>(call: impl FnOnce(&Session<Honest>, &Rules) -> T) -> T {
    CONFIGURED.with_borrow(|configured| {
        let (session, rules) = configured.as_ref().expect("the host calls `configure` first");
        call(session, rules)
    })
}

struct Component;

impl glue::Guest for Component {
    fn describe() -> Manifest {
        Session::<Honest>::describe()
    }

    fn configure(rules: String) -> Result<Vec<Source>, Vec<RuleProblem>> {
        let session = Session::<Honest>::configure(&rules)?;
        let sources = session.sources();
        let rules: Rules = serde_json::from_str(&rules).expect("the kit has read them");
        CONFIGURED.set(Some((session, rules)));
        Ok(sources)
    }

    fn map(context: Context, records: Vec<RawRecord>) -> Vec<Outcome> {
        configured(|session, rules| {
            let is_named: Vec<bool> = records.iter().map(|record| rules.names(&record.id)).collect();
            if is_named.contains(&true) {
                rules.how.before_mapping();
            }
            let as_of = context.as_of.clone();
            let mut outcomes = session.map(&glue::Imports, &context, records);
            rules.how.spoil(&mut outcomes, &is_named, &as_of);
            outcomes
        })
    }

    fn explain(context: Context, record: RawRecord) -> Vec<FieldExplanation> {
        configured(|session, rules| {
            let mut explained = session.explain(&glue::Imports, &context, &record);
            if rules.names(&record.id) {
                rules.how.spoil_explanation(&mut explained);
            }
            explained
        })
    }

    fn render_note(context: Context, event: Event) -> Result<FileNote, Vec<Diagnostic>> {
        configured(|session, _| session.render_note(&glue::Imports, &context, &event))
    }
}

#[allow(unsafe_code)]
const _: () = {
    export_component!(Component with_types_in tidegate_sdk::bindings);
};
