//! The verbs of entries: what stands in the log as done, seen or refused. Filters by any other word are refused, because an
//! empty answer would be read as "it never happened".

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::routes::ROUTES;

/// What the addresses of changes are for: a verb, and the methods and patterns by which it is asked for. A request that is
/// refused before its verb begins has the verb from here. Where an address serves several, it is that of its first button.
const CHANGES: &[(&str, &[&str])] = &[
    (
        "absence_review.answer",
        &[
            "POST /api/v1/connections/{name}/departures/confirm",
            "POST /api/v1/connections/{name}/departures/dismiss",
            "POST /connections/{name}/departures",
        ],
    ),
    ("account.change_email", &["POST /account/email"]),
    ("account.change_password", &["POST /account/password"]),
    ("account.confirm", &["POST /account/confirm"]),
    ("account.end_other_sessions", &["POST /account/sessions/end-others"]),
    (
        "account.end_session",
        &[
            "DELETE /api/v1/sessions/{id}",
            "POST /account/sessions/{id}/end",
            "POST /people/{id}/sessions/{session}/end",
        ],
    ),
    ("account.join", &["POST /join/{token}"]),
    ("account.rename", &["POST /account/name"]),
    ("account.set_up", &["POST /set-up/{token}"]),
    ("account.sign_in", &["POST /sign-in"]),
    ("account.sign_in_by_code", &["POST /sign-in/code"]),
    ("account.sign_in_program", &["POST /api/v1/sessions"]),
    ("account.sign_out", &["POST /sign-out"]),
    ("backups.make", &["POST /api/v1/backups"]),
    ("clients.edit", &["PATCH /api/v1/clients/{id}", "POST /households/{id}/clients/{client}/edit"]),
    ("clients.link", &["POST /api/v1/clients/{id}/link", "POST /clients/{id}/link"]),
    ("clients.make", &["POST /api/v1/clients", "POST /clients"]),
    ("clients.remove", &["DELETE /api/v1/clients/{id}", "POST /clients/{id}/remove"]),
    ("clients.restore", &["POST /api/v1/clients/{id}/restore", "POST /clients/{id}/restore"]),
    ("clients.sync", &["POST /api/v1/clients/{id}/sync"]),
    ("clients.sync_by_external_id", &["POST /api/v1/connections/{name}/clients/{external_id}/sync"]),
    ("clients.unlink", &["POST /api/v1/clients/{id}/unlink", "POST /clients/{id}/unlink"]),
    (
        "connections.activate",
        &["POST /api/v1/connections/{name}/activate", "POST /settings/integrations/{name}/activate"],
    ),
    ("connections.add", &["POST /api/v1/connections", "POST /settings/integrations"]),
    (
        "connections.authorise",
        &["POST /api/v1/connections/{name}/authorize", "POST /settings/integrations/{name}/authorise"],
    ),
    ("connections.change", &["PATCH /api/v1/connections/{name}", "POST /settings/integrations/{name}/edit"]),
    (
        "connections.check",
        &[
            "POST /api/v1/connections/{name}/check",
            "POST /settings/integrations/new",
            "POST /settings/integrations/{name}/check",
        ],
    ),
    (
        "connections.confirm_preflight",
        &["POST /api/v1/connections/{name}/preflight", "POST /settings/integrations/{name}/preflight"],
    ),
    ("connections.remove", &["DELETE /api/v1/connections/{name}", "POST /settings/integrations/{name}/remove"]),
    (
        "connections.roll_back",
        &["POST /api/v1/connections/{name}/rollback", "POST /settings/integrations/{name}/rollback"],
    ),
    (
        "connections.say_of_site",
        &[
            "POST /api/v1/connections/{name}/apart",
            "POST /api/v1/connections/{name}/same-site",
            "POST /settings/integrations/{name}/apart",
            "POST /settings/integrations/{name}/same-site",
        ],
    ),
    ("emergency.end", &["POST /api/v1/emergency-access/{id}/end", "POST /emergency-access/{id}/end"]),
    ("emergency.open", &["POST /api/v1/emergency-access", "POST /emergency-access"]),
    ("emergency.review", &["POST /api/v1/emergency-access/{id}/review", "POST /emergency-access/{id}/review"]),
    ("goals.change", &["PATCH /api/v1/goals/{id}", "POST /goals/{id}"]),
    ("household_access.hand_over", &["POST /api/v1/users/{id}/hand-over", "POST /people/{id}/hand-over"]),
    (
        "household_access.link_professional",
        &[
            "DELETE /api/v1/connections/{name}/advisers/{external_id}/account",
            "POST /people/professionals",
            "PUT /api/v1/connections/{name}/advisers/{external_id}/account",
        ],
    ),
    (
        "household_access.set",
        &[
            "POST /households/{id}/access/primary",
            "POST /households/{id}/access/secondary",
            "POST /households/{id}/access/staff",
            "POST /households/{id}/access/staff/{user}/remove",
            "POST /households/{id}/access/staff/{user}/role",
            "PUT /api/v1/households/{id}/access",
        ],
    ),
    ("household_access.set_default_primary", &["POST /people/default-primary", "PUT /api/v1/default-primary"]),
    ("households.choose_professional", &["PATCH /api/v1/households/{id}", "POST /households/{id}/professional"]),
    ("households.sync", &["POST /households/{id}/sync"]),
    ("imports.apply", &["POST /api/v1/imports/{id}/apply", "POST /imports/{id}/apply"]),
    ("imports.bring", &["POST /api/v1/imports", "POST /imports"]),
    (
        "imports.decide",
        &["POST /api/v1/imports/{id}/rows/{number}/decision", "POST /imports/{id}/rows/{number}/decision"],
    ),
    ("imports.forget", &["DELETE /api/v1/imports/{id}", "POST /imports/{id}/forget"]),
    ("notes.accept", &["POST /api/v1/events", "POST /households/{id}/record/{type}"]),
    ("notes.discard", &["POST /api/v1/notes/{id}/discard", "POST /notes/{id}/discard"]),
    ("notes.edit", &["POST /api/v1/notes/{id}/edit", "POST /notes/{id}/edit"]),
    ("notes.export", &["POST /households/{id}/export"]),
    ("notes.resolve", &["POST /api/v1/notes/{id}/resolve", "POST /notes/{id}/resolve"]),
    ("notes.retry", &["POST /api/v1/notes/{id}/retry", "POST /notes/{id}/retry"]),
    ("notes.retry_all", &["POST /api/v1/notes/retry", "POST /notes/retry"]),
    ("people.add", &["POST /api/v1/users", "POST /people/invite"]),
    (
        "people.change",
        &[
            "PATCH /api/v1/users/{id}",
            "POST /people/{id}/disable",
            "POST /people/{id}/enable",
            "POST /people/{id}/role",
        ],
    ),
    ("people.reset", &["POST /api/v1/users/{id}/reset", "POST /people/{id}/reset"]),
    (
        "people.reset_second_factor",
        &["POST /api/v1/users/{id}/reset-second-factor", "POST /people/{id}/reset-second-factor"],
    ),
    ("people.unlink", &["POST /api/v1/users/{id}/unlink", "POST /people/{id}/unlink"]),
    ("privacy.erase", &["POST /api/v1/clients/{id}/erase", "POST /clients/{id}/erase"]),
    (
        "privacy.erase_record",
        &["POST /api/v1/connections/{name}/clients/{external_id}/erase", "POST /settings/privacy/record"],
    ),
    (
        "privacy.hold",
        &["POST /clients/{id}/hold", "PUT /api/v1/clients/{id}/legal-hold", "PUT /api/v1/households/{id}/legal-hold"],
    ),
    ("privacy.lift", &["POST /api/v1/privacy/erasures/{number}/lift", "POST /settings/privacy/erasures/{number}/lift"]),
    (
        "privacy.release",
        &[
            "DELETE /api/v1/clients/{id}/legal-hold",
            "DELETE /api/v1/households/{id}/legal-hold",
            "POST /clients/{id}/release",
            "POST /settings/privacy/clients/{id}/release",
            "POST /settings/privacy/households/{id}/release",
        ],
    ),
    ("review.decide", &["POST /api/v1/review/{id}/decision", "POST /review/{id}/decision"]),
    (
        "revisions.cancel_preview",
        &["POST /api/v1/previews/{id}/cancel", "POST /settings/integrations/{name}/previews/{id}/cancel"],
    ),
    (
        "revisions.discard",
        &["DELETE /api/v1/revisions/{id}", "POST /settings/integrations/{name}/revisions/{revision}/discard"],
    ),
    ("revisions.keep_draft", &["POST /settings/integrations/{name}/revisions/{revision}/rules/{*file}"]),
    (
        "revisions.preview",
        &["POST /api/v1/revisions/{id}/preview", "POST /settings/integrations/{name}/revisions/{revision}/preview"],
    ),
    ("revisions.stage", &["POST /api/v1/revisions", "POST /settings/integrations/{name}/revisions"]),
    ("revisions.stage_edited", &["POST /api/v1/revisions/{id}/edit"]),
    ("runs.cancel", &["POST /api/v1/runs/{id}/cancel"]),
    ("runs.start", &["POST /api/v1/connections/{name}/sync", "POST /connections/{name}/sync"]),
    ("second_factor.new_recovery_codes", &["POST /account/second-factor/codes"]),
    ("second_factor.remove", &["POST /account/second-factor/remove"]),
    ("second_factor.set_up", &["POST /account/second-factor"]),
    ("teams.change", &["POST /people/teams/{id}", "PUT /api/v1/teams/{id}"]),
    ("teams.make", &["POST /api/v1/teams", "POST /people/teams"]),
    ("teams.remove", &["DELETE /api/v1/teams/{id}", "POST /people/teams/{id}/remove"]),
    ("tokens.make", &["POST /account/tokens", "POST /api/v1/tokens"]),
    ("tokens.revoke", &["DELETE /api/v1/tokens/{id}", "POST /account/tokens/{id}/revoke"]),
    ("uploads.upload", &["POST /api/v1/documents"]),
];

