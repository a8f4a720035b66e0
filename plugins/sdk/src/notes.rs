//! File notes from templates.
//!
//! A pack's templates are its own text (minijinja syntax); what people wrote reaches them as values only, cleaned
//! of control characters, and is never read as a template. What a template asks for and the event has not got is
//! an error, not an empty place in a note.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value, context};
use serde::Deserialize;

use crate::{Diagnostic, Event, FileNote, HouseholdRole, Member, RuleProblem, Severity, text};

/// The note of one event type, as the rules write it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoteRules {
    /// The CRM's type of note.
    note_type: String,
    /// The CRM's subtype of note.
    #[serde(default)]
    note_subtype: Option<String>,
    /// The template of the subject.
    subject: String,
    /// The template of the body.
    body: String,
    /// The clients on whose records in the CRM the note is filed.
    filed_against: FiledAgainst,
    /// Whether the event's attachments go with the note.
    #[serde(default)]
    attachments: bool,
}

/// The clients on whose records in the CRM a note is filed.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FiledAgainst {
    /// The member the event is about; where it is about the household, the primary client.
    About,
    /// The primary client.
    Cfo,
    /// Every member of the household.
    Both,
    /// The member the event is about; where it is about the household, every member.
    AboutOrBoth,
}

/// A pack's notes.
pub struct Notes {
    rules: BTreeMap<String, NoteRules>,
}

impl Notes {
    /// The notes of the rules. `path` is where the rules have them: `/notes`.
    ///
    /// This runs for every batch of records, which needs no notes, so the templates are looked at only as far as that
    /// costs next to nothing; what is wrong beyond that is told when a note is written, as in the pack's fixtures.
    ///
    /// # Errors
    /// The templates that cannot be read, each with its place.
    pub fn new(rules: BTreeMap<String, NoteRules>, path: &str) -> Result<Self, Vec<RuleProblem>> {
        let mut problems = Vec::new();
        for (event, note) in &rules {
            for (part, template) in [("subject", &note.subject), ("body", &note.body)] {
                if let Some(open) = unclosed(template) {
                    let path = format!("{path}/{event}/{part}");
                    problems.push(RuleProblem {
                        path,
                        message: format!("The template cannot be read: a “{open}” is not closed."),
                    });
                }
            }
        }
        if problems.is_empty() { Ok(Self { rules }) } else { Err(problems) }
    }

    /// Writes the note of an event.
    ///
    /// # Errors
    /// Returns why there can be no note: the pack has none for the event's type, or the event lacks what the templates
    /// speak of.
    pub fn render(&self, event: &Event) -> Result<FileNote, Vec<Diagnostic>> {
        let note = self.rules.get(&event.event_type).ok_or_else(|| {
            let message = format!(
                "The pack has no note for {}. Nothing was written to the CRM; add the note to the pack's folder notes.",
                event.event_type
            );
            error("unknown-event", message)
        })?;
        let data: serde_json::Value = serde_json::from_str(&event.data).map_err(|why| {
            error("bad-event-data", format!("The event's data are not JSON: {why}. No note was written."))
        })?;
        let people = People::of(event)?;
        let values = context! {
            practice => one_line(&event.practice_name),
            household => one_line(&event.household_name),
            occurred_at => one_line(&event.occurred_at),
            related => full_name(people.related),
            client => full_name(if people.is_about_one { people.related } else { people.cfo }),
            partner => people.partner.filter(|_| !people.is_about_one).map(full_name),
            data => cleaned(data),
        };
        let environment = environment();
        let fill = |part: &str, template: &str| {
            environment.render_str(template, &values).map_err(|why| {
                let place = why.line().and_then(|line| Some((line, template.lines().nth(line.checked_sub(1)?)?.trim())));
                let place = place.map_or_else(String::new, |(line, text)| format!(", in line {line} of its template, “{text}”"));
                let what = why.detail().map_or_else(|| why.kind().to_string(), str::to_owned);
                let message = format!(
                    "The note's {part} for {} cannot be written: {what}{place}. Nothing was written to the CRM. What an event may leave out, a template asks for first: {{% if data.next_steps is defined %}}, or data.next_steps | default([]).",
                    event.event_type
                );
                error("note-not-rendered", message)
            })
        };
        Ok(FileNote {
            note_type: note.note_type.clone(),
            note_subtype: note.note_subtype.clone(),
            subject: one_line(&fill("subject", &note.subject)?),
            body: text::clean_lines(&fill("body", &note.body)?),
            media_type: "text/plain".to_owned(),
            filed_against: people.filed_against(note.filed_against),
            attachments: if note.attachments { event.attachments.clone() } else { Vec::new() },
        })
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // The body is plain text: an ampersand in a goal stays one.
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    // Of the library's own the few that notes need: each of them is part of every component.
    environment.add_test("defined", |value: &Value| !value.is_undefined());
    environment.add_filter("default", |value: Value, other: Value| if value.is_undefined() { other } else { value });
    environment.add_filter("lower", |text: String| text.to_lowercase());
    environment.add_filter("upper", |text: String| text.to_uppercase());
    environment.add_filter("length", |value: &Value| value.len());
    environment.add_filter("join", |value: &Value, between: String| -> Result<String, minijinja::Error> {
        Ok(value.try_iter()?.map(|item| item.to_string()).collect::<Vec<_>>().join(&between))
    });
    environment
}

/// The first opening mark of a template that has no closing one behind it.
fn unclosed(template: &str) -> Option<&'static str> {
    let marks = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];
    let is_open = |(open, close): &(&'static str, &str)| {
        template.rsplit_once(open).is_some_and(|(_, behind)| !behind.contains(close))
    };
    marks.iter().find(|marks| is_open(marks)).map(|(open, _)| *open)
}

