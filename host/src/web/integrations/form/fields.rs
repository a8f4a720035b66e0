//! The fields of the form that a CRM declares.

use super::values::{Values, ways_to_sign_in};
use crate::crm::kind::{CrmKind, Setting, SignInMode};
use crate::domain::field::FieldError;
use crate::web::inputs::problem_of;

/// The fields that a CRM asks for, in the form's order.
pub(in crate::web) struct Fields {
    /// The fields of the CRM's own settings.
    pub(in crate::web) settings: Vec<Field>,
    /// The CRM's ways to sign in.
    pub(in crate::web) ways: Vec<Way>,
    /// The fields that all ways to sign in need.
    pub(in crate::web) of_every_way: Vec<Field>,
}

/// A way to sign in.
pub(in crate::web) struct Way {
    pub(in crate::web) name: &'static str,
    pub(in crate::web) label: &'static str,
    pub(in crate::web) is_chosen: bool,
    /// Whether a person authorises the host on the site.
    pub(in crate::web) needs_person: bool,
    /// The fields that this way needs and others do not.
    pub(in crate::web) fields: Vec<Field>,
}

/// One field.
pub(in crate::web) struct Field {
    /// The field's id in the page, which is its name in problems.
    pub(in crate::web) id: String,
    pub(in crate::web) name: &'static str,
    pub(in crate::web) label: &'static str,
    pub(in crate::web) help: &'static str,
    pub(in crate::web) is_secret: bool,
    /// Empty for a secret.
    pub(in crate::web) value: String,
    pub(in crate::web) problem: Option<String>,
}

impl Fields {
    /// The fields of a CRM, with what stands in them and what is wrong with that.
    pub(in crate::web) fn of(kind: &CrmKind, values: &Values, problems: &[FieldError]) -> Self {
        let field = |prefix: &str, setting: &Setting| {
            let id = format!("{prefix}{}", setting.name);
            let problem = problem_of(problems, &id).map(str::to_owned);
            Field {
                name: setting.name,
                label: setting.label,
                help: setting.help,
                is_secret: setting.kind.is_secret(),
                value: values.text(setting.name).to_owned(),
                problem,
                id,
            }
        };
        let is_of_all = |value: &Setting| kind.sign_ins.iter().all(|mode| mode.value(value.name).is_some());
        let way = |mode: &'static SignInMode| {
            let own = mode.values.iter().filter(|value| kind.sign_ins.len() == 1 || !is_of_all(value));
            Way {
                name: mode.name,
                label: mode.label,
                is_chosen: values.text("mode") == mode.name,
                needs_person: mode.needs_person,
                fields: own.map(|value| field("auth-", value)).collect(),
            }
        };
        let own = kind.settings.iter().filter(|setting| !setting.is_for_file_only());
        let ways: Vec<Way> = ways_to_sign_in(kind).into_iter().map(way).collect();
        let first = kind.sign_ins.first().filter(|_| ways.len() > 1);
        let of_all = first.into_iter().flat_map(|mode| mode.values).filter(|value| is_of_all(value));
        let of_every_way = of_all.map(|value| field("auth-", value)).collect();
        Self { settings: own.map(|setting| field("", setting)).collect(), ways, of_every_way }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crm::parse::RawValue;
    use crate::crm::registry::tests::LEDGER;
    use crate::crm::xplan::KIND;

    /// The fields that a form asks for: settings, and each way to sign in with its fields; what all ways need comes
    /// last.
    fn asks(kind: &CrmKind, values: &Values, problems: &[FieldError]) -> Vec<String> {
        let fields = Fields::of(kind, values, problems);
        let of = |fields: &[Field]| fields.iter().map(|field| field.id.clone()).collect::<Vec<_>>().join(" ");
        let chosen = |way: &Way| if way.is_chosen { "*" } else { "" };
        let ways = fields.ways.iter().map(|way| format!("{}{}: {}", way.name, chosen(way), of(&way.fields)));
        [of(&fields.settings)].into_iter().chain(ways).chain([of(&fields.of_every_way)]).collect()
    }

    #[test]
    fn a_form_asks_for_what_the_crm_declares() {
        let xplan = [
            "gateway_host",
            "oauth*: auth-client_id auth-client_secret",
            "basic: auth-username auth-password",
            "auth-app_id",
        ];
        assert_eq!(asks(&KIND, &Values::new(&KIND), &[]), xplan);
        let ledger = ["organisation_id", "key*: auth-owner auth-api_key", ""];
        assert_eq!(asks(&LEDGER, &Values::new(&LEDGER), &[]), ledger);
    }

    #[test]
    fn what_is_filled_in_is_given_and_secrets_do_not_come_back() {
        let filled =
            [("organisation_id", "77"), ("mode", "key"), ("owner", "svc"), ("api_key", "s3cret"), ("odd", "x")];
        let filled = filled.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let values = Values::read(filled.to_vec(), &LEDGER);
        let raw = values.draft(&LEDGER).raw;
        assert_eq!((raw.crm.as_deref(), raw.settings["organisation_id"].as_str()), (Some("ledger"), "77"));
        let sign_in = raw.sign_in.unwrap();
        assert!(matches!(sign_in.values["api_key"], RawValue::Given(_)));
        let names: Vec<&String> = sign_in.values.keys().collect();
        assert_eq!(names, ["api_key", "owner"]);
        let problems = [FieldError::new("organisation_id", "It is closed.")];
        let fields = Fields::of(&LEDGER, &values, &problems);
        assert_eq!(fields.settings[0].problem.as_deref(), Some("It is closed."));
        let shown: Vec<&str> = fields.ways[0].fields.iter().map(|field| field.value.as_str()).collect();
        assert_eq!(shown, ["svc", ""]);
    }
}
