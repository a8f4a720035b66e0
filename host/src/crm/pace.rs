//! A gentle guest: how many calls a site gets at once, and how many in a second.
//!
//! One pace a site, shared by everything that calls it. The number of calls side by side follows the site: it halves
//! where the site says that it is too much, falls where answers slow down or fail, and grows again by about one with
//! each round of good answers (additive increase, multiplicative decrease). What somebody waits for (a note, one
//! client) never stands in a queue behind a walk: one place is kept free for it.

use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{AcquireError, Semaphore, SemaphorePermit};

/// Answers slower than this many times the usual are slow …
const SLOW_TIMES: f64 = 3.0;
/// … unless they are quicker than the usual and so much: short times vary by themselves.
const SLOW_AT_LEAST: Duration = Duration::from_millis(250);
/// Calls side by side are slow together: they count as one sign.
const ONE_SIGN: Duration = Duration::from_secs(1);
/// How fast "usual" follows quicker and slower answers.
const FOLLOWS_QUICKER: f64 = 0.5;
const FOLLOWS_SLOWER: f64 = 1.0 / 64.0;

/// What kinds of calls have times of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Weight {
    /// One thing asked or sent.
    One,
    /// A page of rows, or a batch of calls.
    Many,
}

/// How a call went, as a sign of how the site is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sign {
    /// It answered, whatever it said.
    Answered,
    /// It failed on its side or on the way.
    Failed,
    /// It said that it is too much.
    TooMuch,
}

/// The pace of a site.
pub(super) struct Pace {
    /// Places for who reads at leisure; as many as `State::places`.
    leisure: Semaphore,
    /// The place for what somebody waits for.
    kept: Semaphore,
    tokens: DefaultDirectRateLimiter,
    clock: DefaultClock,
    state: Mutex<State>,
    most: f64,
}

struct State {
    /// How many calls at leisure may be under way, between 1 and the most.
    limit: f64,
    /// How many places there are, taken or not; follows the whole part of `limit`.
    places: usize,
    slowed_at: Option<Instant>,
    /// The usual time of an answer by weight, in seconds.
    usual: [Option<f64>; 2],
}

/// A place, given back when it is dropped.
pub(super) struct Place<'p> {
    pace: &'p Pace,
    permit: Option<SemaphorePermit<'p>>,
    is_kept: bool,
}

impl Pace {
    /// At most `per_second` calls begun in a second and `side_by_side` under way, one of which is kept.
    pub fn new(per_second: NonZeroU32, side_by_side: usize) -> Self {
        let most = side_by_side.saturating_sub(1).max(1);
        // A tenth of a second's worth may come at once.
        let burst = NonZeroU32::new(per_second.get() / 10).unwrap_or(NonZeroU32::MIN);
        Self {
            leisure: Semaphore::new(most),
            kept: Semaphore::new(1),
            tokens: RateLimiter::direct(Quota::per_second(per_second).allow_burst(burst)),
            clock: DefaultClock::default(),
            state: Mutex::new(State { limit: most as f64, places: most, slowed_at: None, usual: [None; 2] }),
            most: most as f64,
        }
    }

    /// The most calls at leisure.
    pub fn most(&self) -> usize {
        self.most as usize
    }

