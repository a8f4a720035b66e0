//! The adaptive concurrency limiter of a site: how many calls it gets at once, and how many in a second.
//!
//! One limiter a site, shared by everything that calls it. The number of calls side by side follows the site: it halves
//! where the site says that it is too much, falls where answers slow down or fail, and grows again by about one with
//! each round of good answers (additive increase, multiplicative decrease). What somebody waits for (a note, one
//! client) never stands in a queue behind a walk: one permit is kept free for it.

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
/// The rates at which the usual response time follows quicker and slower answers.
const FOLLOWS_QUICKER: f64 = 0.5;
const FOLLOWS_SLOWER: f64 = 1.0 / 64.0;

/// The kinds of calls that have usual times of their own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Weight {
    /// One thing asked or sent.
    One,
    /// A page of rows, or a batch of calls.
    Many,
}

/// The sign that a call gives of how the site is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sign {
    /// The site answered, whatever it said.
    Answered,
    /// The call failed on the site's side or on the way.
    Failed,
    /// The site said that it is too much.
    TooMuch,
}

/// The limiter of a site's calls.
pub(super) struct AdaptiveLimiter {
    /// Permits for walks, which read at leisure; as many as `State::permits`.
    leisure: Semaphore,
    /// The one permit for what somebody waits for.
    kept: Semaphore,
    tokens: DefaultDirectRateLimiter,
    clock: DefaultClock,
    state: Mutex<State>,
    most: f64,
}

struct State {
    /// The number of a walk's calls that may be under way, between 1 and the most.
    limit: f64,
    /// The number of permits for walks, taken or not; follows the whole part of `limit`.
    permits: usize,
    slowed_at: Option<Instant>,
    /// The usual time of an answer by weight, in seconds.
    usual: [Option<f64>; 2],
}

/// The right to make one call, given back when it is dropped.
pub(super) struct Permit<'p> {
    limiter: &'p AdaptiveLimiter,
    permit: Option<SemaphorePermit<'p>>,
    is_kept: bool,
}

impl AdaptiveLimiter {
    /// A limiter of at most `per_second` calls begun in a second and `side_by_side` under way, one of which is kept.
    pub fn new(per_second: NonZeroU32, side_by_side: usize) -> Self {
        let most = side_by_side.saturating_sub(1).max(1);
        // A tenth of a second's worth may come at once.
        let burst = NonZeroU32::new(per_second.get() / 10).unwrap_or(NonZeroU32::MIN);
        Self {
            leisure: Semaphore::new(most),
            kept: Semaphore::new(1),
            tokens: RateLimiter::direct(Quota::per_second(per_second).allow_burst(burst)),
            clock: DefaultClock::default(),
            state: Mutex::new(State { limit: most as f64, permits: most, slowed_at: None, usual: [None; 2] }),
            most: most as f64,
        }
    }

    /// The most calls at leisure.
    pub fn most(&self) -> usize {
        self.most as usize
    }

