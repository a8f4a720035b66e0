//! Changing a client here, though the CRM is the master of it: which fields a person may change, what may stand in
//! them, and what is remembered of it until the CRM overrides it.
//!
//! Serves the store, which keeps the edits with the client. Reads no clock: today is handed in.

use serde::{Deserialize, Serialize};

use crate::address::{self, AddressForms};
use crate::ids::RunId;
use crate::record::{Client, Fields as _, Sex, Title};
use crate::text;
use crate::value::{CountryCode, Date, E164, EmailAddress, Timestamp};

/// The fields that a person may change here. Ids, links, status and what a pack adds are the CRM's alone.
pub const EDITABLE: [&str; 15] = [
    "title",
    "first_name",
    "middle_name",
    "last_name",
    "preferred_name",
    "date_of_birth",
    "sex",
    "address_line_1",
    "address_line_2",
    "suburb",
    "state",
    "postcode",
    "country_code",
    "email",
    "mobile",
];

/// The longest text that a field may hold, in characters.
const LONGEST: usize = 200;

/// A field whose value is another than before, in words; no value where the field is empty.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FieldChange {
    /// The canonical field.
    pub field: String,
    /// What stood in it.
    pub from: Option<String>,
    /// What stands in it.
    pub to: Option<String>,
}

/// A field that a person changed here and that the CRM has not supplied since.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LocalEdit {
    /// The canonical field.
    pub field: String,
    /// What the CRM had supplied.
    pub from: Option<String>,
    /// What the person put there.
    pub to: Option<String>,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A local edit that the CRM overrode.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Overridden {
    /// The canonical field.
    pub field: String,
    /// What the person had put there.
    pub from: Option<String>,
    /// What the CRM supplied in its place.
    pub to: Option<String>,
    /// Whose edit it was.
    pub by: String,
    /// The run that overrode it.
    pub run: RunId,
    /// When.
    pub at: Timestamp,
}

/// A value that is neither a text nor null.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NotText;

/// What is to stand in a field: a text, nothing, or what can stand in none.
pub type NewValue = Result<Option<String>, NotText>;

/// Why a field cannot be changed so.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// The field as it was named.
    pub field: String,
    /// What would be right, in a sentence for a person.
    pub why: String,
}

