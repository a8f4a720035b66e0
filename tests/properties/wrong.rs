//! What goes wrong at the site during a walk.

use xplan_sandbox::faults::Tally;
use xplan_sandbox::{Fault, Rule};

/// Faults that a walk gets through, and ends right. Each strikes a few times; none of the calls meets so many of them
/// that it is given up. A list comes empty once, because a host that is killed at the end of a walk walks again, and takes
/// it for empty the second time.
pub const HARMLESS: [&str; 33] = [
    "session_takeover:every=5,times=1",
    "server_error:on=client-v4,every=2,times=1",
    "bad_gateway:method=POST,every=2,times=1",
    "names_people:on=client-v4,every=5,times=1",
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
    "slow_work:on=/entity/user,every=2,times=1,ms=60",
    "conflict:on=client-v4,every=4,times=1",
    "locked:method=POST,every=4,times=1",
    "too_early:on=/entity/user,every=3,times=1",
    "gateway_timeout:rows=90",
    "cut_body:rows=200,method=GET",
    "truncated:on=client-v4,every=4,times=1",
    "byte_order_mark:every=3",
    "empty_list:on=/contact,every=7,times=1",
    "empty_list:on=/address,every=9,times=1",
    "cut_after:on=docnote-v2,method=POST,every=2,times=2",
    "cut_late:on=docnote-v2,method=POST,every=5,times=1,ms=300",
    "cut_before:on=docnote-v2,method=POST,every=4,times=1",
    "slow_work:on=docnote-v2,method=POST,every=3,times=2,ms=200",
    "truncated:on=docnote-v2,method=POST,every=7,times=1",
    "attachment_error:every=3,times=1",
    "wrong_types:on=docnote-v2,every=3,times=2",
    "no_id:on=docnote-v2,every=4,times=1",
];

/// As harmless once a walk came through, and not in two walks in a row: the site's choices come empty.
pub const CHOICES: &str = "empty_list:on=/choice,times=1";

/// Where users are read, whose faults a run does not count.
const USERS: &str = "/entity/user";

/// Where notes are written, whose faults a run does not count either.
const NOTES: &str = "docnote-v2";

/// Every kind of fault there is, each by chance and a few times at most, of walks and of notes. Those that end a walk come
/// after `late` requests, so that there is something to end.
pub fn every_kind(late: u64) -> Vec<Rule> {
    let of_walks = Fault::ALL.iter().flat_map(|(_, fault)| now_and_then(*fault, late));
    let of_walks = of_walks.map(|rule| Rule { off: Some(NOTES.to_owned()), ..rule });
    let of_notes = Fault::ALL.iter().filter_map(|(_, fault)| of_notes(*fault));
    of_walks.chain(of_notes).collect()
}

/// The fault at notes and their documents. That a user may not write any is no fault of the moment, and a site whose
/// sign-in is refused is not asked again for a while.
fn of_notes(fault: Fault) -> Option<Rule> {
    let is_for_good = matches!(fault, Fault::Forbidden | Fault::SessionTakeover);
    let rule = Rule { chance: Some(0.08), times: Some(1), retry_after: Some(0), ms: 200, ..Rule::always(fault) };
    (!is_for_good).then(|| Rule { on: Some(NOTES.to_owned()), ..rule })
}

fn now_and_then(fault: Fault, late: u64) -> Vec<Rule> {
    let seldom = Rule { chance: Some(0.025), times: Some(1), retry_after: Some(0), ..Rule::always(fault) };
    let rule = match fault {
        // Many pages, so that each of them can be spoilt in its own way.
        Fault::ShortPage => Rule::always(fault),
        Fault::Slow | Fault::SlowWork | Fault::CutLate => Rule { ms: 40, ..seldom },
        // Not the sign-in: a site that refuses that is not asked again for a while, because it locks accounts out.
        Fault::Forbidden | Fault::LoginPage | Fault::BookmarkLoop => {
            Rule { chance: Some(0.3), skip: late, on: Some("/entity/".to_owned()), ..seldom }
        }
        // Calls are many.
        Fault::CallError | Fault::NotAList | Fault::EmptyList => Rule { chance: Some(0.01), times: Some(3), ..seldom },
        Fault::BatchShort => Rule { chance: Some(0.2), ..seldom },
        // Texts of lists are many, and two megabytes of each take their time.
        fault if fault.concerns_text() => Rule { chance: Some(0.02), times: Some(3), ..seldom },
        fault if fault.concerns_request() => seldom,
        _ => {
            let spoilt = Rule { chance: Some(0.3), times: Some(3), ..seldom };
            let on = |part: &str| Rule { on: Some(part.to_owned()), ..spoilt.clone() };
            return vec![on("client-v4"), on(USERS)];
        }
    };
    vec![rule]
}

/// Where a walk that came to its end tells of a fault: counts of the run by their pointers, one at least above zero.
/// What a cut took along nobody saw.
fn shows_in(fault: Fault, is_cut: bool) -> &'static [&'static str] {
    match fault {
        Fault::TooManyRequests
        | Fault::Conflict
        | Fault::Locked
        | Fault::TooEarly
        | Fault::ServerError
        | Fault::BadGateway
        | Fault::NamesPeople
        | Fault::GatewayTimeout
        | Fault::Truncated
        | Fault::CutBefore
        | Fault::CutAfter
        | Fault::CutLate
        | Fault::CutBody => &["/retries"],
        _ if is_cut => &[],
        Fault::CallError | Fault::BatchShort => &["/retries"],
        Fault::NoId => &["/unreadable"],
        // The row that comes again may be one that names no record.
        Fault::RepeatedRow => &["/repeated", "/unreadable"],
        Fault::WrongTypes | Fault::NullValues | Fault::OtherFields | Fault::HugeRow => {
            &["/quarantined", "/warnings", "/unreadable"]
        }
        Fault::NotAList => &["/quarantined", "/goals/quarantined", "/covers/quarantined"],
        _ => &[],
    }
}

/// The faults that struck, each with where the run has to tell of it.
pub fn told(tallies: &[Tally]) -> impl Iterator<Item = (Fault, &'static [&'static str])> {
    let is_counted = |tally: &Tally| !matches!(tally.rule.on.as_deref(), Some(USERS | NOTES));
    let struck = move |tally: &&Tally| tally.struck > 0 && is_counted(tally);
    let struck = tallies.iter().filter(struck).map(|tally| tally.rule.fault);
    let cuts = [Fault::CutAfter, Fault::CutLate, Fault::CutBody];
    let is_cut = struck.clone().any(|fault| cuts.contains(&fault));
    struck.map(move |fault| (fault, shows_in(fault, is_cut)))
}