    /// Waits for a place. What somebody waits for takes the kept one, or any other that is free before.
    pub async fn place(&self, is_awaited: bool) -> Result<Place<'_>, AcquireError> {
        if is_awaited {
            let (permit, is_kept) = tokio::select! {
                biased;
                permit = self.kept.acquire() => (permit?, true),
                permit = self.leisure.acquire() => (permit?, false),
            };
            // It counts against the ceiling, and does not wait for it.
            let _ = self.tokens.check();
            return Ok(Place { pace: self, permit: Some(permit), is_kept });
        }
        let permit = self.leisure.acquire().await?;
        let place = Place { pace: self, permit: Some(permit), is_kept: false };
        while let Err(full) = self.tokens.check() {
            tokio::time::sleep(full.wait_time_from(self.clock.now())).await;
        }
        Ok(place)
    }

    /// Takes in how a call went and how long it took. True where the site gets fewer calls from now on.
    pub fn observe(&self, weight: Weight, took: Duration, sign: Sign) -> bool {
        let mut state = self.state();
        let is_slow = sign == Sign::Answered && state.is_slow(weight, took);
        let factor = match sign {
            Sign::TooMuch => 0.5,
            Sign::Failed => 0.7,
            Sign::Answered if is_slow => 0.7,
            Sign::Answered => {
                state.limit = (state.limit + 1.0 / state.limit).min(self.most);
                let wanted = state.limit as usize;
                if wanted > state.places {
                    self.leisure.add_permits(wanted - state.places);
                    state.places = wanted;
                }
                return false;
            }
        };
        let now = Instant::now();
        if state.slowed_at.is_some_and(|at| now.duration_since(at) < ONE_SIGN) {
            return false;
        }
        state.slowed_at = Some(now);
        state.limit = (state.limit * factor).max(1.0);
        let surplus = state.places - (state.limit as usize).min(state.places);
        // Places that are taken go when they are given back.
        state.places -= self.leisure.forget_permits(surplus);
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether an answer is slow beside the usual, which moves on with it.
    fn is_slow(&mut self, weight: Weight, took: Duration) -> bool {
        let took = took.as_secs_f64();
        let usual = &mut self.usual[weight as usize];
        let Some(before) = *usual else {
            *usual = Some(took);
            return false;
        };
        let follows = if took < before { FOLLOWS_QUICKER } else { FOLLOWS_SLOWER };
        *usual = Some(before + (took - before) * follows);
        took > before * SLOW_TIMES && took > before + SLOW_AT_LEAST.as_secs_f64()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else { return };
        let mut state = self.pace.state();
        if !self.is_kept && state.places > state.limit as usize {
            permit.forget();
            state.places -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(20);

    fn pace(side_by_side: usize) -> Pace {
        Pace::new(NonZeroU32::new(1000).unwrap(), side_by_side)
    }

    fn limit(pace: &Pace) -> usize {
        pace.state().limit as usize
    }

    /// As if the last sign were long ago.
    fn later(pace: &Pace) {
        pace.state().slowed_at = None;
    }

    #[tokio::test]
    async fn a_quick_site_keeps_all_its_places() {
        let pace = pace(5);
        for _ in 0..100 {
            let _place = pace.place(false).await.unwrap();
            assert!(!pace.observe(Weight::Many, QUICK, Sign::Answered));
        }
        // Short times vary: that is no sign.
        assert!(!pace.observe(Weight::Many, QUICK * 10, Sign::Answered));
        assert_eq!((limit(&pace), pace.leisure.available_permits()), (4, 4));
    }

    #[tokio::test]
    async fn slow_answers_and_refusals_take_places_away_and_good_ones_bring_them_back() {
        let pace = pace(9);
        pace.observe(Weight::Many, QUICK, Sign::Answered);
        assert!(pace.observe(Weight::Many, Duration::from_secs(2), Sign::Answered));
        assert_eq!(limit(&pace), 5);
        assert!(!pace.observe(Weight::Many, QUICK, Sign::TooMuch), "what comes together is one sign");
        later(&pace);
        let held: Vec<_> = futures::future::try_join_all((0..5).map(|_| pace.place(false))).await.unwrap();
        assert!(pace.observe(Weight::One, QUICK, Sign::TooMuch));
        assert_eq!((limit(&pace), pace.state().places), (2, 5), "places under way are not taken away");
        drop(held);
        assert_eq!((pace.state().places, pace.leisure.available_permits()), (2, 2));
        for _ in 0..20 {
            later(&pace);
            pace.observe(Weight::One, QUICK, Sign::Failed);
        }
        assert_eq!((limit(&pace), pace.leisure.available_permits()), (1, 1), "one is always left");
        for _ in 0..60 {
            pace.observe(Weight::Many, QUICK, Sign::Answered);
        }
        assert_eq!((limit(&pace), pace.leisure.available_permits()), (8, 8));
    }

    #[test]
    fn usual_times_move_on() {
        let pace = pace(9);
        pace.observe(Weight::Many, QUICK, Sign::Answered);
        let mut slow = 0;
        for _ in 0..200 {
            later(&pace);
            slow += u32::from(pace.observe(Weight::Many, Duration::from_secs(1), Sign::Answered));
        }
        assert!((10..60).contains(&slow), "{slow}");
        // Kinds of calls are measured apart.
        assert!(!pace.observe(Weight::One, Duration::from_secs(5), Sign::Answered));
    }

    #[tokio::test]
    async fn what_somebody_waits_for_stands_behind_no_walk() {
        let pace = pace(3);
        let _walk = futures::future::try_join_all((0..2).map(|_| pace.place(false))).await.unwrap();
        let mut queued = Box::pin(pace.place(false));
        assert!(futures::poll!(queued.as_mut()).is_pending());
        let note = pace.place(true).await.unwrap();
        assert!(note.is_kept);
        // A second one takes its turn.
        assert!(futures::poll!(Box::pin(pace.place(true)).as_mut()).is_pending());
        drop(note);
        assert_eq!(pace.kept.available_permits(), 1);
    }

    #[tokio::test]
    async fn the_ceiling_holds_for_walks_and_notes_pass_it() {
        let pace = Pace::new(NonZeroU32::new(20).unwrap(), 5);
        let began = Instant::now();
        for _ in 0..6 {
            drop(pace.place(false).await.unwrap());
        }
        // Two may come at once, then one every 50 ms.
        assert!(began.elapsed() >= Duration::from_millis(190), "{:?}", began.elapsed());
        let began = Instant::now();
        drop(pace.place(true).await.unwrap());
        assert!(began.elapsed() < Duration::from_millis(40));
    }
}
