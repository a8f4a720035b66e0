//! Index entries: by name, for lists and search; by address and number, for search and for who shares an address.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::StoreError;
use super::engine::{Readable as _, Write};
use super::rows;
use super::tables::{CLIENTS, ClientRecord, LOOKS, NAMES};
use crate::domain::fold::fold;
use crate::domain::{Client, ClientId};
use crate::store::keys::{
    ConnectionNumber, ContactKey, ExternalKey, LookKey, NAME_BYTES, NameKey, NamingKey, PRACTICE, join, own, span,
    uuid_at_end,
};

/// The use of a name entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NameSlot {
    /// The entry by which lists are ordered, one a client: last names, then first names.
    Order = 1,
    /// The entry for a further word of the client's names.
    Word = 2,
}

/// The folded words of all of a client's names.
pub(super) fn words(client: &Client) -> Vec<String> {
    let names = [&client.last_name, &client.first_name, &client.preferred_name, &client.middle_name];
    let mut words: Vec<String> = Vec::with_capacity(4);
    for name in names.into_iter().flatten() {
        for word in fold(name).split(' ').filter(|word| !word.is_empty()) {
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
    }
    words
}

/// A client's name entries.
pub(super) fn name_keys(client: &Client, id: Uuid) -> Vec<NameKey> {
    let words = words(client);
    let mut keys = Vec::with_capacity(words.len().max(1));
    let whole = order_name(client);
    keys.push(name_key(NameSlot::Order, &whole, id));
    let begins = |word: &&String| !whole.starts_with(word.as_str());
    keys.extend(words.iter().filter(begins).map(|word| name_key(NameSlot::Word, word, id)));
    keys
}

/// The text that lists are ordered by: last names, then first names; without either, the name that a client is called
/// by.
fn order_name(client: &Client) -> String {
    let mut whole = fold(client.last_name.as_deref().unwrap_or_default());
    if let Some(first_name) = &client.first_name {
        if !whole.is_empty() {
            whole.push(' ');
        }
        whole.push_str(&fold(first_name));
    }
    if whole.is_empty() { fold(&client.full_name()) } else { whole }
}

/// The key of one entry.
pub(super) fn name_key(slot: NameSlot, name: &str, id: Uuid) -> NameKey {
    let mut padded = [0; NAME_BYTES];
    let kept = name.len().min(NAME_BYTES);
    padded[..kept].copy_from_slice(&name.as_bytes()[..kept]);
    join([&PRACTICE.to_be_bytes(), &[slot as u8], &padded, id.as_bytes()])
}

/// The keys of all entries of a slot whose name begins with `prefix`.
pub(super) fn name_span(slot: NameSlot, prefix: &str) -> (NameKey, NameKey) {
    let kept = prefix.len().min(NAME_BYTES);
    let mut begin = Vec::with_capacity(5 + kept);
    begin.extend(PRACTICE.to_be_bytes());
    begin.push(slot as u8);
    begin.extend(&prefix.as_bytes()[..kept]);
    span(&begin)
}

/// Makes the entries by name anew, from the clients' rows: how names are folded and ordered is no part of a file's
/// format, and an earlier version did it otherwise.
pub(super) fn rebuild_names(write: &Write) -> Result<(), StoreError> {
    let clients = write.open_table(CLIENTS)?;
    let client = |id: Uuid| -> Result<Option<Client>, StoreError> {
        let row = clients.get(&own(id))?.map(|row| rows::decode::<ClientRecord>(row.value())).transpose()?;
        Ok(row.map(|row| row.client))
    };
    let mut names = write.open_table(NAMES)?;
    let mut in_book = Vec::new();
    let (first, last) = name_span(NameSlot::Order, "");
    for entry in names.scan(&first..=&last)? {
        in_book.push(uuid_at_end(entry?.0.value()));
    }
    names.delete_range(..)?;
    let mut keys = Vec::with_capacity(3 * in_book.len());
    for id in in_book {
        keys.extend(client(id)?.iter().flat_map(|client| name_keys(client, id)));
    }
    keys.sort_unstable();
    names.put_sorted(keys.iter().map(|key| (key, ())))?;

    let mut looks = write.open_table(LOOKS)?;
    let mut unlinked = BTreeSet::new();
    for entry in looks.scan(..)? {
        unlinked.insert(uuid_at_end(entry?.0.value()));
    }
    looks.delete_range(..)?;
    for id in unlinked {
        for key in client(id)?.iter().flat_map(|client| look_keys(client, id)) {
            looks.put(&key, ())?;
        }
    }
    Ok(())
}

/// The value that a contact entry holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ContactSlot {
    /// An email address that the CRM supplied.
    Email = 1,
    /// An email address that the mapping proposed.
    Proposed = 2,
    /// A mobile number.
    Mobile = 3,
}

/// A client's contact entries.
pub(super) fn contact_keys(client: &Client, connection: ConnectionNumber, id: ExternalKey) -> Vec<ContactKey> {
    let mut keys = Vec::with_capacity(2);
    if let Some(email) = &client.email {
        let slot = if client.email_is_placeholder { ContactSlot::Proposed } else { ContactSlot::Email };
        keys.push(contact_key(slot, email.as_str(), connection, id));
    }
    if let Some(mobile) = &client.mobile {
        keys.push(contact_key(ContactSlot::Mobile, mobile.as_str(), connection, id));
    }
    keys
}

/// The value by which a client of a CRM may be recognised as one who was made in the practice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LookSlot {
    /// The email address; a placeholder is nobody's.
    Email = 1,
    /// First and last name.
    Name = 2,
}

