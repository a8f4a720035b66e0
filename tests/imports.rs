//! Lists that say which of the practice's clients is which in the CRM: read, decided, applied, and linked by the first
//! sync instead of made twice.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Cursor, Write as _};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Answer, Host, Setup};
use xplan_sandbox::{Account, Client as Record};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// Makes a client of the practice; answers the id.
async fn make(host: &Host, first_name: &str, last_name: &str, email: &str) -> Result<String> {
    let body = json!({"first_name": first_name, "last_name": last_name, "email": email});
    let made = host.post("/api/v1/clients", &body).await?;
    ensure!(made.status == 201, "{}", made.text);
    Ok(made.json()?["id"].as_str().context("a client has an id")?.to_owned())
}

async fn bring(host: &Host, file_name: &str, list: &str) -> Result<Answer> {
    let request = host.http().post(host.url(&format!("/api/v1/imports?file_name={file_name}")));
    let request = request.bearer_auth(tidegate_tests::TOKEN).header("content-type", "text/csv");
    host.send(request.body(list.to_owned())).await
}

/// The ids of the clients by their ids in the CRM.
async fn linked(host: &Host) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let list = host.get("/api/v1/clients?limit=500").await?.ok()?;
    for client in list["items"].as_array().context("a list")? {
        if let (Some(id), Some(external_id)) = (client["id"].as_str(), client["external_id"].as_str()) {
            ensure!(found.insert(external_id.to_owned(), id.to_owned()).is_none(), "{external_id} is there twice");
        }
    }
    Ok(found)
}

/// People of the site who come over: with a name and no partner.
fn people(host: &Host, count: usize) -> Result<Vec<Record>> {
    let is_plain =
        |name: &Option<Cow<'static, str>>| name.as_deref().is_some_and(|name| name.chars().all(char::is_alphabetic));
    let of_one = |record: &Record| {
        record.status == "Client"
            && record.entity_type == "individual"
            && record.partner_entity_id.is_none()
            && is_plain(&record.first_name)
            && is_plain(&record.last_name)
    };
    let all = host.crm().clients_seen_by(&Account::new("svc", ""));
    let people: Vec<Record> = all.into_iter().filter(of_one).take(count).collect();
    ensure!(people.len() == count, "the book is too small");
    Ok(people)
}

#[tokio::test]
async fn a_list_links_the_practices_clients_and_the_first_sync_makes_nobody_twice() -> Result<()> {
    let host = Host::start(Setup::with_clients(120)).await?;
    let [one, two, three] = &people(&host, 3)?[..] else { unreachable!("three were asked for") };
    let ayda = make(&host, "Ayda", "Khan", "ayda.khan@example.com").await?;
    let bo = make(&host, "Bo", "Osei", "shared@example.com").await?;
    let cy = make(&host, "Cy", "Osei", "shared@example.com").await?;
    let kept = make(&host, "Dee", "Only-Here", "dee@example.com").await?;

    let refused = bring(&host, "colours.csv", "Colour,Size\nred,4\n").await?;
    ensure!((400..500).contains(&refused.status) && refused.text.contains("Xplan ID"), "{}", refused.text);

    let list = format!(
        "\u{feff}xplan id,SURNAME,E-Mail Address,Given Name\r\n{},Khan,AYDA.KHAN@example.com,Ayda\r\n\
         {},Osei,shared@example.com,B\r\n{},Osei,nobody,C\r\n{},Gone,gone@example.com,Gus\r\n\
         =1+1,Formula,f@example.com,Fay\r\n",
        one.id, two.id, three.id, three.id
    );
    let import = bring(&host, "ids.csv", &list).await?;
    ensure!(import.status == 201, "{}", import.text);
    let import = import.json()?;
    let path = format!("/api/v1/imports/{}", import["id"].as_str().context("an import has an id")?);
    ensure!(import["counts"]["rows"] == 5 && import["counts"]["ready"] == 1, "{import}");
    let rows = host.get(&format!("{path}/rows")).await?.ok()?["items"].take();
    let status = |row: usize| rows[row]["status"].as_str().unwrap_or_default();
    let found = [status(0), status(1), status(2), status(4)];
    ensure!(found == ["ready", "needs_decision", "cannot_be_imported", "cannot_be_imported"], "{rows}");
    ensure!(rows.as_array().is_some_and(|rows| rows.iter().skip(1).all(|row| row["reasons"][0].is_object())), "{rows}");

    let decision = json!({"decision": "link", "client_id": cy});
    let number = rows[1]["number"].as_u64().context("a row has a number")?;
    host.post(&format!("{path}/rows/{number}/decision"), &decision).await?.ok()?;
    ensure!(linked(&host).await?.is_empty(), "nothing is linked before it is applied");
    let applied = host.post(&format!("{path}/apply"), &Value::Null).await?.ok()?;
    ensure!(applied["counts"]["linked"] == 2, "{applied}");
    let again = host.post(&format!("{path}/apply"), &Value::Null).await?.ok()?;
    ensure!(again["counts"]["linked"] == 2, "{again}");

    host.sync_and_wait().await?;
    let book = linked(&host).await?;
    ensure!(book.get(&one.id.to_string()) == Some(&ayda) && book.get(&two.id.to_string()) == Some(&cy), "{book:?}");
    ensure!(book.contains_key(&three.id.to_string()), "who was not linked is made");
    let client = host.get(&format!("/api/v1/clients/{ayda}")).await?.ok()?;
    ensure!(client["last_name"].as_str() == one.last_name.as_deref(), "the CRM is master now: {client}");
    for id in [&bo, &kept] {
        let client = host.get(&format!("/api/v1/clients/{id}")).await?.ok()?;
        ensure!(client["external_id"].is_null(), "{client}");
    }
    Ok(())
}

