//! One row of a list, as text, and what may be wrong with it by itself.

use crate::domain::{ExternalId, IdForm, InvalidExternalId, text};

/// Longest value of a cell, in bytes. Names and addresses are shorter by far.
const LONGEST_CELL: usize = 500;

/// One row of a list.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ListRow {
    /// The row's number in the file as spreadsheets count, from 1; for a text file the line it begins on.
    pub number: u32,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// The person's email, as it stands in the file.
    pub email: String,
    /// The id in the CRM.
    pub id: String,
    /// The reason why the row cannot be used, whatever the practice's clients are.
    pub fault: Option<RowFault>,
    /// The reason why a person has to look at the row, whoever is meant.
    pub doubt: Option<RowFault>,
}

/// The reason why a row cannot be used, or not without a person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RowFault {
    /// The reason's stable code.
    pub code: &'static str,
    /// The reason as a sentence for a person.
    pub message: String,
}

impl RowFault {
    /// A fault with its code and its sentence.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl ListRow {
    /// Keeps the first fault.
    pub fn add_fault(&mut self, fault: RowFault) {
        self.fault.get_or_insert(fault);
    }

    /// Cleans the values and looks at each. A row of which nothing stands in the four columns has something beside them.
    /// `id_heading` is what the column of ids is called, `form` how they look.
    pub fn finish(&mut self, id_heading: &str, form: IdForm) {
        let mut faults = Vec::new();
        for (name, text) in [
            ("First Name", &mut self.first_name),
            ("Last Name", &mut self.last_name),
            ("Email", &mut self.email),
            (id_heading, &mut self.id),
        ] {
            if text.contains('\0') {
                faults.push(RowFault::new("nul", format!("{name} holds a NUL character, which no text has.")));
            } else if text.len() > LONGEST_CELL {
                faults.push(RowFault::new("too-long", format!("{name} is longer than {LONGEST_CELL} bytes.")));
            }
            *text = tidy(text);
        }
        faults.into_iter().for_each(|fault| self.add_fault(fault));
        if [&self.first_name, &self.last_name, &self.email, &self.id].iter().all(|text| text.is_empty()) {
            let message = format!("Nothing stands under First Name, Last Name, Email and {id_heading} in this row.");
            self.add_fault(RowFault::new("no-values", message));
            return;
        }
        match form.read(&self.id) {
            Ok(ExternalId(id)) => self.id = id,
            Err(error) => self.add_fault(no_id(&error)),
        }
        if self.email.is_empty() {
            self.add_fault(RowFault::new("no-email", "There is no email, by which the client is found."));
        }
    }
}

/// One line of what can be seen, as long as a row keeps it; what `="…"` keeps a spreadsheet program from changing.
fn tidy(text: &str) -> String {
    let mut end = text.len().min(LONGEST_CELL);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let plain = text::value(&text[..end]);
    let kept = plain.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"'));
    kept.unwrap_or(&plain).trim().to_owned()
}

/// The fault of a row whose id is none.
fn no_id(error: &InvalidExternalId) -> RowFault {
    let code = match error {
        InvalidExternalId::Missing => "no-id",
        InvalidExternalId::Shortened(_) | InvalidExternalId::NotANumber(_) | InvalidExternalId::NotTheCrms(_) => {
            "not-a-number"
        }
        InvalidExternalId::NoText(_) => "not-an-id",
    };
    RowFault::new(code, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_values() {
        let check = |email: &str, id: &str, expected: Option<&str>| {
            let mut row = ListRow { email: email.to_owned(), id: id.to_owned(), ..ListRow::default() };
            row.finish("CRM ID", IdForm::Number);
            assert_eq!(row.fault.map(|fault| fault.code), expected, "{email} {id}");
        };
        check("a@example.com", " 48213\u{a0}", None);
        check("a@example.com", "", Some("no-id"));
        check("", "7", Some("no-email"));
        check("a@example.com", "48213.0", None);
        check("a@example.com", "4.82E+04", Some("not-a-number"));
        check("a@example.com", "48,213", Some("not-a-number"));
        check("a@example.com", "007", Some("not-a-number"));
        check("a@example.com", "1234567890123456789", Some("not-a-number"));
        check("a@exa\0mple.com", "7", Some("nul"));
        check("\u{feff}a@example.com\u{200b}", "\u{202d}7", None);
        check(&"a".repeat(501), "7", Some("too-long"));
        check(" ", "\t", Some("no-values"));
        let mut row = ListRow { email: "a@example.com".to_owned(), id: " C-17 ".to_owned(), ..ListRow::default() };
        row.finish("Client ID", IdForm::Text);
        assert_eq!((row.id.as_str(), row.fault), ("C-17", None), "a CRM whose ids are texts");
    }
}
