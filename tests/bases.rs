//! Packs that extend a base: one for a region that is not shipped, made of tables alone; and what becomes of both when either
//! changes or is missing.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup, copy_folder, copy_pack};

use crate::packs::{mapped_again, text};
use crate::watched::{RESTED, is, until};

const PACK: &str = "acme-fj";

/// A pack for Fiji: what differs there, as an operator writes it.
fn write_pack(folder: &Path) -> Result<()> {
    let files = [
        (
            "pack.toml",
            "name = \"acme-fj\"\nversion = \"1\"\nextends = \"xplan-base\"\nregion = \"FJ\"\n\n[address]\nstates = \"/client/address_form/states\"\n",
        ),
        (
            "rules.toml",
            r#"[dates]
time_zone = "Pacific/Fiji"
clocks = ["+12:00", "+13:00"]

[client.mobile]
dialling_prefixes = ["00"]
home_code = "679"

[client.mobile.plans]
679 = ["7", "8", "9"]

[client.address_form]
home_country = "FJ"
postcode = "9999"

[client.address_form.states]
C = ["Central"]
E = ["Eastern"]
N = ["Northern"]
W = ["Western"]

[goal]
currency = "FJD"

[cover]
currency = "FJD"

[[examples]]
name = "a client of Lautoka"
row = { client_status = ["Client"], title = "Mr", first_name = "Sitiveni", last_name = "Vakarau", preferred_email = "siti@example.com" }
contact = [{ type = "mobile", value = "+679 701 2345", preferred = true }]
address = [{ type = "residential", street = "7 Sea Rd", suburb = "Lautoka", state = "Western", postcode = "0107", country = "Fiji", preferred = true }]
expect = { mobile = "+6797012345", state = "W", postcode = "0107", country_code = "FJ" }
codes = []
"#,
        ),
        ("documents/region.typ", "#let region = \"FJ\"\n#let home-currency = \"FJD\"\n"),
        ("documents/best-life-plan.exported.json", ""),
        ("documents/investment-preferences.exported.json", ""),
        ("fixtures/goal.json", GOAL),
    ];
    let shipped = std::env::var("TIDEGATE_PACKS")?;
    for (file, content) in files {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        if content.is_empty() {
            // The samples are another region's.
            fs::copy(Path::new(&shipped).join("xplan-nz").join(file), path)?;
        } else {
            fs::write(path, content)?;
        }
    }
    Ok(())
}

const GOAL: &str = r#"{"name": "A goal in the money of the region",
 "raw": {"kind": "goal", "id": "7", "json": {"goals": [{"index": 1, "fields": {
   "owner": "client", "category": 5, "description": "Retire", "target_amount": "-1500"}}]}},
 "outcome": {"verdict": "mapped", "diagnostics": [], "records": [{"kind": "goal", "external_id": "7/1", "owner": "client",
   "category": "Retirement", "name": "Retire", "target_date": null, "estimated_cost": {"amount": "1500", "currency": "FJD"},
   "outlook": "will_have_less_money", "extensions": []}]}}"#;

/// A host whose connection is mapped by the pack for Fiji, beside the shipped base.
async fn host(more: &str) -> Result<Host> {
    let mut setup = Setup { settings: more.to_owned(), ..Setup::with_clients(40) };
    setup.pack = PACK.to_owned();
    let host = Host::prepare(setup).await?;
    let packs = host.own_packs()?;
    copy_pack("xplan-base", &packs.join("xplan-base"))?;
    write_pack(&packs.join(PACK))?;
    Ok(host)
}

async fn json(host: &Host, arguments: &[&str]) -> Result<Value> {
    let output = host.run(arguments).await?;
    serde_json::from_slice(&output.stdout).with_context(|| {
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    })
}

#[tokio::test]
async fn a_region_that_is_not_shipped_is_a_folder_of_tables() -> Result<()> {
    let mut host = host("").await?;
    let listed = json(&host, &["pack", "list", "--json"]).await?;
    ensure!(listed[0]["pack"]["region"] == "FJ" && listed[0]["problem"].is_null(), "{listed}");
    ensure!(listed[1]["base"]["name"] == "xplan-base" && listed[1]["pack"].is_null(), "{listed}");
    host.restart().await?;
    host.sync_and_wait().await?;
    let connection = host.get("/api/v1/connections/main").await?.ok()?;
    ensure!(connection["region"] == "FJ" && connection["pack"] == PACK, "{connection}");
    let goals = host.get("/api/v1/goals?limit=500").await?.ok()?;
    ensure!(goals["items"].as_array().is_some_and(|goals| !goals.is_empty()), "{goals}");
    let first = text(&connection["revision"]);

    // A row of the base changes, and the pack for Fiji is another by it, though none of its own files is.
    let rules = host.folder().join("packs/xplan-base/rules.toml");
    let shipped = fs::read_to_string(&rules)?;
    fs::write(&rules, shipped.replace("monthly = [\"Monthly\"]", "monthly = [\"Each month\"]"))?;
    let staged = json(&host, &["pack", "stage", "--connection", "main", "--json"]).await?;
    let second = text(&staged["revision"]);
    ensure!(staged["state"] == "verified" && second != first, "{staged}");
    let preview = json(&host, &["pack", "preview", &second, "--connection", "main", "--json"]).await?;
    let changes = preview["changes"].as_array().cloned().unwrap_or_default();
    ensure!(changes.iter().any(|one| one["kind"] == "cover" && one["field"] == "premium_frequency"), "{preview}");
    ensure!(host.get("/api/v1/connections/main").await?.ok()?["revision"] == first.as_str(), "nothing is in force yet");
    let activated = host.run(&["pack", "activate", &second, "--connection", "main", "--yes"]).await?;
    ensure!(activated.status.success(), "{activated:?}");
    mapped_again(&host).await?;

    // What is kept is whole: without the packs' folder the host starts on it, and goes back to the one before.
    fs::remove_dir_all(host.folder().join("packs"))?;
    host.stop().await?;
    host.restart().await?;
    let now = host.get("/api/v1/connections/main").await?.ok()?;
    ensure!(now["problem"].is_null() && now["revision"] == second.as_str(), "{now}");
    let inspected = json(&host, &["pack", "inspect", &second, "--json"]).await?;
    ensure!(
        inspected["layers"] == json!([PACK, "xplan-base", "practice-base"]) && inspected["region"] == "FJ",
        "{inspected}"
    );
    let toml = host.run(&["pack", "inspect", &second, "--joined"]).await?;
    let toml = String::from_utf8(toml.stdout)?;
    ensure!(toml.contains("home_code = \"679\"  # rules.toml:7"), "{toml}");
    ensure!(toml.contains("monthly = [\"Each month\"]  # xplan-base/rules.toml:"), "{toml}");
    let rolled_back = host.run(&["pack", "rollback", "--connection", "main"]).await?;
    ensure!(rolled_back.status.success(), "{rolled_back:?}");
    mapped_again(&host).await?;
    ensure!(host.get("/api/v1/connections/main").await?.ok()?["revision"] == first.as_str(), "the first is in force");
    Ok(())
}

