//! The computing time of a guest: the CPU time of its thread, so that a busy machine does not make an honest plugin
//! look like one that loops.

use std::fs;
use std::time::{Duration, Instant};

/// The factor by which a guest may take longer on the clock on the wall than on the CPU, so that an end is certain even
/// where the machine hardly lets it run.
const WALL_TIMES: u32 = 20;

/// The time that a running call may still use.
#[derive(Clone, Copy)]
pub(super) struct Allowance {
    begun: Instant,
    cpu_at_begin: Option<Duration>,
    allowed: Duration,
}

impl Allowance {
    /// `allowed` of the calling thread's CPU time, from now on.
    pub(super) fn new(allowed: Duration) -> Self {
        Self { begun: Instant::now(), cpu_at_begin: thread_cpu(), allowed }
    }

    /// The time that is left; none where it is used up. Asked on the thread that made it.
    pub(super) fn left(&self) -> Option<Duration> {
        let wall = self.begun.elapsed();
        let used = self.cpu_at_begin.zip(thread_cpu()).map_or(wall, |(begin, now)| now.saturating_sub(begin));
        if wall >= self.allowed * WALL_TIMES {
            return None;
        }
        self.allowed.checked_sub(used).filter(|left| !left.is_zero())
    }
}

/// CPU time of this thread so far: the first figure of proc(5)'s `schedstat`, nanoseconds. None where the kernel keeps
/// none.
pub fn thread_cpu() -> Option<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_ascii_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeping_uses_nothing_up_and_computing_does() {
        let allowance = Allowance::new(Duration::from_millis(50));
        std::thread::sleep(Duration::from_millis(80));
        assert!(allowance.left().is_some(), "asleep");
        let mut sum = 0_u64;
        while allowance.left().is_some() {
            for number in 0..100_000_u64 {
                sum = std::hint::black_box(sum.wrapping_add(number));
            }
            assert!(allowance.begun.elapsed() < Duration::from_secs(10), "computing is counted");
        }
    }
}
