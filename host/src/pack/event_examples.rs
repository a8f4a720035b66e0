//! Events tried out with their examples: a note's template that asks for what the data has not got shows when it is filled.

use super::events::{Misfit, refusals};
use super::layers::Layers;
use super::{About, Context, DocumentRule, EventType, NoteEvent, NoteMember, PackError, Revision};
use crate::domain::ExternalId;
use crate::domain::stored::HouseholdRole;

/// The moment that examples are dated.
const MOMENT: &str = "2026-03-01T09:00:00+11:00";

/// Has the notes written of all examples of a revision's events. Answers a refusal for each that cannot be.
pub(super) fn run(revision: &Revision, layers: &Layers<'_>, context: &Context) -> Vec<PackError> {
    let mut wrong = Vec::new();
    for event in revision.events().all() {
        for (number, example) in event.examples().iter().enumerate() {
            let attachments: &[&str] = if event.documents == DocumentRule::Required { &["document.pdf"] } else { &[] };
            let message = match revision.render_note(context, &told(event, example), attachments) {
                Ok((_, attached)) if attached.len() < attachments.len() => {
                    "the note carries no documents, and `documents` says that they are required: write `attachments = true` there"
                        .to_owned()
                }
                Ok(_) => continue,
                Err(PackError::NotRendered(reasons)) => {
                    let reasons: Vec<String> = reasons.into_iter().map(|reason| reason.message).collect();
                    format!("the note of the example cannot be written: {}", reasons.join("; "))
                }
                Err(other) => format!("the note of the example cannot be written: {other}"),
            };
            let place = vec!["schema".to_owned(), "examples".to_owned(), number.to_string()];
            wrong.push(Misfit { event: event.name.clone(), line: None, place, message });
        }
    }
    refusals(layers, &wrong)
}

/// The example as the pack is told it: of a household of two, or about one of them.
fn told(event: &EventType, example: &serde_json::Value) -> NoteEvent {
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
