//! The declaration of a CRM that is read from files: its settings, and that nobody signs in to a folder.

use crate::crm::hosts::SiteRule;
use crate::crm::kind::{CrmKind, IdColumn, Reached, Setting, SettingKind, SignInMode};
use crate::domain::IdForm;

/// The names under which [`Setting`]s and the connector's parts find each other.
pub(super) const FOLDER: &str = "folder";
pub(super) const OUTBOUND: &str = "outbound";
pub(super) const SETTLE: &str = "settle";
pub(super) const WRITTEN_LAST: &str = "written_last";

/// A CRM by files.
pub static KIND: CrmKind = CrmKind {
    name: "files",
    label: "CRM by files",
    example_pack: "files-au",
    reached: Reached::Folder(FOLDER),
    site: SiteRule { example: "/srv/exports/acme", suffixes: &[] },
    // There is one only: what packs call the dialect that their rules are written for.
    dialects: &["resourceful"],
    settings: &[
        Setting {
            name: FOLDER,
            label: "Folder",
            what: "the folder of the exports",
            help: "Where the CRM’s exports arrive, as a whole path on the machine that runs this host: /srv/exports/acme. Whoever \
                   runs the host allows the folders that may be read.",
            description: "The folder in which the CRM's exports arrive, a whole path; of a CRM that is read from files.",
            answer: "The folder in which the CRM's exports arrive; null for a CRM that is reached by its host.",
            kind: SettingKind::Folder,
            is_needed: true,
            dialect: None,
            default: None,
        },
        Setting {
            name: OUTBOUND,
            label: "Outbound folder",
            what: "the folder of the file notes",
            help: "Where file notes are written for the CRM to fetch. Without it, outbound in the folder of the exports. \
                   The notes have the rights that the umask gives with which the host was started: 022 lets every user of the \
                   machine read them, 027 the group.",
            description: "The folder into which file notes are written; `outbound` in the folder of exports if not said.",
            answer: "The folder into which file notes are written; null where it is `outbound` in the folder of exports, and \
                     for a CRM that is reached by its host.",
            is_needed: false,
            kind: SettingKind::Folder,
            dialect: None,
            default: None,
        },
        Setting {
            name: SETTLE,
            label: "Settle",
            what: "for how many seconds an export has to stay as it is before it is read",
            help: "",
            description: "",
            answer: "",
            kind: SettingKind::Number(3_600),
            is_needed: false,
            dialect: None,
            default: Some("30"),
        },
        Setting {
            name: WRITTEN_LAST,
            label: "Written last",
            what: "the file that the CRM writes when all others are there",
            help: "Where the CRM’s export ends with such a file, as export.done: nothing is read before it is there, newer than \
                   the others. Most have none.",
            description: "The name of the file that the CRM writes last; nothing is read before it is there.",
            answer: "The name of the file that the CRM writes last; null where it writes none.",
            kind: SettingKind::Word,
            is_needed: false,
            dialect: None,
            default: None,
        },
    ],
    sign_ins: &[SignInMode {
        name: "none",
        label: "Without signing in",
        what: "without signing in",
        description: "Without signing in: what the host may read and write in a folder is decided by the machine.",
        shown: ["not at all: the machine decides who may read the folder", ""],
        needs_person: false,
        values: &[],
    }],
    id_column: IdColumn {
        heading: "Client ID",
        exact: &["clientid", "clientnumber", "clientno"],
        loose: &["recordid", "reference"],
        form: IdForm::Text,
    },
    preparation: "For a CRM that is read from files, its exports and the folder in which they arrive have to be set up first.",
};
