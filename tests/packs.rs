//! Revisions of packs: led through the gates, seen on the whole book beforehand, put in force, undone; and what is stored
//! mapped again by them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tidegate_tests::{Answer, Host, Setup, TOKEN, copy_pack, layers, without_examples, without_fixtures};

const ACTIVATE: &str = "/api/v1/connections/main/activate";
const ROLLBACK: &str = "/api/v1/connections/main/rollback";
const REVISIONS: &str = "/api/v1/revisions?connection=main";

/// A host whose pack may be edited; without its golden fixtures, which say what the rules are to do.
pub(crate) async fn host(clients: u32) -> Result<(Host, PathBuf)> {
    let host = Host::prepare(Setup::with_clients(clients)).await?;
    let pack = host.own_packs()?.join("xplan-au");
    copy_pack("xplan-au", &pack)?;
    without_fixtures(&pack)?;
    Ok((host, pack))
}

/// Rewrites a pack's rules or its base's; what is to be replaced has to be there.
pub fn edit(pack: &std::path::Path, changes: &[(&str, &str)]) -> Result<()> {
    for (from, to) in changes {
        let mut is_there = false;
        for path in layers(pack).map(|layer| layer.join("rules.toml")).filter(|path| path.exists()) {
            let rules = fs::read_to_string(&path)?;
            if rules.contains(from) {
                is_there = true;
                fs::write(&path, rules.replace(from, to))?;
            }
        }
        ensure!(is_there, "the rules have no {from:?}");
    }
    Ok(())
}

/// Nobody has a partner any more, and prospects stay out.
pub const NO_PARTNERS: [(&str, &str); 2] = [
    ("partner = \"partner_entity_id\"", "partner = \"no_such_field\""),
    ("come_over = [\"client\", \"prospect\",", "come_over = [\"client\","),
];

fn json_of(output: &Output) -> Result<Value> {
    serde_json::from_slice(&output.stdout).with_context(|| {
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    })
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// All of a list.
pub async fn all(host: &Host, path: &str) -> Result<Vec<Value>> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let mut page = host.get(&format!("/api/v1/{path}?limit=500{cursor}")).await?.ok()?;
        items.append(page["items"].as_array_mut().context("a list")?);
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(items),
        }
    }
}

/// What the mapping decides of all clients and households: neither when nor by which revision.
async fn book(host: &Host) -> Result<BTreeMap<String, Value>> {
    let mut book = BTreeMap::new();
    for kind in ["clients", "households", "goals", "covers"] {
        // What is gone from the CRM's lists is kept, and said to be.
        for mut one in all(host, kind).await?.into_iter().filter(|one| one["gone_since"].is_null()) {
            for member in ["revision", "changed_at", "origin"] {
                one.as_object_mut().context("an object")?.remove(member);
            }
            book.insert(format!("{kind} {}", text(&one["id"])), one);
        }
    }
    Ok(book)
}

/// The newest run that maps again what is stored, when it is done.
pub async fn mapped_again(host: &Host) -> Result<Value> {
    let is_done = |runs: &Value| runs["items"][0]["trigger"] == "revision" && runs["items"][0]["state"] == "done";
    Ok(host.wait_for("/api/v1/runs?limit=1", is_done).await?["items"][0].take())
}