/// The entries by which a client who is not linked is found. A client who comes from a CRM is looked up by the spans of
/// the same entries.
pub(super) fn look_keys(client: &Client, id: Uuid) -> Vec<LookKey> {
    looks(client).map(|(slot, hash)| join([&look_begin(slot, hash), id.as_bytes()])).collect()
}

/// The spans of entries among which those are found who look like a client.
pub(super) fn look_spans(client: &Client) -> impl Iterator<Item = (LookKey, LookKey)> {
    looks(client).map(|(slot, hash)| span(&look_begin(slot, hash)))
}

fn looks(client: &Client) -> impl Iterator<Item = (LookSlot, u64)> {
    let email = client.email.as_ref().filter(|_| !client.email_is_placeholder);
    let email = email.map(|email| (LookSlot::Email, hash(email.as_str())));
    let names = client.first_name.as_ref().zip(client.last_name.as_ref());
    let name = names.map(|(first, last)| (LookSlot::Name, hash(&fold(&format!("{first} {last}")))));
    email.into_iter().chain(name)
}

fn look_begin(slot: LookSlot, hash: u64) -> [u8; 13] {
    join([&PRACTICE.to_be_bytes(), &[slot as u8], &hash.to_be_bytes()])
}

/// One contact entry. Case does not matter.
pub(super) fn contact_key(slot: ContactSlot, text: &str, connection: ConnectionNumber, id: ExternalKey) -> ContactKey {
    let hash = hash(text).to_be_bytes();
    join([&PRACTICE.to_be_bytes(), &[slot as u8], &hash, &connection.0.to_be_bytes(), &id.0])
}

/// The client whose contact entry it is.
pub(super) fn owner_of(key: &ContactKey) -> (ConnectionNumber, ExternalKey) {
    let mut id = [0; 16];
    id.copy_from_slice(&key[15..]);
    (ConnectionNumber(u16::from_be_bytes([key[13], key[14]])), ExternalKey(id))
}

/// The keys of all who have this address or number.
pub(super) fn contact_span(slot: ContactSlot, text: &str) -> (ContactKey, ContactKey) {
    let begin: [u8; 13] = join([&PRACTICE.to_be_bytes(), &[slot as u8], &hash(text).to_be_bytes()]);
    span(&begin)
}

/// The keys of all entries of a slot; those of one address or number stand side by side.
pub(super) fn contact_slot(slot: ContactSlot) -> (ContactKey, ContactKey) {
    let begin: [u8; 5] = join([&PRACTICE.to_be_bytes(), &[slot as u8]]);
    span(&begin)
}

fn hash(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.to_lowercase().as_bytes())
}

/// The entry that says that `from` names `to` as partner.
pub(super) fn naming_key(connection: ConnectionNumber, to: ExternalKey, from: ExternalKey) -> NamingKey {
    join([&PRACTICE.to_be_bytes(), &connection.0.to_be_bytes(), &to.0, &from.0])
}

/// The keys of all who name `to` as partner.
pub(super) fn naming_span(connection: ConnectionNumber, to: ExternalKey) -> (NamingKey, NamingKey) {
    let begin: [u8; 22] = join([&PRACTICE.to_be_bytes(), &connection.0.to_be_bytes(), &to.0]);
    span(&begin)
}

/// The keys of all links of a connection, in the order of who is named.
pub(super) fn naming_all(connection: ConnectionNumber) -> (NamingKey, NamingKey) {
    let begin: [u8; 6] = join([&PRACTICE.to_be_bytes(), &connection.0.to_be_bytes()]);
    span(&begin)
}

/// The client who is named, and the one who names.
pub(super) fn naming_pair(key: &NamingKey) -> (ExternalKey, ExternalKey) {
    let id = |from: usize| {
        let mut id = [0; 16];
        id.copy_from_slice(&key[from..from + 16]);
        ExternalKey(id)
    };
    (id(6), id(22))
}

/// The client at the end of a name's key.
pub(super) fn client_of(key: &NameKey) -> ClientId {
    ClientId(uuid_at_end(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ExternalId;
    use crate::domain::record::ClientStatus;

    fn client(first: &str, preferred: Option<&str>, last: &str) -> Client {
        Client {
            first_name: Some(first.to_owned()),
            preferred_name: preferred.map(str::to_owned),
            last_name: Some(last.to_owned()),
            ..Client::unnamed(ExternalId("1".to_owned()), ClientStatus::Client)
        }
    }

    #[test]
    fn the_order_is_by_last_name_and_every_word_is_found() {
        let check = |client: &Client, expected: &[&str]| {
            let keys = name_keys(client, Uuid::nil());
            let texts: Vec<String> = keys
                .iter()
                .map(|key| String::from_utf8_lossy(&key[5..5 + NAME_BYTES]).trim_end_matches('\0').to_owned())
                .collect();
            assert_eq!(texts, expected);
        };
        check(&client("Ayda", None, "Khan"), &["khan ayda", "ayda"]);
        check(&client("Ayda", Some("Khan"), "Khan"), &["khan ayda", "ayda"]);
        check(
            &client("Māia Jane", Some("Jay"), "van der Berg"),
            &["van der berg maia ja", "der", "berg", "maia", "jane", "jay"],
        );
        let long = "Wolfeschlegelsteinhausenbergerdorff";
        check(&client("Al", None, long), &["wolfeschlegelsteinha", "al"]);
        let by_one_name = |preferred: Option<&str>, middle: Option<&str>| Client {
            preferred_name: preferred.map(str::to_owned),
            middle_name: middle.map(str::to_owned),
            ..Client::unnamed(ExternalId("1".to_owned()), ClientStatus::Client)
        };
        check(&by_one_name(None, Some("Leanne")), &["leanne"]);
        check(&by_one_name(Some("Lea"), Some("Leanne")), &["lea", "leanne"]);
        check(&by_one_name(None, None), &[""]);
    }
}
