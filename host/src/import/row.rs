//! One row of a list, as text, and what may be wrong with it by itself.

use crate::domain::text;

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
    /// Why a person has to look at it, whoever is meant.
    pub doubt: Option<RowFault>,
}

/// Why a row cannot be used, or not without a person.
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
    /// Keeps the first fault.
    pub fn add_fault(&mut self, fault: RowFault) {
        self.fault.get_or_insert(fault);
    }

    /// Cleans the values and looks at each. A row of which nothing stands in the four columns has something beside them.
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
        if [&self.first_name, &self.last_name, &self.email, &self.id].iter().all(|text| text.is_empty()) {
            let message = "Nothing stands under First Name, Last Name, Email and Xplan ID in this row.";
            self.add_fault(RowFault::new("no-values", message));
            return;
        }
        match read_id(&self.id) {
            Ok(id) => self.id = id,
            Err(fault) => self.add_fault(fault),
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

/// Ids are numbers, written as the CRM writes them. What spreadsheet programs make of a number is read where it is the
/// same number beyond doubt: `'48213`, `48213.0`, `4.8213E+04`.
fn read_id(given: &str) -> Result<String, RowFault> {
    let refused = |words: String| Err(RowFault::new("not-a-number", words));
    if given.is_empty() {
        return Err(RowFault::new("no-id", "There is no ID."));
    }
    let text = given.trim_start_matches(['\'', '’']);
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let id = match text.split_once(['E', 'e']) {
        Some((number, power)) => {
            let (first, rest) = number.split_once(['.', ',']).unwrap_or((number, ""));
            let is_number = is_digits(first) && first.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_digit());
            match power.trim_start_matches('+').parse::<usize>().ok().filter(|_| is_number) {
                Some(power) if rest.len() < power => {
                    return refused(format!(
                        "The ID `{given}` was shortened by a spreadsheet program. Give the column the format Number \
                         without decimals, and save the list again."
                    ));
                }
                Some(power) if rest[power..].bytes().all(|byte| byte == b'0') => format!("{first}{}", &rest[..power]),
                _ => text.to_owned(),
            }
        }
        None => match text.split_once(['.', ',']) {
            // In `48.000` and `48,000` the sign parts thousands as well as decimals.
            Some((whole, zeros)) if zeros.bytes().all(|byte| byte == b'0') && (whole.len() > 3 || zeros.len() < 3) => {
                whole.to_owned()
            }
            _ => text.to_owned(),
        },
    };
    if !is_digits(&id) {
        return refused(format!("The ID `{given}` is not a number. Write it in digits alone, such as 48213."));
    }
    if id.starts_with('0') || id.len() > 18 {
        return refused(format!(
            "The ID `{given}` is not a number as Xplan writes it: it begins with 0 or has more than 18 digits. Copy the \
             ID from Xplan."
        ));
    }
    Ok(id)
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
        check("\u{feff}a@example.com\u{200b}", "\u{202d}7", None);
        check(&"a".repeat(501), "7", Some("too-long"));
        check(" ", "\t", Some("no-values"));
    }

    #[test]
    fn ids_as_spreadsheet_programs_write_them() {
        let check = |given: &str, expected: &str| assert_eq!(read_id(&tidy(given)).unwrap(), expected, "{given}");
        for given in [
            "48213",
            "48213.0",
            "48213.",
            "48213.00",
            "48213.000",
            "48213,0",
            "48213,00",
            "4.8213E4",
            "4.8213E+04",
            "4,8213e+04",
            "4.821300E4",
            "'48213",
            " 48213\u{a0}",
            "=\"48213\"",
            "\u{200b}48213",
            "’48213",
        ] {
            check(given, "48213");
        }
        check("7.0", "7");
        check("7E0", "7");
        let refused = |given: &str, cure: &str| {
            let message = read_id(&tidy(given)).unwrap_err().message;
            assert!(message.contains(given) && message.contains(cure), "{message}");
        };
        for given in
            ["48.000", "48,213", "48 213", "48213.5", "#48213", "ID 48213", "E4", "4E", "4.8E-4", "-7", "48213.0.0"]
        {
            refused(given, "in digits alone");
        }
        refused("4.82E+04", "was shortened");
        refused("4.8213E+99999999999999999999", "in digits alone");
        refused("0048213", "begins with 0");
        refused("0", "begins with 0");
    }
}
