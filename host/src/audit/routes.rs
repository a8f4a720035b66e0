//! The routes that show what is of clients, a route a row: the verb of its entry and what it is about. Tests hold the rows
//! against the routes that there are, so that no page or call can be added without saying what becomes of it. What any other
//! route is about, for a refusal, follows from the places of its address.

use uuid::Uuid;

use crate::domain::audit::Subject;
use crate::domain::{ConnectionName, DocumentId, HouseholdId, RevisionDigest, RevisionId};

/// How often the entry is written, which is always before the answer is sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// Once in five minutes: something was seen. It is shown where the entry cannot be written, too.
    Once,
    /// Each time: something is taken along, which it is not where the entry cannot be written.
    Always,
}

/// A route that shows something.
#[derive(Debug)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The pattern of the address.
    pub pattern: &'static str,
    /// The verb of its entry.
    pub verb: &'static str,
    /// The kind of what it shows, and the place in the pattern where its id stands; none of a list.
    pub subject: (&'static str, Option<&'static str>),
    /// How often its entry is written.
    pub kept: Kept,
}

const fn seen(pattern: &'static str, verb: &'static str, kind: &'static str, id: &'static str) -> Route {
    Route { method: "GET", pattern, verb, subject: (kind, Some(id)), kept: Kept::Once }
}

const fn list(pattern: &'static str, verb: &'static str, kind: &'static str) -> Route {
    Route { method: "GET", pattern, verb, subject: (kind, None), kept: Kept::Once }
}

const fn export(pattern: &'static str, verb: &'static str, kind: &'static str, id: &'static str) -> Route {
    Route { method: "GET", pattern, verb, subject: (kind, Some(id)), kept: Kept::Always }
}

