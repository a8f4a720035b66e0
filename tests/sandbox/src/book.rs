//! The book: every client of the site, invented, the same for the same seed and size.
//!
//! A client is made when someone asks for it and is a function of (seed, place) alone, so a book of a million takes no
//! memory by itself. What an operator or a test changes is laid over it. The book knows nothing of HTTP or of JSON.

mod addresses;
mod bonds;
mod contacts;
pub(crate) mod dice;
mod edits;
mod goals;
mod model;
mod names;
mod person;
mod policies;
mod users;

pub use model::{Address, Client, Contact, Cover, Goal, Money, Policy, Text, User};
pub use users::GROUPS;

use crate::options::Region;
use bonds::Bond;
use dice::{Dice, Purpose};
use edits::Edits;
use person::Person;

/// The number of the client in the first place.
const FIRST_ID: u32 = 30_001;
/// Numbers have gaps: each place has this many, and takes one of them.
const STRIDE: u32 = 3;

/// Every client and user of the site.
pub struct Book {
    seed: u64,
    size: u32,
    region: Region,
    users: Vec<User>,
    edits: Edits,
}

impl Book {
    /// A book of `size` clients.
    pub fn new(seed: u64, size: u32, region: Region) -> Self {
        Self { seed, size, region, users: users::users(seed, size), edits: Edits::default() }
    }

    /// The users, in order of their numbers.
    pub fn users(&self) -> &[User] {
        &self.users
    }

