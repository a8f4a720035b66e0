//! The ways in which the plugin goes wrong.

use std::cell::RefCell;
use std::hint::black_box;

use serde::Deserialize;
use tidegate_sdk::{Canonical, Client, Diagnostic, FieldExplanation, Host, LogLevel, Outcome, Severity, Verdict, glue};

/// A way to go wrong.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Not at all.
    Not,
    /// It never ends.
    Loop,
    /// It gives up.
    Trap,
    /// It takes memory without end.
    Memory,
    /// It calls itself without end.
    Recursion,
    /// It answers twenty megabytes.
    Huge,
    /// It answers one outcome too few.
    Length,
    /// It answers for another record.
    Ids,
    /// It gives the client another's id.
    Foreign,
    /// It says something that is no UTF-8.
    Utf8,
    /// It writes lines to the log without end.
    Log,
    /// It calls the host without end.
    Calls,
    /// It answers with what it kept of the call before.
    State,
    /// It answers with what it finds in memory that it was never given.
    Random,
    /// It rejects the record.
    Reject,
    /// It answers with the day, which its manifest says it does not read.
    Day,
    /// It explains another value than it mapped.
    Lie,
}

thread_local! {
    /// The name of the last client of the call before.
    static KEPT: RefCell<String> = RefCell::new("nothing".to_owned());
}

/// The size of a page of memory.
const PAGE: usize = 65_536;
/// The pages that are looked at and left written on: more than the host keeps of an instance's memory.
const PAGES: usize = 48;
/// The bytes of an answer that is too large.
const HUGE: usize = 20 << 20;

impl How {
    /// Goes wrong before anything is answered, where that is the way.
    pub fn before_mapping(self) {
        match self {
            Self::Loop => loop {
                black_box(());
            },
            Self::Trap => panic!("the rules want it"),
            Self::Memory => {
                let mut all = Vec::new();
                loop {
                    all.push(black_box(vec![1_u8; 1 << 20]));
                }
            }
            Self::Recursion => drop(black_box(deeper(1))),
            Self::Log => loop {
                glue::Imports.log(LogLevel::Warn, &"a line that nobody asked for ".repeat(100));
            },
            Self::Calls => loop {
                drop(black_box(glue::Imports.parse_phone("0491 570 156", Some("AU"))));
            },
            _ => {}
        }
    }

    /// Spoils the answer for the named records, where that is the way.
    pub fn spoil(self, outcomes: &mut Vec<Outcome>, is_named: &[bool], as_of: &str) {
        if matches!(self, Self::Length) && is_named.contains(&true) {
            outcomes.pop();
            return;
        }
        let found = if matches!(self, Self::Random) { foreign_memory() } else { String::new() };
        for (outcome, _) in outcomes.iter_mut().zip(is_named).filter(|(_, is_named)| **is_named) {
            match self {
                Self::Huge => outcome.verdict = Verdict::Rejected(vec![said("x".repeat(HUGE))]),
                Self::Ids => outcome.id = "1".to_owned(),
                Self::Utf8 => outcome.verdict = Verdict::Rejected(vec![said(no_utf8())]),
                Self::Reject => outcome.verdict = Verdict::Rejected(vec![said("The rules want it.".to_owned())]),
                Self::Foreign => of_client(outcome, |client| "1".clone_into(&mut client.external_id)),
                Self::State => {
                    let kept = KEPT.with_borrow(Clone::clone);
                    of_client(outcome, |client| client.preferred_name = Some(kept));
                }
                Self::Day => of_client(outcome, |client| client.preferred_name = Some(as_of.to_owned())),
                Self::Random => of_client(outcome, |client| client.preferred_name = Some(found.clone())),
                _ => {}
            }
        }
        if let Some(last) = outcomes.last_mut() {
            of_client(last, |client| KEPT.set(client.last_name.clone().unwrap_or_default()));
        }
    }
}

impl How {
    /// Spoils the explanation of a named record, where that is the way.
    pub fn spoil_explanation(self, explained: &mut [FieldExplanation]) {
        if matches!(self, Self::Lie) {
            explained.iter_mut().filter(|field| field.field == "last_name").for_each(|field| field.value = None);
        }
    }
}

fn of_client(outcome: &mut Outcome, change: impl FnOnce(&mut Client)) {
    if let Verdict::Mapped(mapped) = &mut outcome.verdict
        && let Some(Canonical::Client(client)) = mapped.records.first_mut()
    {
        change(client);
    }
}

fn said(message: String) -> Diagnostic {
    Diagnostic { severity: Severity::Error, field: None, code: "hostile".to_owned(), message }
}

#[expect(unconditional_recursion, reason = "that is the point")]
fn deeper(depth: u64) -> u64 {
    black_box(deeper(black_box(depth + 1))) + 1
}

#[expect(unsafe_code, reason = "no safe code makes such a text")]
fn no_utf8() -> String {
    // SAFETY: nobody reads it here; the host has to refuse it.
    unsafe { String::from_utf8_unchecked(vec![0xff, 0xfe]) }
}

/// What stands in memory that the plugin was never given, and the bits of a number that is none. It writes there for whoever
/// comes after it.
#[expect(unsafe_code, reason = "no safe code reads what it was not given")]
fn foreign_memory() -> String {
    let before = core::arch::wasm32::memory_grow(0, PAGES);
    let (from, length) = (before * PAGE, PAGES * PAGE);
    let mut sum = 0_u64;
    for at in (from..from + length).step_by(8) {
        let place = at as *mut u64;
        // SAFETY: the memory was grown to hold it, and no allocation lies there.
        unsafe {
            sum = sum.wrapping_add(place.read_volatile());
            place.write_volatile(0xabab_abab_abab_abab);
        }
    }
    let zero = black_box(0.0_f64);
    format!("{sum} {:x}", (zero / zero).to_bits())
}
