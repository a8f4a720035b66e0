//! A client as a person or a program writes one down: texts that become values, or problems that name their fields.

use std::str::FromStr as _;

use crate::address::AddressForms;
use crate::edit::past;
use crate::ids::ExternalId;
use crate::record::{Client, ClientStatus, Sex, Title};
use crate::text;
use crate::value::{CountryCode, Date, E164, EmailAddress};

/// The longest text of one field, in characters.
const LONGEST: usize = 200;

/// The values of a client as they were written down; what is empty is not known.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
#[expect(missing_docs, reason = "the fields are those of the client")]
pub struct ClientDraft {
    pub title: Option<String>,
    pub first_name: Option<String>,
    pub middle_name: Option<String>,
    pub last_name: Option<String>,
    pub preferred_name: Option<String>,
    pub date_of_birth: Option<String>,
    pub sex: Option<String>,
    pub address_line_1: Option<String>,
    pub address_line_2: Option<String>,
    pub suburb: Option<String>,
    pub state: Option<String>,
    pub postcode: Option<String>,
    pub country_code: Option<String>,
    pub email: Option<String>,
    pub mobile: Option<String>,
}

/// What is wrong with one field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DraftProblem {
    /// The canonical field.
    pub field: &'static str,
    /// What would be right, as a sentence.
    pub message: String,
}

impl ClientDraft {
    /// The client, without an id in a CRM. `today` is the practice's day; the address is checked by `forms`.
    ///
    /// # Errors
    /// All problems at once.
    pub fn check(self, today: Date, forms: &AddressForms) -> Result<Client, Vec<DraftProblem>> {
        let mut problems = Problems(Vec::new());
        let mut client = Client::unnamed(ExternalId(String::new()), ClientStatus::Client);
        let title = problems.text("title", self.title);
        client.title = problems.word("title", title, Title::ALL, Title::as_str);
        client.first_name = problems.text("first_name", self.first_name);
        client.middle_name = problems.text("middle_name", self.middle_name);
        client.last_name = problems.text("last_name", self.last_name);
        client.preferred_name = problems.text("preferred_name", self.preferred_name);
        let date = problems.text("date_of_birth", self.date_of_birth);
        client.date_of_birth =
            problems.value("date_of_birth", date, "Write the date as 1970-12-31.", |text| Date::from_str(&text).ok());
        if let Some(Err(message)) = client.date_of_birth.map(|date| past(&date.to_string(), today)) {
            problems.add("date_of_birth", message);
        }
        let sex = problems.text("sex", self.sex);
        client.sex = problems.word("sex", sex, Sex::ALL, Sex::as_str);
        client.address_line_1 = problems.text("address_line_1", self.address_line_1);
        client.address_line_2 = problems.text("address_line_2", self.address_line_2);
        client.suburb = problems.text("suburb", self.suburb);
        client.state = problems.text("state", self.state);
        client.postcode = problems.text("postcode", self.postcode);
        let country = problems.text("country_code", self.country_code);
        client.country_code = problems.value("country_code", country, "Write two letters, such as AU.", |text| {
            CountryCode::try_from(text.to_uppercase()).ok()
        });
        let email = problems.text("email", self.email);
        client.email = problems.value("email", email, "Write an address such as pat.lee@example.com.", |text| {
            EmailAddress::try_from(text).ok()
        });
        let mobile = problems.text("mobile", self.mobile);
        client.mobile = match mobile.as_deref().map(E164::typed).transpose() {
            Ok(mobile) => mobile,
            Err(message) => {
                problems.add("mobile", message);
                None
            }
        };
        for problem in forms.settle(&mut client).err().unwrap_or_default() {
            problems.add(problem.field, problem.message);
        }
        if client.full_name().is_empty() && problems.0.is_empty() {
            problems.add("last_name", "Write a name at least: a first, last, middle or preferred one.".to_owned());
        }
        if problems.0.is_empty() { Ok(client) } else { Err(problems.0) }
    }
}

struct Problems(Vec<DraftProblem>);

impl Problems {
    fn add(&mut self, field: &'static str, message: String) {
        self.0.push(DraftProblem { field, message });
    }

    /// Text on one line, of what can be seen; none where nothing is left.
    fn text(&mut self, field: &'static str, given: Option<String>) -> Option<String> {
        let text = text::one_line(&given?);
        if text.is_empty() {
            return None;
        }
        if text.chars().count() > LONGEST {
            self.add(field, format!("Write at most {LONGEST} characters."));
            return None;
        }
        if text.chars().any(char::is_control) {
            self.add(field, "Write one line of text, without control characters.".to_owned());
            return None;
        }
        Some(text)
    }

    fn value<T>(
        &mut self,
        field: &'static str,
        given: Option<String>,
        advice: &str,
        parse: impl FnOnce(String) -> Option<T>,
    ) -> Option<T> {
        let value = parse(given?);
        if value.is_none() {
            self.add(field, advice.to_owned());
        }
        value
    }

    fn word<T: Copy>(
        &mut self,
        field: &'static str,
        given: Option<String>,
        all: &[T],
        as_str: impl Fn(T) -> &'static str,
    ) -> Option<T> {
        let words = all.iter().map(|word| as_str(*word)).collect::<Vec<_>>().join(", ");
        let parse = |text: String| all.iter().copied().find(|word| as_str(*word).eq_ignore_ascii_case(&text));
        self.value(field, given, &format!("Choose one of {words}."), parse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TODAY: Date = Date::constant(2026, 3, 1);

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn what_is_written_becomes_values() {
        let draft = ClientDraft {
            title: some("mrs"),
            first_name: some(" Ayda "),
            last_name: some(""),
            date_of_birth: some("1970-12-31"),
            country_code: some("au"),
            email: some("ayda.khan@example.com"),
            mobile: some("+61 491 570 156"),
            suburb: some("\u{feff}North  Syd\u{ffff}ney\u{202e}"),
            postcode: some("\u{feff}"),
            ..ClientDraft::default()
        };
        let client = draft.check(TODAY, &AddressForms::default()).unwrap();
        assert_eq!((client.suburb.as_deref(), client.postcode.as_deref()), (Some("North Sydney"), None));
        assert_eq!((client.title, client.full_name().as_str(), &client.last_name), (Some(Title::Mrs), "Ayda", &None));
        assert_eq!(client.mobile.unwrap().as_str(), "+61491570156");
        assert_eq!(client.country_code.unwrap().as_str(), "AU");
        assert!(!client.email_is_placeholder);
    }

    #[test]
    fn every_problem_names_its_field() {
        let check = |draft: ClientDraft, fields: &[&str]| {
            let found: Vec<&str> =
                draft.check(TODAY, &AddressForms::default()).unwrap_err().iter().map(|problem| problem.field).collect();
            assert_eq!(found, fields);
        };
        check(ClientDraft::default(), &["last_name"]);
        let unborn =
            ClientDraft { first_name: some("Ayda"), date_of_birth: some("2030-01-01"), ..ClientDraft::default() };
        check(unborn, &["date_of_birth"]);
        let odd = ClientDraft {
            title: some("Sir"),
            first_name: some(&"a".repeat(201)),
            last_name: some(&"ā".repeat(201)),
            date_of_birth: some("31/12/1970"),
            sex: some("?"),
            country_code: some("AUS"),
            email: some("ayda"),
            mobile: some("0491 570 156"),
            ..ClientDraft::default()
        };
        let fields = ["title", "first_name", "last_name", "date_of_birth", "sex", "country_code", "email", "mobile"];
        check(odd, &fields);
    }
}
