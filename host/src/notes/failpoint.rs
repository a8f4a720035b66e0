//! Places on a note's way at which tests let the process die. In a release they do nothing.
//!
//! `TIDEGATE_FAIL_AT=after-create:3` (debug builds only, for tests only) ends the process, as a power cut would, when it
//! comes to that place for the third time. Tests inside the process put a hook there instead.

use crate::domain::outbox::Call;

/// The places, in the order in which a note comes to them.
#[cfg(any(test, debug_assertions))]
pub(super) const PLACES: [&str; 8] = [
    "rendered",
    "accepted",
    "before-create",
    "after-create",
    "before-look-up",
    "before-attach",
    "after-attach",
    "before-list",
];

/// The points at which the process may end, and what happens there.
#[derive(Default)]
pub(super) struct FailPoints {
    #[cfg(debug_assertions)]
    end_at: Option<(String, std::sync::atomic::AtomicUsize)>,
    /// Says whether the process ends at this place.
    #[cfg(test)]
    pub(super) hook: Option<Box<dyn Fn(&'static str) -> bool + Send + Sync>>,
}

impl FailPoints {
    /// The fail point that the environment names.
    pub(super) fn from_environment() -> Self {
        #[cfg(debug_assertions)]
        {
            let end_at = crate::config::fail_at().and_then(|wanted| {
                let (place, times) = wanted.split_once(':').unwrap_or((&wanted, "1"));
                let times = times.parse().ok()?;
                PLACES.contains(&place).then(|| (place.to_owned(), std::sync::atomic::AtomicUsize::new(times)))
            });
            Self {
                end_at,
                #[cfg(test)]
                hook: None,
            }
        }
        #[cfg(not(debug_assertions))]
        Self::default()
    }

    /// The place before a call.
    pub(super) async fn reach_before(&self, call: Call) {
        let place = match call {
            Call::Create => "before-create",
            Call::LookUp => "before-look-up",
            Call::Attach(_) => "before-attach",
            Call::ListAttachments => "before-list",
        };
        self.reach(place).await;
    }

    /// The place after a call was answered, before that is stored.
    pub(super) async fn reach_after(&self, call: Call) {
        match call {
            Call::Create => self.reach("after-create").await,
            Call::Attach(_) => self.reach("after-attach").await,
            Call::LookUp | Call::ListAttachments => {}
        }
    }

    /// Ends the process here, where that is wanted.
    #[cfg_attr(
        not(any(test, debug_assertions)),
        expect(clippy::unused_async, unused_variables, reason = "a release does nothing here")
    )]
    pub(super) async fn reach(&self, place: &'static str) {
        #[cfg(debug_assertions)]
        if let Some((wanted, times)) = &self.end_at
            && wanted == place
            && times.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) == 1
        {
            die();
        }
        #[cfg(test)]
        if self.hook.as_ref().is_some_and(|hook| hook(place)) {
            // Whoever put the hook there ends this task now.
            std::future::pending::<()>().await;
        }
    }
}

/// Ends the process by SIGKILL: nothing is flushed, closed or unwound.
#[cfg(debug_assertions)]
fn die() -> ! {
    let _ = std::process::Command::new("kill").args(["-KILL", &std::process::id().to_string()]).status();
    // Where there is no such program.
    std::process::abort()
}
