//! Writing down a client here, though the CRM is the master of clients: which fields a person may fill in, what may stand
//! in them, and what is remembered of a change until the CRM overrides it.
//!
//! Serves the store, which keeps the edits with the client, and whoever makes clients. Reads no clock: today is handed in.

use serde::{Deserialize, Serialize};

use crate::address::{self, AddressForms};
use crate::birth;
use crate::field::{Field, FieldError, Record};
use crate::ids::{ExternalId, RunId};
use crate::record::{Client, ClientStatus};
use crate::text;
use crate::value::{Date, E164, InvalidValue, Timestamp};

/// The fields that a person may fill in. Ids, links, status and what a pack adds are the CRM's alone.
pub fn editable() -> impl Iterator<Item = &'static Field> {
    Client::FIELDS.iter().filter(|field| field.is_editable)
}

/// A field whose value is another than before, in words; no value where the field is empty.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FieldChange {
    /// The canonical field.
    pub field: String,
    /// The value before the change.
    pub from: Option<String>,
    /// The value after the change.
    pub to: Option<String>,
}

/// A field that a person changed here and that the CRM has not supplied since.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LocalEdit {
    /// The canonical field.
    pub field: String,
    /// The value that the CRM had supplied.
    pub from: Option<String>,
    /// The value that the person put in its place.
    pub to: Option<String>,
    /// The person who changed it.
    pub by: String,
    /// The moment at which the CRM overrode it.
    pub at: Timestamp,
}

/// A local edit that the CRM overrode.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Overridden {
    /// The canonical field.
    pub field: String,
    /// The value that the person had put there.
    pub from: Option<String>,
    /// The value that the CRM supplied in its place.
    pub to: Option<String>,
    /// The person whose edit was overridden.
    pub by: String,
    /// The run that overrode it.
    pub run: RunId,
    /// The moment at which the CRM overrode it.
    pub at: Timestamp,
}

/// The values of the changed fields before and after, as text.
pub fn changes<T: Record>(before: &T, after: &T, changed: &[&'static str]) -> Vec<FieldChange> {
    let change = |(field, from, to)| FieldChange { field, from, to };
    before.differences(after, changed).into_iter().map(change).collect()
}

/// A value that is neither a text nor null.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotText;

/// The value that is to stand in a field: a text, nothing, or what can stand in none.
pub type NewValue = Result<Option<String>, NotText>;

/// The rules by which values that people write down are checked.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The practice's day.
    pub today: Date,
    /// The written forms of addresses in the practice's countries.
    pub forms: &'a AddressForms,
    /// Whether a number is of a mobile line, by the numbering plan of its country.
    pub is_mobile: fn(&E164) -> bool,
}

