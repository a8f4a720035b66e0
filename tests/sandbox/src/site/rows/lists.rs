//! Rows of the lists below a client: contacts, addresses, goals, insurance.

use super::{day, words};
use crate::book::{Address, Client, Contact, Cover, Goal, Lists, Policy};
use crate::json;
use crate::site::route::List;

/// What of a client has to be made to write this list.
pub(in crate::site) fn needed(list: List) -> Lists {
    Lists {
        contacts: list == List::Contact,
        addresses: list == List::Address,
        goals: list == List::Goals,
        policies: list == List::Insurance,
    }
}

/// Appends a whole list of a client as an array.
pub(in crate::site) fn list(out: &mut Vec<u8>, client: &Client, list: List) {
    match list {
        List::Contact => array(out, &client.contacts, |row| row.index, contact),
        List::Address => array(out, &client.addresses, |row| row.index, address),
        List::Goals => array(out, &client.goals, |row| row.index, goal),
        List::Insurance => array(out, &client.policies, |row| row.index, policy),
    }
}

/// Appends the row of a list with this index; false if there is none.
pub(in crate::site) fn list_row(out: &mut Vec<u8>, client: &Client, list: List, index: u32) -> bool {
    match list {
        List::Contact => single(out, &client.contacts, index, |row| row.index, contact),
        List::Address => single(out, &client.addresses, index, |row| row.index, address),
        List::Goals => single(out, &client.goals, index, |row| row.index, goal),
        List::Insurance => single(out, &client.policies, index, |row| row.index, policy),
    }
}

type Write<T> = fn(&mut Vec<u8>, &T);

fn array<T>(out: &mut Vec<u8>, rows: &[T], index: fn(&T) -> u32, write: Write<T>) {
    out.push(b'[');
    for (at, row) in rows.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        indexed(out, index(row), row, write);
    }
    out.push(b']');
}

fn single<T>(out: &mut Vec<u8>, rows: &[T], wanted: u32, index: fn(&T) -> u32, write: Write<T>) -> bool {
    match rows.iter().find(|row| index(row) == wanted) {
        Some(row) => {
            indexed(out, wanted, row, write);
            true
        }
        None => false,
    }
}

fn indexed<T>(out: &mut Vec<u8>, index: u32, row: &T, write: Write<T>) {
    out.extend_from_slice(br#"{"index":"#);
    json::number(out, index);
    out.extend_from_slice(br#","fields":{"#);
    write(out, row);
    out.extend_from_slice(b"}}");
}

/// Appends `"name":`, with a comma before it unless it opens the object.
fn key(out: &mut Vec<u8>, name: &str) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

fn contact(out: &mut Vec<u8>, row: &Contact) {
    key(out, "type");
    json::text(out, &row.kind);
    key(out, "value");
    json::text(out, &row.value);
    key(out, "preferred");
    json::boolean(out, row.preferred);
}

fn address(out: &mut Vec<u8>, row: &Address) {
    for (name, value) in [
        ("type", &row.kind),
        ("street", &row.street),
        ("suburb", &row.suburb),
        ("state", &row.state),
        ("postcode", &row.postcode),
    ] {
        key(out, name);
        json::text(out, value);
    }
    key(out, "country");
    words(out, &row.country);
    key(out, "preferred");
    json::boolean(out, row.preferred);
}

fn goal(out: &mut Vec<u8>, row: &Goal) {
    key(out, "status");
    json::text(out, &row.status);
    key(out, "category");
    json::maybe(out, row.category, json::number);
    key(out, "description");
    words(out, &row.description);
    key(out, "owner");
    json::text(out, &row.owner);
    key(out, "frequency");
    json::maybe(out, row.frequency, json::number);
    key(out, "target_date");
    day(out, &row.target_date);
    key(out, "capture_date");
    day(out, &row.capture_date);
    key(out, "target_amount");
    json::maybe(out, row.target_amount.as_ref(), json::money);
    key(out, "xpt_external_id");
    words(out, &row.xpt_external_id);
}

fn policy(out: &mut Vec<u8>, row: &Policy) {
    key(out, "policy_number");
    words(out, &row.policy_number);
    key(out, "underwriter");
    json::text(out, &row.underwriter);
    key(out, "underwriter_description");
    json::text(out, &row.underwriter_description);
    key(out, "plan_name");
    words(out, &row.plan_name);
    key(out, "policy_owners");
    separated(out, &row.policy_owners, |out, owner| json::text(out, owner));
    key(out, "installment_premium");
    json::maybe(out, row.installment_premium.as_ref(), json::money);
    key(out, "frequency_display");
    words(out, &row.frequency_display);
    for (name, date) in
        [("inception_date", &row.inception_date), ("renewal_date", &row.renewal_date), ("policy_to", &row.policy_to)]
    {
        key(out, name);
        day(out, date);
    }
    key(out, "covers");
    separated(out, &row.covers, cover);
}

fn cover(out: &mut Vec<u8>, row: &Cover) {
    out.push(b'{');
    key(out, "cover_type");
    json::text(out, &row.cover_type);
    key(out, "sum_insured");
    json::maybe(out, row.sum_insured.as_ref(), json::money);
    key(out, "benefit_status");
    json::text(out, &row.benefit_status);
    out.push(b'}');
}

fn separated<T>(out: &mut Vec<u8>, items: &[T], write: Write<T>) {
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}
