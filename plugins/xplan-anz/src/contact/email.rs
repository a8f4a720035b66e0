//! The email address, or a made-up one where there is none.

use std::borrow::Cow;

use tidegate_sdk::{Ctx, Lineage, Origin, Trail, text};
use xplan::ClientField;

use super::{ContactRows, Refusal, candidates, choose};
use crate::{client::ClientRow, mapping::ClientMapping, person::PersonNames};

const FIELD: &str = "email";

/// RFC 5321's limit for the part before the `@`, in bytes.
const LOCAL_PART_LIMIT: usize = 64;

/// The preferred email address.
pub(crate) fn email<L: Lineage>(
    rules: &ClientMapping,
    row: ClientRow<'_, '_>,
    contacts: &ContactRows<'_>,
    trail: &mut Trail<L>,
) -> Option<String> {
    let from = &rules.email_from;
    let candidates = candidates(rules, row, ClientField::Email, contacts, from, FIELD, trail);
    choose(candidates, FIELD, trail, |text, _| accept(text))
}

/// The text if it is an email address.
pub(crate) fn accept(text: &str) -> Result<String, Refusal> {
    let address = text.strip_prefix("mailto:").unwrap_or(text);
    if is_address(address) {
        return Ok(address.to_owned());
    }
    Err(Refusal { code: "not-an-email", reason: "is not an email address; correct it in Xplan".into() })
}

/// Whether a text has the form of an address. The host parses it to the letter; here it is told from what people
/// write in its place (`none`, two addresses, a name).
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let strange = |c: char| c.is_whitespace() || matches!(c, '@' | ',' | ';' | '<' | '>' | '"' | '(' | ')');
    let label = |label: &str| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-');
    !local.is_empty()
        && local.len() <= LOCAL_PART_LIMIT
        && text.len() <= 254
        && !local.contains(strange)
        && !domain.contains(strange)
        && domain.contains('.')
        && domain.split('.').all(label)
}

fn fold(name: Option<&String>) -> Cow<'_, str> {
    name.map(|name| text::ascii(name)).unwrap_or_default()
}

/// A made-up address, because the practice application needs one for everybody. Its letters are ASCII; a name that
/// has none is replaced by the record's number. The host makes it unique.
pub(crate) fn placeholder<L: Lineage>(
    rules: &ClientMapping,
    ctx: &Ctx<'_>,
    names: &PersonNames,
    id: &str,
    trail: &mut Trail<L>,
) -> String {
    let given = match fold(names.first.as_ref()) {
        first if first.is_empty() => fold(names.preferred.as_ref()),
        first => first,
    };
    let family = fold(names.last.as_ref());
    let domain = &ctx.context.placeholder_email_domain;
    let pattern = rules.placeholder.replace("@{domain}", "");
    let filled = pattern.replace("{first_name}", &given).replace("{last_name}", &family);
    let joined = filled.trim_matches(['.', '-', '_']);
    // A longer one is no address, and the client would have none.
    let kept = joined.floor_char_boundary(LOCAL_PART_LIMIT);
    let joined = joined[..kept].trim_end_matches('.');
    let local = if joined.is_empty() { format!("Client.{id}") } else { joined.to_owned() };
    trail.info(
        FIELD,
        "placeholder-email",
        "Xplan has no email address that can be used; a placeholder was made up, and nothing is ever sent to it.",
    );
    let address = format!("{local}@{domain}");
    trail.origin(FIELD, || Origin {
        rule: Some(format!("/client/email/placeholder {}", rules.placeholder)),
        ..Origin::default()
    });
    address
}
