//! The register: each kind of data that the host keeps, where, whose it is, why, for how long, and what an erasure does with
//! it. One table, which the page, the interface and the command show. A test of the store holds it against the tables that
//! there are, so that nothing is kept that it does not name.

/// The one whose data a kind is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// Clients of the practice, and people of its CRM who may become some.
    Clients,
    /// People who work in the practice.
    Staff,
    /// Nobody: it is about no person.
    Nobody,
}

impl Whose {
    /// The word as programs know it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::Staff => "staff",
            Self::Nobody => "nobody",
        }
    }

    /// The word for a person.
    pub fn label(self) -> &'static str {
        match self {
            Self::Clients => "Clients",
            Self::Staff => "Staff",
            Self::Nobody => "Nobody",
        }
    }
}

/// A kind of data that is kept.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// The kind, as programs know it.
    pub kind: &'static str,
    /// What it is, for a person.
    pub what: &'static str,
    /// The one whose data it is.
    pub whose: Whose,
    /// The tables of the store in which it is.
    pub tables: &'static [&'static str],
    /// The files of the data folder in which it is.
    pub files: &'static [&'static str],
    /// The purpose.
    pub purpose: &'static str,
    /// The legal basis on which a practice commonly rests it. Which one holds, its lawyer says.
    pub basis: &'static str,
    /// How long it is kept.
    pub kept: &'static str,
    /// What the erasure of a client does with it.
    pub erasure: &'static str,
}

/// The bases that recur.
const SERVICE: &str = "The contract with the client, and the duty to keep records of advice.";
const EMPLOYER: &str = "The practice’s legitimate interest in knowing who does what in its systems.";
const NOT_PERSONAL: &str = "None is needed: it is about no person.";
/// The terms that recur.
const WITH_CLIENT: &str = "As long as the client is kept.";
const WITH_CONNECTION: &str = "As long as the connection is there.";
/// The words for what an erasure does, that recur.
const TAKEN: &str = "Taken away.";
const UNTOUCHED: &str = "Not touched: it is not about clients.";

const fn of_clients(kind: &'static str, what: &'static str, tables: &'static [&'static str]) -> Kept {
    Kept {
        kind,
        what,
        whose: Whose::Clients,
        tables,
        files: &[],
        purpose: "",
        basis: SERVICE,
        kept: WITH_CLIENT,
        erasure: TAKEN,
    }
}

const fn of_staff(kind: &'static str, what: &'static str, tables: &'static [&'static str]) -> Kept {
    Kept { whose: Whose::Staff, basis: EMPLOYER, erasure: UNTOUCHED, ..of_clients(kind, what, tables) }
}

const fn of_nobody(kind: &'static str, what: &'static str, tables: &'static [&'static str]) -> Kept {
    Kept {
        whose: Whose::Nobody,
        basis: NOT_PERSONAL,
        kept: WITH_CONNECTION,
        erasure: UNTOUCHED,
        ..of_clients(kind, what, tables)
    }
}

