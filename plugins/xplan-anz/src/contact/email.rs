//! The email address, or a made-up one where there is none.

use tidegate_sdk::read::{self, WrittenEmail};
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
    match WrittenEmail::read(text, unknown) {
        WrittenEmail::Address { address, is_cleaned } => {
            if is_cleaned {
                recorder.info(FIELD, "punctuation-left-out", format!("“{text}” was read as {address}."));
            }
            Ok(address.to_owned())
        }
        WrittenEmail::Unknown => Err(stands_for_unknown()),
        WrittenEmail::NotAnAddress => {
            Err(Refusal { code: "not-an-email", reason: "is not an email address; correct it in Xplan".into() })
        }
    }
}

/// A made-up address, because the practice application needs one for everybody. The host makes it unique.
pub(crate) fn placeholder(
    rules: &ClientMapping,
    ctx: &Ctx<'_>,
    names: &PersonNames,
    id: &str,
    recorder: &mut LineageRecorder,
) -> String {
    let pattern = &rules.placeholder;
    let has_letters = |name: &&String| !text::ascii(name).is_empty();
    let given = names.first.as_ref().filter(has_letters).or(names.preferred.as_ref());
    let [given, family] = [given, names.last.as_ref()].map(|name| name.map_or("", String::as_str));
    recorder.info(
        FIELD,
        "placeholder-email",
        "Xplan has no email address that can be used; a placeholder was made up, and nothing is ever sent to it.",
    );
    recorder
        .origin(FIELD, || Origin { rule: Some(format!("/client/email/placeholder {pattern}")), ..Origin::default() });
    read::placeholder(pattern, [given, family], id, &ctx.context.placeholder_email_domain)
}