    /// Every client record there is, visible to anybody or not, in order of their numbers.
    pub fn clients(&self) -> impl Iterator<Item = Client> + '_ {
        (0..self.places()).filter_map(|place| self.at(place))
    }

    /// The client with this number.
    pub fn client(&self, id: u32) -> Option<Client> {
        self.at(self.place_of(id)?)
    }

    /// How many places there are, those of removed clients among them.
    pub(crate) fn places(&self) -> u32 {
        self.size + self.edits.added()
    }

    /// The place of the client with this number, if the number is one of this book.
    pub(crate) fn place_of(&self, id: u32) -> Option<u32> {
        let place = id.checked_sub(FIRST_ID)? / STRIDE;
        (place < self.places() && self.id_at(place) == id).then_some(place)
    }

    /// The first place whose number is above `id`.
    pub(crate) fn place_after(&self, id: u32) -> u32 {
        let Some(offset) = id.checked_sub(FIRST_ID) else {
            return 0;
        };
        let place = (offset / STRIDE).min(self.places());
        if place < self.places() && self.id_at(place) > id { place } else { (place + 1).min(self.places()) }
    }

    pub(crate) fn id_at(&self, place: u32) -> u32 {
        FIRST_ID + place * STRIDE + self.dice(place, Purpose::Id).below(STRIDE)
    }

    /// The client in this place, unless it was removed.
    pub(crate) fn at(&self, place: u32) -> Option<Client> {
        match self.edits.get(place) {
            Some(edited) => edited.cloned(),
            None => Some(self.generated(place)),
        }
    }

    /// Whether the client in this place shows to a member of `groups` (all groups if none are named) who is the user `user`.
    ///
    /// Follows the visibility rule of a standard integration: shared groups, plus clients whose primary adviser the user is.
    pub(crate) fn visible(&self, place: u32, user: u32, groups: Option<&[u32]>) -> bool {
        let (adviser, group) = match self.edits.get(place) {
            Some(None) => return false,
            Some(Some(client)) if client.hidden => return false,
            Some(Some(client)) => (client.client_adviser, client.group),
            None if groups.is_none() => return true,
            None => self.placement(place),
        };
        groups.is_none_or(|groups| groups.contains(&group)) || adviser == Some(user)
    }

    fn dice(&self, place: u32, purpose: Purpose) -> Dice {
        Dice::new(self.seed, u64::from(place), purpose)
    }

    fn generated(&self, place: u32) -> Client {
        let bond = self.bond(place);
        let person = self.person(place, bond.as_ref());
        let (client_adviser, group) = self.placement(place);
        let contacts = self.contacts(place, &person, bond.as_ref());
        let preferred = |wanted: &[&str]| {
            contacts
                .iter()
                .find(|row| row.preferred && wanted.iter().any(|kind| row.kind.eq_ignore_ascii_case(kind)))
                .map(|row| row.value.clone())
        };
        Client {
            id: self.id_at(place),
            client_adviser,
            group,
            hidden: false,
            partner_entity_id: self.partner(place, bond.as_ref()),
            is_partner: bond.as_ref().is_some_and(|bond| bond.is_partner),
            preferred_email: preferred(&["email"]),
            preferred_phone: preferred(&["mobile", "phone"]),
            addresses: addresses::addresses(&mut self.dice(place, Purpose::Addresses), self.in_new_zealand(place)),
            goals: self.goals(place, bond.as_ref()),
            policies: self.policies(place, bond.as_ref()),
            status: person.status,
            entity_type: person.entity_type,
            title: person.title,
            first_name: person.first_name,
            middle_name: person.middle_name,
            last_name: person.last_name,
            preferred_name: person.preferred_name,
            dob: person.dob,
            sex: person.sex,
            client_active_date: person.active_date,
            external_id: person.external_id,
            contacts,
        }
    }

    fn person(&self, place: u32, bond: Option<&Bond>) -> Person {
        let mut dice = self.dice(place, Purpose::Person);
        if self.is_entity(place) {
            return person::entity(&mut dice);
        }
        let family = self.dice(self.pair_key(place, bond), Purpose::Bond).pick(names::FAMILY);
        person::individual(&mut dice, family, bond.is_some())
    }

    fn contacts(&self, place: u32, person: &Person, bond: Option<&Bond>) -> Vec<Contact> {
        let shared = bond.filter(|bond| bond.shares_email && bond.is_partner).map(|bond| {
            let other = self.person(bond.other, self.bond(bond.other).as_ref());
            contacts::email(self.id_at(bond.other), &other)
        });
        let owner = contacts::Owner {
            id: self.id_at(place),
            person,
            new_zealand: self.in_new_zealand(place),
            shared_email: shared,
        };
        contacts::contacts(&mut self.dice(place, Purpose::Contacts), &owner)
    }

    /// Goals sit on the primary's record; a few couples have some on the partner's too.
    fn goals(&self, place: u32, bond: Option<&Bond>) -> Vec<Goal> {
        let mut dice = self.dice(place, Purpose::Goals);
        if self.is_entity(place) || bond.is_some_and(|bond| bond.is_partner) && !dice.percent(8) {
            return Vec::new();
        }
        goals::goals(&mut dice, bond.is_some(), self.currency(place))
    }

    fn policies(&self, place: u32, bond: Option<&Bond>) -> Vec<Policy> {
        let mut dice = self.dice(place, Purpose::Policies);
        if self.is_entity(place) || bond.is_some_and(|bond| bond.is_partner) && !dice.percent(8) {
            return Vec::new();
        }
        policies::policies(&mut dice, bond.is_some(), self.currency(place))
    }

    /// The adviser and the group; couples share them.
    fn placement(&self, place: u32) -> (Option<u32>, u32) {
        let mut dice = self.dice(self.pair_key(place, self.bond(place).as_ref()), Purpose::Adviser);
        let adviser = &self.users[dice.below(self.users.len() as u32) as usize];
        match dice.below(100) {
            0..2 => (None, adviser.group),
            // Looked after by somebody of another group, as after a change of advisers.
            2..4 => (Some(adviser.id), GROUPS[dice.below(GROUPS.len() as u32) as usize].0),
            _ => (Some(adviser.id), adviser.group),
        }
    }

    fn in_new_zealand(&self, place: u32) -> bool {
        match self.region {
            Region::Au => false,
            Region::Nz => true,
            // By the pair, so that a couple lives in one country.
            Region::Mix => self.dice(self.pair_key(place, self.bond(place).as_ref()), Purpose::Kind).percent(35),
        }
    }

    fn currency(&self, place: u32) -> &'static str {
        if self.in_new_zealand(place) { "NZD" } else { "AUD" }
    }
}
