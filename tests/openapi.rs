//! The API's document, held against the API by a program that knows nothing but the document: every operation with what
//! its schema allows, and with what it does not.

use std::env;
use std::fmt::Write as _;
use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup, TOKEN};
use tokio::process::Command;

/// Operations whose bodies are judged by what they mean, too: `+61000` is a number as the schema wants it, and nobody's; the
/// name that confirms an erasure is the client's.
const JUDGED_BY_MEANING: [&str; 28] = [
    "accept_event",
    "add_connection",
    "add_user",
    "bring_import",
    "change_connection",
    "change_household",
    "change_team",
    "change_user",
    "check_revision_files",
    "decide_import_row",
    "edit_client",
    "edit_note",
    "erase_client",
    "erase_record",
    "hand_over_households",
    "hold_client",
    "hold_household",
    "link_client",
    "make_client",
    "make_team",
    "make_token",
    "open_in_emergency",
    "review_emergency",
    "set_default_primary",
    "set_household_access",
    "stage_edited_revision",
    "stage_revision",
    "upload_document",
];

/// Operations with parameters of which one needs, or rules out, another: no schema of a query can say that. A cursor of
/// one search is none of another's.
const PARAMETERS_TOGETHER: [&str; 7] =
    ["export_audit", "list_audit", "list_clients", "list_covers", "list_event_types", "list_goals", "list_households"];

/// Lists that are one page at most here, so that there is no cursor that they gave.
const ONE_PAGE: [&str; 22] = [
    "list_account_households",
    "list_advisers",
    "list_backups",
    "list_client_extensions",
    "list_client_households",
    "list_connection_revisions",
    "list_emergency_access",
    "list_due_for_erasure",
    "list_erasures",
    "list_incoming_packs",
    "list_legal_holds",
    "list_preview_differences",
    "list_preview_notes",
    "list_previews",
    "list_quarantine",
    "list_review",
    "list_revision_files",
    "list_run_changes",
    "list_sessions",
    "list_teams",
    "list_tokens",
    "list_users",
];

