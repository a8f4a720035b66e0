//! The mobile number. Only mobile lines with their country code are taken: the practice application uses them to
//! tell its people apart at sign-in (seed table of the fields that are synchronised).

use tidegate_sdk::read::{NoNumber, WrittenNumber, WrittenPhone};
use tidegate_sdk::{Ctx, LineType, LineageRecorder, PhoneProblem};
use xplan::{ClientField, Unknown};

use super::{ContactRows, candidates, choose, stands_for_unknown};
use crate::refusal::Refusal;
use crate::{
    client_row::ClientRow,
    mapping::{ClientMapping, MobileMapping},
};

const FIELD: &str = "mobile";

/// National numbers of mobiles have so many digits in most countries.
const MOBILE_LENGTHS: std::ops::RangeInclusive<usize> = 8..=10;

/// The preferred mobile number in E.164.
pub(crate) fn mobile(
    rules: &ClientMapping,
    ctx: &Ctx<'_>,
    row: ClientRow<'_, '_>,
    contacts: &ContactRows<'_>,
    recorder: &mut LineageRecorder,
) -> Option<String> {
    let from = &rules.mobile.from;
    let candidates = candidates(rules, row, ClientField::Phone, contacts, from, FIELD, recorder);
    let unknown = &row.forms.unknown;
    choose(candidates, FIELD, recorder, |text, recorder| accept(&rules.mobile, ctx, unknown, text, recorder))
}

/// The number in E.164 if it is a mobile with a country code. The host is asked only about what may be one.
fn accept(
    rules: &MobileMapping,
    ctx: &Ctx<'_>,
    unknown: &Unknown,
    text: &str,
    recorder: &mut LineageRecorder,
) -> Result<String, Refusal> {
    if unknown.is_word(text) || unknown.is_phone(text) {
        return Err(stands_for_unknown());
    }
    let written =
        WrittenPhone::read(text, &rules.labels, &rules.dialling_prefixes).map_err(|problem| match problem {
            NoNumber::NoDigits => not_a_number(),
            NoNumber::Letters(letters) => letters_in_number(&letters),
        })?;
    let digits = match written.number {
        WrittenNumber::National(digits) => return Err(without_country_code(rules, ctx, &digits)),
        WrittenNumber::International(digits) => digits,
    };
    for (code, mobile_prefixes) in &rules.plans {
        if let Some(national) = digits.strip_prefix(code.as_str()) {
            // `+61 0491 …` is a common way to write both forms at once.
            let national = national.trim_start_matches('0');
            if !mobile_prefixes.iter().any(|prefix| national.starts_with(prefix.as_str())) {
                return Err(landline());
            }
        }
    }
    let number = ctx.host.parse_phone(&format!("+{digits}"), None).map_err(|problem| match problem {
        PhoneProblem::NotANumber | PhoneProblem::NoCountryCode => not_a_number(),
        PhoneProblem::NotValid => Refusal {
            code: "not-valid",
            reason: "is no number that its country has; a digit may be missing or wrong".into(),
        },
    })?;
    match number.line {
        LineType::Mobile => {}
        LineType::FixedLineOrMobile => recorder.info(
            FIELD,
            "may-be-a-landline",
            format!("“{text}” was taken for a mobile; its country's numbers do not tell mobiles and landlines apart."),
        ),
        LineType::FixedLine | LineType::Other => return Err(landline()),
    }
    if let Some(extension) = written.extension {
        let message = format!("“{text}” was taken without its extension, {extension}: mobile numbers have none.");
        recorder.info(FIELD, "extension-left-out", message);
    }
    Ok(number.e164)
}

/// The reason why a number that states no country code is refused: a mobile lacks its code, a landline would not be
/// taken with one either.
fn without_country_code(rules: &MobileMapping, ctx: &Ctx<'_>, digits: &str) -> Refusal {
    let national = digits.trim_start_matches('0');
    let is_mobile = MOBILE_LENGTHS.contains(&national.len())
        && rules.home.iter().any(|prefix| national.starts_with(prefix.as_str()));
    let line = |digits: &str| ctx.host.parse_phone(digits, Some(&ctx.context.region)).map(|number| number.line);
    if !is_mobile && matches!(line(digits), Ok(LineType::FixedLine | LineType::Other)) {
        return landline();
    }
    Refusal {
        code: "no-country-code",
        reason: "has no country code; write it in Xplan with + and the code of its country".into(),
    }
}

fn not_a_number() -> Refusal {
    Refusal { code: "not-a-number", reason: "is not a telephone number, or is more than one".into() }
}

fn landline() -> Refusal {
    Refusal {
        code: "not-a-mobile",
        reason: "is not a mobile number, and only mobiles are taken; enter a mobile number in Xplan".into(),
    }
}

/// A telephone's keypad would make digits of letters, and a stranger's number of a slip.
fn letters_in_number(letters: &str) -> Refusal {
    let named = if letters.chars().count() == 1 { "the letter" } else { "the letters" };
    Refusal {
        code: "letters-in-number",
        reason: format!("contains {named} {letters}, which no number has; correct the number in Xplan").into(),
    }
}