#[tokio::test]
async fn a_pack_that_came_before_its_base_is_staged_as_soon_as_that_is_there() -> Result<()> {
    let mut host = host("\n[packs]\nwatch-dir = \"incoming\"\n").await?;
    let (packs, incoming) = (host.folder().join("packs"), host.folder().join("incoming"));
    fs::create_dir_all(&incoming)?;
    host.restart().await?;
    // The base is gone from the packs, and comes later.
    fs::rename(packs.join("xplan-base"), host.folder().join("base"))?;
    let own = incoming.join(PACK);
    copy_folder(&packs.join(PACK), &own)?;
    let refused = until(&host, is(PACK, "refused")).await?;
    let reason = text(&refused["reason"]);
    ensure!(reason.contains("it extends `xplan-base`, and there is none"), "{refused}");
    ensure!(refused["next_try_at"].is_string() && refused["connection"] == "main", "{refused}");
    copy_folder(&host.folder().join("base"), &incoming.join("xplan-base"))?;
    let base = until(&host, is("xplan-base", "base")).await?;
    ensure!(base["reason"].is_null() && base["connection"].is_null(), "{base}");
    let staged = until(&host, is(PACK, "staged")).await?;
    let listed = host.run(&["pack", "incoming"]).await?;
    ensure!(listed.status.success(), "a base is nothing that is refused: {listed:?}");

    // Another base makes another pack of what extends it, and the same again none.
    let rules = incoming.join("xplan-base/base/rules.toml");
    fs::write(&rules, fs::read_to_string(&rules)?.replace("\"Missus\"", "\"Missus\", \"Missis\""))?;
    let other = until(&host, |one| is(PACK, "staged")(one) && one["revision"] != staged["revision"]).await?;
    ensure!(other["connection"] == "main", "{other}");
    let history = host.get("/api/v1/connections/main/revisions").await?.ok()?;
    let count = history["items"].as_array().map(Vec::len);
    fs::write(&rules, fs::read_to_string(&rules)?)?;
    tokio::time::sleep(RESTED).await;
    let after = host.get("/api/v1/connections/main/revisions").await?.ok()?;
    ensure!(after["items"].as_array().map(Vec::len) == count, "{after}");
    Ok(())
}

#[tokio::test]
async fn a_base_is_no_pack_of_a_connection_and_what_is_sent_needs_no_base_of_its_own() -> Result<()> {
    let mut host = host("").await?;
    host.restart().await?;
    let body = json!({"name": "second", "title": "Second", "pack": "xplan-base", "forward_host": "acme.xplan.iress.com.au",
        "enabled": false, "confirms_preflight": true, "auth": {"mode": "basic", "username": "a", "password": "b"}});
    let refused = host.post("/api/v1/connections", &body).await?;
    ensure!(refused.status != 201 && refused.text.contains("is a base"), "{} {}", refused.status, refused.text);

    // Sent with its base beside it, and alone: the host has one.
    let elsewhere = host.folder().join("elsewhere");
    copy_folder(&host.folder().join("packs"), &elsewhere)?;
    let stage = async |host: &Host| {
        let folder = elsewhere.join(PACK).display().to_string();
        json(host, &["pack", "stage", &folder, "--connection", "main", "--json"]).await
    };
    let with_base = stage(&host).await?;
    fs::remove_dir_all(elsewhere.join("xplan-base"))?;
    let alone = stage(&host).await?;
    ensure!(with_base["state"] == "verified" && with_base["revision"] == alone["revision"], "{with_base} {alone}");
    fs::remove_dir_all(host.folder().join("packs/xplan-base"))?;
    let refused = stage(&host).await?;
    ensure!(refused["state"] == "refused" && refused.to_string().contains("it extends `xplan-base`"), "{refused}");
    Ok(())
}