/// Changes fields, all or none, and answers those whose value is another now. Where a part of the address is changed that a
/// country has rules for, the address is checked by `forms`.
///
/// # Errors
/// Every field that cannot be changed so, with the reason.
pub fn apply(
    client: &mut Client,
    changes: &[(String, NewValue)],
    today: Date,
    forms: &AddressForms,
) -> Result<Vec<FieldChange>, Vec<Refused>> {
    let mut edited = client.clone();
    let mut refused = Vec::new();
    for (field, value) in changes {
        let set = editable(field).and_then(|()| {
            let value = value.as_ref().map_err(|NotText| "This is a text, or null.".to_owned())?;
            let value = value.as_deref().map(text::one_line).filter(|value| !value.is_empty());
            set(&mut edited, field, value.as_deref(), today)
        });
        if let Err(why) = set {
            refused.push(Refused { field: field.clone(), why });
        }
    }
    let is_of_address = |field: &str| address::FIELDS.contains(&field);
    if changes.iter().any(|(field, _)| is_of_address(field)) && !refused.iter().any(|one| is_of_address(&one.field)) {
        let problems = forms.settle(&mut edited).err().unwrap_or_default();
        refused.extend(problems.into_iter().map(|one| Refused { field: one.field.to_owned(), why: one.message }));
    }
    if refused.is_empty() && edited.full_name().is_empty() {
        let why = "A client needs a name: keep the first or the last one.".to_owned();
        refused.push(Refused { field: "last_name".to_owned(), why });
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    let changed = client.differing(&edited);
    let mut changes = crate::merge::in_words(client, &edited, &changed);
    changes.retain(|change| EDITABLE.contains(&change.field.as_str()));
    *client = edited;
    Ok(changes)
}

/// Whether a person may change the field at all, whatever to.
fn editable(field: &str) -> Result<(), String> {
    if EDITABLE.contains(&field) {
        Ok(())
    } else if Client::FIELDS.contains(&field) {
        Err("This comes from the CRM alone; change it there.".to_owned())
    } else {
        Err(format!("A client has no such field. The fields are {}.", EDITABLE.join(", ")))
    }
}

fn set(client: &mut Client, field: &str, value: Option<&str>, today: Date) -> Result<(), String> {
    if value.is_some_and(|value| value.chars().count() > LONGEST) {
        return Err(format!("This is longer than {LONGEST} characters."));
    }
    if value.is_some_and(|value| value.chars().any(char::is_control)) {
        return Err("There are control characters in this; type it again on one line.".to_owned());
    }
    let text = value.map(str::to_owned);
    match field {
        "title" => client.title = one_of(value, Title::ALL, Title::as_str)?,
        "first_name" => client.first_name = text,
        "middle_name" => client.middle_name = text,
        "last_name" => client.last_name = text,
        "preferred_name" => client.preferred_name = text,
        "date_of_birth" => client.date_of_birth = value.map(|value| past(value, today)).transpose()?,
        "sex" => client.sex = one_of(value, Sex::ALL, Sex::as_str)?,
        "address_line_1" => client.address_line_1 = text,
        "address_line_2" => client.address_line_2 = text,
        "suburb" => client.suburb = text,
        "state" => client.state = text,
        "postcode" => client.postcode = text,
        "country_code" => {
            let code = value.map(|value| CountryCode::try_from(value.to_uppercase()));
            client.country_code = code.transpose().map_err(|error| format!("{error}."))?;
        }
        "email" => {
            let Some(value) = value else {
                return Err("A client needs an email here; where the CRM has none, the next sync makes a placeholder."
                    .to_owned());
            };
            let email = EmailAddress::try_from(value.to_owned()).map_err(|error| format!("{error}."))?;
            client.email_is_placeholder &= client.email.as_ref() == Some(&email);
            client.email = Some(email);
        }
        "mobile" => client.mobile = value.map(E164::typed).transpose()?,
        _ => return editable(field),
    }
    Ok(())
}

fn one_of<T: Copy>(value: Option<&str>, all: &[T], word: fn(T) -> &'static str) -> Result<Option<T>, String> {
    let Some(value) = value else { return Ok(None) };
    let found = all.iter().find(|known| word(**known).eq_ignore_ascii_case(value));
    let words = || all.iter().map(|known| word(*known)).collect::<Vec<_>>().join(", ");
    found.map(|known| Some(*known)).ok_or_else(|| format!("This is one of {}, or nothing.", words()))
}

pub(crate) fn past(value: &str, today: Date) -> Result<Date, String> {
    let date: Date = value.parse().map_err(|_| "This is a date such as 1979-02-28.".to_owned())?;
    if date > today || date.year() < 1880 {
        return Err(format!("Nobody was born on {date}."));
    }
    Ok(date)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::address::AddressForm;
    use crate::ids::ExternalId;
    use crate::record::ClientStatus;

    fn ayda() -> Client {
        Client {
            first_name: Some("Ayda".to_owned()),
            last_name: Some("Khan".to_owned()),
            email: Some("Ayda.Khan@acme.example".to_owned().try_into().unwrap()),
            email_is_placeholder: true,
            ..Client::unnamed(ExternalId("7".to_owned()), ClientStatus::Client)
        }
    }

    fn australia() -> AddressForm {
        AddressForm {
            country: CountryCode::try_from("AU".to_owned()).unwrap(),
            states: vec![("NSW".to_owned(), vec!["New South Wales".to_owned()])],
            postcode: Some("9999".to_owned()),
        }
    }

    fn apply_to(client: &mut Client, changes: &[(&str, &str)]) -> Result<Vec<FieldChange>, Vec<Refused>> {
        let value = |value: &str| Ok(Some(value.to_owned()).filter(|value| !value.is_empty()));
        let changes: Vec<_> = changes.iter().map(|(field, text)| ((*field).to_owned(), value(text))).collect();
        apply(client, &changes, date(2026, 3, 1), &AddressForms(vec![australia()]))
    }

    #[test]
    fn every_editable_field_takes_a_value_and_all_but_the_email_can_be_emptied() {
        for field in EDITABLE {
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
        let refused = apply(&mut ayda(), &changes, date(2026, 3, 1), &AddressForms(vec![])).unwrap_err();
        let said: Vec<(&str, &str)> =
            refused.iter().map(|one| (&*one.field, one.why.split(['.', ';']).next().unwrap())).collect();
        assert_eq!(
            said,
            [
                ("nope", "A client has no such field"),
                ("is_partner", "This comes from the CRM alone"),
                ("email_is_placeholder", "This comes from the CRM alone"),
                ("external_id", "This comes from the CRM alone"),
                ("first_name", "This is a text, or null"),
                ("mobile", "This is a text, or null"),
            ]
        );
    }

    #[test]
    fn what_does_not_fit_is_refused_whole_with_each_field_named() {
        #[track_caller]
        fn check(changes: &[(&str, &str)], refused: &[(&str, &str)]) {
            let mut client = ayda();
            let found = apply_to(&mut client, changes).unwrap_err();
            assert_eq!(found.len(), refused.len(), "{found:?}");
            for (found, (field, words)) in found.iter().zip(refused) {
                assert_eq!(found.field, *field);
                assert!(found.why.contains(words), "{found:?}");
            }
            assert_eq!(client, ayda());
        }
        check(&[("title", "Sir"), ("suburb", "Newtown")], &[("title", "Prof")]);
        check(&[("date_of_birth", "2030-01-01")], &[("date_of_birth", "Nobody")]);
        check(&[("date_of_birth", "yesterday")], &[("date_of_birth", "1979-02-28")]);
        check(&[("mobile", "0491 570 156"), ("email", "x")], &[("mobile", "country code"), ("email", "email address")]);
        check(&[("status", "client")], &[("status", "CRM alone")]);
        check(&[("country_code", "XX")], &[("country_code", "ISO 3166-1")]);
        check(&[("shoe_size", "43")], &[("shoe_size", "no such field")]);
        check(&[("first_name", "a\u{7}b")], &[("first_name", "control")]);
        check(&[("suburb", &"x".repeat(201))], &[("suburb", "200")]);
        check(&[("first_name", ""), ("last_name", " ")], &[("last_name", "name")]);
    }
}
