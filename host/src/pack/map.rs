//! Mapping a batch so that a record which makes the plugin fail costs itself only.
//!
//! A failing batch is halved until the guilty record stands alone. Every try has a fresh instance.

use std::time::Duration;

use super::PluginFailure;
use super::clock::Allowance;

/// The answers to `records`, in order. `attempt` answers a piece of the batch as a whole or fails; `reject` is the
/// answer to a record on which it fails alone, or that has not been tried when `time` of this thread is over: on a machine
/// that is busy with other things, nobody's record is left untried.
pub(super) fn bisect<R, A>(
    records: &[R],
    time: Duration,
    mut attempt: impl FnMut(&[R]) -> Result<Vec<A>, PluginFailure>,
    reject: impl Fn(&PluginFailure) -> A,
) -> Vec<A> {
    let allowance = Allowance::new(time);
    let mut answers = Vec::with_capacity(records.len());
    // Pieces still to be tried, the first on top.
    let mut pieces = vec![records];
    while let Some(piece) = pieces.pop() {
        if piece.is_empty() {
            continue;
        }
        let failure = if allowance.left().is_some() {
            match attempt(piece) {
                Ok(answered) => {
                    answers.extend(answered);
                    continue;
                }
                Err(failure) => failure,
            }
        } else {
            answers.extend(piece.iter().map(|_| reject(&PluginFailure::NotTried)));
            continue;
        };
        match piece {
            [_] => answers.push(reject(&failure)),
            _ => {
                let (first, second) = piece.split_at(piece.len() / 2);
                pieces.push(second);
                pieces.push(first);
            }
        }
    }
    answers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(records: &[i32], expected: &str) {
        let minute = Duration::from_secs(60);
        assert_eq!(bisect(records, minute, attempt, ToString::to_string).join(" "), expected);
    }

    fn attempt(piece: &[i32]) -> Result<Vec<String>, PluginFailure> {
        if piece.iter().any(|record| *record < 0) {
            return Err(PluginFailure::BrokeContract("negative".to_owned()));
        }
        Ok(piece.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn only_the_guilty_are_rejected_and_the_order_is_kept() {
        check(&[], "");
        check(&[1, 2, 3], "1 2 3");
        check(&[-1], "negative");
        check(&[1, -2, 3, 4, 5], "1 negative 3 4 5");
        check(&[-1, -2, 3, 4, -5, 6, -7], "negative negative 3 4 negative 6 negative");
    }

    #[test]
    fn a_machine_that_is_busy_with_other_things_costs_nobody() {
        let time = Duration::from_millis(40);
        let attempt = |piece: &[i32]| {
            std::thread::sleep(time);
            attempt(piece)
        };
        let answers = bisect(&[1, -2, 3, 4], time, attempt, ToString::to_string);
        assert_eq!(answers.join(" "), "1 negative 3 4");
    }

    #[test]
    fn what_is_not_tried_in_time_is_rejected() {
        let answers = bisect(&[1, 2], Duration::ZERO, attempt, ToString::to_string);
        assert_eq!(answers.len(), 2);
        assert!(answers.iter().all(|answer| answer.contains("was not tried")), "{answers:?}");
    }
}
