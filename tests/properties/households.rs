//! Who shares a household, worked out anew from everybody: the rule, not the host's way of keeping to it.

use std::collections::{BTreeMap, BTreeSet};

/// A person in the book: whom they name as partner, and whether the CRM calls them the partner.
pub struct Person {
    pub names: Option<u32>,
    pub is_partner: bool,
}

/// Each household's members by the CRM's ids, its primary client first.
///
/// Two who name each other share one. Who is named one-sidedly, and names nobody in the book, shares one with the
/// lowest of those who name them. Everybody else is alone.
pub fn households(people: &BTreeMap<u32, Person>) -> BTreeSet<Vec<String>> {
    let named = |id: u32| people[&id].names.filter(|other| *other != id && people.contains_key(other));
    let mut partners = BTreeMap::new();
    for id in people.keys().copied() {
        let suitor = || people.keys().copied().find(|other| named(*other) == Some(id));
        let partner = match named(id) {
            Some(other) if named(other) == Some(id) => Some(other),
            Some(_) => None,
            None => suitor(),
        };
        if let Some(partner) = partner {
            partners.insert(id, partner);
            partners.insert(partner, id);
        }
    }
    let household = |id: &u32| {
        let mut members: Vec<u32> = std::iter::once(*id).chain(partners.get(id).copied()).collect();
        // The lower id stands first, unless the CRM calls that one the partner, and the other not.
        members.sort_by_key(|member| (people[member].is_partner, *member));
        members.into_iter().map(|member| member.to_string()).collect()
    };
    people.keys().map(household).collect()
}
