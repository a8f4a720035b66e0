//! Contact details of a client: the preferred email address and the preferred mobile number.
//!
//! Both are chosen in one manner: what is preferred in Xplan if it can be used, else the first other row that
//! can, and whatever was passed over is told.

use std::borrow::Cow;

use tidegate_sdk::{LineageRecorder, Origin, Severity};
use xplan::{ClientField, ContactField as F, Fields, Rows, Value, View};

use crate::refusal::Refusal;
use crate::{
    client_row::ClientRow,
    mapping::{ClientMapping, ContactType},
};

mod email;
mod mobile;

pub(crate) use email::{accept as accept_email, email, placeholder};
pub(crate) use mobile::mobile;

type ContactRows<'a> = Rows<'a, F>;

/// Something that may be the address or number wanted.
struct Candidate<'r, 'a> {
    text: Cow<'r, str>,
    preferred: bool,
    place: FoundIn<'r, 'a>,
}

/// The place where a candidate stands.
enum FoundIn<'r, 'a> {
    Row(ClientRow<'r, 'a>, ClientField),
    Contact(View<'r, 'a, F>),
}

impl FoundIn<'_, '_> {
    fn origin(&self, rule: Option<String>) -> Origin {
        match self {
            Self::Row(row, field) => row.origin(*field, rule),
            Self::Contact(row) => row.origin(F::Value, rule),
        }
    }
}

/// The candidates in the order of trying: the row's own preferred field, then the contact rows of the types
/// `from`: the preferred first, and among equals in the order of `from` and of the CRM.
fn candidates<'r, 'a>(
    rules: &'r ClientMapping,
    row: ClientRow<'r, 'a>,
    field: ClientField,
    contacts: &'r ContactRows<'a>,
    from: &[ContactType],
    canonical: &str,
    recorder: &mut LineageRecorder,
) -> Vec<Candidate<'r, 'a>> {
    let mut found = Vec::new();
    if let Some(text) = number_or_text(row, field, canonical, recorder) {
        found.push(Candidate { text, preferred: true, place: FoundIn::Row(row, field) });
    }
    let mut ranked = Vec::new();
    for view in contacts.views(&rules.contact, "/client/contact/fields", row.forms) {
        // A type that the rules do not know can hold neither; it is told where it could have mattered.
        let Some(of_type) = view.text(F::Type, canonical, recorder) else {
            continue;
        };
        let Some(kind) = rules.contact_types.get(&of_type) else {
            continue;
        };
        let Some(rank) = from.iter().position(|known| known == kind) else {
            continue;
        };
        if let Some(text) = number_or_text(view, F::Value, canonical, recorder) {
            let preferred = view.flag(F::Preferred, canonical, recorder).unwrap_or(false);
            ranked.push((!preferred, rank, Candidate { text, preferred, place: FoundIn::Contact(view) }));
        }
    }
    // Stable: the CRM's order stays among equals.
    ranked.sort_by_key(|(not_preferred, rank, _)| (*not_preferred, *rank));
    found.extend(ranked.into_iter().map(|(.., candidate)| candidate));
    found
}

/// The text of a candidate. A number is one too: it may be a telephone number that was stored as such.
fn number_or_text<'r, Row: Fields>(
    row: View<'r, '_, Row>,
    field: Row,
    canonical: &str,
    recorder: &mut LineageRecorder,
) -> Option<Cow<'r, str>> {
    match row.get(field) {
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        _ => row.text_as_written(field, canonical, recorder),
    }
}

/// The reason why what a site writes for "unknown" is not used.
fn stands_for_unknown() -> Refusal {
    Refusal { code: "stands-for-unknown", reason: "stands for “unknown” by the pack's rules (/unknown)".into() }
}

/// The first candidate that `test` accepts, and the diagnostics of the choice.
fn choose<'r, 'a, T>(
    candidates: Vec<Candidate<'r, 'a>>,
    field: &str,
    recorder: &mut LineageRecorder,
    mut test: impl FnMut(&str, &mut LineageRecorder) -> Result<T, Refusal>,
) -> Option<T> {
    let any_preferred = candidates.iter().any(|candidate| candidate.preferred);
    let several = candidates.len() > 1;
    let mut refused: Vec<(Candidate<'r, 'a>, Refusal)> = Vec::new();
    let mut chosen = None;
    for candidate in candidates {
        // The preferred one stands in the row and again in the list: it is refused once.
        if refused.iter().any(|(earlier, _)| earlier.text == candidate.text) {
            continue;
        }
        match test(&candidate.text, recorder) {
            Ok(value) => {
                chosen = Some((candidate, value));
                break;
            }
            Err(refusal) => refused.push((candidate, refusal)),
        }
    }
    let severity = if chosen.is_some() { Severity::Info } else { Severity::Warning };
    for (candidate, refusal) in &refused {
        let Refusal { code, reason } = refusal;
        recorder.field(severity, field, code, format!("“{}” {reason}; it was left out.", candidate.text));
    }
    let Some((candidate, value)) = chosen else {
        if let Some((first, refusal)) = refused.first() {
            recorder.origin(field, || first.place.origin(Some(format!("refused: {}", refusal.code))));
        }
        return None;
    };
    if !candidate.preferred && any_preferred {
        recorder.info(
            field,
            "not-the-preferred",
            format!("What is preferred in Xplan cannot be used; “{}” was taken instead.", candidate.text),
        );
    } else if !any_preferred && several {
        recorder.info(
            field,
            "no-preference",
            format!(
                "None is marked as preferred in Xplan; “{}”, the first that can be used, was taken.",
                candidate.text
            ),
        );
    }
    recorder.origin(field, || candidate.place.origin(None));
    Some(value)
}
