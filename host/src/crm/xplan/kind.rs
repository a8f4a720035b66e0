//! The declaration of Xplan to the host: its settings, ways to sign in, hosts and columns.

use crate::crm::hosts::SiteRule;
use crate::crm::kind::{CrmKind, IdColumn, Reached, Setting, SettingKind, SignInMode};
use crate::crm::spec::ConnectionSpec;
use crate::domain::IdForm;

/// The dialect that a gateway speaks for a site.
const OPEN: &str = "open";

/// The names under which [`Setting`]s and the connector's parts find each other.
pub(super) const OAUTH: &str = "oauth";
pub(super) const USERNAME: &str = "username";
pub(super) const PASSWORD: &str = "password";
pub(super) const CLIENT_ID: &str = "client_id";
pub(super) const CLIENT_SECRET: &str = "client_secret";
pub(super) const APP_ID: &str = "app_id";
const GATEWAY_HOST: &str = "gateway_host";
const API_VERSION: &str = "api_version";
const NOTES_LIST: &str = "notes_list";

/// Iress Xplan.
pub static KIND: CrmKind = CrmKind {
    name: "xplan",
    label: "Xplan",
    example_pack: "xplan-au",
    reached: Reached::Host,
    site: SiteRule {
        example: "acme.xplan.iress.com.au",
        suffixes: &[".xplan.iress.com.au", ".xplan.iress.co.uk", ".xplan.iress.co.za"],
    },
    dialects: &["resourceful", OPEN],
    settings: &[
        Setting {
            name: GATEWAY_HOST,
            label: "Gateway host",
            what: "the gateway's host",
            help: "For the dialect “open” only: the address of the vendor’s gateway, which is told the site by the forward \
                   host.",
            description: "The gateway's host; of the dialect `open` alone, which has one.",
            answer: "The gateway's host; null in a dialect that has none.",
            kind: SettingKind::Host,
            is_needed: true,
            dialect: Some(OPEN),
            default: None,
        },
        Setting {
            name: API_VERSION,
            label: "API version",
            what: "the API's version, as the gateway names it",
            default: Some("2.0"),
            ..OF_GATEWAY
        },
        Setting {
            name: NOTES_LIST,
            label: "Notes list",
            what: "the list below a client to which file notes are added",
            default: Some("note"),
            ..OF_GATEWAY
        },
    ],
    sign_ins: &[
        SignInMode {
            name: "basic",
            label: "A user’s name and password",
            what: "a user's name and password",
            description: "By name and password.",
            shown: ["as ", ", with a password"],
            needs_person: false,
            values: &[
                Setting {
                    name: USERNAME,
                    label: "User name",
                    what: "the user's name",
                    description: "The user.",
                    ..OF_SIGN_IN
                },
                Setting {
                    name: PASSWORD,
                    label: "Password",
                    what: "the user's password",
                    help: "A service account that sees the clients who are to come over, and no others.",
                    description: "The password.",
                    kind: SettingKind::SecretFile,
                    ..OF_SIGN_IN
                },
                APPLICATION,
            ],
        },
        SignInMode {
            name: OAUTH,
            label: "OAuth",
            what: "OAuth",
            description: "Authorised on the site by a person.",
            shown: ["with OAuth, as ", ""],
            needs_person: true,
            values: &[
                Setting {
                    name: CLIENT_ID,
                    label: "Client ID",
                    what: "the client id that the site gave",
                    description: "The host's id at the site.",
                    ..OF_SIGN_IN
                },
                Setting {
                    name: CLIENT_SECRET,
                    label: "Client secret",
                    what: "the client secret that the site gave",
                    help: "Xplan gives both.",
                    description: "The host's secret at the site.",
                    kind: SettingKind::SecretFile,
                    ..OF_SIGN_IN
                },
                APPLICATION,
            ],
        },
    ],
    id_column: IdColumn {
        heading: "Xplan ID",
        exact: &["xplanid", "xplanclientid", "xplanentityid"],
        loose: &["xplan", "entityid"],
        form: IdForm::Number,
    },
    preparation: "The integration also has to be enabled in Xplan first, by the site’s administrator.",
};

/// The values that the gateway's settings have in common.
const OF_GATEWAY: Setting = Setting {
    name: "",
    label: "",
    what: "",
    help: "",
    description: "",
    answer: "",
    kind: SettingKind::Word,
    is_needed: false,
    dialect: Some(OPEN),
    default: None,
};

/// The values that the settings of all ways to sign in have in common.
const OF_SIGN_IN: Setting = Setting { kind: SettingKind::Text, is_needed: true, dialect: None, ..OF_GATEWAY };

/// The application id, of every way to sign in.
const APPLICATION: Setting = Setting {
    name: APP_ID,
    label: "App ID",
    what: "the application id that the site gave",
    help: "Where the site asks for one.",
    description: "The application id that the site gave.",
    kind: SettingKind::SecretText,
    is_needed: false,
    ..OF_SIGN_IN
};

/// A gateway that speaks the Open dialect for many sites.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Gateway {
    /// Its host, with a port only where it is a stand-in.
    pub(super) host: String,
    /// The API's version.
    pub(super) api_version: String,
    /// The list below a client to which file notes are added.
    pub(super) notes_list: String,
}

impl Gateway {
    /// The gateway of a connection; none in the dialect that has none.
    pub(super) fn of(spec: &ConnectionSpec) -> Option<Self> {
        let text = |name: &str| spec.setting(name).unwrap_or_default().to_owned();
        let host = spec.setting(GATEWAY_HOST)?.to_owned();
        Some(Self { host, api_version: text(API_VERSION), notes_list: text(NOTES_LIST) })
    }
}
