//! Made-up email addresses for clients who have none, unique in the practice.
//!
//! The mapping proposes `FirstName.LastName@<practice domain>`; several clients may be proposed the same. Whoever of
//! them comes first in the order of CRM ids has it as it stands, unless it is somebody's real address; all others
//! have their CRM id before the `@`: `Ayda.Khan.48213@acme.example`. What a client's address is depends on who is in
//! the book and on nothing else: not on the order in which a walk met them, nor on where it was interrupted.

use crate::ids::ExternalId;
use crate::value::EmailAddress;

/// RFC 5321's limit for the part before the `@`, in bytes.
const LOCAL_PART_LIMIT: usize = 64;

/// The proposed address with what tells this client from the others: its CRM id and, in a practice with several
/// connections, the name of the connection (`elsewhere`) where that is not the practice's first.
pub fn told_apart(proposed: &EmailAddress, id: &ExternalId, elsewhere: Option<&str>) -> EmailAddress {
    let Some((local, domain)) = proposed.as_str().rsplit_once('@') else { return proposed.clone() };
    let mut suffix = format!(".{}", plain(id.as_str()));
    if let Some(connection) = elsewhere {
        suffix.push('.');
        suffix.push_str(connection);
    }
    let mut kept = local.len().min(LOCAL_PART_LIMIT.saturating_sub(suffix.len()));
    while !local.is_char_boundary(kept) {
        kept -= 1;
    }
    let address = format!("{}{suffix}@{domain}", local[..kept].trim_end_matches('.'));
    EmailAddress::of_before(address).unwrap_or_else(|_| proposed.clone())
}

/// The address proposed for a client of whom nothing but the id may stand in one: `Client.48213@acme.example`. None where
/// the practice's domain is none.
pub fn of_id(id: &ExternalId, domain: &str) -> Option<EmailAddress> {
    EmailAddress::try_from(format!("Client.{}@{domain}", plain(id.as_str()))).ok()
}

/// An id as it may stand in an address: what is no ASCII letter or digit is spelt as its code.
fn plain(id: &str) -> String {
    let mut plain = String::with_capacity(id.len());
    for c in id.chars() {
        if c.is_ascii_alphanumeric() {
            plain.push(c);
        } else {
            plain.push_str(&format!("-{:x}", u32::from(c)));
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let check = |proposed: &str, id: &str, elsewhere: Option<&str>, expected: &str| {
            let proposed = EmailAddress::try_from(proposed.to_owned()).unwrap();
            let address = told_apart(&proposed, &ExternalId(id.to_owned()), elsewhere);
            assert_eq!(address.as_str(), expected);
        };
        check("Ayda.Khan@acme.example", "48213", None, "Ayda.Khan.48213@acme.example");
        check("Ayda.Khan@acme.example", "48213", Some("north"), "Ayda.Khan.48213.north@acme.example");
        check("Ayda.Khan@acme.example", "a_b", None, "Ayda.Khan.a-5fb@acme.example");
        let of_id = of_id(&ExternalId("48213".to_owned()), "acme.example");
        assert_eq!(of_id.as_ref().map(EmailAddress::as_str), Some("Client.48213@acme.example"));
        let long = format!("{}@acme.example", "a".repeat(64));
        check(&long, "48213", None, &format!("{}.48213@acme.example", "a".repeat(58)));
        // No letter is cut in half.
        let long = format!("{}@acme.example", "ā".repeat(32));
        check(&long, "4821", None, &format!("{}.4821@acme.example", "ā".repeat(29)));
    }
}
