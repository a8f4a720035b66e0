//! What goes wrong at the site during a walk.

use xplan_sandbox::faults::Tally;
use xplan_sandbox::{Fault, Rule};

/// Faults that a walk gets through, and ends right. Each strikes a few times; none of the calls meets so many of them
/// that it is given up.
pub const HARMLESS: [&str; 14] = [
    "session_takeover:every=5,times=1",
    "server_error:on=client-v4,every=2,times=1",
    "bad_gateway:method=POST,every=2,times=1",
    "cut_before:every=6,times=1",
    "cut_after:method=POST,every=3,times=1",
    "cut_late:on=/entity/user,every=2,times=1,ms=60",
    "cut_body:on=client-v4,every=3,times=1",
    "too_many_requests:every=9,times=1,retry_after=0",
    "call_error:every=40,times=2",
    "batch_reversed:every=2",
    "batch_short:every=3,times=1",
    "short_page:every=2",
    "repeated_row:every=2",
    "slow:every=2,ms=40",
];

/// Every kind of fault there is, each by chance and a few times at most. Those that end a walk come after `late`
/// requests, so that there is something to end.
pub fn every_kind(late: u64) -> Vec<Rule> {
    Fault::ALL.iter().map(|(_, fault)| now_and_then(*fault, late)).collect()
}

fn now_and_then(fault: Fault, late: u64) -> Rule {
    let seldom = Rule { chance: Some(0.025), times: Some(1), retry_after: Some(0), ..Rule::always(fault) };
    match fault {
        // Many pages, so that each of them can be spoilt in its own way.
        Fault::ShortPage => Rule::always(fault),
        Fault::Slow | Fault::CutLate => Rule { ms: 40, ..seldom },
        // Not the sign-in: a site that refuses that is not asked again for a while, because it locks accounts out.
        Fault::Forbidden | Fault::LoginPage | Fault::BookmarkLoop => {
            Rule { chance: Some(0.3), skip: late, on: Some("/entity/".to_owned()), ..seldom }
        }
        // Calls are many.
        Fault::CallError | Fault::NotAList => Rule { chance: Some(0.01), times: Some(3), ..seldom },
        Fault::BatchShort => Rule { chance: Some(0.2), ..seldom },
        fault if fault.concerns_request() => seldom,
        _ => Rule { chance: Some(0.3), times: Some(3), ..seldom },
    }
}

/// Where a walk that came to its end tells of a fault: counts of the run by their pointers, one at least above zero.
pub fn shows_in(fault: Fault) -> &'static [&'static str] {
    match fault {
        Fault::TooManyRequests
        | Fault::ServerError
        | Fault::BadGateway
        | Fault::CutBefore
        | Fault::CutAfter
        | Fault::CutLate
        | Fault::CutBody
        | Fault::CallError
        | Fault::BatchShort => &["/retries"],
        Fault::NoId => &["/unreadable"],
        Fault::RepeatedRow => &["/repeated"],
        Fault::WrongTypes | Fault::NullValues | Fault::OtherFields | Fault::HugeRow => {
            &["/quarantined", "/warnings", "/unreadable"]
        }
        Fault::NotAList => &["/quarantined", "/goals/quarantined", "/covers/quarantined"],
        _ => &[],
    }
}

/// The faults that struck.
pub fn struck(tallies: &[Tally]) -> impl Iterator<Item = Fault> {
    tallies.iter().filter(|tally| tally.struck > 0).map(|tally| tally.rule.fault)
}