#[tokio::test]
async fn what_a_preview_shows_is_what_happens_and_going_back_undoes_it() -> Result<()> {
    let (mut host, pack) = host(400).await?;
    host.restart().await?;
    host.sync_and_wait().await?;
    let before = book(&host).await?;
    let in_force = text(&host.get("/api/v1/connections/main").await?.ok()?["revision"]);

    edit(&pack, &NO_PARTNERS)?;
    let staged = host.run(&["pack", "stage", &pack.to_string_lossy(), "--connection", "main", "--json"]).await?;
    let staged = json_of(&staged)?;
    let revision = text(&staged["revision"]);
    ensure!(staged["state"] == "verified" && revision.len() == 12, "{staged}");
    let preview = host.run(&["pack", "preview", &revision, "--connection", "main", "--json"]).await?;
    ensure!(preview.status.success(), "{preview:?}");
    let preview = json_of(&preview)?;
    let (id, clients) = (text(&preview["id"]), &preview["clients"]);
    ensure!(preview["from"] == json!(in_force) && preview["to"] == json!(revision), "{preview}");
    ensure!(preview["compared_clients"] == 400 && preview["not_compared"] == 0, "{preview}");
    let [changed, skipped] = ["changed", "newly_skipped"].map(|what| clients[what].as_u64().unwrap_or_default());
    ensure!(changed > 50 && skipped > 5 && preview["is_large"] == true, "{clients}");
    let partner = preview["changes"].as_array().into_iter().flatten().find(|one| one["field"] == "partner_external_id");
    let partner = partner.context("the partner changes")?;
    ensure!(partner["count"] == changed && partner["emptied"] == changed, "{partner}");
    let example = &partner["examples"][0];
    ensure!(example["from"].is_string() && example["to"].is_null(), "{example}");
    let parting = preview["households"]["parting"]["count"].as_u64().unwrap_or_default();
    ensure!(parting > 20 && preview["households"]["joining"]["count"] == 0, "{}", preview["households"]);
    ensure!(preview["rules"].as_array().is_some_and(|rules| rules.len() == 2), "{}", preview["rules"]);
    ensure!(book(&host).await? == before, "a preview changes nothing");

    // Each record that would differ stands in the list, once.
    let path = format!("/api/v1/previews/{id}/differences?becomes=skipped&limit=500");
    let listed = host.get(&path).await?.ok()?;
    ensure!(listed["items"].as_array().is_some_and(|items| items.len() as u64 == skipped), "{listed}");
    let file = host.get(&format!("/api/v1/previews/{id}/file")).await?;
    ensure!(json!(file.text.lines().count()) == preview["differing"], "{}", file.text.lines().count());
    let table = host.run(&["pack", "preview", &revision, "--connection", "main"]).await?;
    let table = String::from_utf8(table.stdout)?;
    ensure!(table.contains(&format!("{changed}")) && !table.contains("on – records"), "{table}");
    let middle = host.get(&format!("/api/v1/previews/{id}/differences?cursor=3")).await?;
    ensure!(middle.status >= 400 && middle.status < 500, "a place that no page gave is refused: {}", middle.text);

    // So large a change is asked for twice; what was followed is spent.
    let at_once = host.run(&["pack", "activate", &revision, "--connection", "main"]).await?;
    let said = String::from_utf8_lossy(&at_once.stderr);
    ensure!(at_once.status.code() == Some(2) && said.contains("add --yes"), "{said}");
    let follow = json!({ "revision": revision, "preview": id });
    let refused = host.post(ACTIVATE, &follow).await?;
    ensure!(refused.status == 422 && refused.text.contains("/confirm"), "{}", refused.text);
    let other = json!({ "revision": in_force, "preview": id });
    ensure!(host.post(ACTIVATE, &other).await?.status == 409, "the preview is of another revision");
    let follow = json!({ "revision": revision, "preview": id, "confirm": revision });
    host.post(ACTIVATE, &follow).await?.ok()?;
    let twice = host.post(ACTIVATE, &follow).await?;
    ensure!(twice.status == 409 && twice.text.contains("followed already"), "{}", twice.text);

    let run = mapped_again(&host).await?;
    let counts = &run["counts"];
    ensure!(counts["changed"] == changed && counts["newly_left_out"] == skipped, "{clients} became {counts}");
    ensure!(counts["changed_fields"]["partner_external_id"] == changed && counts["requests"] == 0, "{counts}");
    let after = book(&host).await?;
    let households = |book: &BTreeMap<String, Value>| book.keys().filter(|key| key.starts_with("households")).count();
    ensure!(after != before && households(&after) > households(&before), "couples live apart");
    for (kind, list) in [("goal", "goals"), ("cover", "covers")] {
        let of = |book: &BTreeMap<String, Value>| book.keys().filter(|key| key.starts_with(list)).count();
        let gone = of(&before) - of(&after);
        ensure!(gone > 0 && preview["leaving"][kind] == gone, "{gone} {list} went, {} were told", preview["leaving"]);
    }
    let states = host.get("/api/v1/connections/main/revisions").await?.ok()?;
    let states: Vec<String> = states["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| format!("{} {}", text(&one["why"]), text(&one["state"])))
        .collect();
    ensure!(states == ["activated active", "staged active", "first retired"], "{states:?}");

    // The way back shows the same the other way round, and leads to what was.
    let back = host.post(&format!("/api/v1/revisions/{in_force}/preview?connection=main"), &Value::Null).await?.ok()?;
    ensure!(back["clients"]["newly_included"] == skipped, "{}", back["clients"]);
    ensure!(back["households"]["joining"]["count"] == parting, "{}", back["households"]);
    host.run(&["pack", "rollback", "--connection", "main", "--yes"]).await?;
    let run = mapped_again(&host).await?;
    ensure!(run["counts"]["returned"] == skipped, "{run}");
    let restored = book(&host).await?;
    for (key, was) in before.iter().filter(|(key, _)| !key.starts_with("households")) {
        ensure!(restored.get(key) == Some(was), "{key} was {was}, and is {:?}", restored.get(key));
    }
    ensure!(households(&restored) == households(&before), "{} {}", households(&restored), households(&before));
    // A change that changes nothing shows nothing.
    edit(&pack, &[(NO_PARTNERS[0].1, NO_PARTNERS[0].0), (NO_PARTNERS[1].1, NO_PARTNERS[1].0)])?;
    edit(&pack, &[("\"Missus\"", "\"Missus\", \"Missis\"")])?;
    let staged = host.post(REVISIONS, &Value::Null).await?.ok()?;
    let path = format!("/api/v1/revisions/{}/preview?connection=main", text(&staged["revision"]));
    let same = host.post(&path, &Value::Null).await?.ok()?;
    ensure!(same["state"] == "done" && same["differing"] == 0 && same["records"] != 0, "{same}");
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        host.post(&path, &Value::Null).await
    };
    let (again, meanwhile) = tokio::join!(host.post(&path, &Value::Null), meanwhile);
    let (again, meanwhile) = (again?.ok()?, meanwhile?.ok()?);
    ensure!(again["id"] != same["id"], "one that has ended is made anew: {again}");
    ensure!(meanwhile["id"] == again["id"], "one that is under way goes on: {meanwhile}");
    let stale = json!({ "revision": revision, "preview": id, "confirm": revision });
    ensure!(host.post(ACTIVATE, &stale).await?.status == 409, "a preview is followed once");
    Ok(())
}

