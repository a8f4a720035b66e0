//! How long the connector waits and how often it asks again. Reads only: a write is tried once.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use tokio::sync::Notify;

use crate::crm::{CrmError, Traffic};
use crate::domain::outbox::REQUEST_LIFE;

/// A pause that whoever waits for an answer wonders about: it is logged with its reason.
const NOTICED: Duration = Duration::from_secs(3);

/// The times that hold for a site. Guesses for want of published limits; the same for every site until one asks for
/// others.
#[derive(Clone, Debug)]
pub(super) struct Limits {
    /// To reach the site.
    pub(super) connect: Duration,
    /// For one whole exchange.
    pub(super) exchange: Duration,
    /// The largest answer that is read where no page holds it, in bytes; and what one record that somebody waits for
    /// holds with its lists.
    pub(super) largest_alone: u32,
    /// What the answers of a page hold together, in bytes: ten times the usual.
    pub(super) page_bytes: u32,
    /// How many pages of that size there is room for: one is read, one waits, one is mapped.
    pub(super) pages_held: u32,
    /// How often a read is asked again.
    pub(super) repeats: usize,
    /// Before the first repeat; it doubles with each, and a random part of up to as much again is added.
    pub(super) first_pause: Duration,
    /// The longest pause of our own accord; a longer one is taken only where the site asks for it.
    pub(super) longest_pause: Duration,
    /// How long a read may go on altogether, what the site asked for left out.
    pub(super) patience: Duration,
    /// The longest that the site can ask a walk to wait, altogether; who is awaited is told at once instead.
    pub(super) longest_asked: Duration,
    /// How long a refused sign-in is not tried again: sites lock accounts out.
    pub(super) after_refusal: Duration,
    /// Sign-ins that follow each other closer than this are spaced out: somebody else uses the same account.
    pub(super) between_sign_ins: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            exchange: REQUEST_LIFE.unsigned_abs(),
            largest_alone: 8 << 20,
            page_bytes: 32 << 20,
            pages_held: 3,
            repeats: 6,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            patience: Duration::from_secs(300),
            longest_asked: Duration::from_secs(3600),
            after_refusal: Duration::from_secs(30),
            between_sign_ins: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// The pauses before each repeat.
    pub(super) fn pauses(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        ExponentialBuilder::new()
            .with_min_delay(self.first_pause)
            .with_max_delay(self.longest_pause)
            .with_max_times(self.repeats)
            .with_jitter()
            .build()
    }

    /// Calls until an answer comes, no repeat would mend it, or patience ends; after failures on the way or in the CRM
    /// `repeats` times at most. A pause ends where a person asks for it, as `released` says.
    pub(super) async fn repeat<T, F>(
        &self,
        traffic: &Traffic,
        released: &Notify,
        is_awaited: bool,
        mut repeats: usize,
        mut call: impl FnMut() -> F,
    ) -> Result<T, CrmError>
    where
        F: Future<Output = Result<T, CrmError>>,
    {
        let began = Instant::now();
        let mut pauses = self.pauses();
        let mut waited = Duration::ZERO;
        loop {
            let mut at_once = std::pin::pin!(released.notified());
            // From here on, so that nobody who asks during the call is missed.
            at_once.as_mut().enable();
            let error = match call().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let asked_for = match &error {
                CrmError::Throttled { retry_after, .. } => retry_after.unwrap_or_default(),
                CrmError::Unknown { .. } if repeats > 0 => {
                    repeats -= 1;
                    Duration::ZERO
                }
                CrmError::Unreachable { .. } => Duration::ZERO,
                CrmError::Unknown { .. }
                | CrmError::Unauthorised { .. }
                | CrmError::Held { .. }
                | CrmError::Refused { .. }
                | CrmError::TooLarge { .. }
                | CrmError::Protocol { .. } => {
                    return Err(error);
                }
            };
            let Some(own) = pauses.next() else { return Err(error) };
            let pause = own.max(asked_for);
            // What the site asks for is honoured in full, and is not its fault.
            let counted = if is_awaited { pause } else { own };
            let is_over = began.elapsed().saturating_sub(waited) + counted > self.patience;
            if is_over || waited + pause > self.longest_asked {
                return Err(error);
            }
            waited += pause - counted;
            let pause_ms = pause.as_millis();
            match pause < NOTICED {
                true => tracing::debug!(error = error.for_log(), pause_ms, "asking the CRM again"),
                false => tracing::warn!(error = error.for_log(), pause_ms, "asking the CRM again after a pause"),
            }
            traffic.count_retry();
            drop(tokio::time::timeout(pause, at_once).await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let limits = Limits::default();
        let pauses: Vec<Duration> = limits.pauses().collect();
        assert_eq!(pauses.len(), limits.repeats);
        for (at, pause) in pauses.iter().enumerate() {
            let base = (limits.first_pause * (1 << at)).min(limits.longest_pause);
            assert!(*pause >= base && *pause <= base * 2, "{at}: {pause:?}");
        }
    }
}
