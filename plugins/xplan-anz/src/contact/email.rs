//! The email address, or a made-up one where there is none.

use std::borrow::Cow;

use tidegate_sdk::{Ctx, LineageRecorder, Origin, text};
use xplan::{ClientField, Unknown};

use super::{ContactRows, candidates, choose, stands_for_unknown};
use crate::refusal::Refusal;
use crate::{client_row::ClientRow, mapping::ClientMapping, person::PersonNames};

const FIELD: &str = "email";

/// The preferred email address.
pub(crate) fn email(
    rules: &ClientMapping,
    row: ClientRow<'_, '_>,
    contacts: &ContactRows<'_>,
    recorder: &mut LineageRecorder,
) -> Option<String> {
    let from = &rules.email_from;
    let candidates = candidates(rules, row, ClientField::Email, contacts, from, FIELD, recorder);
    choose(candidates, FIELD, recorder, |text, recorder| accept(&row.forms.unknown, text, recorder))
}

/// The text if it is an email address, without the punctuation that was copied with it.
pub(crate) fn accept(unknown: &Unknown, text: &str, recorder: &mut LineageRecorder) -> Result<String, Refusal> {
    const SCHEME: &str = "mailto:";
    let has_scheme = text.get(..SCHEME.len()).is_some_and(|start| start.eq_ignore_ascii_case(SCHEME));
    let written = if has_scheme { text[SCHEME.len()..].trim_start() } else { text };
    let address = written.strip_prefix('<').unwrap_or(written).trim_end_matches(['>', '.', ',', ';', ' ']);
    if unknown.is_word(address) || unknown.is_email(address) {
        return Err(stands_for_unknown());
    }
    if text::is_email_address(address) {
        if address != written {
            recorder.info(FIELD, "punctuation-left-out", format!("“{text}” was read as {address}."));
        }
        return Ok(address.to_owned());
    }
    Err(Refusal { code: "not-an-email", reason: "is not an email address; correct it in Xplan".into() })
}

fn fold(name: Option<&String>) -> Cow<'_, str> {
    name.map(|name| text::ascii(name)).unwrap_or_default()
}

/// A made-up address, because the practice application needs one for everybody. Its letters are ASCII; a name that
/// has none is replaced by the record's number. The host makes it unique.
pub(crate) fn placeholder(
    rules: &ClientMapping,
    ctx: &Ctx<'_>,
    names: &PersonNames,
    id: &str,
    recorder: &mut LineageRecorder,
) -> String {
    let given = match fold(names.first.as_ref()) {
        first if first.is_empty() => fold(names.preferred.as_ref()),
        first => first,
    };
    let family = fold(names.last.as_ref());
    let domain = &ctx.context.placeholder_email_domain;
    let pattern = rules.placeholder.replace("@{domain}", "");
    let filled = pattern.replace("{first_name}", &given).replace("{last_name}", &family);
    // A part that is empty leaves two full stops beside each other, which no address has.
    let parts: Vec<&str> = filled.split('.').filter(|part| !part.is_empty()).collect();
    let filled = parts.join(".");
    let joined = filled.trim_matches(['.', '-', '_']);
    // A longer one is no address, and the client would have none.
    let kept = joined.floor_char_boundary(text::LOCAL_PART_LIMIT);
    let joined = joined[..kept].trim_end_matches('.');
    let local = if joined.is_empty() { format!("Client.{id}") } else { joined.to_owned() };
    recorder.info(
        FIELD,
        "placeholder-email",
        "Xplan has no email address that can be used; a placeholder was made up, and nothing is ever sent to it.",
    );
    let address = format!("{local}@{domain}");
    recorder.origin(FIELD, || Origin {
        rule: Some(format!("/client/email/placeholder {}", rules.placeholder)),
        ..Origin::default()
    });
    address
}