/// The gates of a pack that was refused.
fn refused_by(answer: &Answer) -> Result<Value> {
    ensure!(answer.status == 422, "{} {}", answer.status, answer.text);
    answer.json()
}

#[tokio::test]
async fn each_gate_refuses_what_does_not_go_through_it_and_nothing_is_kept() -> Result<()> {
    let (mut host, pack) = host(3).await?;
    host.restart().await?;
    // Most of it stands in its base, which is in its folder.
    let base = pack.join("base");
    let whole = fs::read_to_string(base.join("rules.toml"))?;
    let component = fs::read(base.join("component.wasm"))?;
    let kept = || -> Result<usize> { Ok(fs::read_dir(host.folder().join("data/packs"))?.count()) };
    ensure!(kept()? == 1, "the revision in force is kept");
    let check = async |gate: &str, words: &str| -> Result<()> {
        let output = host.run(&["pack", "stage", "--connection", "main", "--json"]).await?;
        let staged = json_of(&output)?;
        let failed: Vec<&Value> =
            staged["gates"].as_array().into_iter().flatten().filter(|one| one["ok"] == false).collect();
        let is_named = failed.iter().any(|one| one["gate"] == gate && text(&one["reason"]).contains(words));
        ensure!(output.status.code() == Some(1) && staged["state"] == "refused" && is_named, "{gate}: {staged}");
        ensure!(staged["revision"].is_null() && kept()? == 1, "nothing is kept: {staged}");
        Ok(())
    };
    // The words that all CRMs have in common, one base further down.
    let words = base.join("base/rules.toml");
    let shared = fs::read_to_string(&words)?;
    let rewrite = |from: &str, to: &str| -> Result<()> {
        ensure!(shared.contains(from), "the rules have no {from:?}");
        Ok(fs::write(&words, shared.replacen(from, to, 1))?)
    };
    rewrite("[client.titles]", "[client.titels]")?;
    check("rules", "titels").await?;
    rewrite("Mr = [\"Mr\",", "Mr = [\"Mr\", \"Sir\",")?;
    check("examples", "a title that is none of the six").await?;
    check("examples", "remove = [\"/examples/a title that is none of the six\"]").await?;
    fs::write(&words, &shared)?;
    fs::write(base.join("rules.toml"), &whole[..whole.len() / 2])?;
    check("rules", "rules.toml").await?;
    fs::write(base.join("rules.toml"), &whole)?;

    for (bytes, gate, words) in [
        (b"not a component".to_vec(), "component", "component.wasm"),
        (component[..component.len() / 2].to_vec(), "component", "cut short"),
        (b"\0asm\x01\0\0\0".to_vec(), "component", "bare WebAssembly module"),
        (vec![0; 9 << 20], "size", "larger than"),
    ] {
        fs::write(base.join("component.wasm"), bytes)?;
        check(gate, words).await?;
    }
    fs::write(base.join("component.wasm"), &component)?;

    // The operator's own case, which stands beside the data and not in the pack.
    let cases = host.folder().join("data/cases/xplan-au");
    fs::create_dir_all(&cases)?;
    let case = json!({
        "name": "our VIP stays a client",
        "raw": { "kind": "client", "id": "7", "json": { "row": { "id": 7, "client_status": ["VIP"], "last_name": "Ash" } } },
        "outcome": { "outcome": "skipped" },
    });
    fs::write(cases.join("vip.json"), case.to_string())?;
    check("cases", "our VIP stays a client").await?;
    fs::remove_dir_all(&cases)?;

    // A component that says of itself that it reads another CRM.
    let pack_file = fs::read_to_string(base.join("pack.toml"))?;
    fs::write(base.join("component.wasm"), replaced(&component, b"\"crm\": \"xplan\"", b"\"crm\": \"zplan\""))?;
    fs::write(base.join("pack.toml"), pack_file.replace("crm = \"xplan\"", "crm = \"zplan\""))?;
    check("connection", "it reads the CRM `zplan`, and the connection's is `xplan`").await?;
    fs::write(base.join("component.wasm"), &component)?;
    fs::write(base.join("pack.toml"), pack_file)?;

    // By the API: archives that are none, another pack, and one that goes through.
    let send = async |bytes: Vec<u8>| {
        let request = host.http().post(host.url(REVISIONS)).bearer_auth(TOKEN);
        host.send(request.header(CONTENT_TYPE, "application/x-tar").body(bytes)).await
    };
    let refused = refused_by(&send(b"<html>a page</html>".repeat(50)).await?)?;
    ensure!(refused["state"] == "refused" && refused["gates"][0]["gate"] == "folder", "{refused}");
    let archive = host.folder().join("nz.tar");
    let other = PathBuf::from(std::env::var("TIDEGATE_PACKS")?).join("xplan-nz");
    let saved = host.run(&["pack", "save", &other.to_string_lossy(), &archive.to_string_lossy()]).await?;
    ensure!(saved.status.success(), "{saved:?}");
    let refused = refused_by(&send(fs::read(&archive)?).await?)?;
    let gates = refused["gates"].to_string();
    ensure!(gates.contains("connection") && gates.contains("xplan-nz") && kept()? == 1, "{refused}");
    rewrite("\"Missus\"", "\"Missus\", \"Missis\"")?;
    host.run(&["pack", "save", &pack.to_string_lossy(), &archive.to_string_lossy()]).await?;
    fs::remove_dir_all(&pack)?;
    let verified = send(fs::read(&archive)?).await?.ok()?;
    ensure!(verified["state"] == "verified" && kept()? == 2, "{verified}");
    let revision = text(&verified["revision"]);
    let again = send(fs::read(&archive)?).await?.ok()?;
    ensure!(again["revision"] == json!(revision) && kept()? == 2, "{again}");

    // One that is no longer wanted goes; the one in force stays.
    let discarded = host.run(&["pack", "discard", &revision, "--connection", "main"]).await?;
    ensure!(discarded.status.success() && kept()? == 1, "{discarded:?}");
    let gone = host.post(ACTIVATE, &json!({ "revision": revision })).await?;
    ensure!(gone.status == 409 && gone.text.contains("never had a revision"), "{}", gone.text);
    let odd = host.post(ACTIVATE, &json!({ "revision": "x".repeat(100_000) })).await?;
    ensure!(odd.status == 422 && odd.text.len() < 1_000, "{}", odd.text);
    Ok(())
}

