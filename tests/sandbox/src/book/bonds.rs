//! Who is whose partner, worked out from two places and the seed, the same from either side.
//!
//! Most couples stand side by side in the book, some half a thousand records apart, as when a partner became a client
//! years later; a reader that joins within a page only misses those.

use super::Book;
use super::dice::Purpose;

/// How far apart the couples are that do not stand side by side; a power of two.
const FAR: u32 = 512;

/// A couple as it looks from one of its two places.
pub(super) struct Bond {
    /// The other's place.
    pub(super) other: u32,
    /// Whether this place's record says `is_partner`.
    pub(super) is_partner: bool,
    /// Whether this place's record names the other.
    linked: bool,
    /// Whether the two have one email.
    pub(super) shares_email: bool,
    /// Whether the two have the same addresses.
    pub(super) shares_home: bool,
}

impl Book {
    pub(super) fn is_entity(&self, place: u32) -> bool {
        // Of its own throw within the purpose: the first one of the same purpose settles the country of a pair.
        let mut dice = self.dice(place, Purpose::Kind);
        dice.next();
        dice.percent(4)
    }

    /// The couple that the client generated in this place belongs to.
    pub(super) fn bond(&self, place: u32) -> Option<Bond> {
        if place >= self.size {
            return None;
        }
        // Four places (two side by side, two far off) decide together, so that both ends agree.
        let mut four = self.dice(place & !1 & !FAR, Purpose::Bond);
        four.next();
        let other = if four.percent(12) { place ^ FAR } else { place ^ 1 };
        if other >= self.size || self.is_entity(place) || self.is_entity(other) {
            return None;
        }
        let first = place.min(other);
        let mut dice = self.dice(first, Purpose::Bond);
        dice.next();
        dice.next();
        if !dice.percent(54) {
            return None;
        }
        let primary = if dice.percent(85) { first } else { place.max(other) };
        let both_primary = dice.per_mille(10);
        let unlinked = match dice.below(100) {
            0..4 => Some(primary),
            4..8 => Some(place ^ other ^ primary),
            _ => None,
        };
        Some(Bond {
            other,
            is_partner: place != primary && !both_primary,
            linked: unlinked != Some(place),
            shares_email: dice.percent(18),
            shares_home: dice.percent(85),
        })
    }

    /// What the record in this place says of a partner: the other half, or rarely a number that belongs to nobody.
    pub(super) fn partner(&self, place: u32, bond: Option<&Bond>) -> Option<u32> {
        match bond {
            Some(bond) => bond.linked.then(|| self.id_at(bond.other)),
            None if self.dice(place, Purpose::Bond).next() % 1000 < 2 => Some(7),
            None => None,
        }
    }

    /// The place whose throws a couple shares.
    pub(super) fn pair_key(&self, place: u32, bond: Option<&Bond>) -> u32 {
        bond.map_or(place, |bond| place.min(bond.other))
    }
}