/// The addresses that are posted to and change nothing: what is typed is checked.
#[cfg(test)]
pub(super) const CHANGES_NOTHING: &[&str] =
    &["POST /api/v1/revisions/{id}/check", "POST /settings/integrations/{name}/revisions/{revision}/check"];

/// The methods and patterns of all changes.
#[cfg(test)]
pub fn places() -> impl Iterator<Item = &'static str> {
    CHANGES.iter().flat_map(|(_, places)| places.iter().copied())
}

/// What was refused by a route that has no verb of its own.
pub(super) const REQUEST: &str = "request";

/// The verbs that no address stands for alone: by another's button, by a site's way back, by the host itself.
const OTHERS: &[&str] = &[
    "audit.lost",
    "backups.restore",
    "connections.finish_authorisation",
    "household_access.join",
    "household_access.part",
    "openid.follow",
    "openid.retire",
    "openid.sign_in",
    "privacy.erase_again",
    REQUEST,
    "revisions.breaker",
    "revisions.discard_draft",
    "revisions.stage_draft",
    "revisions.take_in",
    "sync.begin",
    "sync.end",
    "tokens.use",
];

static VERBS: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
    let seen = ROUTES.iter().map(|route| route.verb);
    let done = CHANGES.iter().map(|(verb, _)| *verb);
    seen.chain(done).chain(OTHERS.iter().copied()).collect()
});

/// The verb of a change, by the method and the pattern of its address: `POST /api/v1/users`.
pub fn of_change(place: &str) -> Option<&'static str> {
    CHANGES.iter().find(|(_, places)| places.contains(&place)).map(|(verb, _)| *verb)
}

/// Whether entries have this verb.
pub fn is_verb(word: &str) -> bool {
    VERBS.contains(word)
}

/// The areas: what stands before the full stop of a verb, in their order.
pub fn areas() -> BTreeSet<&'static str> {
    VERBS.iter().map(|verb| area(verb)).collect()
}

/// Whether entries can be asked for by this word: a verb, or an area, which stands for all of its verbs.
pub fn is_known(word: &str) -> bool {
    is_verb(word) || areas().contains(word)
}

fn area(verb: &str) -> &str {
    verb.split_once('.').map_or(verb, |(area, _)| area)
}

/// All verbs and areas, in their order.
pub fn words() -> BTreeSet<&'static str> {
    VERBS.iter().copied().chain(areas()).collect()
}