/// Bytes with each of some others in place of these, which are as many.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let places: Vec<usize> = (0..=bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    places.into_iter().for_each(|at| bytes[at..at + to.len()].copy_from_slice(to));
    bytes
}

/// Killed while what is stored is mapped again, the host goes on when it comes up.
#[tokio::test]
async fn mapping_again_goes_on_after_a_kill() -> Result<()> {
    let (mut host, pack) = host(6_000).await?;
    host.restart().await?;
    host.sync_and_wait().await?;
    edit(&pack, &NO_PARTNERS)?;
    let staged = host.post(REVISIONS, &Value::Null).await?.ok()?;
    let revision = text(&staged["revision"]);
    host.post(ACTIVATE, &json!({ "revision": revision })).await?.ok()?;
    host.kill().await?;
    host.restart().await?;
    ensure!(host.get("/api/v1/connections/main").await?.ok()?["revision"] == json!(revision), "what was in force is");
    mapped_again(&host).await?;
    for client in all(&host, "clients").await? {
        ensure!(client["revision"] == json!(revision) && client["partner_external_id"].is_null(), "{client}");
    }
    host.post(ROLLBACK, &json!({})).await?.ok()?;
    mapped_again(&host).await?;
    ensure!(all(&host, "clients").await?.iter().any(|client| client["partner_external_id"].is_string()), "and back");
    Ok(())
}