/// The members of the household as a note speaks of them.
struct People<'e> {
    members: &'e [Member],
    cfo: &'e Member,
    partner: Option<&'e Member>,
    /// The one the event is about, else the primary client.
    related: &'e Member,
    /// Whether the event is about one member, not about the household.
    is_about_one: bool,
}

impl<'e> People<'e> {
    fn of(event: &'e Event) -> Result<Self, Vec<Diagnostic>> {
        let members = &event.members[..];
        let role = |role| members.iter().find(|member| member.role == role);
        let Some(cfo) = role(HouseholdRole::Cfo).or(members.first()) else {
            return Err(error(
                "no-members",
                "No member of the household is linked to the CRM, so there is no record to file a note on.".to_owned(),
            ));
        };
        let partner = role(HouseholdRole::NonCfo).filter(|partner| partner.external_id != cfo.external_id);
        let related = match &event.about {
            None => cfo,
            Some(id) => members.iter().find(|member| member.external_id == *id).ok_or_else(|| {
                error("unknown-member", format!("The event is about {id}, who is no member of the household that the CRM knows. No note was written."))
            })?,
        };
        Ok(Self { members, cfo, partner, related, is_about_one: event.about.is_some() })
    }

    fn filed_against(&self, whom: FiledAgainst) -> Vec<String> {
        match whom {
            FiledAgainst::About => vec![self.related.external_id.clone()],
            FiledAgainst::Cfo => vec![self.cfo.external_id.clone()],
            FiledAgainst::AboutOrBoth if self.is_about_one => vec![self.related.external_id.clone()],
            FiledAgainst::Both | FiledAgainst::AboutOrBoth => {
                self.members.iter().map(|member| member.external_id.clone()).collect()
            }
        }
    }
}

/// First and last name; a member without either goes by the preferred name, else by the CRM's number.
fn full_name(member: &Member) -> String {
    let names = [&member.first_name, &member.last_name];
    let names: Vec<String> = names.into_iter().flatten().map(|name| one_line(name)).collect();
    match one_line(&names.join(" ")) {
        name if !name.is_empty() => name,
        _ => member.preferred_name.clone().unwrap_or_else(|| member.external_id.clone()),
    }
}

fn one_line(text: &str) -> String {
    text::clean(text).unwrap_or_default().into_owned()
}

/// The event's data with each text cleaned. Line ends inside a text stay: they are its writer's.
fn cleaned(data: serde_json::Value) -> Value {
    use serde_json::Value as Json;
    match data {
        Json::String(text) => Value::from(text::clean_lines(&text)),
        Json::Array(items) => items.into_iter().map(cleaned).collect(),
        Json::Object(members) => Value::from_pairs(members.into_iter().map(|(name, value)| (name, cleaned(value)))),
        Json::Null => Value::from(()),
        Json::Bool(flag) => Value::from(flag),
        Json::Number(number) => number_value(&number),
    }
}

/// A number that shows itself as people write it: `72.0` as `72`.
fn number_value(number: &serde_json::Number) -> Value {
    let float = number.as_f64().unwrap_or_default();
    match number.as_i64() {
        Some(whole) => Value::from(whole),
        None if float.fract() == 0.0 => Value::from(format!("{float:.0}")),
        None => Value::from(float),
    }
}

fn error(code: &str, message: String) -> Vec<Diagnostic> {
    vec![Diagnostic { severity: Severity::Error, field: None, code: code.to_owned(), message }]
}

#[cfg(test)]
mod tests;