/// All of them: the pages', then the interface's.
pub const ROUTES: &[Route] = &[
    list("/households", "households.list", "household"),
    seen("/households/{id}", "households.view", "household", "{id}"),
    seen("/households/{id}/record", "households.view", "household", "{id}"),
    seen("/households/{id}/record/{type}", "households.view", "household", "{id}"),
    seen("/households/{id}/access", "household_access.view", "household", "{id}"),
    export("/households/{id}/document", "documents.preview", "household", "{id}"),
    seen("/households/{id}/clients/{client}/explain", "clients.explain", "client", "{client}"),
    seen("/households/{id}/clients/{client}/edit", "clients.view", "client", "{client}"),
    Route {
        method: "POST",
        pattern: "/households/{id}/clients/{client}/reveal",
        verb: "clients.reveal",
        subject: ("client", Some("{client}")),
        kept: Kept::Always,
    },
    list("/emergency-access", "emergency.list", "household"),
    seen("/people/{id}/hand-over", "household_access.of_account", "account", "{id}"),
    list("/clients", "clients.list", "client"),
    seen("/clients/{id}/removed", "clients.view", "client", "{id}"),
    seen("/clients/{id}/privacy", "clients.view", "client", "{id}"),
    export("/clients/{id}/export", "clients.export", "client", "{id}"),
    list("/settings/privacy", "privacy.view", "erasure"),
    list("/settings/privacy/record", "privacy.view", "connection"),
    seen("/imports/{id}", "imports.view", "import", "{id}"),
    list("/documents", "documents.list", "document"),
    list("/notes", "notes.list", "note"),
    seen("/notes/{id}", "notes.view", "note", "{id}"),
    seen("/runs/{id}/changes", "runs.changes", "run", "{id}"),
    list("/review", "review.list", "review"),
    list("/troubleshoot", "clients.look_up", "client"),
    seen("/connections/{name}/departures", "absence_review.view", "connection", "{name}"),
    seen("/settings/integrations/{name}/previews/{id}", "previews.view", "preview", "{id}"),
    list("/audit", "audit.view", "audit"),
    Route {
        method: "GET",
        pattern: "/audit/export",
        verb: "audit.export",
        subject: ("audit", None),
        kept: Kept::Always,
    },
    list("/api/v1/households", "households.list", "household"),
    seen("/api/v1/households/{id}", "households.view", "household", "{id}"),
    seen("/api/v1/households/{id}/access", "household_access.view", "household", "{id}"),
    list("/api/v1/emergency-access", "emergency.list", "household"),
    seen("/api/v1/users/{id}/households", "household_access.of_account", "account", "{id}"),
    seen("/api/v1/households/{id}/access/explain", "household_access.explain", "household", "{id}"),
    export("/api/v1/households/{id}/document", "documents.preview", "household", "{id}"),
    list("/api/v1/clients", "clients.list", "client"),
    seen("/api/v1/clients/{id}", "clients.view", "client", "{id}"),
    seen("/api/v1/clients/{id}/explain", "clients.explain", "client", "{id}"),
    export("/api/v1/clients/{id}/export", "clients.export", "client", "{id}"),
    seen("/api/v1/clients/{id}/erasure", "privacy.view", "client", "{id}"),
    seen("/api/v1/connections/{name}/clients/{external_id}/erasure", "privacy.view", "connection", "{name}"),
    list("/api/v1/privacy/due", "privacy.view", "client"),
    list("/api/v1/privacy/erasures", "privacy.view", "erasure"),
    list("/api/v1/privacy/holds", "privacy.view", "client"),
    seen("/api/v1/clients/{id}/extensions", "clients.view", "client", "{id}"),
    seen("/api/v1/clients/{id}/households", "clients.view", "client", "{id}"),
    list("/api/v1/goals", "goals.list", "goal"),
    seen("/api/v1/goals/{id}", "goals.view", "goal", "{id}"),
    list("/api/v1/covers", "covers.list", "cover"),
    seen("/api/v1/covers/{id}", "covers.view", "cover", "{id}"),
    list("/api/v1/documents", "documents.list", "document"),
    export("/api/v1/documents/{id}", "documents.export", "document", "{id}"),
    list("/api/v1/notes", "notes.list", "note"),
    seen("/api/v1/notes/{id}", "notes.view", "note", "{id}"),
    seen("/api/v1/imports/{id}", "imports.view", "import", "{id}"),
    seen("/api/v1/imports/{id}/rows", "imports.view", "import", "{id}"),
    export("/api/v1/imports/{id}/rows.csv", "imports.export", "import", "{id}"),
    seen("/api/v1/previews/{id}/differences", "previews.view", "preview", "{id}"),
    export("/api/v1/previews/{id}/file", "previews.export", "preview", "{id}"),
    seen("/api/v1/previews/{id}/notes", "previews.view", "preview", "{id}"),
    export("/api/v1/previews/{id}/notes/{note}/document", "previews.export", "preview", "{id}"),
    list("/api/v1/quarantine", "quarantine.list", "client"),
    Route {
        method: "GET",
        pattern: "/api/v1/quarantine/fixture",
        verb: "quarantine.export",
        subject: ("client", None),
        kept: Kept::Always,
    },
    list("/api/v1/review", "review.list", "review"),
    seen("/api/v1/runs/{id}/changes", "runs.changes", "run", "{id}"),
    list("/api/v1/troubleshoot", "clients.look_up", "client"),
    seen("/api/v1/connections/{name}/departures", "absence_review.view", "connection", "{name}"),
    list("/api/v1/audit", "audit.view", "audit"),
    Route {
        method: "GET",
        pattern: "/api/v1/audit/export",
        verb: "audit.export",
        subject: ("audit", None),
        kept: Kept::Always,
    },
    Route {
        method: "GET",
        pattern: "/api/v1/audit/verify",
        verb: "audit.verify",
        subject: ("audit", None),
        kept: Kept::Once,
    },
];

/// Routes that read and show nothing of clients: how the host and its connections are, who works in the practice, forms
/// that are empty, and pages that lead elsewhere.
pub const NOTHING_OF_CLIENTS: &[&str] = &[
    "/",
    "/account",
    "/account/confirm",
    "/account/confirm/openid",
    "/account/second-factor",
    "/account/second-factor/codes",
    "/assets/{name}",
    "/clients/new",
    "/households/{id}/clients/{client}/reveal",
    "/imports",
    "/join/{token}",
    "/oauth/callback",
    "/people",
    "/people/invite",
    "/people/roles",
    "/people/professionals",
    "/people/teams",
    "/people/{id}",
    "/runs",
    "/runs/{id}",
    "/runs/{id}/progress",
    "/set-up/{token}",
    "/settings",
    "/settings/integrations",
    "/settings/integrations/new",
    "/settings/integrations/{name}",
    "/settings/integrations/{name}/edit",
    "/settings/integrations/{name}/remove",
    "/settings/integrations/{name}/revisions/{revision}/rules",
    "/settings/integrations/{name}/revisions/{revision}/rules/{*file}",
    "/sign-in",
    "/sign-in/openid",
    "/sign-in/openid/callback",
    "/api/v1/backups",
    "/api/v1/backups/settings",
    "/api/v1/connections",
    "/api/v1/connections/{name}",
    "/api/v1/connections/{name}/revisions",
    "/api/v1/events/types",
    "/api/v1/imports",
    "/api/v1/incoming",
    "/api/v1/previews",
    "/api/v1/privacy/register",
    "/api/v1/previews/{id}",
    "/api/v1/revisions/{id}/files",
    "/api/v1/revisions/{id}/files/{path}",
    "/api/v1/runs",
    "/api/v1/runs/{id}",
    "/api/v1/runs/{id}/events",
    "/api/v1/default-primary",
    "/api/v1/sessions",
    "/api/v1/teams",
    "/api/v1/tokens",
    "/api/v1/advisers",
    "/api/v1/users",
    "/api/v1/users/{id}",
    "/healthz",
    "/readyz",
];

