//! The mobile number. Only mobile lines with their country code are taken: the practice application uses them to
//! tell its people apart at sign-in (seed table of the fields that are synchronised).

use std::borrow::Cow;

use tidegate_sdk::{Ctx, LineType, Lineage, PhoneProblem, Trail};
use xplan::ClientField;

use super::{ContactRows, Refusal, candidates, choose};
use crate::{
    client::ClientRow,
    mapping::{ClientMapping, MobileMapping},
};

const FIELD: &str = "mobile";

/// The preferred mobile number in E.164.
pub(crate) fn mobile<L: Lineage>(
    rules: &ClientMapping,
    ctx: &Ctx<'_>,
    row: ClientRow<'_, '_>,
    contacts: &ContactRows<'_>,
    trail: &mut Trail<L>,
) -> Option<String> {
    let from = &rules.mobile.from;
    let candidates = candidates(rules, row, ClientField::Phone, contacts, from, FIELD, trail);
    choose(candidates, FIELD, trail, |text, trail| accept(&rules.mobile, ctx, text, trail))
}

/// The number in E.164 if it is a mobile with a country code. The host is asked only about what may be one.
fn accept<L: Lineage>(
    rules: &MobileMapping,
    ctx: &Ctx<'_>,
    text: &str,
    trail: &mut Trail<L>,
) -> Result<String, Refusal> {
    if !text.contains(|c: char| c.is_ascii_digit()) {
        return Err(not_a_number());
    }
    let text = international(rules, text).ok_or(Refusal {
        code: "no-country-code",
        reason: "has no country code; write it in Xplan with + and the code of its country".into(),
    })?;
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    for (code, mobile_prefixes) in &rules.plans {
        if let Some(national) = digits.strip_prefix(code.as_str()) {
            // `+61 (0)491 …` is a common way to write both forms at once.
            let national = national.trim_start_matches('0');
            if !mobile_prefixes.iter().any(|prefix| national.starts_with(prefix.as_str())) {
                return Err(landline());
            }
        }
    }
    let number = ctx.host.parse_phone(&text, None).map_err(|problem| match problem {
        PhoneProblem::NotANumber | PhoneProblem::NoCountryCode => not_a_number(),
        PhoneProblem::NotValid => Refusal {
            code: "not-valid",
            reason: "is no number that its country has; a digit may be missing or wrong".into(),
        },
    })?;
    match number.line {
        LineType::Mobile => {}
        LineType::FixedLineOrMobile => trail.info(
            FIELD,
            "may-be-a-landline",
            format!("“{text}” was taken for a mobile; its country's numbers do not tell mobiles and landlines apart."),
        ),
        LineType::FixedLine | LineType::Other => return Err(landline()),
    }
    Ok(number.e164)
}

/// The number beginning with `+`, or none where it states no country code.
fn international<'t>(rules: &MobileMapping, text: &'t str) -> Option<Cow<'t, str>> {
    let text = text.strip_prefix("tel:").unwrap_or(text).trim_start();
    if text.starts_with('+') {
        return Some(Cow::Borrowed(text));
    }
    let dialled = |prefix: &String| text.strip_prefix(prefix.as_str());
    let rest = rules.dialling_prefixes.iter().find_map(dialled)?;
    Some(Cow::Owned(format!("+{}", rest.trim_start())))
}

fn not_a_number() -> Refusal {
    Refusal { code: "not-a-number", reason: "is not a telephone number".into() }
}

fn landline() -> Refusal {
    Refusal { code: "not-a-mobile", reason: "is not a mobile number, and only mobiles are taken".into() }
}