/// The register.
pub const REGISTER: &[Kept] = &[
    Kept {
        purpose: "To show the practice its clients as the CRM has them, and to find them.",
        ..of_clients(
            "clients",
            "Clients: names, contacts, dates, goals and covers, with who edited and changed what",
            &["clients", "made-of", "goals", "covers", "listed"],
        )
    },
    Kept {
        purpose: "To map a record again by other rules without asking the CRM, and to say where a value comes from.",
        ..of_clients(
            "raw_records",
            "The CRM’s own records of clients and advisers, with their lists",
            &["raw", "identities", "emptied-lists", "unseen"],
        )
    },
    Kept {
        purpose: "To find clients by name, email or mobile, and partners by each other.",
        ..of_clients("search", "Entries by which clients are found", &["names", "contacts", "naming", "looks"])
    },
    Kept {
        purpose: "To show who lives with whom, and to find what was kept with a household.",
        erasure: "Taken away; a household goes with the last person in it.",
        ..of_clients("households", "Households, and who was in which until when", &["households", "homes"])
    },
    Kept {
        purpose: "To keep people out of the book who cannot be used, or who may be there already, until a person has looked.",
        kept: "Until the CRM’s record can be used or is gone; a decision, until it is taken back.",
        ..of_clients("set_aside", "Records in quarantine, left out by a rule, or in review", &["set-aside", "reviews"])
    },
    Kept {
        purpose: "To know whom the CRM no longer shows, and to ask before many are marked.",
        ..of_clients(
            "absences",
            "Clients whom the CRM no longer shows, and questions about many at once",
            &["gone", "departures", "goal-departures", "cover-departures"],
        )
    },
    Kept {
        purpose: "To show what each run changed, value by value.",
        kept: "The latest 720 runs of a connection.",
        erasure: "The person’s rows are taken away, and sentences that name them; counts stay.",
        ..of_clients("run_reports", "What runs changed, client by client", &["reports", "runs", "runs-of"])
    },
    Kept {
        purpose: "To go on with a walk after an interruption, and to know whom it saw.",
        kept: "Until the walk is over.",
        erasure: "Not touched: it has ids of the CRM alone, and ends with the walk.",
        ..of_clients("walks", "Where each walk is, and the CRM’s ids that it saw", &["walks", "seen"])
    },
    Kept {
        purpose: "To write file notes to the CRM once and in order, and to show what was written.",
        kept: "As long as one of the clients is kept whom it is filed against.",
        erasure: "Taken away where it is of this person alone; with others’, it stays with them. What was not sent is never sent.",
        ..of_clients(
            "notes",
            "Events with their data, and the file notes that they became",
            &[
                "events",
                "notes",
                "event-keys",
                "latest-events",
                "notes-by-state",
                "notes-by-owner",
                "notes-by-document",
                "notes-looked-for",
                "notes-raised",
                "notes-awaiting-link",
                "note-lanes",
                "notes-due",
                "notes-shared-before",
            ],
        )
    },
    Kept {
        purpose: "To send documents to the CRM with their notes, and to show them.",
        kept: "With the note that names it; one that no note named, seven days.",
        erasure: "Taken away where no note of somebody else’s names it.",
        ..of_clients(
            "documents",
            "Documents that go with file notes",
            &["documents", "document-pieces", "documents-unclaimed", "documents-brought", "document-notes"],
        )
    },
    Kept {
        purpose: "To know which client of the practice is which in the CRM.",
        kept: "Until the list is removed.",
        erasure: "The person’s rows are blanked, and say so.",
        ..of_clients("identity_lists", "Identity lists, row by row", &["imports", "import-details", "import-rows"])
    },
    Kept {
        purpose: "To let those see a household who work for it, and nobody else.",
        kept: "As long as the household is kept; of access that ended, the last 200 of each household.",
        erasure: "Goes with the household.",
        ..of_staff(
            "household_access",
            "Who has or had access to which household, and why",
            &["household-access", "household-access-of", "teams", "default-primary"],
        )
    },
    Kept {
        purpose: "To show afterwards who opened a household without having access to it, why, and who looked at it.",
        kept: "For good.",
        erasure: "Stays, without its reason and finding where nobody is left in the household.",
        ..of_staff(
            "emergency_access",
            "Households opened in an emergency",
            &[
                "emergency-access",
                "emergency-access-open",
                "emergency-access-unreviewed",
                "emergency-access-lookups",
                "emergency-access-misses",
            ],
        )
    },
    Kept {
        purpose: "To show for which reasons somebody saw a household.",
        kept: "As long as the access that they are about is kept.",
        erasure: "Those that name the person are blanked, and those of a household that nobody is left in.",
        ..of_staff(
            "access_reasons",
            "Reasons of staff access and of emergency access, with findings of reviews, in people’s own words",
            &["access-reasons"],
        )
    },
    Kept {
        purpose: "To keep what a court, a regulator or a complaint may ask for.",
        basis: "A legal obligation, or the defence of legal claims.",
        kept: "Until it ends or is released.",
        erasure: "Refuses the erasure while it is on.",
        ..of_clients("legal_holds", "Legal holds, with their reasons", &["legal-holds"])
    },
    Kept {
        purpose: "To keep erased people away: the next sync, list or backup does not bring them back.",
        basis: "The legal obligation to erase, and to be able to show it.",
        kept: "For good: without it an erased person would come back.",
        erasure: "Made by it: hashes of ids, by which who has the file and an id can tell whether that person was erased, and who erased them.",
        files: &["tidegate.erased", "tidegate.erased.is-ours"],
        ..of_clients(
            "tombstones",
            "Erasures, and the marks by which erased people are known again",
            &["erasures", "tombstones"],
        )
    },
    Kept {
        purpose: "To seal what is of clients in backups, so that an erasure reaches it wherever they lie.",
        erasure: "Taken away: no backup opens the person’s rows any more. A run’s sentence that names them stays in it.",
        ..of_clients(
            "backup_keys",
            "The keys of what is in backups, and the marks of those that were taken away",
            &["backup-keys", "backup-keys-forgotten", "backup-subjects-taken", "backup-state"],
        )
    },
    Kept {
        purpose: "To mark all of a person’s records when the person is erased.",
        ..of_clients("former_links", "The CRM’s records to which clients were linked before", &["unlinked-from"])
    },
    Kept {
        purpose: "To show what other rules would make of the book before they are in force.",
        kept: "Seven days, the newest 20.",
        erasure: "All of them are thrown away.",
        files: &["previews"],
        ..of_clients("previews", "Previews of other revisions of packs, with values of clients", &[])
    },
    Kept {
        purpose: "To try drafts of packs against records of the CRM, before they are put in force.",
        kept: "Until somebody removes them.",
        erasure: "Not touched: a client’s record that somebody put into a case is to be removed by hand.",
        files: &["drafts", "cases"],
        ..of_clients("drafts", "Drafts of packs, and the cases that they are tried with", &[])
    },
    Kept {
        purpose: "To show afterwards who did, saw, exported or was refused what.",
        basis: "A legal obligation, and the practice’s legitimate interest in an unbroken record.",
        kept: "For good: nothing takes an entry away.",
        erasure: "Stays. Entries have ids and no values of clients; without the client an id says nothing.",
        ..of_staff("audit_log", "The audit log", &["audit", "audit-head", "audit-index"])
    },
    Kept {
        purpose: "To let people in, and programs, and to know who they are.",
        kept: "Accounts for good, disabled ones too: the audit log names them. Sessions and links until they end.",
        ..of_staff(
            "accounts",
            "Accounts, sessions, links for new ones, and API tokens, as digests",
            &["users", "users-by-email", "account-links", "account-identities", "sessions", "api-tokens"],
        )
    },
    Kept {
        purpose: "To show who in the practice answers for a client.",
        kept: "As long as the CRM shows them, and after.",
        ..of_staff(
            "professionals",
            "The CRM’s advisers, and their accounts here",
            &["advisers", "professional-links", "professionals"],
        )
    },
    Kept {
        purpose: "To reach the CRM, and to go on with it after a restart.",
        ..of_nobody(
            "connections",
            "Connections with their sealed secrets, sites, limits and choices of the site’s lists",
            &[
                "connections",
                "connection-settings",
                "connection-authorisations",
                "connection-preflights",
                "connection-sites",
                "connection-sizes",
                "connection-left-alone",
                "site-lists",
            ],
        )
    },
    Kept {
        purpose: "To know which rules mapped what, and to go back to earlier ones.",
        ..of_nobody("revisions", "Packs’ revisions and their history", &["revisions", "activations", "taken-in"])
    },
    Kept {
        purpose: "To show how many there are without counting, and to read the file by its own format.",
        kept: "As long as the store.",
        erasure: "The person is counted out.",
        ..of_nobody("figures", "Numbers of records, and facts about the file", &["tallies", "facts"])
    },
    Kept {
        purpose: "To go back to the version before, should a newer one fail.",
        basis: SERVICE,
        kept: "Until somebody removes it.",
        erasure: "Not touched: remove it by hand once the newer version has proved itself.",
        files: &["the store’s file with .format-1 or .format-2 behind its name"],
        ..of_clients("copies", "Copies of the store of before a newer version changed its format", &[])
    },
    Kept {
        purpose: "To seal secrets, to compile packs once, and to hold files on their way in and out.",
        kept: "Keys for good; files on their way in and out have no name, and are gone when they are closed.",
        erasure: "Not touched: it has no client’s data.",
        files: &["secret.key", "cache", "tidegate.made", "reserve"],
        ..of_nobody("data_folder", "What else is in the data folder", &[])
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_row_says_everything_and_no_table_is_in_two() {
        let (mut kinds, mut tables) = (BTreeSet::new(), BTreeSet::new());
        for row in REGISTER {
            assert!(kinds.insert(row.kind), "{}", row.kind);
            for text in [row.what, row.purpose, row.basis, row.kept, row.erasure] {
                assert!(!text.is_empty(), "{}", row.kind);
            }
            assert!(!row.tables.is_empty() || !row.files.is_empty(), "{}", row.kind);
            row.tables.iter().for_each(|table| assert!(tables.insert(table), "{table} is in two rows"));
        }
    }

    /// What a practice's lawyer reads changes by intent alone.
    #[test]
    fn the_register_says_for_how_long_and_what_an_erasure_does() {
        let line = |row: &Kept| format!("{} of {}: {} {}", row.kind, row.whose.as_str(), row.kept, row.erasure);
        insta::assert_snapshot!(REGISTER.iter().map(line).collect::<Vec<_>>().join("\n"));
    }
}