    /// Waits for a permit. What somebody waits for takes the kept one, or any other that is free before.
    pub async fn permit(&self, is_awaited: bool) -> Result<Permit<'_>, AcquireError> {
        if is_awaited {
            let (permit, is_kept) = tokio::select! {
                biased;
                permit = self.kept.acquire() => (permit?, true),
                permit = self.leisure.acquire() => (permit?, false),
            };
            // It counts against the ceiling, and does not wait for it.
            let _ = self.tokens.check();
            return Ok(Permit { limiter: self, permit: Some(permit), is_kept });
        }
        let permit = self.leisure.acquire().await?;
        let permit = Permit { limiter: self, permit: Some(permit), is_kept: false };
        while let Err(full) = self.tokens.check() {
            tokio::time::sleep(full.wait_time_from(self.clock.now())).await;
        }
        Ok(permit)
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
                if wanted > state.permits {
                    self.leisure.add_permits(wanted - state.permits);
                    state.permits = wanted;
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
        let surplus = state.permits - (state.limit as usize).min(state.permits);
        // Permits that are taken go when they are given back.
        state.permits -= self.leisure.forget_permits(surplus);
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

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let Some(permit) = self.permit.take() else { return };
        let mut state = self.limiter.state();
        if !self.is_kept && state.permits > state.limit as usize {
            permit.forget();
            state.permits -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_millis(20);

    fn limiter(side_by_side: usize) -> AdaptiveLimiter {
        AdaptiveLimiter::new(NonZeroU32::new(1000).unwrap(), side_by_side)
    }

    fn limit(limiter: &AdaptiveLimiter) -> usize {
        limiter.state().limit as usize
    }

    /// Makes it as if the last sign were long ago.
    fn later(limiter: &AdaptiveLimiter) {
        limiter.state().slowed_at = None;
    }

    #[tokio::test]
    async fn a_quick_site_keeps_all_its_permits() {
        let limiter = limiter(5);
        for _ in 0..100 {
            let _permit = limiter.permit(false).await.unwrap();
            assert!(!limiter.observe(Weight::Many, QUICK, Sign::Answered));
        }
        // Short times vary: that is no sign.
        assert!(!limiter.observe(Weight::Many, QUICK * 10, Sign::Answered));
        assert_eq!((limit(&limiter), limiter.leisure.available_permits()), (4, 4));
    }

    #[tokio::test]
    async fn slow_answers_and_refusals_take_permits_away_and_good_ones_bring_them_back() {
        let limiter = limiter(9);
        limiter.observe(Weight::Many, QUICK, Sign::Answered);
        assert!(limiter.observe(Weight::Many, Duration::from_secs(2), Sign::Answered));
        assert_eq!(limit(&limiter), 5);
        assert!(!limiter.observe(Weight::Many, QUICK, Sign::TooMuch), "what comes together is one sign");
        later(&limiter);
        let held: Vec<_> = futures::future::try_join_all((0..5).map(|_| limiter.permit(false))).await.unwrap();
        assert!(limiter.observe(Weight::One, QUICK, Sign::TooMuch));
        assert_eq!((limit(&limiter), limiter.state().permits), (2, 5), "permits under way are not taken away");
        drop(held);
        assert_eq!((limiter.state().permits, limiter.leisure.available_permits()), (2, 2));
        for _ in 0..20 {
            later(&limiter);
            limiter.observe(Weight::One, QUICK, Sign::Failed);
        }
        assert_eq!((limit(&limiter), limiter.leisure.available_permits()), (1, 1), "one is always left");
        for _ in 0..60 {
            limiter.observe(Weight::Many, QUICK, Sign::Answered);
        }
        assert_eq!((limit(&limiter), limiter.leisure.available_permits()), (8, 8));
    }

    #[test]
    fn usual_times_move_on() {
        let limiter = limiter(9);
        limiter.observe(Weight::Many, QUICK, Sign::Answered);
        let mut slow = 0;
        for _ in 0..200 {
            later(&limiter);
            slow += u32::from(limiter.observe(Weight::Many, Duration::from_secs(1), Sign::Answered));
        }
        assert!((10..60).contains(&slow), "{slow}");
        // Kinds of calls are measured apart.
        assert!(!limiter.observe(Weight::One, Duration::from_secs(5), Sign::Answered));
    }

    #[tokio::test]
    async fn what_somebody_waits_for_stands_behind_no_walk() {
        let limiter = limiter(3);
        let _walk = futures::future::try_join_all((0..2).map(|_| limiter.permit(false))).await.unwrap();
        let mut queued = Box::pin(limiter.permit(false));
        assert!(futures::poll!(queued.as_mut()).is_pending());
        let note = limiter.permit(true).await.unwrap();
        assert!(note.is_kept);
        // A second one takes its turn.
        assert!(futures::poll!(Box::pin(limiter.permit(true)).as_mut()).is_pending());
        drop(note);
        assert_eq!(limiter.kept.available_permits(), 1);
    }

    #[tokio::test]
    async fn the_ceiling_holds_for_walks_and_notes_pass_it() {
        let limiter = AdaptiveLimiter::new(NonZeroU32::new(20).unwrap(), 5);
        let began = Instant::now();
        for _ in 0..6 {
            drop(limiter.permit(false).await.unwrap());
        }
        // Two may come at once, then one every 50 ms.
        assert!(began.elapsed() >= Duration::from_millis(190), "{:?}", began.elapsed());
        let began = Instant::now();
        drop(limiter.permit(true).await.unwrap());
        assert!(began.elapsed() < Duration::from_millis(40));
    }
}
