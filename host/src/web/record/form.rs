//! Values of the forms, and the events that they make.

use askama::Template;
use askama::filters::HtmlSafe;
use jiff::civil::DateTime;
use serde_json::{Value, json};

use super::attachments::{DOCUMENT, FILE, Kept};
use super::kind::Kind;
use crate::domain::ClientId;
use crate::domain::note::Event;
use crate::intake::NotRead;
use crate::notes::data_errors;
use crate::store::book::HouseholdRow;
use crate::web::components::Clock;
use crate::web::format;

/// One field to fill in.
#[derive(Clone, Debug)]
pub(in crate::web) struct Input {
    pub(in crate::web) id: String,
    pub(in crate::web) name: String,
    pub(in crate::web) label: String,
    pub(in crate::web) value: String,
    /// `text`, `percent`, `lines`, `moment`, `choice`, `file`; or `kept`, a box for a document that is there already.
    pub(in crate::web) kind: &'static str,
    pub(in crate::web) choices: Vec<(String, String)>,
    pub(in crate::web) problem: Option<String>,
}

/// A field, or a group of rows of fields under a heading.
#[derive(Template, Clone, Debug)]
#[template(path = "components/record-part.html")]
pub(in crate::web) struct Part {
    /// The heading of the fields; none for a field that stands alone.
    heading: Option<String>,
    hint: &'static str,
    rows: Vec<Vec<Input>>,
    /// The group to which a button adds a row, and what the button says.
    add: Option<(&'static str, &'static str)>,
}

impl HtmlSafe for Part {}

impl Part {
    fn one(input: Input) -> Self {
        Self { heading: None, hint: "", rows: vec![vec![input]], add: None }
    }

    /// The name of the field with this id where the field is not beside it: `Dimension 1, percent`.
    pub(super) fn name_of(&self, id: &str) -> Option<String> {
        let row = self.rows.iter().find(|row| row.iter().any(|input| input.id == id))?;
        let names: Vec<String> = match row.iter().position(|input| input.id == id)? {
            0 => vec![row[0].label.clone()],
            place => vec![row[0].label.clone(), row[place].label.to_lowercase()],
        };
        // A group to which nothing can be added is a person's.
        let whose = self.heading.as_ref().filter(|_| self.add.is_none());
        Some(whose.into_iter().cloned().chain(names).collect::<Vec<_>>().join(", "))
    }
}

/// The id of the field at a place of the event: `/data/goals/0` is `data-goals-0`.
pub(super) fn id(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', "-")
}

