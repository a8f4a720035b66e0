//! Events tried out with their examples: a note's template that asks for what the data has not got shows when it is filled.

use serde_json::Value;

use super::events::{Misfit, refusals};
use super::layers::Layers;
use super::{About, Context, DocumentRule, EventType, NoteEvent, NoteMember, PackError, Revision};
use crate::domain::ExternalId;
use crate::domain::stored::HouseholdRole;

/// The moment that examples are dated.
const MOMENT: &str = "2026-03-01T09:00:00+11:00";

/// The members of an example that are left out in turn, at most.
const MOST_LEFT_OUT: usize = 50;

/// Has the notes written of all examples of a revision's events, and of each example without what the schema lets people leave
/// out, one after another. Answers a refusal for each that cannot be.
pub(super) fn run(revision: &Revision, layers: &Layers<'_>, context: &Context) -> Vec<PackError> {
    let mut wrong = Vec::new();
    for event in revision.events().all() {
        for (number, example) in event.examples().iter().enumerate() {
            let place = vec!["schema".to_owned(), "examples".to_owned(), number.to_string()];
            let mut refuse = |message: String| {
                wrong.push(Misfit { event: event.name.clone(), line: None, place: place.clone(), message });
            };
            if let Err(why) = written(revision, context, event, example) {
                refuse(why.unwrap_or_else(|| {
                    "the note carries no documents, and `documents` says that they are required: write `attachments = true` there"
                        .to_owned()
                }));
                continue;
            }
            for (left_out, data) in without_each(example) {
                // What has to be there is asked for before a note is written.
                if event.data_errors(&data).is_empty()
                    && let Err(Some(why)) = written(revision, context, event, &data)
                {
                    refuse(format!("where `{left_out}` is left out, as the schema allows: {why}"));
                }
            }
        }
    }
    refusals(layers, &wrong)
}

/// Has a note written.
///
/// # Errors
/// Why it cannot be; none where it carries no documents and is to have some.
fn written(revision: &Revision, context: &Context, event: &EventType, data: &Value) -> Result<(), Option<String>> {
    let attachments: &[&str] = if event.documents == DocumentRule::Required { &["document.pdf"] } else { &[] };
    match revision.render_note(context, &told(event, data), attachments) {
        Ok((_, attached)) if attached.len() < attachments.len() => Err(None),
        Ok(_) => Ok(()),
        Err(PackError::NotRendered(reasons)) => {
            let reasons: Vec<String> = reasons.into_iter().map(|reason| reason.message).collect();
            Err(Some(format!("the note of the example cannot be written: {}", reasons.join("; "))))
        }
        Err(other) => Err(Some(format!("the note of the example cannot be written: {other}"))),
    }
}

/// The example without each of its members in turn, and without each of the members of the first object in each of its
/// lists; with the member's place, such as `goals/0/name`.
fn without_each(example: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let Some(members) = example.as_object() else { return found };
    for name in members.keys() {
        let mut data = example.clone();
        data.as_object_mut().and_then(|members| members.remove(name));
        found.push((name.clone(), data));
    }
    // Of a list, the first entry stands for all.
    for (name, value) in members {
        for inner in value[0].as_object().into_iter().flat_map(|item| item.keys()) {
            let mut data = example.clone();
            data[name][0].as_object_mut().and_then(|members| members.remove(inner));
            found.push((format!("{name}/0/{inner}"), data));
        }
    }
    found.truncate(MOST_LEFT_OUT);
    found
}

/// The example as the pack is told it: of a household of two, or about one of them.
fn told(event: &EventType, example: &Value) -> NoteEvent {
    let member = |id: &str, first: &str, role| NoteMember {
        external_id: ExternalId(id.to_owned()),
        first_name: Some(first.to_owned()),
        last_name: Some("Khan".to_owned()),
        preferred_name: None,
        role,
    };
    let is_of_one =
        event.members().is_some_and(|list| example[&list.name].as_array().is_some_and(|all| all.len() == 1));
    let is_about_one = is_of_one || event.about == About::Client;
    NoteEvent {
        event_type: event.name.clone(),
        occurred_at: MOMENT.to_owned(),
        practice_name: "Acme Advice".to_owned(),
        household_name: "Ayda Khan & Sam Khan".to_owned(),
        members: vec![member("1", "Ayda", HouseholdRole::Cfo), member("2", "Sam", HouseholdRole::NonCfo)],
        about: is_about_one.then(|| ExternalId("1".to_owned())),
        data: example.to_string(),
    }
}
