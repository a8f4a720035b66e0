//! Pairing: who is whose partner.

use std::collections::BTreeMap;

/// The partner links of the people in the book, as the CRM gives them: each person names at most one other.
pub trait Links {
    /// The key by which a person is known; its order decides where several claim the same partner.
    type Person: Copy + Ord;
    /// The error of links that cannot be read.
    type Error;

    /// The person whom `person` names as partner; none where `person` is not in the book, `Some(None)` where nobody is
    /// named.
    fn named_by(&self, person: Self::Person) -> Result<Option<Option<Self::Person>>, Self::Error>;

    /// The first in the order of persons who is in the book and names `person`, the person itself left out.
    fn first_naming(&self, person: Self::Person) -> Result<Option<Self::Person>, Self::Error>;

    /// All who are in the book and name `person`, the person itself left out.
    fn all_naming(&self, person: Self::Person) -> Result<Vec<Self::Person>, Self::Error>;

    /// The one who shares the person's household as the book has it now.
    fn mate_of(&self, person: Self::Person) -> Result<Option<Self::Person>, Self::Error>;
}

/// The kind of link between two people.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Tie {
    /// Each names the other.
    Mutual,
    /// One names the other, who names nobody in the book.
    OneSided,
}

/// A person's partner.
///
/// Two who name each other are partners. Where only one names the other, they are partners if the other names nobody
/// who is in the book; where several name the same person, the first of them in the order of persons is the one.
///
/// # Errors
/// Returns an error if the links cannot be read.
pub fn partner_of<L: Links>(links: &L, person: L::Person) -> Result<Option<(L::Person, Tie)>, L::Error> {
    let Some(named) = links.named_by(person)? else { return Ok(None) };
    if let Some(named) = named.filter(|named| *named != person)
        && let Some(named_back) = links.named_by(named)?
    {
        if named_back == Some(person) {
            return Ok(Some((named, Tie::Mutual)));
        }
        let is_first = links.first_naming(named)? == Some(person);
        let is_free = !names_somebody(links, named, named_back)?;
        return Ok((is_first && is_free).then_some((named, Tie::OneSided)));
    }
    Ok(links.first_naming(person)?.map(|first| (first, Tie::OneSided)))
}

/// Whether the person whom `person` names is another one and in the book.
fn names_somebody<L: Links>(links: &L, person: L::Person, named: Option<L::Person>) -> Result<bool, L::Error> {
    match named.filter(|named| *named != person) {
        Some(named) => Ok(links.named_by(named)?.is_some()),
        None => Ok(false),
    }
}

/// A person who came into the book, left it, or names another than before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change<P> {
    /// The person.
    pub person: P,
    /// The one whom the person named as partner before.
    pub named_before: Option<P>,
    /// The one whom the person names as partner now.
    pub names_now: Option<P>,
    /// Whether they came or left.
    pub came_or_left: bool,
}

/// People who are affected, each with their partner.
pub type Affected<P> = BTreeMap<P, Option<P>>;

