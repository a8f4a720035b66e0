//! Schemas of the domain's words, so that the document lists what a field can be.

use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use crate::domain::record::{ClientStatus, RecordKind, Sex, Title};
use crate::domain::run::RunState;

fn one_of<'a>(words: impl Iterator<Item = &'a str>) -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).build()
}

fn one_of_or_null<'a>(words: impl Iterator<Item = &'a str>) -> Object {
    let words = words.map(serde_json::Value::from).chain([serde_json::Value::Null]);
    let types = SchemaType::from_iter([Type::String, Type::Null]);
    ObjectBuilder::new().schema_type(types).enum_values(Some(words)).build()
}

pub fn title() -> Object {
    one_of_or_null(Title::ALL.iter().map(|title| title.as_str()))
}

pub fn sex() -> Object {
    one_of_or_null(Sex::ALL.iter().map(|sex| sex.as_str()))
}

pub fn client_status() -> Object {
    one_of(ClientStatus::ALL.iter().map(|status| status.as_str()))
}

pub fn record_kind() -> Object {
    one_of(RecordKind::ALL.iter().map(|kind| kind.as_str()))
}

pub fn run_state() -> Object {
    one_of(RunState::ALL.iter().map(|state| state.as_str()))
}

pub fn trigger() -> Object {
    one_of(["schedule", "request", "resume"].into_iter())
}

pub fn note_state() -> Object {
    one_of(["queued", "sending", "waiting", "done", "dead"].into_iter())
}

pub fn household_role() -> Object {
    one_of(["cfo", "non_cfo"].into_iter())
}

pub fn severity() -> Object {
    one_of(["info", "warning", "error"].into_iter())
}
