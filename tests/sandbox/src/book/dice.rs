//! The book's own source of chance: the same throws for the same seed, client and purpose, on every machine.
//!
//! A client is a pure function of (seed, place), so that a book of a million needs no memory until someone asks.
//! Each purpose (name, contacts, goals…) throws its own dice; adding a throw to one leaves the others as they were.

/// What a sequence of throws is for.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Id,
    Kind,
    Bond,
    Person,
    Contacts,
    Addresses,
    Goals,
    Policies,
    Adviser,
    User,
    Fault,
    Couple,
    SecondaryAdviser,
    Number,
}

/// A splitmix64 sequence.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64, place: u64, purpose: Purpose) -> Self {
        let mut dice = Self(seed ^ (purpose as u64 + 1).wrapping_mul(0xa076_1d64_78bd_642f));
        dice.0 = dice.next().wrapping_add(place.wrapping_mul(0xe703_7ed1_a0b4_28db));
        dice
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `n` - 1.
    pub(crate) fn below(&mut self, n: u32) -> u32 {
        (((self.next() >> 32) * u64::from(n)) >> 32) as u32
    }

    /// True `n` times in a thousand.
    pub(crate) fn per_mille(&mut self, n: u32) -> bool {
        self.below(1000) < n
    }

    /// True `n` times in a hundred.
    pub(crate) fn percent(&mut self, n: u32) -> bool {
        self.below(100) < n
    }

    /// One of `from`, which is not empty.
    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *self.pick_ref(from)
    }

    /// One of `from`, which is not empty, where it stands.
    pub(crate) fn pick_ref<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u32) as usize]
    }

    /// A number from 0 up to 1.
    pub(crate) fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