/// Everybody whose household has to be settled anew after some changes: those whose partner is another than the book
/// has it now, together with the mates they leave and the partners they join; and perhaps some others, whom it does
/// not harm to pair anew. Each with their partner.
///
/// # Errors
/// Returns an error if the links cannot be read.
pub fn affected<L: Links>(links: &L, changes: &[Change<L::Person>]) -> Result<Affected<L::Person>, L::Error> {
    let mut open: Vec<L::Person> = Vec::new();
    for change in changes {
        open.push(change.person);
        open.extend(change.named_before);
        open.extend(change.names_now);
        if change.came_or_left {
            // Who names somebody absent is free to be another's partner, so that all of these may win or lose one.
            open.extend(links.all_naming(change.person)?);
        }
    }
    let mut found = Affected::new();
    while let Some(person) = open.pop() {
        if found.contains_key(&person) {
            continue;
        }
        let mate = links.mate_of(person)?;
        let partner = partner_of(links, person)?.map(|(partner, _)| partner);
        found.insert(person, partner);
        if mate != partner {
            open.extend(mate);
            open.extend(partner);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::convert::Infallible;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::household::{Place, assign};
    use crate::ids::HouseholdId;

    /// A book in memory: whom each person names, and who lives where.
    #[derive(Clone, Default, Debug)]
    struct Book {
        named: BTreeMap<u8, Option<u8>>,
        homes: BTreeMap<u8, HouseholdId>,
        households: u128,
    }

    impl Links for Book {
        type Person = u8;
        type Error = Infallible;

        fn named_by(&self, person: u8) -> Result<Option<Option<u8>>, Infallible> {
            Ok(self.named.get(&person).copied())
        }

        fn first_naming(&self, person: u8) -> Result<Option<u8>, Infallible> {
            Ok(self.all_naming(person)?.first().copied())
        }

        fn all_naming(&self, person: u8) -> Result<Vec<u8>, Infallible> {
            let naming = self.named.iter().filter(|(from, to)| **from != person && **to == Some(person));
            Ok(naming.map(|(from, _)| *from).collect())
        }

        fn mate_of(&self, person: u8) -> Result<Option<u8>, Infallible> {
            let home = self.homes.get(&person);
            let lives_there = |(other, at): &(&u8, &HouseholdId)| **other != person && Some(*at) == home;
            Ok(self.homes.iter().find(lives_there).map(|(other, _)| *other))
        }
    }

    impl Book {
        /// Makes edits and pairs anew who is affected, as the store does after a page.
        fn edit(&mut self, edits: &[(u8, Option<Option<u8>>)]) {
            let mut changes = Vec::new();
            for (person, named) in edits {
                let before = match named {
                    Some(named) => self.named.insert(*person, *named),
                    None => self.named.remove(person),
                };
                changes.push(Change {
                    person: *person,
                    named_before: before.flatten(),
                    names_now: named.flatten(),
                    came_or_left: before.is_some() != named.is_some(),
                });
            }
            let affected = affected(self, &changes).unwrap();
            let mut groups = BTreeSet::new();
            for (person, partner) in affected {
                if self.named.contains_key(&person) {
                    groups.insert((person.min(partner.unwrap_or(person)), person.max(partner.unwrap_or(person))));
                } else {
                    self.homes.remove(&person);
                }
            }
            let place = |person: u8| Place {
                person,
                is_partner: person.is_multiple_of(2),
                household: self.homes.get(&person).copied(),
            };
            let groups: Vec<Vec<Place<u8>>> = groups
                .into_iter()
                .map(|(one, other)| BTreeSet::from([one, other]).into_iter().map(place).collect())
                .collect();
            let mut last = self.households;
            let settled = assign(&groups, || {
                last += 1;
                HouseholdId(Uuid::from_u128(last))
            });
            self.households = last;
            for (household, members) in settled.households {
                self.homes.extend(members.into_iter().map(|member| (member, household)));
            }
        }

        /// The people who live together, household by household.
        fn couples(&self) -> BTreeSet<Vec<u8>> {
            let mut homes: BTreeMap<HouseholdId, Vec<u8>> = BTreeMap::new();
            self.homes.iter().for_each(|(person, home)| homes.entry(*home).or_default().push(*person));
            homes.into_values().collect()
        }

        /// The people who should live together, by asking for everybody's partner.
        fn expected(&self) -> BTreeSet<Vec<u8>> {
            let with_partner = |person: &u8| {
                let partner = partner_of(self, *person).unwrap().map(|(partner, _)| partner);
                BTreeSet::from([*person, partner.unwrap_or(*person)]).into_iter().collect()
            };
            self.named.keys().map(with_partner).collect()
        }
    }

    fn book(links: &[(u8, Option<u8>)]) -> Book {
        let mut book = Book::default();
        book.edit(&links.iter().map(|(person, named)| (*person, Some(*named))).collect::<Vec<_>>());
        book
    }

    #[test]
    fn partners() {
        let check = |links: &[(u8, Option<u8>)], person: u8, expected: Option<(u8, Tie)>| {
            assert_eq!(partner_of(&book(links), person).unwrap(), expected, "{person} of {links:?}");
        };
        check(&[(1, Some(2)), (2, Some(1))], 1, Some((2, Tie::Mutual)));
        check(&[(1, Some(2)), (2, None)], 2, Some((1, Tie::OneSided)));
        check(&[(1, Some(2))], 1, None);
        check(&[(1, Some(1))], 1, None);
        // Several name the same: the first has it.
        check(&[(1, Some(3)), (2, Some(3)), (3, None)], 3, Some((1, Tie::OneSided)));
        check(&[(1, Some(3)), (2, Some(3)), (3, None)], 2, None);
        check(&[(1, Some(3)), (2, Some(3)), (3, Some(2))], 1, None);
        // A chain: who names somebody in the book is free for nobody else.
        check(&[(1, Some(2)), (2, Some(3)), (3, None)], 1, None);
        check(&[(1, Some(2)), (2, Some(3)), (3, None)], 2, Some((3, Tie::OneSided)));
        check(&[(1, Some(2)), (2, Some(3))], 2, Some((1, Tie::OneSided)));
        check(&[(1, Some(2)), (2, Some(3)), (3, Some(1))], 1, None);
    }

    fn edits() -> impl Strategy<Value = Vec<(u8, Option<Option<u8>>)>> {
        let named = prop_oneof![1 => Just(None), 6 => prop::option::of(0..8_u8).prop_map(Some)];
        prop::collection::vec((0..8_u8, named), 1..40)
    }

    proptest! {
        #[test]
        fn partnership_is_mutual(edits in edits()) {
            let mut book = Book::default();
            edits.iter().for_each(|(person, named)| { named.map(|named| book.named.insert(*person, named)); });
            for person in book.named.keys() {
                if let Some((partner, tie)) = partner_of(&book, *person).unwrap() {
                    prop_assert_eq!(partner_of(&book, partner).unwrap(), Some((*person, tie)));
                }
            }
        }

        #[test]
        fn settling_the_disturbed_is_settling_all(edits in edits(), page in 1..6_usize) {
            let mut book = Book::default();
            for edits in edits.chunks(page) {
                book.edit(edits);
                prop_assert_eq!(book.couples(), book.expected());
            }
        }
    }
}
