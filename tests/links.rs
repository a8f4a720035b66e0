//! Saying by hand which record of the CRM a client is: by the one spelling of its id that the CRM has.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup, TOKEN};

/// Spellings of `id`, each of which a person may write for it or a program may try.
fn spellings(id: &str) -> Vec<String> {
    let full_width = id.chars().filter_map(|digit| char::from_u32(u32::from(digit) + 0xfee0)).collect();
    let mut spellings = vec![
        format!("0{id}"),
        format!("000{id}"),
        format!("+{id}"),
        format!("{id}e0"),
        format!("{id}/contact"),
        format!("{id}.5"),
        format!("-{id}"),
        format!("0x{id}"),
        format!("{id} {id}"),
        format!("0{id}.0"),
        full_width,
    ];
    // These are the same number beyond doubt.
    spellings.extend([format!("{id}.0"), format!("'{id}"), format!(" {id} "), format!("\u{200b}{id}"), id.to_owned()]);
    spellings.extend(["abc", "0", "../../session/user", "1234567890123456789", "4.8E+07"].map(str::to_owned));
    spellings
}

/// What a door makes of a spelling: the id that it read and found taken, or why there is none.
fn verdict(said: &str, id: &str) -> String {
    if said.contains(&format!("{id} is linked to another client")) {
        return "the same id".to_owned();
    }
    for (part, verdict) in [
        ("is not a number. Write it in digits alone", "not a number"),
        ("begins with 0 or has more than 18 digits. Copy the ID from the CRM", "not the CRM's"),
        ("was shortened by a spreadsheet program", "shortened"),
    ] {
        if said.contains(part) {
            return verdict.to_owned();
        }
    }
    format!("none of these: {said}")
}

#[tokio::test]
async fn another_spelling_of_an_id_is_judged_alike_by_the_interface_the_page_and_a_list() -> Result<()> {
    let host = Host::start(Setup::with_clients(20)).await?;
    host.sync_and_wait().await?;
    let cookie = host.sign_up().await?;
    let list = host.get("/api/v1/clients?limit=1").await?.ok()?;
    let id = list["items"][0]["external_id"].as_str().context("somebody is linked")?.to_owned();
    let ayda = json!({"first_name": "Ayda", "last_name": "Khan", "email": "ayda.khan@example.com"});
    let ayda = host.post("/api/v1/clients", &ayda).await?.ok()?;
    let ayda = ayda["id"].as_str().context("a client has an id")?;

    let mut verdicts = Vec::new();
    for spelling in spellings(&id) {
        let body = json!({"connection": "main", "external_id": spelling});
        let api = host.post(&format!("/api/v1/clients/{ayda}/link"), &body).await?;
        ensure!(api.status == 422 && api.text.contains("/external_id"), "{spelling}: {}", api.text);

        let page = host.http().post(host.url(&format!("/clients/{ayda}/link"))).header("cookie", &cookie);
        let form = [("connection", "main"), ("external_id", &spelling)];
        let page = host.send(page.header("sec-fetch-site", "same-origin").form(&form)).await?;
        ensure!((400..500).contains(&page.status), "{spelling}: {}", page.status);

        let list = format!("First Name,Last Name,Email,Xplan ID\nAyda,Khan,ayda.khan@example.com,{spelling}\n");
        let import = host.http().post(host.url("/api/v1/imports?connection=main")).bearer_auth(TOKEN);
        let import = host.send(import.header("content-type", "text/csv").body(list)).await?.ok()?;
        let rows = format!("/api/v1/imports/{}/rows", import["id"].as_str().context("a list has an id")?);
        let row = host.get(&rows).await?.ok()?["items"][0].take();
        // Who is linked already is found by the id that was read.
        let read = row["external_id"] == id.as_str();
        let listed = if read { format!("{id} is linked to another client") } else { row.to_string() };

        let of = |said: &str| verdict(said, &id);
        ensure!(of(&api.text) == of(&page.text), "{spelling}: {} and {}", api.text, page.text);
        ensure!(of(&api.text) == of(&listed), "{spelling}: {} and {row}", api.text);
        verdicts.push((spelling, of(&api.text)));
    }
    let same: Vec<&str> = verdicts
        .iter()
        .filter(|(_, verdict)| verdict == "the same id")
        .map(|(spelling, _)| spelling.as_str())
        .collect();
    ensure!(same.len() == 5 && same.contains(&&*id), "{verdicts:?}");
    ensure!(!verdicts.iter().any(|(_, verdict)| verdict.starts_with("none of these")), "{verdicts:?}");
    let client = host.get(&format!("/api/v1/clients/{ayda}")).await?.ok()?;
    ensure!(client["external_id"].is_null(), "{client}");
    Ok(())
}

#[tokio::test]
async fn what_is_no_id_is_not_asked_of_the_crm() -> Result<()> {
    let host = Host::start(Setup::with_clients(5)).await?;
    for given in ["30011%2Fcontact", "030011", "abc", "%2B30011"] {
        let sync = host.post(&format!("/api/v1/connections/main/clients/{given}/sync"), &Value::Null).await?;
        ensure!(sync.status == 400 && sync.text.contains("The CRM was not asked"), "{given}: {}", sync.text);
        let list = host.get(&format!("/api/v1/clients?external_id={given}")).await?;
        ensure!(list.status == 400 && list.text.contains("The ID `"), "{given}: {}", list.text);
    }
    Ok(())
}
