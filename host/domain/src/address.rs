//! The written form of a country's addresses: which states it has, and how its postcodes look.
//!
//! The forms come from the packs' rules, so that what a person types is checked as what a CRM supplies is.

use crate::field::FieldError;
use crate::record::Client;
use crate::value::CountryCode;

/// The fields that a form is about.
pub const FIELDS: [&str; 3] = ["state", "postcode", "country_code"];

/// The addresses of one country.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddressForm {
    /// The country whose addresses these are.
    pub country: CountryCode,
    /// The country's states: each code with the spellings that stand for it. Empty where its addresses have none.
    pub states: Vec<(String, Vec<String>)>,
    /// Whether a state, such as a county, is any text.
    pub any_state: bool,
    /// The forms of a postcode: `9` stands for a digit, `A` for a letter, a blank for one that is put there, anything else
    /// for itself. None where any text will do.
    pub postcodes: Vec<String>,
}

/// The forms of the countries that the practice's packs are for. Addresses of other countries are any text.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct AddressForms(pub Vec<AddressForm>);

impl AddressForms {
    /// Checks a client's state and postcode by the form of the client's country, and writes them as it does. An address
    /// without a country is taken for one of the only country there is a form of.
    ///
    /// # Errors
    /// Returns every part that is not of the country.
    pub fn settle(&self, client: &mut Client) -> Result<(), Vec<FieldError>> {
        let form = match (&client.country_code, self.0.as_slice()) {
            (Some(country), forms) => forms.iter().find(|form| form.country == *country),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        let Some(form) = form else { return Ok(()) };
        let mut problems = Vec::new();
        let mut settle = |field, value: &mut Option<String>, read: &dyn Fn(&str) -> Result<String, String>| {
            if let Some(text) = value {
                match read(text) {
                    Ok(read) => *text = read,
                    Err(message) => problems.push(FieldError::new(field, message)),
                }
            }
        };
        settle("state", &mut client.state, &|text| form.state(text));
        settle("postcode", &mut client.postcode, &|text| form.postcode(text));
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

impl AddressForm {
    /// The state's code.
    fn state(&self, text: &str) -> Result<String, String> {
        if self.any_state {
            return Ok(text.to_owned());
        }
        let country = self.country.as_str();
        if self.states.is_empty() {
            return Err(format!("Addresses in {country} have no state or province. Leave it empty."));
        }
        let is_it = |spelling: &str| plain(spelling) == plain(text);
        let known = self.states.iter().find(|(code, spellings)| is_it(code) || spellings.iter().any(|one| is_it(one)));
        known.map(|(code, _)| code.clone()).ok_or_else(|| {
            let codes: Vec<&str> = self.states.iter().map(|(code, _)| code.as_str()).collect();
            format!("“{text}” is no state or province of {country}. Write one of {}.", codes.join(", "))
        })
    }

    fn postcode(&self, text: &str) -> Result<String, String> {
        if self.postcodes.is_empty() {
            return Ok(text.to_owned());
        }
        let joined: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        self.postcodes.iter().find_map(|pattern| written_as(&joined, pattern)).ok_or_else(|| {
            let (country, patterns) = (self.country.as_str(), self.postcodes.join(" or "));
            format!("“{text}” is no postcode of {country}. Write it as {patterns}.")
        })
    }
}

/// A text without blanks as a pattern writes it, in capitals; none where it does not fit.
fn written_as(text: &str, pattern: &str) -> Option<String> {
    let mut rest = text.chars();
    let mut written = String::with_capacity(pattern.len());
    for wanted in pattern.chars() {
        if wanted == ' ' {
            written.push(' ');
            continue;
        }
        let c = rest.next()?;
        let fits = match wanted {
            '9' => c.is_ascii_digit(),
            'A' => c.is_ascii_alphabetic(),
            wanted => c == wanted,
        };
        written.push(c.to_ascii_uppercase());
        if !fits {
            return None;
        }
    }
    rest.next().is_none().then_some(written)
}

/// The text for comparison: capitals, full stops and blanks do not matter.
fn plain(text: &str) -> String {
    text.chars().filter(|c| *c != '.' && !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ExternalId;
    use crate::record::ClientStatus;

    fn country(code: &str) -> CountryCode {
        CountryCode::try_from(code.to_owned()).unwrap()
    }

    fn forms() -> AddressForms {
        let states = [("NSW", "New South Wales"), ("VIC", "Victoria")];
        let states = states.map(|(code, name)| (code.to_owned(), vec![name.to_owned()])).to_vec();
        let australia =
            AddressForm { country: country("AU"), states, any_state: false, postcodes: vec!["9999".to_owned()] };
        let new_zealand = AddressForm {
            country: country("NZ"),
            states: Vec::new(),
            any_state: false,
            postcodes: vec!["9999".to_owned()],
        };
        AddressForms(vec![australia, new_zealand])
    }

    #[track_caller]
    fn check(
        forms: &AddressForms,
        of: Option<&str>,
        state: &str,
        postcode: &str,
        expected: Result<[&str; 2], &[&str]>,
    ) {
        let mut client = Client::unnamed(ExternalId("7".to_owned()), ClientStatus::Client);
        client.country_code = of.map(country);
        client.state = Some(state.to_owned()).filter(|text| !text.is_empty());
        client.postcode = Some(postcode.to_owned()).filter(|text| !text.is_empty());
        match (forms.settle(&mut client), expected) {
            (Ok(()), Ok(expected)) => {
                let found = [client.state, client.postcode].map(Option::unwrap_or_default);
                assert_eq!(found, expected);
            }
            (Err(problems), Err(expected)) => {
                assert_eq!(
                    problems.iter().map(|problem| problem.field.as_str()).collect::<Vec<_>>(),
                    expected,
                    "{problems:?}"
                );
            }
            (found, _) => panic!("{state} {postcode}: {found:?}"),
        }
    }

    #[test]
    fn a_state_and_a_postcode_are_those_of_the_country() {
        let forms = forms();
        check(&forms, Some("AU"), "new south wales", "20 00", Ok(["NSW", "2000"]));
        check(&forms, Some("AU"), "V.I.C.", "0800", Ok(["VIC", "0800"]));
        check(&forms, Some("AU"), "", "", Ok(["", ""]));
        check(&forms, Some("AU"), "Victorya", "200", Err(&["state", "postcode"]));
        check(&forms, Some("AU"), "NSW", "2OOO", Err(&["postcode"]));
        check(&forms, Some("NZ"), "Otago", "9016", Err(&["state"]));
        check(&forms, Some("NZ"), "", "9016", Ok(["", "9016"]));
        // Of another country, as it is written.
        check(&forms, Some("GB"), "Kent", "CT1 2EH", Ok(["Kent", "CT1 2EH"]));
    }

    #[test]
    fn an_address_without_a_country_is_of_the_only_one_there_is() {
        let mut forms = forms();
        check(&forms, None, "Kent", "CT1 2EH", Ok(["Kent", "CT1 2EH"]));
        forms.0.truncate(1);
        check(&forms, None, "Victoria", "3053", Ok(["VIC", "3053"]));
        check(&forms, None, "Kent", "", Err(&["state"]));
    }

    fn form(of: &str, postcodes: &[&str]) -> AddressForm {
        let postcodes = postcodes.iter().map(|pattern| (*pattern).to_owned()).collect();
        AddressForm { country: country(of), states: Vec::new(), any_state: false, postcodes }
    }

    #[test]
    fn a_county_is_any_text_and_a_postcode_one_of_several_forms() {
        let patterns = ["A9 9AA", "A99 9AA", "A9A 9AA", "AA9 9AA", "AA99 9AA", "AA9A 9AA"];
        let forms = AddressForms(vec![AddressForm { any_state: true, ..form("GB", &patterns) }]);
        for (typed, written) in [
            ("m11ae", "M1 1AE"),
            ("B33 8TH", "B33 8TH"),
            ("w1a 0ax", "W1A 0AX"),
            ("CR26XH", "CR2 6XH"),
            ("dn55 1pt", "DN55 1PT"),
            ("s w 1 a 1 a a", "SW1A 1AA"),
        ] {
            check(&forms, Some("GB"), "Kent", typed, Ok(["Kent", written]));
        }
        check(&forms, Some("GB"), "", "SW1A 1A", Err(&["postcode"]));
        for wrong in ["SW1A 1AAA", "SW1A 0A[", "EH1JS", "EH 1JS", "1W1A 1AA"] {
            check(&forms, Some("GB"), "", wrong, Err(&["postcode"]));
        }
    }

    #[test]
    fn a_postcode_has_the_letters_that_its_country_prescribes() {
        let barbados = form("BB", &["BB99999"]);
        let canada = form("CA", &["A9A 9A9"]);
        let forms = AddressForms(vec![barbados, canada]);
        check(&forms, Some("BB"), "", "BB11000", Ok(["", "BB11000"]));
        check(&forms, Some("BB"), "", "BC11000", Err(&["postcode"]));
        check(&forms, Some("BB"), "", "1100011", Err(&["postcode"]));
        check(&forms, Some("CA"), "", "k1a0b1", Ok(["", "K1A 0B1"]));
        check(&forms, Some("CA"), "", "11A0B1", Err(&["postcode"]));
    }
}
