//! The book: the same for the same seed, as big as asked for, and as messy as promised.

use std::collections::HashSet;

use crate::{Book, Client, Region};

fn clients(seed: u64, size: u32) -> Vec<Client> {
    Book::new(seed, size, Region::Mix).clients().collect()
}

#[test]
fn the_seed_settles_the_book() {
    assert_eq!(clients(5, 700), clients(5, 700));
    assert_ne!(clients(5, 700), clients(6, 700));
}

#[test]
fn numbers_find_their_clients() {
    for size in [1, 10, 333] {
        let book = Book::new(2, size, Region::Au);
        let all: Vec<Client> = book.clients().collect();
        assert_eq!(all.len(), size as usize);
        assert!(all.is_sorted_by(|a, b| a.id < b.id));
        assert!(all.iter().all(|client| book.client(client.id).as_ref() == Some(client)));
        assert!(book.client(all[0].id - 1).is_none());
    }
}

#[test]
fn couples_agree_from_both_sides() {
    let book = Book::new(4, 5000, Region::Mix);
    let partner_of = |client: &Client| client.partner_entity_id.and_then(|id| book.client(id));
    let (mut mutual, mut one_sided, mut far, mut dangling) = (0, 0, 0, 0);
    let (mut together, mut namesakes) = (0, 0);
    for client in book.clients().filter(|client| client.partner_entity_id.is_some()) {
        let Some(partner) = partner_of(&client) else {
            dangling += 1;
            continue;
        };
        assert_eq!(partner.entity_type.to_lowercase(), "individual");
        assert_eq!((partner.client_adviser, partner.group), (client.client_adviser, client.group));
        match partner.partner_entity_id {
            Some(back) => {
                assert_eq!(back, client.id);
                mutual += 1;
            }
            None => one_sided += 1,
        }
        together += u32::from(client.addresses == partner.addresses);
        namesakes += u32::from(client.last_name == partner.last_name);
        far += u32::from(client.id.abs_diff(partner.id) > 500);
    }
    assert!((2000..3000).contains(&mutual), "{mutual} of 5,000 in couples");
    assert!(together > mutual * 3 / 4 && namesakes > mutual / 2, "{together} {namesakes}");
    assert!(one_sided > 50 && far > 100 && dangling > 0, "{one_sided} {far} {dangling}");
}

#[test]
fn the_mess_is_there() {
    let all = clients(1, 6000);
    let has = |what: &str, found: &dyn Fn(&Client) -> bool| {
        let count = all.iter().filter(|client| found(client)).count();
        assert!(count > 0 && count < 3000, "{what}: {count} of 6,000");
    };
    let email = |client: &Client| client.contacts.iter().any(|row| row.kind.eq_ignore_ascii_case("email"));
    let name =
        |client: &Client| [&client.first_name, &client.last_name].into_iter().flatten().cloned().collect::<String>();
    let street = |client: &Client, part: &str| client.addresses.iter().any(|row| row.street.contains(part));
    let number = |client: &Client| client.preferred_phone.clone().unwrap_or_default();
    has("no email", &|client| !email(client));
    has("office email", &|client| client.preferred_email.as_deref() == Some("office@example.com"));
    has("landline preferred", &|client| number(client).starts_with("(0"));
    has("no country code", &|client| number(client).starts_with("04"));
    has("number abroad", &|client| client.contacts.iter().any(|row| row.value.starts_with("+44")));
    has("lines", &|client| street(client, "\n"));
    has("unit", &|client| street(client, "Unit "));
    has("level", &|client| street(client, "Level "));
    has("country name", &|client| client.addresses.iter().any(|row| row.country.as_deref() == Some("Australia")));
    has("no address", &|client| client.addresses.is_empty());
    has("odd title", &|client| client.title.as_deref() == Some("Sir"));
    has("archived", &|client| client.status == "Archived");
    has("deceased", &|client| client.status == "Deceased");
    has("no person", &|client| client.entity_type == "trust");
    has("impossible date", &|client| client.dob.as_deref() == Some("1975-02-30"));
    has("apostrophe", &|client| name(client).contains('\''));
    has("macron", &|client| name(client).contains('ā'));
    has("Vietnamese", &|client| name(client).contains("Nguyễn"));
    has("Chinese", &|client| name(client).contains('王'));
    has("Cyrillic", &|client| name(client).contains("Петренко"));
    has("no name", &|client| name(client).trim().is_empty());
    has("very long", &|client| name(client).chars().count() > 80);
    has("unknown goal category", &|client| client.goals.iter().any(|goal| goal.category == Some(4242)));
    has("covers", &|client| client.policies.iter().any(|policy| policy.covers.len() > 1));
    let emails: Vec<_> = all.iter().filter_map(|client| client.preferred_email.clone()).collect();
    assert!(emails.iter().collect::<HashSet<_>>().len() < emails.len(), "some are shared");
}

#[test]
fn emails_are_nobodys() {
    for client in clients(9, 3000) {
        for row in
            client.contacts.iter().filter(|row| row.kind.eq_ignore_ascii_case("email") && row.value.contains('.'))
        {
            let domain = row.value.rsplit('@').next().unwrap();
            assert!(["example.com", "example.net", "example.org"].contains(&domain), "{}", row.value);
        }
    }
}

#[test]
fn regions_keep_to_themselves() {
    let currency = |region| {
        let book = Book::new(1, 400, region);
        let codes = book.clients().flat_map(|client| client.policies).flat_map(|policy| policy.covers);
        codes.filter_map(|cover| cover.sum_insured).map(|sum| sum.code.into_owned()).collect::<HashSet<_>>()
    };
    assert_eq!(currency(Region::Au), HashSet::from(["AUD".to_owned()]));
    assert_eq!(currency(Region::Nz), HashSet::from(["NZD".to_owned()]));
    assert_eq!(currency(Region::Uk), HashSet::from(["GBP".to_owned()]));
    assert_eq!(currency(Region::Za), HashSet::from(["ZAR".to_owned()]));
    assert_eq!(currency(Region::Mix).len(), 2);
}
