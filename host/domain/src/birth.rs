//! Births that are still to come.

use crate::diagnostic::Diagnostic;
use crate::record::Client;
use crate::value::Date;

/// The code of what is said of such a birth.
pub const IN_FUTURE: &str = "birth-in-future";

/// Leaves out a date of birth after `today`, and says so.
///
/// Asked when a client is read, not when one is mapped: a mapping that knew the day would have to map everybody again
/// when the day turns, and a date that was left out for good would be missing once its day has come.
pub fn leave_out_future(client: &mut Client, today: Date) -> Option<Diagnostic> {
    let born = client.date_of_birth.filter(|born| *born > today)?;
    client.date_of_birth = None;
    let message = format!("the date of birth {born} is still to come; it is left out until then");
    Some(Diagnostic::warning("date_of_birth", IN_FUTURE, message))
}

/// Refuses a date of birth after `today`, as a person writes it down.
///
/// # Errors
/// The reason, in a sentence.
pub(crate) fn refuse_future(client: &Client, today: Date) -> Result<(), String> {
    match client.date_of_birth {
        Some(born) if born > today => Err(format!("The day {born} is still to come; nobody was born then.")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::ExternalId;
    use crate::record::ClientStatus;

    #[test]
    fn a_birth_after_today_is_left_out() {
        let check = |born: &str, is_kept: bool| {
            let born = born.parse().ok();
            let mut client = Client::unnamed(ExternalId("7".to_owned()), ClientStatus::Client);
            client.date_of_birth = born;
            let said = leave_out_future(&mut client, "2026-03-01".parse().unwrap());
            assert_eq!(client.date_of_birth, born.filter(|_| is_kept));
            assert_eq!(said.is_none(), is_kept);
        };
        check("1980-03-02", true);
        check("2026-03-01", true);
        check("2026-03-02", false);
        check("2206-03-01", false);
        check("", true);
    }
}