#[tokio::test]
async fn a_client_of_the_crm_who_looks_like_one_of_the_practice_waits_for_a_decision() -> Result<()> {
    let host = Host::start(Setup::with_clients(120)).await?;
    let people = people(&host, 2)?;
    let mut made = Vec::new();
    for record in &people {
        let (first, last) = (record.first_name.as_deref(), record.last_name.as_deref());
        // Without an email: two addresses would say that these are two people.
        made.push(make(&host, first.unwrap_or_default(), last.unwrap_or_default(), "").await?);
    }
    host.sync_and_wait().await?;
    let book = linked(&host).await?;
    ensure!(people.iter().all(|record| !book.contains_key(&record.id.to_string())), "both are held back");
    // Why they are not here is told, by id and by name.
    for search in [people[0].id.to_string(), people[0].last_name.as_deref().unwrap_or_default().to_owned()] {
        let traces = host.get(&format!("/api/v1/troubleshoot?search={search}")).await?.ok()?["items"].take();
        let is_held = |trace: &Value| {
            trace["stops_at"] == "review" && trace["external_id"].as_str() == Some(&*people[0].id.to_string())
        };
        ensure!(traces.as_array().into_iter().flatten().any(is_held), "{traces}");
    }
    let waiting = host.get("/api/v1/review").await?.ok()?["items"].take();
    let entry = |record: &Record| {
        let mut all = waiting.as_array().into_iter().flatten();
        all.find(|entry| entry["external_id"].as_str() == Some(&*record.id.to_string())).cloned()
    };
    let decide = async |record: &Record, decision: Value| {
        let entry = entry(record).with_context(|| format!("{} does not wait in {waiting}", record.id))?;
        let path = format!("/api/v1/review/{}/decision", entry["id"].as_str().unwrap_or_default());
        host.post(&path, &decision).await?.ok()
    };
    decide(&people[0], json!({"decision": "link", "client_id": made[0]})).await?;
    decide(&people[1], json!({"decision": "import"})).await?;
    host.sync_and_wait().await?;
    let book = linked(&host).await?;
    ensure!(book.get(&people[0].id.to_string()) == Some(&made[0]), "{book:?}");
    let other = book.get(&people[1].id.to_string()).context("who was imported is there")?;
    ensure!(*other != made[1], "as somebody else");
    Ok(())
}

