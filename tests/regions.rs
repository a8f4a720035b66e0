//! Regions and the fields that their packs add: the number that a state gave to a person comes over, is hidden wherever it is
//! not asked for, and stands in no log.

use std::collections::BTreeSet;

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

/// The book of a region, by its pack: what its country writes otherwise.
struct Expected {
    region: Region,
    pack: &'static str,
    country: &'static str,
    currency: &'static str,
    mobile: &'static str,
    number: &'static str,
    is_postcode: fn(&str) -> bool,
    is_number: fn(&str) -> bool,
}

fn is_like(text: &str, patterns: &[&str]) -> bool {
    let fits = |c: char, wanted: char| match wanted {
        '9' => c.is_ascii_digit(),
        'A' => c.is_ascii_uppercase(),
        wanted => c == wanted,
    };
    let is_it = |pattern: &&str| {
        text.len() == pattern.len() && text.chars().zip(pattern.chars()).all(|(c, wanted)| fits(c, wanted))
    };
    patterns.iter().any(is_it)
}

const EXPECTED: [Expected; 2] = [
    Expected {
        region: Region::Uk,
        pack: "xplan-uk",
        country: "GB",
        currency: "GBP",
        mobile: "+447400123",
        number: "national_insurance_number",
        is_postcode: |text| is_like(text, &["A9 9AA", "A99 9AA", "A9A 9AA", "AA9 9AA", "AA99 9AA", "AA9A 9AA"]),
        is_number: |text| is_like(text, &["AA999999A", "AA999999"]),
    },
    Expected {
        region: Region::Za,
        pack: "xplan-za",
        country: "ZA",
        currency: "ZAR",
        mobile: "+2771123",
        number: "identity_number",
        is_postcode: |text| is_like(text, &["9999"]),
        is_number: |text| is_like(text, &["9999999999999"]),
    },
];

#[tokio::test]
async fn the_books_of_britain_and_south_africa_come_over() -> Result<()> {
    for expected in EXPECTED {
        let host = Host::start(setup(600, expected.region, expected.pack, "resourceful")).await?;
        let run = host.sync_and_wait().await?;
        ensure!(run["state"] == "done" && run["counts"]["quarantined"] == 0, "{}: {run}", expected.pack);
        let clients = all(&host, "clients").await?;
        look(&expected, &clients)?;
        let covers = all(&host, "covers").await?;
        let of_currency = |cover: &&Value| cover["sum_insured"]["currency"] == expected.currency;
        let known = covers.iter().filter(|cover| cover["type"] != "other").count();
        let insured = covers.iter().filter(|cover| !cover["sum_insured"].is_null()).count();
        ensure!(covers.len() > 150 && covers.iter().filter(of_currency).count() == insured, "{}", expected.pack);
        ensure!(known == covers.len(), "{}: {known} of {} covers have a type", expected.pack, covers.len());
        let (mut numbers, mut from_number) = (0, 0);
        for client in clients.iter().take(120) {
            let number = number(&host, client, expected.number).await?["value"].clone();
            let text = number.as_str().unwrap_or_default();
            ensure!(text.is_empty() || (expected.is_number)(text), "{}: {client}", expected.pack);
            numbers += usize::from(!text.is_empty());
            from_number += usize::from(client.to_string().contains("date-of-birth-from-number"));
            ensure!(text.is_empty() || !client.to_string().contains(text), "{client}");
        }
        ensure!(numbers > 80, "{}: {numbers} numbers", expected.pack);
        ensure!((from_number > 0) == (expected.pack == "xplan-za"), "{}: {from_number}", expected.pack);
    }
    Ok(())
}

/// The clients of a region are written as its country writes people.
fn look(expected: &Expected, clients: &[Value]) -> Result<()> {
    let text = |client: &Value, field: &str| client[field].as_str().map(ToOwned::to_owned);
    let at_home: Vec<&Value> = clients.iter().filter(|client| client["country_code"] == expected.country).collect();
    ensure!(at_home.len() > 350, "{}: {} at home", expected.pack, at_home.len());
    let postcodes: Vec<String> = at_home.iter().filter_map(|client| text(client, "postcode")).collect();
    ensure!(postcodes.len() > 300 && postcodes.iter().all(|code| (expected.is_postcode)(code)), "{postcodes:?}");
    let mobiles = clients.iter().filter_map(|client| text(client, "mobile"));
    let own = mobiles.filter(|mobile| mobile.starts_with(expected.mobile)).count();
    ensure!(own > 200, "{}: {own} mobiles", expected.pack);
    let states: BTreeSet<String> = at_home.iter().filter_map(|client| text(client, "state")).collect();
    let provinces = ["EC", "FS", "GP", "KZN", "LP", "MP", "NC", "NW", "WC"].map(str::to_owned);
    match expected.country {
        "ZA" => ensure!(states == BTreeSet::from(provinces), "{states:?}"),
        _ => ensure!(states.contains("Gwynedd") && states.contains("Co. Fermanagh"), "{states:?}"),
    }
    Ok(())
}
