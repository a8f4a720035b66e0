//! The retry policy of reads: how often a read that fails is asked again, after which pauses, and how long altogether. A
//! write is tried once.

use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use tokio::sync::Notify;

use crate::crm::{CrmError, Traffic};

/// A pause that whoever waits for an answer wonders about: it is logged with its reason.
const NOTICED: Duration = Duration::from_secs(3);

/// The policy by which reads of a site are asked again.
#[derive(Clone, Debug)]
pub(super) struct RetryPolicy {
    /// The number of times that a read is asked again.
    pub(super) repeats: usize,
    /// The pause before the first repeat; it doubles with each, and a random part of up to as much again is added.
    pub(super) first_pause: Duration,
    /// The longest pause of our own accord; a longer one is taken only where the site asks for it.
    pub(super) longest_pause: Duration,
    /// The time that a read may go on altogether, what the site asked for left out.
    pub(super) longest_in_all: Duration,
    /// The longest that the site can ask a walk to wait, altogether; for whoever is awaited, the read fails at once.
    pub(super) longest_asked: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            repeats: 6,
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(30),
            longest_in_all: Duration::from_secs(300),
            longest_asked: Duration::from_secs(3600),
        }
    }
}

impl RetryPolicy {
    /// The pauses before each repeat.
    pub(super) fn pauses(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        ExponentialBuilder::new()
            .with_min_delay(self.first_pause)
            .with_max_delay(self.longest_pause)
            .with_max_times(self.repeats)
            .with_jitter()
            .build()
    }

    /// Calls until an answer comes, no repeat would help, or the time for it is over; after failures on the way or in the
    /// CRM `repeats` times at most. A pause ends where a person asks for it, as `released` says.
    pub(super) async fn run<T, F>(
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
                | CrmError::NotReady { .. }
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
            let is_over = began.elapsed().saturating_sub(waited) + counted > self.longest_in_all;
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
        let policy = RetryPolicy::default();
        let pauses: Vec<Duration> = policy.pauses().collect();
        assert_eq!(pauses.len(), policy.repeats);
        for (at, pause) in pauses.iter().enumerate() {
            let base = (policy.first_pause * (1 << at)).min(policy.longest_pause);
            assert!(*pause >= base && *pause <= base * 2, "{at}: {pause:?}");
        }
    }
}
