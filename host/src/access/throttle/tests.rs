//! Delays of guesses, by who guesses and what is guessed.

use super::*;
use crate::access::token::digest;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn source(number: u32) -> IpAddr {
    std::net::Ipv4Addr::from_bits(0xCB00_7100 + number).into()
}

/// A try that is wrong.
fn fail(throttle: &mut Throttle, source: IpAddr, account: &str, now: Timestamp) -> Begun {
    let begun = throttle.begin(source, digest(account), now);
    if let Begun::Admitted(_) = begun {
        throttle.end(source, digest(account), Ended::Wrong, now);
    }
    begun
}

fn admitted(hold: Duration, is_doubted: bool) -> Begun {
    Begun::Admitted(Admitted { hold, is_doubted })
}

#[test]
fn only_wrong_passwords_count_however_many_are_tried_at_once() {
    let mut throttle = Throttle::default();
    // An office signs in at nine: sixty people behind one address, some of them by several programs at once.
    for round in 0..2 {
        let begun: Vec<_> = (0..60)
            .map(|number| (number, throttle.begin(source(1), digest(&number.to_string()), at(round))))
            .filter(|(_, begun)| matches!(begun, Begun::Admitted(_)))
            .collect();
        assert_eq!(begun.len(), 31, "as many as may fail at once");
        assert_eq!(throttle.begin(source(1), digest("late"), at(round)), Begun::Crowded, "held, and not refused");
        for (number, _) in begun {
            throttle.end(source(1), digest(&number.to_string()), Ended::Right, at(round));
        }
        assert_eq!(throttle.begin(source(1), digest("late"), at(round)), admitted(Duration::ZERO, false));
        throttle.end(source(1), digest("late"), Ended::NotTried, at(round));
    }
    assert_eq!(throttle.sources.failures(&source(1), at(2)), 0);
    assert!(throttle.sources.rows.is_empty() && throttle.pairs.rows.is_empty(), "nothing is remembered of them");
}

#[test]
fn many_wrong_ones_at_once_are_no_more_than_one_after_the_other() {
    let mut throttle = Throttle::default();
    let begun = (0..50).filter(|_| matches!(throttle.begin(source(1), digest("pat"), at(0)), Begun::Admitted(_)));
    assert_eq!(begun.count(), 6);
    for _ in 0..6 {
        throttle.end(source(1), digest("pat"), Ended::Wrong, at(0));
    }
    assert_eq!(throttle.begin(source(1), digest("pat"), at(0)), Begun::Refused(Duration::from_secs(1)));
}

#[test]
fn one_source_at_one_account_waits_longer_each_time() {
    let mut throttle = Throttle::default();
    let mut clock = 0;
    let mut waits = Vec::new();
    for _ in 0..14 {
        while let Begun::Refused(wait) = fail(&mut throttle, source(1), "pat", at(clock)) {
            waits.push(wait.as_secs());
            clock += i64::try_from(wait.as_secs()).unwrap();
        }
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
    let of_office = fail(&mut throttle, source(1), "sam", at(clock));
    assert!(matches!(of_office, Begun::Admitted(_)), "others of the office are not held up");
    clock += 3601;
    for _ in 0..2 {
        let begun = fail(&mut throttle, source(1), "pat", at(clock));
        assert!(matches!(begun, Begun::Admitted(_)), "an hour later it is forgotten");
    }
}

#[test]
fn the_holder_waits_seconds_whoever_else_fails() {
    let mut throttle = Throttle::default();
    for number in 0..2_000 {
        fail(&mut throttle, source(number), "pat", at(0));
    }
    let holder = throttle.begin(source(5_000), digest("pat"), at(0));
    assert_eq!(holder, admitted(Duration::from_secs(5), false));
    let other = throttle.begin(source(5_001), digest("sam"), at(0));
    assert_eq!(other, admitted(Duration::ZERO, false));
}

#[test]
fn a_source_that_tries_many_accounts_waits() {
    let mut throttle = Throttle::default();
    for number in 0..31 {
        fail(&mut throttle, source(1), &number.to_string(), at(0));
    }
    let another = throttle.begin(source(1), digest("another"), at(0));
    assert_eq!(another, Begun::Refused(Duration::from_secs(1)));
    assert!(matches!(throttle.begin(source(2), digest("another"), at(0)), Begun::Admitted(_)));
}

#[test]
fn signing_in_forgets_the_slips_and_not_what_else_the_source_did() {
    let mut throttle = Throttle::default();
    for number in 0..25 {
        fail(&mut throttle, source(1), &number.to_string(), at(0));
    }
    for _ in 0..50 {
        fail(&mut throttle, source(2), "own", at(0));
        throttle.begin(source(1), digest("own"), at(0));
        throttle.end(source(1), digest("own"), Ended::Right, at(0));
        assert_eq!(throttle.accounts.failures(&digest("own"), at(0)), 0);
        throttle.begin(source(2), digest("own"), at(0));
        throttle.end(source(2), digest("own"), Ended::Right, at(0));
    }
    assert_eq!(throttle.sources.failures(&source(1), at(0)), 25);
    assert_eq!(throttle.pairs.failures(&(source(1), digest("own")), at(0)), 0);
}

#[test]
fn wrong_tokens_are_counted_by_source() {
    let mut throttle = Throttle::default();
    for _ in 0..101 {
        assert_eq!(throttle.wrong_token(source(1), at(0)), None);
    }
    assert_eq!(throttle.wrong_token(source(1), at(0)), Some(Duration::from_secs(1)));
    assert_eq!(throttle.wrong_token(source(2), at(0)), None);
    assert_eq!(throttle.wrong_token(source(1), at(1)), None);
}

#[test]
fn ways_back_from_the_provider_are_counted_by_source_and_apart_from_tokens() {
    let mut throttle = Throttle::default();
    for _ in 0..101 {
        assert_eq!(throttle.wrong_token(source(1), at(0)), None);
        assert_eq!(throttle.waits_for_provider(source(1), at(0)), None);
        throttle.wrong_callback(source(2), at(0));
    }
    assert_eq!(throttle.waits_for_provider(source(1), at(0)), None, "its tokens were wrong");
    assert_eq!(throttle.waits_for_provider(source(2), at(0)), Some(Duration::from_secs(1)));
    assert_eq!(throttle.wrong_token(source(2), at(0)), None);
    assert_eq!(throttle.waits_for_provider(source(2), at(1)), None);
    throttle.wrong_callback(source(2), at(1));
    assert_eq!(throttle.waits_for_provider(source(2), at(1)), Some(Duration::from_secs(2)));
}

#[test]
fn the_memory_is_bounded_and_the_newest_failures_are_kept() {
    let mut throttle = Throttle::default();
    for number in 0..50_000 {
        fail(&mut throttle, source(number), &number.to_string(), at(i64::from(number) / 100));
    }
    let rows = [throttle.pairs.rows.len(), throttle.sources.rows.len(), throttle.accounts.rows.len()];
    assert!(rows.iter().all(|rows| (1..=ROWS).contains(rows)), "{rows:?}");
    assert_eq!(throttle.sources.failures(&source(49_999), at(500)), 1);
}

#[test]
fn a_clock_that_is_set_back_makes_no_delay_longer() {
    let mut throttle = Throttle::default();
    for _ in 0..6 {
        fail(&mut throttle, source(1), "pat", at(10_000));
    }
    let begun = throttle.begin(source(1), digest("pat"), at(0));
    assert_eq!(begun, Begun::Refused(Duration::from_secs(1)));
}
