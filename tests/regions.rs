//! Regions and the fields that their packs add: the number that a state gave to a person comes over, is hidden wherever it is
//! not asked for, and stands in no log.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup};
use xplan_sandbox::Region;

fn setup(clients: u32, region: Region, pack: &str, dialect: &str) -> Setup {
    let mut setup = Setup { dialect: dialect.to_owned(), pack: pack.to_owned(), ..Setup::with_clients(clients) };
    setup.site.region = region;
    setup
}

/// Every item of a list.
async fn all(host: &Host, list: &str) -> Result<Vec<Value>> {
    let (mut items, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = host.get(&format!("/api/v1/{list}?limit=500{cursor}")).await?.ok()?;
        items.extend(page["items"].as_array().context("a list")?.iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(items),
        }
    }
}

/// The value of a client's extension, from the call that answers what is sensitive.
async fn number(host: &Host, client: &Value, name: &str) -> Result<Value> {
    let id = client["id"].as_str().context("an id")?;
    let found = host.get(&format!("/api/v1/clients/{id}/extensions")).await?.ok()?;
    let items = found["items"].as_array().context("a list")?;
    items.iter().find(|item| item["name"] == name).cloned().context("the extension is declared")
}

#[tokio::test]
async fn a_sensitive_number_is_shown_to_who_asks_for_it_and_stands_nowhere_else() -> Result<()> {
    let host = Host::start(setup(60, Region::Nz, "xplan-nz", "resourceful")).await?;
    let site = host.crm();
    let couple = site.book(|book| book.showcase(2026));
    let [abigail, _] = site.add_couple(couple);
    host.sync_and_wait().await?;
    let found = host.get(&format!("/api/v1/clients?external_id={abigail}")).await?.ok()?["items"][0].clone();
    let (id, household) = (found["id"].as_str().context("an id")?, found["household_id"].as_str().context("one")?);

    // In the record and in lists: that there is one.
    let hidden = json!([{"name": "ird_number", "value": null, "sensitive": true}]);
    ensure!(found["extensions"] == hidden, "{found}");
    let asked = number(&host, &found, "ird_number").await?;
    let expected =
        json!({"name": "ird_number", "label": "IRD number", "type": "text", "value": "049091850", "sensitive": true});
    ensure!(asked == expected, "{asked}");

    // On the pages: masked, until somebody presses the button.
    let cookie = host.sign_up().await?;
    let open = async |path: &str| -> Result<String> {
        Ok(host.send(host.http().get(host.url(path)).header("cookie", &cookie)).await?.text)
    };
    let page = open(&format!("/households/{household}")).await?;
    ensure!(page.contains("<dt>IRD number</dt>") && page.contains("••••••850"), "{page}");
    ensure!(!page.contains("049091850") && !page.contains("49-091-850"), "{page}");
    let shown = host.press(&format!("/households/{household}/clients/{id}/reveal"), &cookie).await?;
    ensure!(shown.status == 200 && shown.text.contains("049091850"), "{} {}", shown.status, shown.text);
    ensure!(shown.header("cache-control").contains("no-store"), "{}", shown.header("cache-control"));
    let explained = open(&format!("/households/{household}/clients/{id}/explain")).await?;
    ensure!(explained.contains("IRD number") && explained.contains("nz-ird-number"), "{explained}");
    ensure!(!explained.contains("049091850") && !explained.contains("49-091-850"), "{explained}");
    for search in ["049091850", "49-091-850"] {
        let found = host.get(&format!("/api/v1/clients?search={search}")).await?.ok()?;
        ensure!(found["items"].as_array().is_some_and(Vec::is_empty), "{found}");
    }

    let retype = |typed: &'static str| {
        site.edit(abigail, |client| {
            let number = client.state_number.as_mut();
            number.into_iter().for_each(|number| number.value = typed.into());
        })
    };
    // A change tells that there is one. What was typed wrong is left out, and no message has a digit of it.
    retype("136-410-132");
    let run = host.sync_and_wait().await?;
    let changes = host.get(&format!("/api/v1/runs/{}/changes", run["id"].as_str().context("an id")?)).await?.ok()?;
    let fields = &changes["items"][0]["fields"];
    let told = json!([{"field": "extensions.ird_number", "from": "not shown", "to": "another, not shown"}]);
    ensure!(*fields == told, "{changes}");
    ensure!(number(&host, &found, "ird_number").await?["value"] == "136410132");
    retype("136-410-133");
    host.sync_and_wait().await?;
    let client = host.get(&format!("/api/v1/clients/{id}")).await?;
    ensure!(client.text.contains("bad-check-digit") && !client.text.contains("136"), "{}", client.text);
    let history = open(&format!("/households/{household}/clients/{id}/explain")).await?;
    ensure!(!history.contains("136410132") && !history.contains("136-410"), "{history}");
    let log = host.log_tail();
    ensure!(!log.contains("049091850") && !log.contains("136410132"), "{log}");
    Ok(())
}