/// The row of a route.
pub fn route(method: &str, pattern: &str) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.method == method && route.pattern == pattern)
}

impl Route {
    /// What an address of this route is about.
    pub fn subject(&self, pattern: &str, path: &str) -> Subject {
        let (kind, id) = self.subject;
        let Some(id) = id else { return Subject::of_kind(kind) };
        let place = pattern.split('/').zip(path.split('/')).find(|(place, _)| *place == id);
        place.map_or(Subject::of_kind(kind), |(_, text)| subject(kind, text))
    }
}

/// The places of addresses that name something: the part before, the place, and the kind of what it names. The id of a CRM's
/// record is none of them: it may be anything.
const PLACES: &[(&str, &str, &str)] = &[
    ("clients", "{client}", "client"),
    ("clients", "{id}", "client"),
    ("connections", "{name}", "connection"),
    ("covers", "{id}", "cover"),
    ("documents", "{id}", "document"),
    (EMERGENCY, "{id}", "household"),
    ("erasures", "{number}", "erasure"),
    ("goals", "{id}", "goal"),
    (HOUSEHOLDS, "{id}", "household"),
    ("imports", "{id}", "import"),
    ("integrations", "{name}", "connection"),
    ("notes", "{id}", "note"),
    ("people", "{id}", "account"),
    ("previews", "{id}", "preview"),
    ("review", "{id}", "review"),
    ("revisions", "{id}", "revision"),
    ("runs", "{id}", "run"),
    ("sessions", "{id}", "session"),
    ("sessions", "{session}", "session"),
    ("teams", "{id}", "team"),
    ("tokens", "{id}", "token"),
    ("users", "{id}", "account"),
];

const HOUSEHOLDS: &str = "households";
/// An id there is that of an access to a household, and no household's.
const EMERGENCY: &str = "emergency-access";

/// What an address is about whose route has no row, by the last of its places that names something, and the household that
/// it is in where the address names one. None of an address that names nothing.
pub fn about(pattern: &str, path: &str) -> (Option<Subject>, Option<HouseholdId>) {
    let (mut about, mut household, mut before) = (None, None, "");
    for (place, text) in pattern.split('/').zip(path.split('/')) {
        if let Some((part, _, kind)) = named_by(before, place) {
            about = Some(if *part == EMERGENCY { Subject::of_kind(kind) } else { subject(kind, text) });
            household = if *part == HOUSEHOLDS { text.parse().ok() } else { household };
        }
        before = place;
    }
    (about, household)
}

/// The row of a place of an address that names something.
pub(super) fn named_by(before: &str, place: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    PLACES.iter().find(|(part, of, _)| *part == before && *of == place)
}

/// What a text of an address names. Where it is no id that such a thing can have, it is nobody's, may be anything, a client's
/// name too, and is not in the log.
fn subject(kind: &'static str, text: &str) -> Subject {
    let id = match kind {
        "connection" => text.parse().ok().map(|name: ConnectionName| name.as_str().to_owned()),
        "document" => text.parse().ok().map(|id: DocumentId| id.to_string()),
        "erasure" => text.parse().ok().map(|number: u64| number.to_string()),
        "revision" => {
            let short = |_| RevisionId::try_from(text.to_owned()).map(|id| id.to_string());
            RevisionDigest::try_from(text.to_owned()).map(|digest| digest.to_string()).or_else(short).ok()
        }
        "review" => {
            let is_id = text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_id.then(|| text.to_ascii_lowercase())
        }
        _ => text.parse().ok().map(|id: Uuid| id.to_string()),
    };
    id.map_or(Subject::of_kind(kind), |id| Subject::new(kind, id))
}
