//! One row of a list, as text, and what may be wrong with it by itself.

/// Longest value of a cell, in bytes. Names and addresses are shorter by far.
const LONGEST_CELL: usize = 500;

/// One row of a list.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct ListRow {
    /// Its number in the file as spreadsheets count, from 1; for a text file the line it begins on.
    pub number: u32,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Email.
    pub email: String,
    /// The id in the CRM.
    pub id: String,
    /// Why it cannot be used, whatever the practice's clients are.
    pub fault: Option<RowFault>,
}

/// Why a row cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RowFault {
    /// A stable code.
    pub code: &'static str,
    /// A sentence that names what is wrong.
    pub message: String,
}

impl RowFault {
    /// A fault with its sentence.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl ListRow {
    /// Whether there is nothing in it.
    pub fn is_blank(&self) -> bool {
        let texts = [&self.first_name, &self.last_name, &self.email, &self.id];
        self.fault.is_none() && texts.iter().all(|text| text.is_empty())
    }

    /// Keeps the first fault.
    pub fn add_fault(&mut self, fault: RowFault) {
        self.fault.get_or_insert(fault);
    }

    /// Trims the values and looks at each.
    pub fn finish(&mut self) {
        let mut faults = Vec::new();
        for (name, text) in [
            ("First Name", &mut self.first_name),
            ("Last Name", &mut self.last_name),
            ("Email", &mut self.email),
            ("Xplan ID", &mut self.id),
        ] {
            if text.contains('\0') {
                faults.push(RowFault::new("nul", format!("{name} holds a NUL character, which no text has.")));
            } else if text.len() > LONGEST_CELL {
                faults.push(RowFault::new("too-long", format!("{name} is longer than {LONGEST_CELL} bytes.")));
            }
            *text = tidy(text);
        }
        faults.into_iter().for_each(|fault| self.add_fault(fault));
        if self.is_blank() {
            return;
        }
        if let Some(fault) = fault_of_id(&self.id) {
            self.add_fault(fault);
        }
        if self.email.is_empty() {
            self.add_fault(RowFault::new("no-email", "There is no email, by which the client is found."));
        }
    }
}

/// One line without control characters and without space around it, as long as a row keeps it.
fn tidy(text: &str) -> String {
    let kept = text.char_indices().take_while(|(at, _)| *at < LONGEST_CELL).map(|(_, c)| c);
    let plain: String = kept.map(|c| if c.is_control() { ' ' } else { c }).collect();
    let plain = plain.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}'));
    plain.to_owned()
}

/// Ids are numbers, written as the CRM writes them.
fn fault_of_id(id: &str) -> Option<RowFault> {
    if id.is_empty() {
        return Some(RowFault::new("no-id", "There is no ID."));
    }
    if !id.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(RowFault::new("not-a-number", format!("The ID `{id}` is not a number.")));
    }
    if id.starts_with('0') || id.len() > 18 {
        let message =
            format!("The ID `{id}` is not a number as the CRM writes it: no leading zero, at most 18 digits.");
        return Some(RowFault::new("not-a-number", message));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_of_values() {
        let check = |email: &str, id: &str, expected: Option<&str>| {
            let mut row = ListRow { email: email.to_owned(), id: id.to_owned(), ..ListRow::default() };
            row.finish();
            assert_eq!(row.fault.map(|fault| fault.code), expected, "{email} {id}");
        };
        check("a@example.com", " 48213\u{a0}", None);
        check("a@example.com", "", Some("no-id"));
        check("", "7", Some("no-email"));
        check("a@example.com", "48,213", Some("not-a-number"));
        check("a@example.com", "007", Some("not-a-number"));
        check("a@example.com", "1234567890123456789", Some("not-a-number"));
        check("a@exa\0mple.com", "7", Some("nul"));
        check(&"a".repeat(501), "7", Some("too-long"));
        check(" ", "\t", None);
    }
}