/// A list with two clients to link, one who is linked, one to leave out, and one of whom two rows are.
fn five_rows(first: u64) -> String {
    format!(
        "First Name,Last Name,Email,Xplan ID\nAda,Osei,ada@example.com,{}\nBo,Osei,bo@example.com,{}\n\
         Cy,Osei,cy@example.com,{}\nDee,Osei,dee@example.com,{}\nDee,Osei,dee@example.com,{}\n",
        first,
        first + 1,
        first + 2,
        first + 3,
        first + 4
    )
}

/// The button, the question and the result say the same, on the page, in the API and on the command line.
#[tokio::test]
async fn what_is_said_to_be_linked_is_what_is_linked() -> Result<()> {
    let host = Host::start(Setup::with_clients(1)).await?;
    let cookie = host.sign_up().await?;
    let mut ids = BTreeMap::new();
    for name in ["Ada", "Bo", "Cy", "Dee"] {
        let email = format!("{}@example.com", name.to_lowercase());
        ids.insert(name, make(&host, name, "Osei", &email).await?);
    }
    let link = json!({"connection": "main", "external_id": "990003"});
    host.post(&format!("/api/v1/clients/{}/link", ids["Cy"]), &link).await?.ok()?;

    let list = host.folder().join("ids.csv");
    fs::write(&list, five_rows(990_001))?;
    let list = list.display().to_string();
    let output = host.run(&["import", &list, "--connection", "main"]).await?;
    let said = String::from_utf8(output.stdout)?;
    let counts = "5 rows: 2 to link, 2 to decide, 0 left out, 1 linked, 0 not linked, 0 can't be used";
    ensure!(said.contains(counts) && said.contains("6 lines: 1 down to the headings, 0 blank"), "{said}");

    let path = {
        let lists = host.get("/api/v1/imports").await?.ok()?;
        format!("/imports/{}", lists["items"][0]["id"].as_str().context("an id")?)
    };
    let api = format!("/api/v1{path}");
    let counted = async || -> Result<Value> { Ok(host.get(&api).await?.ok()?["counts"].take()) };
    let page = async || -> Result<String> {
        Ok(host.send(host.http().get(host.url(&path)).header("cookie", &cookie)).await?.text)
    };
    let press = async |form: &str, fields: &[(&str, &str)]| -> Result<Answer> {
        let request = host.http().post(host.url(&format!("{path}/{form}"))).header("cookie", &cookie);
        host.send(request.header("sec-fetch-site", "same-origin").form(fields)).await
    };
    ensure!(page().await?.contains("Link 2 clients"), "{}", page().await?);
    ensure!(counted().await?["to_link"] == 2, "{}", counted().await?);

    // One is left out though it is ready; one row of two is decided, and the other is refused then.
    let leave = json!({"decision": "leave_out"});
    host.post(&format!("{api}/rows/3/decision"), &leave).await?.ok()?;
    ensure!(page().await?.contains("Link 1 client<"), "{}", page().await?);
    press("rows/5/decision", &[("decision", &ids["Dee"])]).await?;
    let second = press("rows/6/decision", &[("decision", &ids["Dee"])]).await?;
    ensure!(
        second.status == 409 && second.text.contains("Row 5 links this client"),
        "{} {}",
        second.status,
        second.text
    );
    let decision = json!({"decision": "link", "client_id": ids["Dee"]});
    ensure!(host.post(&format!("{api}/rows/6/decision"), &decision).await?.status == 409);
    ensure!(page().await?.contains("Link 2 clients"), "{}", page().await?);
    press("rows/6/decision", &[("decision", "leave-out")]).await?;
    let before = counted().await?;
    ensure!(before["to_link"] == 2 && before["left_out"] == 2 && before["linked"] == 1, "{before}");

    press("apply", &[]).await?;
    let after = counted().await?;
    ensure!(after["to_link"] == 0 && after["linked"] == 3 && after["not_linked"] == 0, "{after}");
    let shown = page().await?;
    ensure!(!shown.contains("/apply\"") && shown.contains("3 linked") && shown.contains("2 left out"), "{shown}");
    ensure!(linked(&host).await?.len() == 3);

    // Whoever is linked meanwhile cannot be linked by the list, and the button does not stay.
    let again = bring(&host, "again.csv", &five_rows(990_001)).await?.ok()?;
    ensure!(again["counts"]["to_link"] == 1 && again["counts"]["linked"] == 3, "{again}");
    let link = json!({"connection": "main", "external_id": "990009"});
    host.post(&format!("/api/v1/clients/{}/link", ids["Bo"]), &link).await?.ok()?;
    let path = format!("/api/v1/imports/{}/apply", again["id"].as_str().unwrap_or_default());
    let applied = host.post(&path, &Value::Null).await?.ok()?["counts"].take();
    ensure!(applied["to_link"] == 0 && applied["not_linked"] == 1 && applied["linked"] == 3, "{applied}");
    Ok(())
}

