//! The state of the sites that notes go to: free, left alone for a while, or resting until somebody authorises again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;

use crate::domain::breaker::{Breaker, Health};
use crate::domain::note::Note;
use crate::domain::outbox::{Outcome, refused_sign_in};
use crate::domain::{ConnectionName, Timestamp};
use crate::store::outbox::Hold;

/// The sites by connection. One that was never heard of is free.
pub(super) struct Sites {
    sites: Mutex<HashMap<ConnectionName, Site>>,
    /// The pauses for which a site is left alone, one after another.
    pauses: Vec<SignedDuration>,
}

#[derive(Default)]
struct Site {
    breaker: Breaker,
    hold: Option<Hold>,
    /// Whether it asked to be left alone, and has not shown itself well since.
    asked_for_pause: bool,
    /// Whether the last note was taken from the newest end.
    took_newest: bool,
}

/// Whether a connection's notes go out.
#[derive(Clone, Debug)]
pub enum Gate {
    /// The notes go out.
    Open,
    /// One does, to find out whether the site is back.
    Probing,
    /// The site did not answer, or asked to be left alone, until then.
    Closed(Timestamp),
    /// A person has to see to it: the sign-in is refused, or it leads to another site.
    Held(Hold),
}

impl Gate {
    /// The moment at which the next note may go; none: at once.
    pub fn opens_at(&self) -> Option<Timestamp> {
        match self {
            Self::Open | Self::Probing => None,
            Self::Closed(until) => Some(*until),
            Self::Held(hold) => Some(hold.until),
        }
    }

    /// The number of notes that may be under way, of `all` places.
    pub(super) fn places(&self, all: usize) -> usize {
        match self {
            Self::Open => all,
            Self::Probing => 1,
            Self::Closed(_) | Self::Held(_) => 0,
        }
    }
}

impl Sites {
    pub(super) fn new(pauses: Vec<SignedDuration>) -> Self {
        Self { sites: Mutex::default(), pauses }
    }

    /// The gate of a connection's notes now.
    pub(super) fn gate(&self, connection: &ConnectionName, now: Timestamp) -> Gate {
        self.with(connection, |site| match (&site.hold, site.breaker.closed_until(now)) {
            (Some(hold), _) if hold.until > now => Gate::Held(hold.clone()),
            (_, Some(until)) => Gate::Closed(until),
            (Some(_), None) => Gate::Probing,
            (None, None) if site.breaker.is_probing() => Gate::Probing,
            (None, None) => Gate::Open,
        })
    }

    /// Keeps what a call said of its site. Answers whether that shows it well that had asked to be left alone.
    pub(super) fn heard(
        &self,
        note: &Note,
        outcome: &Outcome,
        health: Health,
        now: Timestamp,
        rest: SignedDuration,
    ) -> bool {
        self.with(&note.connection, |site| {
            site.breaker.heard(note.id, health, now, &self.pauses);
            match outcome {
                Outcome::Unauthorised { message } => site.hold = Some(Hold::from(now, rest, refused_sign_in(message))),
                Outcome::Held { message } => site.hold = Some(Hold::from(now, rest, message.clone())),
                _ if health == Health::Up => site.hold = None,
                _ => {}
            }
            site.asked_for_pause |= matches!(health, Health::Down(Some(_)));
            health == Health::Up && std::mem::take(&mut site.asked_for_pause)
        })
    }

    /// Lets a connection be tried at once.
    pub(super) fn release(&self, connection: &ConnectionName) {
        self.with(connection, |site| {
            site.hold = None;
            site.breaker = Breaker::default();
        });
    }

    /// Lets all connections be tried at once: what they wait for was said by a clock that was wrong.
    pub(super) fn release_all(&self) {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether the next note comes from the newest: every other time.
    pub(super) fn takes_newest(&self, connection: &ConnectionName) -> bool {
        self.with(connection, |site| {
            let takes = !site.took_newest;
            site.took_newest = takes;
            takes
        })
    }

    fn with<T>(&self, connection: &ConnectionName, work: impl FnOnce(&mut Site) -> T) -> T {
        let mut sites = self.sites.lock().unwrap_or_else(PoisonError::into_inner);
        work(sites.entry(connection.clone()).or_default())
    }
}