/// Rules that know goals and cover by another id make others of them; going back leaves none of these.
#[tokio::test]
async fn what_only_the_revision_that_is_left_made_goes_with_it() -> Result<()> {
    let (mut host, pack) = host(120).await?;
    host.restart().await?;
    host.sync_and_wait().await?;
    let before = book(&host).await?;
    // Its examples say by what cover is known.
    without_examples(&pack)?;
    edit(&pack, &[("[cover.fields]\nid = \"index\"", "[cover.fields]\nid = \"policy_number\"")])?;
    let staged = host.post(REVISIONS, &Value::Null).await?.ok()?;
    let revision = text(&staged["revision"]);
    ensure!(staged["state"] == "verified", "{staged}");
    let preview =
        host.post(&format!("/api/v1/revisions/{revision}/preview?connection=main"), &Value::Null).await?.ok()?;
    ensure!(preview["is_large"] == true && preview["clients"]["changed"] == 0, "the lists count, too: {preview}");
    // Six at once: one of them follows the preview.
    let follow = json!({ "revision": revision, "preview": preview["id"], "confirm": revision });
    let send = || host.post(ACTIVATE, &follow);
    let (a, b, c, d, e, f) = tokio::join!(send(), send(), send(), send(), send(), send());
    let mut statuses: Vec<u16> =
        [a, b, c, d, e, f].into_iter().map(|answer| anyhow::Ok(answer?.status)).collect::<Result<_>>()?;
    statuses.sort_unstable();
    ensure!(statuses == [200, 409, 409, 409, 409, 409], "{statuses:?}");
    let run = mapped_again(&host).await?;
    ensure!(run["counts"]["covers"]["gone"] != 0 && run["counts"]["covers"]["created"] != 0, "{run}");
    host.sync_and_wait().await?;
    host.post(ROLLBACK, &json!({})).await?.ok()?;
    mapped_again(&host).await?;
    host.sync_and_wait().await?;
    let after = book(&host).await?;
    ensure!(after.len() == before.len(), "{} became {}", before.len(), after.len());
    for (key, was) in &before {
        ensure!(after.get(key) == Some(was), "{key} was {was}, and is {:?}", after.get(key));
    }
    // What is staged later pushes nothing out that can be gone back to.
    for number in 0..11 {
        let (from, to) = (number, number + 1);
        let words = |number: i32| format!("\"Missus\", \"Missis{number}\"");
        let from = if from == 0 { "\"Missus\"".to_owned() } else { words(from) };
        edit(&pack, &[(&from, &words(to))])?;
        host.post(REVISIONS, &Value::Null).await?.ok()?;
    }
    host.post(ROLLBACK, &json!({})).await?.ok()?;
    mapped_again(&host).await?;
    Ok(())
}

