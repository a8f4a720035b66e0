//! The assignment of households: a couple or a single person keeps the one they have, wherever that is possible.

use std::collections::BTreeMap;

use crate::ids::HouseholdId;

/// A person in the book who is to be settled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place<P> {
    /// The person.
    pub person: P,
    /// Whether the CRM calls the person the partner, not the primary client.
    pub is_partner: bool,
    /// The household whose member the person is so far.
    pub household: Option<HouseholdId>,
}

/// The assignment that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assigned<P> {
    /// Each household with all its members, in the order of persons.
    pub households: Vec<(HouseholdId, Vec<P>)>,
    /// Households that are no more, each with the one that takes its place.
    pub merged: Vec<(HouseholdId, HouseholdId)>,
}

/// Gives each group (one person, or two who are partners) its household.
///
/// A household stays with its primary client, or with the one who is left of it; whoever goes alone gets a new one. A
/// couple takes the household of its primary client, or else of the partner; where both have one, the partner's is
/// merged into it. All members of a household that are in the book are to be among the groups.
pub fn assign<P: Copy + Ord>(groups: &[Vec<Place<P>>], mut new_id: impl FnMut() -> HouseholdId) -> Assigned<P> {
    let rank = |place: &Place<P>| (place.is_partner, place.person);
    let mut keepers: BTreeMap<HouseholdId, (bool, P)> = BTreeMap::new();
    for place in groups.iter().flatten() {
        if let Some(household) = place.household {
            let keeper = keepers.entry(household).or_insert_with(|| rank(place));
            *keeper = rank(place).min(*keeper);
        }
    }
    let mut settled = Assigned { households: Vec::with_capacity(groups.len()), merged: Vec::new() };
    for group in groups {
        let mut ranked: Vec<&Place<P>> = group.iter().collect();
        ranked.sort_unstable_by_key(|place| rank(place));
        let keeps = |place: &&Place<P>| place.household.filter(|household| keepers[household] == rank(place));
        let mut kept = ranked.iter().filter_map(keeps);
        let id = kept.next().unwrap_or_else(&mut new_id);
        settled.merged.extend(kept.map(|other| (other, id)));
        let mut members: Vec<P> = group.iter().map(|place| place.person).collect();
        members.sort_unstable();
        settled.households.push((id, members));
    }
    settled
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(number: u128) -> HouseholdId {
        HouseholdId(Uuid::from_u128(number))
    }

    /// A person as `(number, is partner, household)`; new households are numbered from 100.
    fn check(groups: &[&[(u32, bool, Option<u128>)]], expected: &[(u128, &[u32])], expected_merged: &[(u128, u128)]) {
        let place = |&(person, is_partner, household): &(u32, bool, Option<u128>)| Place {
            person,
            is_partner,
            household: household.map(id),
        };
        let groups: Vec<Vec<_>> = groups.iter().map(|group| group.iter().map(place).collect()).collect();
        let mut next = 99;
        let settled = assign(&groups, || {
            next += 1;
            id(next)
        });
        let expected: Vec<_> = expected.iter().map(|(number, members)| (id(*number), members.to_vec())).collect();
        let merged: Vec<_> = expected_merged.iter().map(|(from, to)| (id(*from), id(*to))).collect();
        assert_eq!(settled, Assigned { households: expected, merged }, "{groups:?}");
    }

    #[test]
    fn households_stay_with_their_primary_clients() {
        // New people.
        check(&[&[(1, false, None)]], &[(100, &[1])], &[]);
        check(&[&[(1, true, None), (2, false, None)]], &[(100, &[1, 2])], &[]);
        // The partner comes later, or was there first.
        check(&[&[(1, false, Some(7)), (2, true, None)]], &[(7, &[1, 2])], &[]);
        check(&[&[(1, false, None), (2, true, Some(7))]], &[(7, &[1, 2])], &[]);
        // Two households become one: the primary client's.
        check(&[&[(1, true, Some(7)), (2, false, Some(8))]], &[(8, &[1, 2])], &[(7, 8)]);
        // A separation, and a new partner who had a household.
        check(&[&[(1, true, Some(7))], &[(2, false, Some(7))]], &[(100, &[1]), (7, &[2])], &[]);
        check(
            &[&[(1, true, Some(7))], &[(2, false, Some(7)), (3, true, Some(8))]],
            &[(100, &[1]), (7, &[2, 3])],
            &[(8, 7)],
        );
        // The partner leaves for somebody else and does not take the household along.
        check(&[&[(1, false, Some(7))], &[(2, true, Some(7)), (3, false, None)]], &[(7, &[1]), (100, &[2, 3])], &[]);
        // The primary client left the book.
        check(&[&[(2, true, Some(7))]], &[(7, &[2])], &[]);
    }
}