/// A form with what was typed.
#[derive(Clone, Debug)]
pub(in crate::web) struct Filled {
    kind: Kind,
    /// The household's people: id and name.
    people: Vec<(ClientId, String)>,
    occurred: String,
    /// A person's id; empty for the household.
    about: String,
    /// Single fields by name.
    fields: Vec<(&'static str, String)>,
    /// Groups of rows by name.
    rows: Vec<(&'static str, Vec<Vec<String>>)>,
    /// The values session: for each person the progress and five values.
    sessions: Vec<(String, Vec<String>)>,
    /// The documents that it has already.
    pub(in crate::web) documents: Vec<Kept>,
}

/// Values of a person that a session's form takes.
const VALUES: usize = 5;

impl Filled {
    /// A form with nothing but the moment.
    pub(in crate::web) fn empty(kind: Kind, found: &HouseholdRow, clock: &Clock) -> Self {
        let mut filled = Self::of(kind, found, &[]);
        filled.occurred = clock.now.to_zoned(clock.zone.clone()).strftime("%Y-%m-%dT%H:%M").to_string();
        filled.show_rows(&[]);
        filled
    }

    /// Shows as many rows as the browser did, and three at least: the empty ones come after those that are filled.
    pub(super) fn show_rows(&mut self, pairs: &[(String, String)]) {
        for (group, names) in self.kind.rows() {
            let shown = pairs.iter().filter(|(known, _)| *known == names[0]).count();
            let filled = self.rows.iter().find(|(name, _)| name == group).map_or(0, |(_, rows)| rows.len());
            (filled..shown.max(3)).for_each(|_| self.add_row(group));
        }
    }

    /// The form with what a browser sent. Rows that are empty are left out, so that places in the event are places in
    /// the form.
    pub(in crate::web) fn of(kind: Kind, found: &HouseholdRow, pairs: &[(String, String)]) -> Self {
        let all = |name: &str| -> Vec<String> {
            let of_name = pairs.iter().filter(|(known, _)| known == name);
            of_name.map(|(_, value)| value.trim().replace("\r\n", "\n")).collect()
        };
        let one = |name: &str| all(name).into_iter().next().unwrap_or_default();
        let people: Vec<_> = found.people.iter().map(|one| (one.id, format::name(&one.client.full_name()))).collect();
        let fields: &[&str] = match kind {
            Kind::Survey => &["score"],
            Kind::Note => &["subject", "body"],
            Kind::Values | Kind::Preferences | Kind::Plan | Kind::PreferencesDocument => &[],
        };
        let rows = kind.rows().iter().map(|(group, names)| {
            let columns: Vec<Vec<String>> = names.iter().map(|name| all(name)).collect();
            let count = columns.iter().map(Vec::len).max().unwrap_or_default();
            let row = |place| columns.iter().map(|column| column.get(place).cloned().unwrap_or_default()).collect();
            let is_filled = |row: &Vec<String>| row.iter().any(|cell| !cell.is_empty());
            (*group, (0..count).map(row).filter(is_filled).collect())
        });
        let session = |place: usize| {
            let mut values = all(&format!("value-{place}"));
            values.retain(|value| !value.is_empty());
            (one(&format!("progress-{place}")), values)
        };
        Self {
            kind,
            occurred: one("occurred"),
            about: one("about"),
            fields: fields.iter().map(|name| (*name, one(name))).collect(),
            rows: rows.collect(),
            sessions: (0..people.len()).map(session).collect(),
            documents: Vec::new(),
            people,
        }
    }

    /// Refuses a form with a part that none of this kind has, or twice what is there once: what it says would be dropped.
    pub(super) fn check_parts(&self, pairs: &[(String, String)]) -> Result<(), NotRead> {
        let people = 0..if self.kind == Kind::Values { self.people.len() } else { 0 };
        let about = self.kind != Kind::Values;
        let mut once: Vec<String> = ["key", "add", "occurred"].map(str::to_owned).to_vec();
        once.extend(about.then(|| "about".to_owned()));
        once.extend(self.fields.iter().map(|(name, _)| (*name).to_owned()));
        once.extend(people.clone().map(|place| format!("progress-{place}")));
        let mut often: Vec<String> =
            self.kind.rows().iter().flat_map(|(_, names)| *names).map(|name| (*name).to_owned()).collect();
        often.extend(people.map(|place| format!("value-{place}")));
        often.extend(self.kind.takes_documents().then(|| DOCUMENT.to_owned()));
        for (place, (name, _)) in pairs.iter().enumerate() {
            let comes_again = pairs[..place].iter().any(|(before, _)| before == name);
            if once.contains(name) && comes_again {
                return Err(NotRead::PartTwice(name.clone()));
            }
            if !once.contains(name) && !often.contains(name) {
                let file = self.kind.takes_documents().then_some(FILE);
                let known = once.iter().chain(&often).map(String::as_str).chain(file);
                return Err(NotRead::unknown_part(name, known));
            }
        }
        Ok(())
    }

    /// One more empty row of a group.
    pub(super) fn add_row(&mut self, group: &str) {
        let width = self.kind.rows().iter().find(|(name, _)| *name == group).map_or(0, |(_, names)| names.len());
        if let Some((_, rows)) = self.rows.iter_mut().find(|(name, _)| *name == group) {
            rows.push(vec![String::new(); width]);
        }
    }

    /// The event; or, where a place of it cannot be read, all that is wrong with it: each place with what would be right.
    pub(in crate::web) fn event(&self, found: &HouseholdRow, clock: &Clock) -> Result<Event, Vec<(String, String)>> {
        let mut wrong: Vec<(String, String)> = Vec::new();
        let moment = self.occurred.parse::<DateTime>().ok().and_then(|at| at.to_zoned(clock.zone.clone()).ok());
        if moment.is_none() {
            wrong.push(("/occurred_at".to_owned(), "must be a date and a time".to_owned()));
        }
        let client_id = self.about.parse().ok();
        if client_id.is_none() && !self.about.is_empty() {
            wrong.push(("/client_id".to_owned(), "must be one of the household".to_owned()));
        }
        let sessions: Vec<usize> = (0..self.people.len()).filter(|place| self.has_session(*place)).collect();
        let (data, client_id) = match (self.kind, &sessions[..]) {
            // A session of one of two people is about that one.
            (Kind::Values, [one]) if self.people.len() > 1 => (self.data(&sessions), Some(self.people[*one].0)),
            _ => (self.data(&sessions), client_id),
        };
        let Some(moment) = moment.filter(|_| wrong.is_empty()) else {
            let errors = data_errors(self.kind.event_type(), &data);
            wrong.extend(errors.into_iter().map(|error| (error.field, error.message)));
            return Err(wrong);
        };
        Ok(Event {
            event_type: self.kind.event_type().to_owned(),
            household_id: found.household.id,
            client_id,
            occurred_at: moment.timestamp(),
            data,
            attachments: self.documents.iter().map(|document| document.id).collect(),
        })
    }

    fn has_session(&self, place: usize) -> bool {
        let (progress, values) = &self.sessions[place];
        !progress.is_empty() || !values.is_empty()
    }

    fn data(&self, sessions: &[usize]) -> Value {
        let rows = |group: &str| self.rows.iter().find(|(name, _)| *name == group).map(|(_, rows)| rows.as_slice());
        let rows = |group: &str| rows(group).unwrap_or_default();
        match self.kind {
            Kind::Survey => json!({
                "score": number(self.field("score")),
                "goals": rows("goals").iter().map(|row| &row[0]).collect::<Vec<_>>(),
                "dimensions": rows("dimensions")
                    .iter()
                    .map(|row| json!({ "name": row[0], "percent": number(&row[1]) }))
                    .collect::<Vec<_>>(),
            }),
            Kind::Values => {
                let client = |place: &usize| {
                    let (progress, values) = &self.sessions[*place];
                    json!({ "name": self.people[*place].1, "progress": number(progress), "values": values })
                };
                json!({ "clients": sessions.iter().map(client).collect::<Vec<_>>() })
            }
            Kind::Preferences => {
                let answer = |row: &Vec<String>| json!({ "question": row[0], "response": row[1] });
                json!({ "answers": rows("answers").iter().map(answer).collect::<Vec<_>>() })
            }
            Kind::Plan | Kind::PreferencesDocument => json!({}),
            Kind::Note => json!({ "subject": self.field("subject"), "body": self.field("body") }),
        }
    }

    fn field(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// The form's parts, each with what is wrong with it.
    pub(super) fn parts(&self, problems: &[(Option<String>, String)]) -> Vec<Part> {
        let problem = |pointer: &str| {
            let found = problems.iter().find(|(about, _)| about.as_deref() == Some(pointer));
            found.map(|(_, message)| format::sentence(message))
        };
        let input = |pointer: &str, name: &str, label: &str, value: &str, kind| Input {
            id: id(pointer),
            name: name.to_owned(),
            label: label.to_owned(),
            value: value.to_owned(),
            kind,
            choices: Vec::new(),
            problem: problem(pointer),
        };
        let mut parts = vec![Part::one(input("/occurred_at", "occurred", "When", &self.occurred, "moment"))];
        if self.kind != Kind::Values && self.people.len() > 1 {
            let mut about = input("/client_id", "about", "About", &self.about, "choice");
            about.choices = std::iter::once((String::new(), "The household".to_owned()))
                .chain(self.people.iter().map(|(id, name)| (id.to_string(), name.clone())))
                .collect();
            parts.push(Part::one(about));
        }
        for (name, value) in &self.fields {
            let (label, kind) = match *name {
                "score" => ("Your Life Score, in percent", "percent"),
                "body" => ("Text", "lines"),
                _ => ("Subject", "text"),
            };
            parts.push(Part::one(input(&format!("/data/{name}"), name, label, value, kind)));
        }
        for (group, rows) in &self.rows {
            let row = |(place, cells): (usize, &Vec<String>)| -> Vec<Input> {
                let cell = |name: &str, label: &str, pointer: &str, value: &str, kind| {
                    input(&format!("/data/{group}/{place}{pointer}"), name, label, value, kind)
                };
                match *group {
                    "goals" => vec![cell("goal", &format!("Goal {}", place + 1), "", &cells[0], "text")],
                    "dimensions" => vec![
                        cell("dimension", &format!("Dimension {}", place + 1), "/name", &cells[0], "text"),
                        cell("percent", "Percent", "/percent", &cells[1], "percent"),
                    ],
                    _ => vec![
                        cell("question", &format!("Question {}", place + 1), "/question", &cells[0], "text"),
                        cell("response", "Response", "/response", &cells[1], "lines"),
                    ],
                }
            };
            let (heading, hint, add) = match *group {
                "goals" => ("Goals to be addressed", "Rows left empty are left out.", "Add a goal"),
                "dimensions" => ("Dimensions of wellbeing", "Rows left empty are left out.", "Add a dimension"),
                _ => ("Questions and responses", "Rows left empty are left out.", "Add a question"),
            };
            let rows = rows.iter().enumerate().map(row).collect();
            parts.push(Part { heading: Some(heading.to_owned()), hint, rows, add: Some((*group, add)) });
        }
        if self.kind == Kind::Values {
            parts.extend(self.session_parts(&input));
        }
        if self.kind.takes_documents() {
            parts.push(self.document_part(&input));
        }
        parts
    }

    /// The documents there are, and a field for one more. It stands last, so that what is typed is read before it.
    fn document_part(&self, input: &dyn Fn(&str, &str, &str, &str, &'static str) -> Input) -> Part {
        let kept = self.documents.iter().enumerate().map(|(place, document)| {
            let label = format!("{}, {}", document.filename, format::size(document.size));
            vec![input(&format!("/attachments/{place}"), DOCUMENT, &label, &document.id.to_string(), "kept")]
        });
        let label = if self.documents.is_empty() { "PDF" } else { "Another PDF" };
        let file = vec![input("/attachments", FILE, label, "", "file")];
        let hint = match self.kind {
            Kind::Note => "PDFs that go with the note, each at most 25 MB.",
            _ => "At most 25 MB. Without one, the document is made here from what is known now.",
        };
        let rows = kept.chain([file]).collect();
        Part { heading: Some("Documents".to_owned()), hint, rows, add: Some(("documents", "Add another PDF")) }
    }

    /// The parts of a values session: a group of rows for each person.
    fn session_parts(&self, input: &dyn Fn(&str, &str, &str, &str, &'static str) -> Input) -> Vec<Part> {
        let mut at = 0;
        let part = |(place, (progress, values)): (usize, &(String, Vec<String>))| {
            // Where this person stands in the event, which has only those with a session.
            let pointer = format!("/data/clients/{at}");
            at +=
                usize::from(self.has_session(place) || self.sessions.iter().all(|(p, v)| p.is_empty() && v.is_empty()));
            let named = |of: &str| format!("{of}-{place}");
            let mut rows = vec![vec![input(
                &format!("{pointer}/progress"),
                &named("progress"),
                "Progress score, in percent",
                progress,
                "percent",
            )]];
            for number in 0..VALUES.max(values.len()) {
                let value = values.get(number).map_or("", String::as_str);
                let label = format!("Value {}", number + 1);
                rows.push(vec![input(&format!("{pointer}/values/{number}"), &named("value"), &label, value, "text")]);
            }
            let hint = "The most important first. Leave all empty for somebody who was not there.";
            Part { heading: Some(self.people[place].1.clone()), hint, rows, add: None }
        };
        self.sessions.iter().enumerate().map(part).collect()
    }
}

/// A number as it was typed, with a comma or a point; anything else stays the text that it is, and does not fit.
fn number(text: &str) -> Value {
    let plain = text.trim_end_matches('%').trim().replace(',', ".");
    match plain.parse::<f64>() {
        Ok(number) if number.fract() == 0.0 && number.abs() < 1e9 => json!(number as i64),
        Ok(number) if number.is_finite() => json!(number),
        _ => Value::from(text),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::web::tests::couple;

    fn clock() -> Clock {
        Clock { now: "2026-11-22T00:14:00Z".parse().unwrap(), zone: TimeZone::get("Australia/Sydney").unwrap() }
    }

    fn filled(kind: Kind, pairs: &[(&str, &str)]) -> Result<Event, Vec<(String, String)>> {
        let pairs: Vec<(String, String)> = pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        Filled::of(kind, &couple(), &pairs).event(&couple(), &clock())
    }

    #[test]
    fn a_survey_with_its_rows() {
        let pairs = [
            ("occurred", "2026-11-22T11:14"),
            ("about", ""),
            ("score", "72,5 %"),
            ("goal", "Retire at 60"),
            ("goal", " "),
            ("goal", "Travel"),
            ("dimension", ""),
            ("percent", ""),
            ("dimension", "Money"),
            ("percent", "65"),
        ];
        let event = filled(Kind::Survey, &pairs).unwrap();
        assert_eq!(event.occurred_at, clock().now);
        let expected = json!({
            "score": 72.5,
            "goals": ["Retire at 60", "Travel"],
            "dimensions": [{ "name": "Money", "percent": 65 }],
        });
        assert_eq!((event.data, event.client_id), (expected, None));
    }

    #[test]
    fn what_the_form_has_not_is_refused() {
        let check = |kind: Kind, names: &[&str], expected: Result<(), &str>| {
            let pairs: Vec<(String, String)> = names.iter().map(|name| ((*name).to_owned(), "x".to_owned())).collect();
            let found = Filled::of(kind, &couple(), &pairs).check_parts(&pairs).map_err(|error| error.to_string());
            match (&found, expected) {
                (Ok(()), Ok(())) => {}
                (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
                _ => panic!("{names:?}: {found:?}"),
            }
        };
        check(Kind::Note, &["key", "occurred", "about", "subject", "body", "document", "document", "add"], Ok(()));
        check(Kind::Survey, &["score", "goal", "goal", "dimension", "percent", "dimension", "percent"], Ok(()));
        check(Kind::Values, &["progress-0", "progress-1", "value-1", "value-1"], Ok(()));
        check(Kind::Note, &["subject", "bdoy"], Err("a part `bdoy`, and its parts are `key`, `add`, `occurred`"));
        check(Kind::Note, &["body", "body"], Err("more than one part `body`"));
        check(Kind::Values, &["value-2"], Err("a part `value-2`"));
        check(Kind::Values, &["about"], Err("a part `about`"));
        check(Kind::Survey, &["document"], Err("a part `document`"));
    }

    #[test]
    fn a_session_with_one_of_two_is_about_that_one() {
        let moment = ("occurred", "2026-11-22T11:14");
        let pairs = [moment, ("progress-0", ""), ("progress-1", "40"), ("value-1", "Family"), ("value-1", "")];
        let event = filled(Kind::Values, &pairs).unwrap();
        let people = couple().people;
        assert_eq!(event.client_id, Some(people[1].id));
        let name = people[1].client.full_name();
        assert_eq!(event.data, json!({ "clients": [{ "name": name, "progress": 40, "values": ["Family"] }] }));
    }

    #[test]
    fn what_cannot_be_read_is_told_at_its_field() {
        let wrong = filled(Kind::Note, &[("occurred", "yesterday"), ("about", "somebody")]).unwrap_err();
        let places: Vec<&str> = wrong.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["/occurred_at", "/client_id", "/data/body", "/data/subject"]);
        let event = filled(Kind::Survey, &[("occurred", "2026-11-22T11:14"), ("score", "many")]).unwrap();
        assert_eq!(event.data["score"], "many", "which does not fit, and is told by the schema");
    }
}