/// A workbook of a few megabytes that unpacks to three gigabytes, in a sheet of a name that no spreadsheet program gives.
fn bomb() -> Result<Vec<u8>> {
    const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relation = |kind: &str, target: &str| {
        format!(
            "<Relationships><Relationship Id=\"r1\" Type=\"{RELATIONSHIPS}/{kind}\" Target=\"{target}\"/></Relationships>"
        )
    };
    let book = format!(
        "<workbook xmlns:r=\"{RELATIONSHIPS}\"><sheets><sheet name=\"List\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [
        ("_rels/.rels", relation("officeDocument", "xl/workbook.xml")),
        ("xl/_rels/workbook.xml.rels", relation("worksheet", "s.dat")),
        ("xl/workbook.xml", book),
    ] {
        zip.start_file(name, SimpleFileOptions::default())?;
        zip.write_all(text.as_bytes())?;
    }
    zip.start_file("xl/s.dat", SimpleFileOptions::default())?;
    zip.write_all(b"<worksheet><sheetData><row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>")?;
    let piece = vec![b'a'; 1 << 20];
    for _ in 0..3_000 {
        zip.write_all(&piece)?;
    }
    Ok(zip.finish()?.into_inner())
}

#[tokio::test]
async fn a_workbook_that_unpacks_to_gigabytes_costs_the_host_no_memory() -> Result<()> {
    let host = Host::start(Setup::with_clients(1)).await?;
    let bomb = tokio::task::spawn_blocking(bomb).await??;
    ensure!(bomb.len() < 4 << 20, "{}", bomb.len());
    let before = host.peak_memory()?;
    let request = host.http().post(host.url("/api/v1/imports")).bearer_auth(tidegate_tests::TOKEN).body(bomb);
    let refused = host.send(request).await?;
    ensure!(refused.status == 422 && refused.text.contains("unpacks to more"), "{} {}", refused.status, refused.text);
    let more = host.peak_memory()? - before;
    ensure!(more < 32 << 20, "{} MB more", more >> 20);
    Ok(())
}

/// A text field that does not end is refused before it is in memory, wherever a form is taken in.
#[tokio::test]
async fn a_form_with_an_endless_text_costs_the_host_no_memory() -> Result<()> {
    let host = Host::start(Setup::with_clients(1)).await?;
    let cookie = host.sign_up().await?;
    let before = host.peak_memory()?;
    let head = "--x\r\nContent-Disposition: form-data; name=\"connection\"\r\n\r\n";
    let form = [head.as_bytes(), &vec![b'a'; 90 << 20], b"\r\n--x--\r\n"].concat();
    for path in ["/imports", "/api/v1/imports", "/api/v1/documents"] {
        let request = host.http().post(host.url(path)).header("content-type", "multipart/form-data; boundary=x");
        let request = match path.starts_with("/api") {
            true => request.bearer_auth(tidegate_tests::TOKEN),
            false => request.header("cookie", &cookie).header("sec-fetch-site", "same-origin"),
        };
        // The host may close the connection before all of it is sent.
        if let Ok(answer) = request.body(form.clone()).send().await {
            ensure!(answer.status().is_client_error(), "{path}: {}", answer.status());
        }
    }
    let more = host.peak_memory()? - before;
    ensure!(more < 48 << 20, "{} MB more", more >> 20);
    Ok(())
}
