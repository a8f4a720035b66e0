//! Email addresses, those made up where there is none, and mobile numbers.

use tidegate_sdk::{
    Ctx, LineType, LineageRecorder, Origin, PhoneProblem, RuleProblem, Table,
    read::{self, WrittenEmail, WrittenNumber, WrittenPhone},
};

use crate::row::Row;
use crate::rules::MobileRules;

/// The choice of mobile numbers that are taken.
pub(crate) struct MobileMapping {
    dialling_prefixes: Vec<String>,
    assume_code: Option<String>,
    plans: Vec<(String, Vec<String>)>,
    labels: Table<()>,
}

impl MobileMapping {
    /// Makes the rules ready; what is wrong with them is added to `problems`.
    pub fn new(rules: MobileRules, problems: &mut Vec<RuleProblem>) -> Self {
        let codes = rules.plans.keys().chain(&rules.assume_code).chain(&rules.dialling_prefixes);
        for text in codes.chain(rules.plans.values().flatten()) {
            if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
                let message = format!("“{text}” should be digits only.");
                problems.push(RuleProblem { path: "/client/mobile".to_owned(), message });
            }
        }
        Self {
            dialling_prefixes: rules.dialling_prefixes,
            assume_code: rules.assume_code,
            plans: rules.plans.into_iter().collect(),
            labels: Table::listing(&rules.labels, "/client/mobile/labels"),
        }
    }
}

/// The email address in its column, without the punctuation that was copied with it. What is none is left out, and told.
pub(crate) fn email(row: Row<'_, '_>, recorder: &mut LineageRecorder) -> Option<String> {
    const FIELD: &str = "email";
    let text = row.text(FIELD, FIELD, recorder)?;
    match WrittenEmail::read(&text, &row.forms.unknown) {
        WrittenEmail::Address { address, is_cleaned } => {
            if is_cleaned {
                recorder.info(FIELD, "punctuation-left-out", format!("“{text}” was read as {address}."));
            }
            return Some(address.to_owned());
        }
        WrittenEmail::Unknown => {
            let message =
                format!("“{text}” stands for “unknown” by the pack's rules (/unknown/emails); it was left out.");
            recorder.warn(FIELD, "stands-for-unknown", message);
        }
        WrittenEmail::NotAnAddress => {
            let message = format!("“{text}” is not an email address; it was left out. Correct it in the CRM.");
            recorder.warn(FIELD, "not-an-email", message);
        }
    }
    None
}

/// A made-up address. The host makes it unique, and nothing is ever sent to it.
pub(crate) fn placeholder(
    pattern: &str,
    ctx: &Ctx<'_>,
    names: [Option<&String>; 2],
    id: &str,
    recorder: &mut LineageRecorder,
) -> String {
    const FIELD: &str = "email";
    let message =
        "The CRM has no email address that can be used; a placeholder was made up, and nothing is ever sent to it.";
    recorder.info(FIELD, "placeholder-email", message);
    recorder
        .origin(FIELD, || Origin { rule: Some(format!("/client/email/placeholder {pattern}")), ..Origin::default() });
    let names = names.map(|name| name.map_or("", String::as_str));
    read::placeholder(pattern, names, id, &ctx.context.placeholder_email_domain)
}

/// The mobile number in E.164, if that is what stands in its column. The host is asked only about what may be one.
pub(crate) fn mobile(
    rules: &MobileMapping,
    ctx: &Ctx<'_>,
    row: Row<'_, '_>,
    recorder: &mut LineageRecorder,
) -> Option<String> {
    const FIELD: &str = "mobile";
    let text = row.text(FIELD, FIELD, recorder)?;
    let mut refuse = |code: &str, why: &str| {
        recorder.warn(FIELD, code, format!("“{text}” {why}; it was left out."));
        None
    };
    if row.forms.unknown.is_phone(&text) {
        return refuse("stands-for-unknown", "stands for “unknown” by the pack's rules (/unknown/phones)");
    }
    let Ok(written) = WrittenPhone::read(&text, &rules.labels, &rules.dialling_prefixes) else {
        return refuse("not-a-number", "is not a telephone number, or is more than one");
    };
    let digits = match (written.number, &rules.assume_code) {
        (WrittenNumber::International(digits), _) => digits,
        (WrittenNumber::National(digits), Some(code)) => match digits.strip_prefix(code.as_str()) {
            // `61 491 570 156`, where a spreadsheet program has taken the plus sign away.
            Some(rest) if rest.len() > 7 => format!("{code}{rest}"),
            _ => format!("{code}{}", digits.trim_start_matches('0')),
        },
        (WrittenNumber::National(_), None) => {
            return refuse(
                "no-country-code",
                "has no country code; write it in the CRM with + and the code of its country",
            );
        }
    };
    for (code, beginnings) in &rules.plans {
        if let Some(national) = digits.strip_prefix(code.as_str()) {
            let national = national.trim_start_matches('0');
            if !beginnings.iter().any(|beginning| national.starts_with(beginning.as_str())) {
                return refuse("not-a-mobile", "is not a mobile number, and only mobiles are taken");
            }
        }
    }
    match ctx.host.parse_phone(&format!("+{digits}"), None) {
        Ok(number) if matches!(number.line, LineType::Mobile | LineType::FixedLineOrMobile) => Some(number.e164),
        Ok(_) => refuse("not-a-mobile", "is not a mobile number, and only mobiles are taken"),
        Err(PhoneProblem::NotValid) => refuse("not-valid", "is no number that its country has"),
        Err(_) => refuse("not-a-number", "is not a telephone number, or is more than one"),
    }
}
