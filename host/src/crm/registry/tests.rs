//! A second CRM, which no part of the host was written for: what is read from its declaration is read from any.

use super::*;
use crate::crm::SiteUnusable;
use crate::crm::hosts::SiteRule;
use crate::crm::kind::{IdColumn, Reached, Setting, SettingKind, SignInMode};
use crate::domain::IdForm;

/// Another CRM, with a setting and a way to sign in of its own.
pub static LEDGER: CrmKind = CrmKind {
    name: "ledger",
    label: "Ledger",
    example_pack: "ledger-nz",
    reached: Reached::Host,
    site: SiteRule { example: "acme.ledger.example", suffixes: &[".ledger.example"] },
    dialects: &["plain"],
    settings: &[Setting {
        name: "organisation_id",
        label: "Organisation",
        what: "the organisation's id",
        help: "As Ledger’s invoices have it.",
        description: "The organisation.",
        answer: "The organisation.",
        kind: SettingKind::Word,
        is_needed: true,
        dialect: None,
        default: None,
    }],
    sign_ins: &[SignInMode {
        name: "key",
        label: "An API key",
        what: "an API key",
        description: "By a key.",
        shown: ["by the key of ", ""],
        needs_person: false,
        values: &[
            Setting {
                name: "owner",
                label: "Owner",
                what: "the key's owner",
                help: "",
                description: "Whose key it is.",
                answer: "",
                kind: SettingKind::Text,
                is_needed: true,
                dialect: None,
                default: None,
            },
            Setting {
                name: "api_key",
                label: "API key",
                what: "the API key",
                help: "",
                description: "The key.",
                answer: "",
                kind: SettingKind::SecretFile,
                is_needed: true,
                dialect: None,
                default: None,
            },
        ],
    }],
    id_column: IdColumn { heading: "Ledger No", exact: &["ledgerno"], loose: &[], form: IdForm::Number },
    preparation: "Ledger has to be told first.",
};

/// The driver of that CRM, by which no site is reached.
static DRIVER: CrmDriver =
    CrmDriver { kind: &LEDGER, authorisation: |_| Ok(None), connector: |_, _, _| Err(SiteUnusable::NoTokens) };

/// The registry of that CRM beside those of this program.
pub const WITH_LEDGER: Registry = Registry(DRIVERS);

static DRIVERS: &[&CrmDriver] = &[&xplan::DRIVER, &DRIVER];

#[test]
fn kinds_are_found_by_name() {
    assert_eq!(WITH_LEDGER.find("ledger").map(|kind| kind.label), Some("Ledger"));
    assert_eq!((WITH_LEDGER.label("ledger"), WITH_LEDGER.label("other")), ("Ledger", "other"));
    assert!(Registry::BUILT_IN.find("ledger").is_none());
}

/// Every declaration holds what parts of the host rely on when they read it.
#[test]
fn declarations_can_be_read() {
    for kind in WITH_LEDGER.all() {
        assert!(!kind.dialects.is_empty() && !kind.sign_ins.is_empty(), "{}", kind.name);
        let values = kind.settings.iter().chain(kind.sign_ins.iter().flat_map(|mode| mode.values));
        for value in values {
            let is_plain = value.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            assert!(is_plain && !value.label.is_empty() && !value.what.is_empty(), "{}: {value:?}", kind.name);
        }
        let is_secret = kind.settings.iter().any(|setting| setting.kind.is_secret());
        assert!(!is_secret, "{}: a secret is part of how one signs in", kind.name);
    }
}