/// Changes fields, all or none, and answers those whose value is another now. Where a part of the address is changed that a
/// country has rules for, the address is checked by them.
///
/// # Errors
/// Returns every field that cannot be changed so, with the reason.
pub fn apply(
    client: &mut Client,
    changes: &[(String, NewValue)],
    rules: Rules<'_>,
) -> Result<Vec<FieldChange>, Vec<FieldError>> {
    let mut edited = client.clone();
    let mut errors = fill(&mut edited, changes, rules);
    let is_emptied = |(field, value): &(String, NewValue)| field == "email" && is_empty(value);
    if changes.iter().any(is_emptied) {
        let why = "A client needs an email here; where the CRM has none, the next sync makes a placeholder.";
        errors.push(FieldError::new("email", why));
    }
    if errors.is_empty() && edited.full_name().is_empty() {
        errors.push(FieldError::new("last_name", "A client needs a name: keep the first or the last one."));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    edited.email_is_placeholder &= edited.email == client.email;
    let mut changed = client.differing(&edited);
    changed.retain(|name| Client::field(name).is_some_and(|field| field.is_editable));
    let changes = self::changes(client, &edited, &changed);
    *client = edited;
    Ok(changes)
}

/// Makes a client of what was written down, without an id in a CRM. What is empty is not known.
///
/// # Errors
/// Returns every field that cannot be filled in so, with the reason.
pub fn make(values: &[(String, NewValue)], rules: Rules<'_>) -> Result<Client, Vec<FieldError>> {
    let mut client = Client::unnamed(ExternalId(String::new()), ClientStatus::Client);
    let mut errors = fill(&mut client, values, rules);
    if errors.is_empty() && client.full_name().is_empty() {
        let why = "Write a name at least: a first, last, middle or preferred one.";
        errors.push(FieldError::new("last_name", why));
    }
    if errors.is_empty() { Ok(client) } else { Err(errors) }
}

/// Fills in the values that fit, and answers what is wrong with the others.
fn fill(client: &mut Client, values: &[(String, NewValue)], rules: Rules<'_>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    // What stands there already is kept, also where it would not be taken today.
    let is_as_it_is = |client: &Client, (field, value): &(String, NewValue)| {
        let written = value.as_ref().ok().and_then(Option::as_deref).map(text::one_line);
        let is_editable = Client::field(field).is_some_and(|field| field.is_editable);
        is_editable && written.is_some() && client.text_of(field) == written
    };
    for change @ (field, value) in values {
        if is_as_it_is(client, change) {
            continue;
        }
        let written = write(client, field, value).and_then(|()| match field.as_str() {
            "date_of_birth" => birth::refuse_future(client, rules.today),
            "mobile" => refuse_landline(client, value, rules),
            _ => Ok(()),
        });
        if let Err(message) = written {
            errors.push(FieldError::new(field, message));
        }
    }
    let is_of_address = |field: &str| address::FIELDS.contains(&field);
    let is_changed = values.iter().any(|(field, _)| is_of_address(field));
    if is_changed && !errors.iter().any(|error| is_of_address(&error.field)) {
        errors.extend(rules.forms.settle(client).err().unwrap_or_default());
    }
    errors
}

/// The number is a person's own, by which people are told apart: only mobiles are taken, from whoever writes them.
fn refuse_landline(client: &Client, written: &NewValue, rules: Rules<'_>) -> Result<(), String> {
    match &client.mobile {
        Some(number) if !(rules.is_mobile)(number) => {
            let written = written.as_ref().ok().and_then(Option::as_deref).unwrap_or_default();
            Err(format!("{}.", InvalidValue::new(written, "the number of a mobile line, and only those are taken")))
        }
        _ => Ok(()),
    }
}

/// Changes what the practice adds to a record of the CRM, all or nothing.
///
/// # Errors
/// Returns every field that cannot be changed so, with the reason.
pub fn change_own<R: Record + Clone>(own: &mut R, values: &[(String, NewValue)]) -> Result<(), Vec<FieldError>> {
    let mut changed = own.clone();
    let wrong = |(field, value): &(String, NewValue)| {
        write(&mut changed, field, value).err().map(|message| FieldError::new(field, message))
    };
    let errors: Vec<FieldError> = values.iter().filter_map(wrong).collect();
    if errors.is_empty() {
        *own = changed;
        return Ok(());
    }
    Err(errors)
}

/// Writes a value into a field that a person may fill in.
fn write<R: Record>(record: &mut R, name: &str, value: &NewValue) -> Result<(), String> {
    match R::field(name) {
        Some(field) if field.is_editable => {}
        Some(_) => return Err("This comes from the CRM alone; change it there.".to_owned()),
        None => {
            let names: Vec<&str> = R::FIELDS.iter().filter(|field| field.is_editable).map(|field| field.name).collect();
            return Err(format!("There is no such field. The fields are {}.", names.join(", ")));
        }
    }
    let written = value.as_ref().map_err(|NotText| "This is a text, or null.".to_owned())?;
    let text = written.as_deref().map(text::one_line).filter(|text| !text.is_empty());
    record.set(name, text.as_deref()).map_err(|invalid| match (&text, written) {
        // What is told back is what was written, and not what was made of it.
        (Some(_), Some(written)) => format!("{}.", InvalidValue::new(written, invalid.wanted)),
        _ => format!("{invalid}."),
    })
}

fn is_empty(value: &NewValue) -> bool {
    value.as_ref().is_ok_and(|text| text.as_deref().is_none_or(|text| text::one_line(text).is_empty()))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::address::AddressForm;
    use crate::record::{GoalOwn, GoalStatus, Recurrence, Title};
    use crate::value::{CountryCode, EmailAddress};

    fn ayda() -> Client {
        Client {
            first_name: Some("Ayda".to_owned()),
            last_name: Some("Khan".to_owned()),
            email: Some("Ayda.Khan@acme.example".to_owned().try_into().unwrap()),
            email_is_placeholder: true,
            ..Client::unnamed(ExternalId("7".to_owned()), ClientStatus::Client)
        }
    }

    /// A numbering plan as if Australia had no other country beside it.
    fn is_mobile(number: &E164) -> bool {
        number.as_str().starts_with("+614")
    }

    fn australia() -> AddressForm {
        AddressForm {
            country: CountryCode::try_from("AU".to_owned()).unwrap(),
            states: vec![("NSW".to_owned(), vec!["New South Wales".to_owned()])],
            any_state: false,
            postcodes: vec!["9999".to_owned()],
        }
    }

    fn apply_to(client: &mut Client, changes: &[(&str, &str)]) -> Result<Vec<FieldChange>, Vec<FieldError>> {
        let value = |value: &str| Ok(Some(value.to_owned()).filter(|value| !value.is_empty()));
        let changes: Vec<_> = changes.iter().map(|(field, text)| ((*field).to_owned(), value(text))).collect();
        apply(client, &changes, Rules { today: date(2026, 3, 1), forms: &AddressForms(vec![australia()]), is_mobile })
    }

    #[test]
    fn every_editable_field_takes_a_value_and_all_but_the_email_can_be_emptied() {
        let fields: Vec<&str> = editable().map(|field| field.name).collect();
        assert_eq!((fields.len(), fields[0], fields.contains(&"status")), (15, "title", false));
        for field in fields {
            let value = match field {
                "title" => "dr",
                "date_of_birth" => "1979-02-28",
                "sex" => "female",
                "country_code" => "nz",
                "email" => "ayda@example.org",
                "mobile" => "+61 491 570 156",
                "state" => "New South Wales",
                "postcode" => "2000",
                _ => "Māia",
            };
            let mut client = ayda();
            let changed = apply_to(&mut client, &[(field, value)]).unwrap();
            assert_eq!(changed.iter().map(|change| change.field.as_str()).collect::<Vec<_>>(), [field]);
            assert!(client.text_of(field).is_some(), "{field}");
            assert_eq!(apply_to(&mut client, &[(field, "")]).is_ok(), field != "email", "{field}");
        }
    }

    #[test]
    fn an_address_is_checked_by_its_country() {
        let check = |changes: &[(&str, &str)], expected: &[&str]| {
            let mut client = Client { country_code: Some(australia().country), ..ayda() };
            let refused = apply_to(&mut client, changes).err().unwrap_or_default();
            assert_eq!(refused.iter().map(|one| one.field.as_str()).collect::<Vec<_>>(), expected, "{changes:?}");
            client
        };
        let client = check(&[("state", "new south wales"), ("postcode", "2 000")], &[]);
        assert_eq!((client.state.as_deref(), client.postcode.as_deref()), (Some("NSW"), Some("2000")));
        check(
            &[("state", "Victorya"), ("postcode", "20000"), ("mobile", "0491 570 156")],
            &["mobile", "state", "postcode"],
        );
        check(&[("country_code", "GB"), ("state", "Kent"), ("postcode", "CT1 2EH")], &[]);
        check(&[("country_code", "Australia"), ("state", "Kent")], &["country_code"]);
        // What the CRM supplied and nobody touches is no reason to refuse another field.
        let mut client = Client { country_code: Some(australia().country), state: Some("Kent".to_owned()), ..ayda() };
        assert!(apply_to(&mut client, &[("suburb", "Newtown")]).is_ok());
        assert!(apply_to(&mut client, &[("postcode", "2000")]).is_err());
    }

    #[test]
    fn a_name_is_cleaned_as_a_mapping_cleans_it() {
        let mut client = ayda();
        apply_to(&mut client, &[("first_name", "\u{feff}Mary\u{200b}  Ann\u{a0}"), ("suburb", "\u{202e}")]).unwrap();
        assert_eq!((client.first_name.as_deref(), client.suburb), (Some("Mary Ann"), None));
    }

    #[test]
    fn a_real_email_is_no_placeholder_and_the_same_one_stays_what_it_is() {
        let mut client = ayda();
        assert_eq!(apply_to(&mut client, &[("email", "Ayda.Khan@acme.example")]), Ok(vec![]));
        assert!(client.email_is_placeholder);
        assert_eq!(apply_to(&mut client, &[("email", "ayda@example.org")]).unwrap().len(), 1);
        assert!(!client.email_is_placeholder);
    }

    #[test]
    fn what_nobody_sees_is_not_kept() {
        let mut client = ayda();
        let changed = apply_to(&mut client, &[("first_name", "\u{feff}Ay\u{fffe}da\u{202e}"), ("suburb", "\u{200b}")]);
        assert_eq!((changed, client.first_name.as_deref(), client.suburb), (Ok(vec![]), Some("Ayda"), None));
    }

    #[test]
    fn a_field_that_cannot_be_changed_is_named_whatever_its_value() {
        let fields = ["nope", "is_partner", "email_is_placeholder", "external_id", "first_name", "mobile"];
        let changes: Vec<(String, NewValue)> = fields.iter().map(|field| ((*field).to_owned(), Err(NotText))).collect();
        let rules = Rules { today: date(2026, 3, 1), forms: &AddressForms(vec![]), is_mobile };
        let refused = apply(&mut ayda(), &changes, rules).unwrap_err();
        let said: Vec<(&str, &str)> =
            refused.iter().map(|one| (&*one.field, one.message.split(['.', ';']).next().unwrap())).collect();
        assert_eq!(
            said,
            [
                ("nope", "There is no such field"),
                ("is_partner", "This comes from the CRM alone"),
                ("email_is_placeholder", "This comes from the CRM alone"),
                ("external_id", "This comes from the CRM alone"),
                ("first_name", "This is a text, or null"),
                ("mobile", "This is a text, or null"),
            ]
        );
    }

    #[test]
    fn what_stands_there_already_is_kept_also_where_it_would_not_be_taken_today() {
        let mut client = ayda();
        client.email = Some(EmailAddress::kept("ayda@acme.invalid_name".to_owned()));
        let kept = client.clone();
        let both = [("email", "ayda@acme.invalid_name"), ("suburb", "Newtown")];
        assert!(apply_to(&mut client, &[("email", "bo@acme.invalid_name")]).is_err());
        assert_eq!(apply_to(&mut client, &both).map(|changes| changes.len()), Ok(1));
        assert_eq!((client.email, client.suburb.as_deref()), (kept.email, Some("Newtown")));
    }

    #[test]
    fn what_does_not_fit_is_refused_whole_with_each_field_named() {
        #[track_caller]
        fn check(changes: &[(&str, &str)], refused: &[(&str, &str)]) {
            let mut client = ayda();
            let found = apply_to(&mut client, changes).unwrap_err();
            assert_eq!(found.len(), refused.len(), "{found:?}");
            for (found, (field, message)) in found.iter().zip(refused) {
                assert_eq!(found.field, *field);
                assert!(found.message.contains(message), "{found:?}");
            }
            assert_eq!(client, ayda());
        }
        check(&[("title", "Sir"), ("suburb", "Newtown")], &[("title", "Prof")]);
        check(&[("date_of_birth", "2030-01-01")], &[("date_of_birth", "still to come")]);
        check(&[("date_of_birth", "yesterday")], &[("date_of_birth", "1979-02-28")]);
        check(&[("mobile", "0491 570 156"), ("email", "x")], &[("mobile", "country code"), ("email", "email address")]);
        check(&[("mobile", "+61 2 5550 4321")], &[("mobile", "`+61 2 5550 4321` is not the number of a mobile line")]);
        check(&[("status", "client")], &[("status", "CRM alone")]);
        check(&[("country_code", "XX")], &[("country_code", "ISO 3166-1")]);
        check(&[("country_code", "Australia")], &[("country_code", "`Australia` is not")]);
        check(&[("sex", " ?")], &[("sex", "` ?` is not")]);
        check(&[("shoe_size", "43")], &[("shoe_size", "no such field")]);
        check(&[("first_name", "a\u{7}b")], &[("first_name", "control")]);
        let cut = format!("`{}…` is not a text of at most 200 characters", "x".repeat(100));
        check(&[("suburb", &"x".repeat(201))], &[("suburb", &cut)]);
        check(&[("first_name", ""), ("last_name", " ")], &[("last_name", "name")]);
    }

    fn make_of(values: &[(&str, &str)]) -> Result<Client, Vec<FieldError>> {
        let values: Vec<_> =
            values.iter().map(|(field, text)| ((*field).to_owned(), Ok(Some((*text).to_owned())))).collect();
        make(&values, Rules { today: date(2026, 3, 1), forms: &AddressForms(vec![australia()]), is_mobile })
    }

    #[test]
    fn what_is_written_down_becomes_a_client() {
        let client = make_of(&[
            ("title", "mrs"),
            ("first_name", " Ayda "),
            ("last_name", ""),
            ("date_of_birth", "1970-12-31"),
            ("country_code", "au"),
            ("email", "ayda.khan@example.com"),
            ("mobile", "+61 491 570 156"),
            ("suburb", "\u{feff}North  Syd\u{ffff}ney\u{202e}"),
            ("state", "new south wales"),
            ("postcode", "\u{feff}"),
        ]);
        let client = client.unwrap();
        assert_eq!((client.suburb.as_deref(), client.postcode.as_deref()), (Some("North Sydney"), None));
        assert_eq!((client.title, client.full_name().as_str(), &client.last_name), (Some(Title::Mrs), "Ayda", &None));
        assert_eq!(client.mobile.unwrap().as_str(), "+61491570156");
        assert_eq!(client.country_code.unwrap().as_str(), "AU");
        assert_eq!((client.state.as_deref(), client.email_is_placeholder), (Some("NSW"), false));
    }

    #[test]
    fn a_client_is_made_whole_or_every_problem_is_named() {
        let check = |values: &[(&str, &str)], fields: &[&str]| {
            let errors = make_of(values).unwrap_err();
            let found: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
            assert_eq!(found, fields);
        };
        check(&[], &["last_name"]);
        check(&[("email", ""), ("suburb", "Newtown")], &["last_name"]);
        check(&[("first_name", "Ayda"), ("date_of_birth", "2026-03-02")], &["date_of_birth"]);
        assert!(make_of(&[("first_name", "Ayda"), ("date_of_birth", "2026-03-01"), ("email", "")]).is_ok());
        let odd = [
            ("title", "Sir"),
            ("first_name", &*"a".repeat(201)),
            ("last_name", &*"ā".repeat(201)),
            ("date_of_birth", "31/12/1970"),
            ("sex", "?"),
            ("country_code", "AUS"),
            ("email", "ayda"),
            ("mobile", "0491 570 156"),
            ("status", "client"),
        ];
        check(&odd, &odd.map(|(field, _)| field));
    }

    #[test]
    fn what_the_practice_adds_is_changed_whole_or_every_problem_is_named() {
        let check = |values: &[(&str, NewValue)], expected: Result<GoalOwn, &[(&str, &str)]>| {
            let mut own = GoalOwn { status: GoalStatus::Doing, recurrence: Some(Recurrence::Yearly) };
            let before = own;
            let values: Vec<_> = values.iter().map(|(field, value)| ((*field).to_owned(), value.clone())).collect();
            match (change_own(&mut own, &values), expected) {
                (Ok(()), Ok(expected)) => assert_eq!(own, expected),
                (Err(errors), Err(expected)) => {
                    assert_eq!((own, errors.len()), (before, expected.len()), "{errors:?}");
                    for (error, (field, message)) in errors.iter().zip(expected) {
                        assert!(error.field == *field && error.message.contains(message), "{error:?}");
                    }
                }
                (found, expected) => panic!("{found:?} in place of {expected:?}"),
            }
        };
        let text = |text: &str| Ok(Some(text.to_owned()));
        let once = GoalOwn { status: GoalStatus::Done, recurrence: None };
        check(&[("status", text("done")), ("recurrence", Ok(None))], Ok(once));
        check(&[], Ok(GoalOwn { status: GoalStatus::Doing, recurrence: Some(Recurrence::Yearly) }));
        check(&[("status", Ok(None)), ("recurrence", text("weekly"))], Err(&[("status", "needs")]));
        check(&[("status", text("finished"))], Err(&[("status", "one of to_do, doing, done")]));
        check(&[("status", Err(NotText)), ("name", text("x"))], Err(&[("status", "a text"), ("name", "status")]));
    }
}
