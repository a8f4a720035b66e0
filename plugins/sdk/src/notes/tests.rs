//! Notes of made-up events, from templates of a line.

use super::{NoteRules, Notes};
use crate::{Event, FileNote, HouseholdRole, Member, RuleProblem};

fn member(id: &str, first: Option<&str>, last: Option<&str>, role: HouseholdRole) -> Member {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Member { external_id: id.to_owned(), first_name: owned(first), last_name: owned(last), preferred_name: None, role }
}

fn event(data: &str) -> Event {
    Event {
        event_type: "survey.completed".to_owned(),
        occurred_at: "2026-03-01T14:05:00+11:00".to_owned(),
        practice_name: "Acme\u{7}".to_owned(),
        household_name: "Lee".to_owned(),
        members: vec![
            member("8", Some("Jo"), Some("Lee"), HouseholdRole::NonCfo),
            member("7", Some("Alex"), Some("Lee"), HouseholdRole::Cfo),
        ],
        about: None,
        data: data.to_owned(),
        attachments: vec!["Plan.pdf".to_owned()],
    }
}

fn rules(subject: &str, body: &str, more: &str) -> Result<Notes, Vec<RuleProblem>> {
    let escaped = |text: &str| serde_json::to_string(text).unwrap();
    let (subject, body) = (escaped(subject), escaped(body));
    let json = format!(r#"{{"note_type":"Client","subject":{subject},"body":{body},{more}}}"#);
    let note: NoteRules = serde_json::from_str(&json).unwrap();
    Notes::new([("survey.completed".to_owned(), note)].into(), "/notes")
}

fn render(body: &str, event: &Event) -> Result<FileNote, String> {
    let notes =
        rules("{{ client }}", body, r#""filed_against":"both""#).unwrap_or_else(|problems| panic!("{problems:?}"));
    notes.render(event).map_err(|said| said[0].code.clone())
}

#[track_caller]
fn check(body: &str, data: &str, expected: &str) {
    assert_eq!(render(body, &event(data)).map(|note| note.body).as_deref(), Ok(expected), "{body}");
}

#[test]
fn a_note_is_filled_from_the_event() {
    let body = "{{ practice }}, {{ household }}: {{ client }}, {{ partner }}, {{ related }}, {{ occurred_at }}";
    let note = render(body, &event("{}")).unwrap();
    assert_eq!(note.body, "Acme, Lee: Alex Lee, Jo Lee, Alex Lee, 2026-03-01T14:05:00+11:00");
    assert_eq!((note.subject.as_str(), note.note_type.as_str()), ("Alex Lee", "Client"));
    assert_eq!((note.note_subtype, note.media_type.as_str()), (None, "text/plain"));
    assert_eq!((note.filed_against, note.attachments), (vec!["8".to_owned(), "7".to_owned()], Vec::new()));
    let notes = rules("S", "B", r#""filed_against":"cfo","attachments":true,"note_subtype":"General""#).unwrap();
    let note = notes.render(&event("{}")).unwrap();
    assert_eq!((note.note_subtype.as_deref(), note.attachments), (Some("General"), vec!["Plan.pdf".to_owned()]));
}

#[test]
fn values_show_themselves_as_people_write_them() {
    check("{{ data.text }}", r#"{"text":"R&D <b> {{ 1 }}\u0007"}"#, "R&D <b> {{ 1 }}");
    check("{{ data.text }}", r#"{"text":" one \n two "}"#, "one\ntwo");
    check("{{ data.n }}", r#"{"n":72.0}"#, "72");
    check("{{ data.n }}", r#"{"n":72.5}"#, "72.5");
    check("{{ data.n }}", r#"{"n":-3}"#, "-3");
    check("{{ data.n }}", r#"{"n":18446744073709551615}"#, "18446744073709551616");
    check("{% if data.yes %}y{% endif %}{% if data.no %}n{% endif %}", r#"{"yes":true,"no":false}"#, "y");
    check("{{ data.none }}{% if data.none %}y{% endif %}", r#"{"none":null}"#, "None");
    check("{% for one in data.list %}{{ one.n }};{% endfor %}", r#"{"list":[{"n":"a\u0007"},{"n":2}]}"#, "a;2;");
}

#[test]
fn a_note_speaks_of_the_one_it_is_about() {
    let about = |id: &str| Event { about: Some(id.to_owned()), ..event("{}") };
    let body = "{{ client }}, {{ related }}{% if partner %}, {{ partner }}{% endif %}";
    let of = |event: &Event| render(body, event).map(|note| note.body);
    assert_eq!(of(&event("{}")).as_deref(), Ok("Alex Lee, Alex Lee, Jo Lee"));
    assert_eq!(of(&about("8")).as_deref(), Ok("Jo Lee, Jo Lee"));
    assert_eq!(of(&about("7")).as_deref(), Ok("Alex Lee, Alex Lee"));
    assert_eq!(of(&about("9")), Err("unknown-member".to_owned()));
    let alone = |members| Event { members, ..event("{}") };
    assert_eq!(of(&alone(Vec::new())), Err("no-members".to_owned()));
    // Without a primary client the first counts as one, and is not their own partner.
    let partner = member("8", Some("Jo"), Some("Lee"), HouseholdRole::NonCfo);
    assert_eq!(of(&alone(vec![partner])).as_deref(), Ok("Jo Lee, Jo Lee"));
}

#[test]
fn a_note_is_filed_where_the_rules_say() {
    let filed = |whom: &str, about: Option<&str>| {
        let notes = rules("S", "B", &format!(r#""filed_against":"{whom}""#)).unwrap();
        let event = Event { about: about.map(str::to_owned), ..event("{}") };
        notes.render(&event).unwrap().filed_against.join(" ")
    };
    assert_eq!((filed("about", None), filed("about", Some("8"))), ("7".to_owned(), "8".to_owned()));
    assert_eq!((filed("cfo", None), filed("cfo", Some("8"))), ("7".to_owned(), "7".to_owned()));
    assert_eq!((filed("both", None), filed("both", Some("8"))), ("8 7".to_owned(), "8 7".to_owned()));
    assert_eq!((filed("about_or_both", None), filed("about_or_both", Some("8"))), ("8 7".to_owned(), "8".to_owned()));
}

#[test]
fn a_member_without_a_name_has_another() {
    let named = |first: Option<&str>, last: Option<&str>, preferred: Option<&str>| {
        let cfo = member("7", first, last, HouseholdRole::Cfo);
        let members = vec![Member { preferred_name: preferred.map(str::to_owned), ..cfo }];
        render("{{ client }}", &Event { members, ..event("{}") }).unwrap().body
    };
    assert_eq!(named(Some("Alex"), None, Some("Lexi")), "Alex");
    assert_eq!(named(None, Some("Lee"), None), "Lee");
    assert_eq!(named(Some(" Al\u{7}ex "), Some("Lee"), None), "Alex Lee");
    assert_eq!(named(None, None, Some("Lexi")), "Lexi");
    assert_eq!(named(Some(" "), None, None), "7");
}

#[test]
fn what_is_wrong_with_an_event_is_told() {
    assert_eq!(render("{{ data.missing }}", &event("{}")).unwrap_err(), "note-not-rendered");
    assert_eq!(render("B", &event("{")).unwrap_err(), "bad-event-data");
    let other = Event { event_type: "values-session.completed".to_owned(), ..event("{}") };
    assert_eq!(render("B", &other).unwrap_err(), "unknown-event");
}

#[test]
fn templates_that_are_not_closed_are_told_with_their_places() {
    let problems = |subject: &str, body: &str| match rules(subject, body, r#""filed_against":"cfo""#) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().map(|problem| (problem.path, problem.message)).collect(),
    };
    assert_eq!(problems("{{ a }}", "{% if a %}{{ a }}{% endif %}{# a #}}"), []);
    let told = |part: &str, open: &str| {
        (format!("/notes/survey.completed/{part}"), format!("The template cannot be read: a “{open}” is not closed."))
    };
    assert_eq!(problems("{{ a", "{{ a }} {{ b"), [told("subject", "{{"), told("body", "{{")]);
    assert_eq!(problems("{% if", "{# a }}"), [told("subject", "{%"), told("body", "{#")]);
}
