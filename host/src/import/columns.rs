//! The columns of a list, found by their headings.

use crate::crm::kind::IdColumn;
use crate::domain::IdForm;
use crate::domain::fold::fold;

/// Columns that a row may have; a list has four, and what else its owner keeps beside them.
pub(super) const MOST_COLUMNS: usize = 64;

/// The places of the four values in a row, counted from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Columns {
    pub first_name: usize,
    pub last_name: usize,
    pub email: usize,
    pub id: usize,
    /// The number of columns that have a heading.
    pub count: usize,
    /// The heading of the column of ids, as people know it.
    pub id_heading: &'static str,
    /// The look of the ids.
    pub id_form: IdForm,
}

/// The reason why a row is not the one with the headings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct NoHeadings {
    /// The number of the four headings that the row has.
    pub found: usize,
    /// The message, as the end of a sentence.
    pub message: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Field {
    FirstName,
    LastName,
    Email,
    Id,
}

/// The columns as people are told them.
fn names(id: &IdColumn) -> [(Field, &'static str); 4] {
    [(Field::FirstName, "First Name"), (Field::LastName, "Last Name"), (Field::Email, "Email"), (Field::Id, id.heading)]
}

/// Usual spellings without case, blanks and punctuation, and the CRM's own for its ids. Those in front outrank the others
/// of the same field.
fn field(heading: &str, id: &IdColumn) -> Option<(Field, u8)> {
    let plain: String = fold(heading).split(' ').collect();
    let found = match plain.as_str() {
        "firstname" | "givenname" => (Field::FirstName, 0),
        "givennames" | "firstnames" | "forename" | "forenames" | "first" | "given" => (Field::FirstName, 1),
        "lastname" | "surname" | "familyname" => (Field::LastName, 0),
        "last" | "family" => (Field::LastName, 1),
        "email" | "emailaddress" => (Field::Email, 0),
        "preferredemail" | "preferredemailaddress" | "primaryemail" | "mail" => (Field::Email, 1),
        own if id.exact.contains(&own) => (Field::Id, 0),
        own if id.loose.contains(&own) => (Field::Id, 1),
        "clientid" | "externalid" | "crmid" => (Field::Id, 1),
        "id" => (Field::Id, 2),
        _ => return None,
    };
    Some(found)
}

impl Columns {
    /// Finds the four among a row's cells.
    ///
    /// # Errors
    /// Returns which are missing, or stand there twice.
    pub fn find<'c>(cells: impl Iterator<Item = &'c str>, id_column: &IdColumn) -> Result<Self, NoHeadings> {
        let mut places: [Option<(usize, u8)>; 4] = [None; 4];
        let (mut twice, mut count) = (None, 0);
        for (place, heading) in cells.take(MOST_COLUMNS).enumerate() {
            if !heading.trim().is_empty() {
                count = place + 1;
            }
            let Some((field, rank)) = field(heading, id_column) else { continue };
            let known = &mut places[field as usize];
            match known {
                Some((_, other)) if *other == rank => twice = Some((field, rank)),
                Some((_, other)) if *other < rank => {}
                _ => {
                    *known = Some((place, rank));
                    twice = twice.filter(|(of, _)| *of != field);
                }
            }
        }
        let found = places.iter().flatten().count();
        let names = names(id_column);
        let name = |field: Field| names[field as usize].1;
        if let Some((field, _)) = twice {
            return Err(NoHeadings { found, message: format!("two columns are headed {}", name(field)) });
        }
        let [Some((first_name, _)), Some((last_name, _)), Some((email, _)), Some((id, _))] = places else {
            let missing = names.iter().filter(|(field, _)| places[*field as usize].is_none());
            let missing: Vec<&str> = missing.map(|(_, name)| *name).collect();
            return Err(NoHeadings { found, message: format!("there is no column headed {}", missing.join(", ")) });
        };
        Ok(Self { first_name, last_name, email, id, count, id_heading: id_column.heading, id_form: id_column.form })
    }

    /// The last column that matters.
    pub fn last(&self) -> usize {
        self.first_name.max(self.last_name).max(self.email).max(self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::registry::tests::LEDGER;
    use crate::crm::xplan::KIND;

    fn check(headings: &str, expected: Result<[usize; 4], &str>) {
        let found = Columns::find(headings.split('|'), &KIND.id_column);
        let found = found.map(|c| [c.first_name, c.last_name, c.email, c.id]).map_err(|missing| missing.message);
        assert_eq!(found, expected.map_err(str::to_owned), "{headings}");
    }

    #[test]
    fn usual_spellings_in_any_order() {
        check("First Name|Last Name|Email|Xplan ID", Ok([0, 1, 2, 3]));
        check("XplanID|E-mail|Surname|Given Name", Ok([3, 2, 1, 0]));
        check(" xplan_id |EMAIL_ADDRESS|family name|FIRSTNAME|Notes", Ok([3, 2, 1, 0]));
        check("Client ID|Adviser|e mail|last-name|forename", Ok([4, 3, 2, 0]));
        check("ID|Xplan ID|Email|First name|Last name", Ok([3, 4, 2, 1]));
        check("ID|ID|Xplan ID|Email|First name|Last name", Ok([4, 5, 3, 2]));
    }

    #[test]
    fn ids_are_found_as_the_crm_calls_them() {
        let find = |headings: &str| Columns::find(headings.split('|'), &LEDGER.id_column);
        assert_eq!(find("Ledger No.|Email|Last name|First name").map(|columns| columns.id), Ok(0));
        assert_eq!(find("Client ID|Email|Last name|First name").map(|columns| columns.id), Ok(0));
        let message = find("Xplan ID|Email|Last name|First name").unwrap_err().message;
        assert_eq!(message, "there is no column headed Ledger No");
    }

    #[test]
    fn what_is_missing_or_twice_is_named() {
        check("First Name|Email", Err("there is no column headed Last Name, Xplan ID"));
        check("", Err("there is no column headed First Name, Last Name, Email, Xplan ID"));
        check("First Name|Last Name|Email|E-mail|Xplan ID", Err("two columns are headed Email"));
    }
}