#[tokio::test]
async fn the_api_does_what_its_document_says() -> Result<()> {
    // `cargo xtask test` sees to it where it can, and says so where it cannot.
    let Some(program) = env::var_os("SCHEMATHESIS") else { return Ok(()) };
    let mut host = Host::start(Setup::with_clients(60)).await?;
    let settings = host.folder().join("schemathesis.toml");
    fs::write(&settings, settings_for(&host).await?)?;
    // One worker: Python 3.11 counts the depth of syntax trees for all threads together, and two of them fall over it.
    let output = Command::new(program)
        .arg("--config-file")
        .arg(&settings)
        .args(["run", &host.url("/api/openapi.json"), "--phases", "examples,coverage", "--continue-on-failure"])
        .args(["--generation-deterministic", "--no-color", "--workers", "1", "--request-timeout", "30"])
        .args(["-H", &format!("Authorization: Bearer {TOKEN}")])
        .current_dir(host.folder())
        .output()
        .await?;
    // Events that it made are on their way.
    host.leave_unquiet();
    let said = String::from_utf8_lossy(&output.stdout);
    let failures = said.find("= FAILURES =").map_or(&*said, |at| &said[at..]);
    ensure!(output.status.success(), "{failures}\n{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Real ids and cursors for the operations that take one, so that they get further than "there is no such thing".
async fn settings_for(host: &Host) -> Result<String> {
    let book = Practice::of(host).await?;
    let mut settings = String::new();
    let mut operation = |id: &str, parameters: &[(&str, &str)]| {
        let parameters: Vec<String> = parameters.iter().map(|(name, value)| format!("{name:?} = {value:?}")).collect();
        let parameters = parameters.join(", ");
        let more: &[u16] = match id {
            // An invented `If-Match` is of no version.
            "change_team" | "set_household_access" => &[412, 422],
            id if JUDGED_BY_MEANING.contains(&id) => &[422],
            id if PARAMETERS_TOGETHER.contains(&id) || ONE_PAGE.contains(&id) => &[400, 422],
            _ => &[],
        };
        let _ = writeln!(settings, "[[operations]]\ninclude-operation-id = {id:?}\nparameters = {{ {parameters} }}");
        if !more.is_empty() {
            let statuses = ["2xx", "3xx", "401", "403", "404", "409", "429", "5xx"];
            let statuses = statuses.map(str::to_owned).into_iter().chain(more.iter().map(u16::to_string));
            let statuses: Vec<String> = statuses.collect();
            let _ = writeln!(settings, "checks.positive_data_acceptance.expected-statuses = {statuses:?}");
        }
    };
    for (id, list) in LISTS {
        let path = list.replace("{run}", &book.run).replace("{import}", &book.import);
        let page = host.get(&format!("{path}?limit=1")).await?.ok()?;
        let mut parameters = Vec::new();
        if let Some(cursor) = page["next"].as_str() {
            parameters.push(("query.cursor", cursor));
        }
        if list.contains("{run}") {
            parameters.push(("path.id", &*book.run));
        }
        if list.contains("{import}") {
            parameters.push(("path.id", &*book.import));
        }
        ensure!(page["next"].is_string(), "{list} has one page only: {page}");
        operation(id, &parameters);
    }
    for (id, value) in [
        ("get_client", &book.client),
        ("edit_client", &book.client),
        ("explain_client", &book.client),
        ("sync_client", &book.client),
        ("change_household", &book.household),
        ("get_household", &book.household),
        ("get_note", &book.note),
        ("retry_note", &book.note),
        ("get_run", &book.run),
        ("follow_run", &book.run),
        ("get_import", &book.import),
    ] {
        operation(id, &[("path.id", value)]);
    }
    for id in ONE_PAGE.into_iter().chain(["export_audit"]) {
        operation(id, &[]);
    }
    for id in JUDGED_BY_MEANING.into_iter().filter(|id| !matches!(*id, "edit_client" | "change_household")) {
        operation(id, &[]);
    }
    Ok(settings)
}

/// Lists that have more than one item here, by their operations.
const LISTS: [(&str, &str); 12] = [
    ("list_audit", "/api/v1/audit"),
    ("list_clients", "/api/v1/clients"),
    ("list_connections", "/api/v1/connections"),
    ("list_covers", "/api/v1/covers"),
    ("list_documents", "/api/v1/documents"),
    ("list_event_types", "/api/v1/events/types"),
    ("list_goals", "/api/v1/goals"),
    ("list_households", "/api/v1/households"),
    ("list_imports", "/api/v1/imports"),
    ("list_import_rows", "/api/v1/imports/{import}/rows"),
    ("list_notes", "/api/v1/notes"),
    ("list_runs", "/api/v1/runs"),
];

/// A book, and what was done with it.
struct Practice {
    client: String,
    household: String,
    note: String,
    run: String,
    import: String,
}

impl Practice {
    async fn of(host: &Host) -> Result<Self> {
        host.sync_and_wait().await?;
        let run = host.sync_and_wait().await?;
        let client = host.get("/api/v1/clients?limit=1").await?.ok()?["items"][0].take();
        let id = |value: &Value| value.as_str().map(ToOwned::to_owned).context("it has an id");
        let household = id(&client["household_id"])?;
        let connection = json!({
            "name": "second", "title": "Second", "crm": "xplan", "pack": "xplan-au", "enabled": false,
            "forward_host": "acme.xplan.iress.com.au",
            "auth": { "mode": "basic", "username": "svc", "password": "invented-password" },
        });
        host.post("/api/v1/connections", &connection).await?.ok()?;
        let mut note = Value::Null;
        for key in ["one", "two"] {
            let exported = json!({
                "type": "best-life-plan.exported", "household_id": household,
                "occurred_at": "2026-03-01T02:00:00Z", "data": {},
            });
            note = host.post_event(key, &exported).await?.ok()?;
        }
        let mut import = Value::Null;
        for _ in 0..2 {
            let list =
                "First Name,Last Name,Email,Xplan ID\nAyda,Khan,ayda@example.com,1\nNoah,Lee,noah@example.com,2\n";
            let url = host.url("/api/v1/imports?connection=main");
            let request = host.http().post(url).bearer_auth(TOKEN).header("content-type", "text/csv").body(list);
            import = host.send(request).await?.ok()?;
        }
        Ok(Self {
            client: id(&client["id"])?,
            household,
            note: id(&note["id"])?,
            run: id(&run["id"])?,
            import: id(&import["id"])?,
        })
    }
}