/// A fixture that is made of a record shows what becomes of it, tells of nobody, and holds as a case of the practice's own.
#[tokio::test]
async fn a_record_becomes_a_fixture_that_tells_of_nobody() -> Result<()> {
    let (mut host, _) = host(40).await?;
    host.restart().await?;
    host.sync_and_wait().await?;
    let cases = host.folder().join("data/cases/xplan-au");
    fs::create_dir_all(&cases)?;
    let mut made = 0;
    for (number, client) in all(&host, "clients").await?.into_iter().take(12).enumerate() {
        let id = text(&client["external_id"]);
        let mut output = host.run(&["pack", "fixture", &id, "--connection", "main"]).await?;
        if output.status.code() == Some(1) {
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            ensure!(told.contains("stay as they are"), "{told}");
            // The type of a date, which the CRM writes beside it, tells of nobody.
            if told.matches('/').count() != "/row/fields/dob/_type".matches('/').count() || !told.contains("/_type") {
                continue;
            }
            output = host.run(&["pack", "fixture", &id, "--connection", "main", "--keep"]).await?;
        }
        ensure!(output.status.success(), "{output:?}");
        let fixture = String::from_utf8(output.stdout)?;
        for field in ["last_name", "email", "mobile", "address_line_1", "external_id"] {
            let value = text(&client[field]);
            ensure!(value.len() < 4 || !fixture.contains(&value), "{field} {value:?} is in {fixture}");
        }
        fs::write(cases.join(format!("{number}.json")), fixture)?;
        made += 1;
    }
    ensure!(made > 3, "{made} of 12");
    let staged = json_of(&host.run(&["pack", "stage", "--connection", "main", "--json"]).await?)?;
    ensure!(staged["state"] == "verified", "each comes out as it says: {staged}");
    let unknown = host.run(&["pack", "fixture", "no-such-client", "--connection", "main"]).await?;
    let told = String::from_utf8_lossy(&unknown.stderr).into_owned();
    ensure!(unknown.status.code() == Some(1) && told.contains("no client record `no-such-client` came"), "{told}");
    Ok(())
}
