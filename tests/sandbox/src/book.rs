//! The book: every client of the site, invented, the same for the same seed and size.
//!
//! A client is made when someone asks for it and is a function of (seed, place) alone, so a book of a million takes no
//! memory by itself. What an operator or a test changes is laid over it. The book knows nothing of HTTP or of JSON.

mod addresses;
mod bonds;
mod contacts;
mod country;
pub(crate) mod dice;
mod edits;
mod goals;
mod model;
mod names;
mod numbers;
mod person;
mod policies;
mod showcase;
mod users;

pub use model::{Address, Client, Contact, Cover, Goal, Money, Policy, Text, User};
pub use numbers::{NumberKind, StateNumber};
pub use users::GROUPS;

use crate::options::Region;
use bonds::Bond;
use country::Country;
use dice::{Dice, Purpose};
use edits::Edits;
use person::{Half, Person};

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
        self.clients_from(0)
    }

    /// The client records from a place on, counted from 0.
    pub(crate) fn clients_from(&self, place: u32) -> impl Iterator<Item = Client> + '_ {
        (place..self.places()).filter_map(|place| self.at(place))
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
        self.partly_at(place, Lists::ALL)
    }

    /// The client in this place; lists that are not wanted may be empty.
    pub(crate) fn partly_at(&self, place: u32, lists: Lists) -> Option<Client> {
        match self.edits.get(place) {
            Some(edited) => edited.cloned(),
            None => Some(self.generated(place, lists)),
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
            None => self.placement(self.pair_key(place, self.bond(place).as_ref())),
        };
        groups.is_none_or(|groups| groups.contains(&group)) || adviser == Some(user)
    }

    fn dice(&self, place: u32, purpose: Purpose) -> Dice {
        Dice::new(self.seed, u64::from(place), purpose)
    }

    fn generated(&self, place: u32, lists: Lists) -> Client {
        let bond = self.bond(place);
        let home = Home {
            place,
            bond: bond.as_ref(),
            pair: self.pair_key(place, bond.as_ref()),
            entity: self.is_entity(place),
        };
        let person = self.person(&home);
        let (client_adviser, group) = self.placement(home.pair);
        let contacts = made_if(lists.contacts, || self.contacts(&home, &person));
        let preferred = |wanted: &[&str]| {
            let mut marked = contacts.iter().filter(|row| row.preferred);
            let fits = |kind: &str| wanted.iter().any(|wanted| kind.eq_ignore_ascii_case(wanted));
            marked.find(|row| fits(&row.kind)).map(|row| row.value.clone())
        };
        let state_number = self.country(&home).number().filter(|_| !home.entity).and_then(|kind| {
            let (born, sex) = (person.dob.as_deref(), person.sex.as_deref());
            numbers::number(&mut self.dice(place, Purpose::Number), kind, born, sex)
        });
        Client {
            id: self.id_at(place),
            client_adviser,
            client_adviser_secondary: self
                .secondary_adviser(home.pair)
                .filter(|second| Some(*second) != client_adviser),
            group,
            hidden: false,
            partner_entity_id: self.partner(place, home.bond),
            is_partner: home.bond.is_some_and(|bond| bond.is_partner),
            preferred_email: preferred(&["email"]),
            preferred_phone: preferred(&["mobile", "phone"]),
            addresses: made_if(lists.addresses, || self.addresses(&home)),
            goals: made_if(lists.goals, || self.goals(&home)),
            policies: made_if(lists.policies, || self.policies(&home)),
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
            state_number,
            contacts,
        }
    }

    fn person(&self, home: &Home<'_>) -> Person {
        let mut dice = self.dice(home.place, Purpose::Person);
        if home.entity {
            return person::entity(&mut dice, self.country(home).names());
        }
        let half = home.bond.map(|_| {
            let mut shared = self.dice(home.pair, Purpose::Couple);
            let (family, year) = (shared.pick(self.country(home).names().family), 1937 + shared.below(58));
            let (first_is_woman, alike) = (shared.percent(50), shared.percent(6));
            Half { family, year, woman: first_is_woman ^ (home.place != home.pair && !alike) }
        });
        person::individual(&mut dice, half.as_ref(), self.country(home).names())
    }

    fn contacts(&self, home: &Home<'_>, person: &Person) -> Vec<Contact> {
        let shared = home.bond.filter(|bond| bond.shares_email && bond.is_partner).map(|bond| {
            let other = self.generated(bond.other, Lists::NONE);
            contacts::email(other.id, other.first_name.as_deref(), other.last_name.as_deref())
        });
        let owner =
            contacts::Owner { id: self.id_at(home.place), person, country: self.country(home), shared_email: shared };
        contacts::contacts(&mut self.dice(home.place, Purpose::Contacts), &owner)
    }

    fn addresses(&self, home: &Home<'_>) -> Vec<Address> {
        // Most couples live together; some have two homes on record.
        let together = home.bond.is_some_and(|bond| bond.shares_home);
        let mut dice = self.dice(if together { home.pair } else { home.place }, Purpose::Addresses);
        addresses::addresses(&mut dice, self.country(home))
    }

    fn goals(&self, home: &Home<'_>) -> Vec<Goal> {
        let mut dice = self.dice(home.place, Purpose::Goals);
        if !home.holds_lists(&mut dice) {
            return Vec::new();
        }
        goals::goals(&mut dice, home.bond.is_some(), self.country(home))
    }

    fn policies(&self, home: &Home<'_>) -> Vec<Policy> {
        let mut dice = self.dice(home.place, Purpose::Policies);
        if !home.holds_lists(&mut dice) {
            return Vec::new();
        }
        policies::policies(&mut dice, home.bond.is_some(), self.country(home))
    }

    /// The adviser and the group; couples share them.
    fn placement(&self, pair: u32) -> (Option<u32>, u32) {
        let mut dice = self.dice(pair, Purpose::Adviser);
        let adviser = dice.pick_ref(&self.users);
        match dice.below(100) {
            0..2 => (None, adviser.group),
            // Looked after by somebody of another group, as after a change of advisers.
            2..4 => (Some(adviser.id), dice.pick(GROUPS).0),
            _ => (Some(adviser.id), adviser.group),
        }
    }

    /// The user beside the primary adviser, whom one couple in six has.
    fn secondary_adviser(&self, pair: u32) -> Option<u32> {
        let mut dice = self.dice(pair, Purpose::SecondaryAdviser);
        (dice.below(6) == 0).then(|| dice.pick_ref(&self.users).id)
    }

    fn country(&self, home: &Home<'_>) -> Country {
        match self.region {
            Region::Au => Country::Australia,
            Region::Nz => Country::NewZealand,
            Region::Uk => Country::UnitedKingdom,
            Region::Za => Country::SouthAfrica,
            // By the pair, so that a couple lives in one country.
            Region::Mix if self.dice(home.pair, Purpose::Kind).percent(35) => Country::NewZealand,
            Region::Mix => Country::Australia,
        }
    }
}

/// Which lists of a client are wanted; making one that is not costs as much as answering one that is.
#[derive(Clone, Copy, Default)]
pub(crate) struct Lists {
    /// Also what the preferred email and telephone are taken from.
    pub(crate) contacts: bool,
    pub(crate) addresses: bool,
    pub(crate) goals: bool,
    pub(crate) policies: bool,
}

impl Lists {
    const NONE: Self = Self { contacts: false, addresses: false, goals: false, policies: false };
    const ALL: Self = Self { contacts: true, addresses: true, goals: true, policies: true };
}

fn made_if<T>(wanted: bool, make: impl FnOnce() -> Vec<T>) -> Vec<T> {
    if wanted { make() } else { Vec::new() }
}

/// A place with what every part of its client depends on.
struct Home<'a> {
    place: u32,
    bond: Option<&'a Bond>,
    /// The place whose throws a couple shares.
    pair: u32,
    entity: bool,
}

impl Home<'_> {
    /// Goals and policies sit on the primary's record; a few partners have some of their own.
    fn holds_lists(&self, dice: &mut Dice) -> bool {
        !self.entity && (!self.bond.is_some_and(|bond| bond.is_partner) || dice.percent(8))
    }
}
