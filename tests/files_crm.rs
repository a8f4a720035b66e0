//! A CRM that is read from files, with the real host: a folder of exports synced, edited and synced again, what is damaged or
//! half written, and file notes with their documents in the outbound folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tidegate_tests::{Host, Setup, TOKEN};

const CLIENTS: &str = "\
Client ID,Record Type,Status,Title,First Name,Middle Name,Last Name,Preferred Name,Date of Birth,Sex,Email,Mobile,Address,Address 2,Suburb,State,Postcode,Country,Adviser ID,Second Adviser ID,Partner ID,Is Partner,Notes
1001,Individual,Client,Ms,Aroha,,Ngata,,3/02/1971,F,aroha@example.com,+61 491 570 156,1 Low St,,Darwin,NT,800,Australia,A-1,,1002,no,\"two
lines\"
1002,Individual,Client,Mr,Ben,,Ngata,,14/03/1970,M,ben@example.com,,1 Low St,,Darwin,NT,800,Australia,A-1,,1001,yes,
C-3,Individual,Prospect,Dr,Zoë,,Lee,Zo,1980-12-30,F,,+61 491 570 157,,,,,,,A-1,,,,
1004,Company,Client,,,,Acme Pty Ltd,,,,,,,,,,,,,,,,
";
const ADVISERS: &str = "Adviser ID;First Name;Last Name;Email\nA-1;Bea;Hill;bea.hill@example.com\n";
const GOALS: &str = "\
Client ID\tGoal ID\tOwner\tCategory\tGoal\tTarget Date\tCost\tEffect on Money
1001\t7\tJoint\tRetire\tStop working\t30/06/2031\t$1,250.50\tMore
1001\t8\tClient\tLifestyle\tA boat\t\t25 000\tLess
";
const POLICIES: &str = r#"[
  {"client id": 1001, "Cover ID": 1, "Policy Number": "L-3", "Cover Type": "Life", "Insurer": "Acme Life", "Plan": null,
   "Sum Insured": 500000, "Premium": "£1,250.00", "Frequency": "Yearly", "Owner": "Client", "Renewal Date": "2026-07-01",
   "End Date": "2040-07-01"}
]"#;

/// A host with a connection to a folder of exports.
struct Practice {
    host: Host,
    exports: TempDir,
}

impl Practice {
    async fn start(settings: &str) -> Result<Self> {
        let exports = TempDir::with_prefix("tidegate-exports-")?;
        let mut setup = Setup::with_clients(1);
        let path = exports.path().display();
        setup.settings = format!(
            "\n[connections.exports]\ncrm = \"files\"\npack = \"files-au\"\nfolder = \"{path}\"\nsettle = \"1\"\n\
             schedule = \"0 0 0 1 1 *\"\n{settings}"
        );
        let practice = Self { host: Host::start(setup).await?, exports };
        practice.put("clients.csv", CLIENTS)?;
        practice.put("advisers.csv", ADVISERS)?;
        practice.put("goals.tsv", GOALS)?;
        practice.put("policies.json", POLICIES)?;
        Ok(practice)
    }

    /// Puts a file there that was written an hour ago.
    fn put(&self, name: &str, content: &str) -> Result<()> {
        let path = self.exports.path().join(name);
        fs::write(&path, content)?;
        let an_hour_ago = SystemTime::now().checked_sub(Duration::from_hours(1)).context("a time")?;
        Ok(fs::File::options().write(true).open(path)?.set_modified(an_hour_ago)?)
    }

    async fn sync(&self) -> Result<Value> {
        let run = self.host.post("/api/v1/connections/exports/sync", &Value::Null).await?.ok()?;
        self.host.wait_for_run(run["id"].as_str().context("a run has an id")?).await
    }

    async fn rows(&self, path: &str) -> Result<Vec<Value>> {
        let page = self.host.get(&format!("/api/v1/{path}")).await?.ok()?;
        Ok(page["items"].as_array().context("a list")?.clone())
    }

    /// The clients of the folder, by the CRM's ID.
    async fn clients(&self) -> Result<BTreeMap<String, Value>> {
        let clients = self.rows("clients?limit=500").await?.into_iter();
        let of_folder = clients.filter(|client| client["connection"] == "exports");
        of_folder.map(|client| Ok((client["external_id"].as_str().context("an ID")?.to_owned(), client))).collect()
    }

    fn outbound(&self) -> PathBuf {
        self.exports.path().join("outbound")
    }
}

/// The notes in a folder: the subject of each by its folder's name, with its documents.
fn notes_in(folder: &Path) -> Result<BTreeMap<String, (String, Vec<String>)>> {
    let mut notes = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || !entry.path().join("note.json").is_file() {
            continue;
        }
        let written: Value = serde_json::from_slice(&fs::read(entry.path().join("note.json"))?)?;
        ensure!(written["marker"] == name.as_str(), "{written}");
        let mut documents: Vec<String> = fs::read_dir(entry.path())?
            .map(|file| Ok(file?.file_name().to_string_lossy().into_owned()))
            .collect::<Result<_>>()?;
        documents.retain(|file| !file.starts_with("note."));
        documents.sort();
        notes.insert(name, (written["subject"].as_str().context("a subject")?.to_owned(), documents));
    }
    Ok(notes)
}

#[tokio::test]
async fn a_folder_is_synced_edited_and_synced_again() -> Result<()> {
    let practice = Practice::start("").await?;
    let run = practice.sync().await?;
    ensure!(run["state"] == "done" && run["counts"]["created"] == 3, "{run}");
    let clients = practice.clients().await?;
    let aroha = &clients["1001"];
    for (field, expected) in [
        ("first_name", json!("Aroha")),
        ("date_of_birth", json!("1971-02-03")),
        ("mobile", json!("+61491570156")),
        ("postcode", json!("0800")),
        ("state", json!("NT")),
    ] {
        assert_eq!(aroha[field], expected, "{field}: {aroha}");
    }
    assert_eq!(aroha["household_id"], clients["1002"]["household_id"], "the two are a couple");
    ensure!(
        clients["C-3"]["first_name"] == "Zoë" && clients["C-3"]["email_is_placeholder"] == true,
        "{}",
        clients["C-3"]
    );
    ensure!(!clients.contains_key("1004"), "a company stays out");
    let goals = practice.rows("goals?limit=500").await?;
    let retire = goals.iter().find(|goal| goal["name"] == "Stop working").context("a goal")?;
    assert_eq!(retire["estimated_cost"], json!({"amount": "1250.50", "currency": "AUD"}), "{retire}");
    let covers = practice.rows("covers?limit=500").await?;
    let life = covers.iter().find(|cover| cover["policy_number"] == "L-3").context("a cover")?;
    assert_eq!(life["premium"], json!({"amount": "1250.00", "currency": "GBP"}), "{life}");

    // The same export once more changes nothing.
    practice.put("clients.csv", CLIENTS)?;
    let run = practice.sync().await?;
    assert_eq!((&run["counts"]["created"], &run["counts"]["changed"]), (&json!(0), &json!(0)), "{run}");
    assert_eq!(practice.clients().await?, clients);

    // Another: one changed, one more, and one who is not in it any more.
    let edited = CLIENTS.replace("ben@example.com", "ben.ngata@example.com").replace("C-3,", "1005,");
    practice.put("clients.csv", &edited)?;
    let run = practice.sync().await?;
    assert_eq!((&run["counts"]["created"], &run["counts"]["changed"]), (&json!(1), &json!(1)), "{run}");
    for _ in 0..2 {
        practice.sync().await?;
        ensure!(
            practice.clients().await?["C-3"]["not_visible_since"].is_null(),
            "one export, read often, proves nothing"
        );
    }
    practice.put("clients.csv", &edited.replace("Aroha", "Arohanui"))?;
    practice.sync().await?;
    let clients = practice.clients().await?;
    ensure!(clients["C-3"]["not_visible_since"].is_string(), "{}", clients["C-3"]);
    assert_eq!(clients["1001"]["first_name"], "Arohanui");

    // A single client, now.
    practice.put("clients.csv", &edited.replace("Aroha", "Anahera"))?;
    let id = clients["1001"]["id"].as_str().context("an id")?;
    let synced = practice.host.post(&format!("/api/v1/clients/{id}/sync"), &Value::Null).await?.ok()?;
    assert_eq!(synced["outcome"], "changed", "{synced}");
    assert_eq!(practice.clients().await?["1001"]["first_name"], "Anahera");
    Ok(())
}

#[tokio::test]
async fn an_export_that_is_not_whole_changes_nothing_and_is_told() -> Result<()> {
    let practice = Practice::start("").await?;
    practice.sync().await?;
    let before = practice.clients().await?;
    let check = async |content: Option<&str>, expected: &str| {
        let path = practice.exports.path().join("clients.csv");
        match content {
            Some(content) => practice.put("clients.csv", content)?,
            None => fs::remove_file(&path)?,
        }
        for _ in 0..2 {
            let run = practice.sync().await?;
            let error = run["error"].as_str().unwrap_or_default();
            ensure!(run["state"] == "failed" && error.contains(expected), "{expected:?} is not in {run}");
        }
        ensure!(practice.clients().await? == before, "{expected}: something changed");
        anyhow::Ok(())
    };
    check(Some(&CLIENTS[..CLIENTS.len() / 2]), "clients.csv is cut: it ends in the middle of a record").await?;
    check(Some(""), "clients.csv is empty").await?;
    check(None, "there is no clients.csv").await?;
    let without = CLIENTS.replace("Email", "E-mail address");
    check(Some(&without), "clients.csv has no column Email").await?;
    check(Some(&CLIENTS.replace("Notes", "email\u{a0}")), "has two columns that are both headed Email").await?;
    let headings = CLIENTS.lines().next().context("headings")?;
    check(Some(&format!("{headings}\n")), "clients.csv holds no row").await?;
    // Ben's row alone is damaged.
    practice.put("clients.csv", &CLIENTS.replace("1002,Individual,", "1002,\"Individual,"))?;
    let run = practice.sync().await?;
    ensure!(run["state"] == "done" && run["counts"]["quarantined"] == 1, "{run}");
    ensure!(practice.clients().await? == before, "what was known of the client stays");
    practice.put("clients.csv", CLIENTS)?;
    let run = practice.sync().await?;
    ensure!(run["state"] == "done" && practice.clients().await? == before, "{run}");
    Ok(())
}

/// The people of the first export alone, and more.
fn book(more: &str) -> String {
    format!("{CLIENTS}{more}")
}

/// A row of somebody of this ID.
fn row(id: &str) -> String {
    format!("{id},Person,Client,,Sam,,Khan,,,,sam{id}@example.com,,,,,,,,A-1,,,,\n")
}

#[tokio::test]
async fn nobody_is_gone_by_one_export_however_it_is_written_and_whatever_was_read_before() -> Result<()> {
    let practice = Practice::start("").await?;
    practice.sync().await?;
    // Two more come with a row of nobody, so that the walk is not a whole one.
    let with_nobody = book(&(row("711") + &row("712") + &row("")));
    practice.put("clients.csv", &with_nobody)?;
    let run = practice.sync().await?;
    ensure!(run["counts"]["created"] == 2 && run["counts"]["unreadable"] == 1, "{run}");
    ensure!(run["counts"]["told"].to_string().contains("of clients.csv has no ID under “Client ID”"), "{run}");
    let gone = async || {
        let clients = practice.clients().await?;
        anyhow::Ok(clients.values().filter(|client| client["not_visible_since"].is_string()).count())
    };
    let backwards = |book: &str| {
        let mut lines: Vec<&str> = book.split_inclusive('\n').collect();
        // The first row stands on two lines.
        lines[1..].rotate_left(2);
        lines.concat()
    };
    for (how, content) in [
        ("the one before", book("")),
        ("that once more", book("")),
        ("with other line ends", book("").replace('\n', "\r\n")),
        ("in another order", backwards(&book(""))),
        ("with a mark", format!("\u{feff}{}", book(""))),
    ] {
        practice.put("clients.csv", &content)?;
        let run = practice.sync().await?;
        ensure!(run["state"] == "done" && gone().await? == 0, "{how}: {run}");
    }
    // One that is cut at a row's end, and grows.
    let rows: String = (800..806).map(|id| row(&id.to_string())).collect();
    let whole = book(&(rows + &row("711") + &row("712")));
    practice.put("clients.csv", &whole)?;
    practice.sync().await?;
    let edited = whole.replace("Aroha", "Arohanui");
    for fewer in [3, 2] {
        let lines: Vec<&str> = edited.split_inclusive('\n').collect();
        practice.put("clients.csv", &lines[..lines.len() - fewer].concat())?;
        let run = practice.sync().await?;
        ensure!(run["state"] == "done" && gone().await? == 0, "{fewer} fewer: {run}");
    }
    // Two that differ, and do not have them.
    practice.put("clients.csv", &book("").replace("Aroha", "Anahera"))?;
    practice.sync().await?;
    ensure!(gone().await? > 0, "two exports that differ prove it");
    Ok(())
}

#[tokio::test]
async fn what_is_not_used_is_named_on_the_run_s_page_and_ids_may_have_letters() -> Result<()> {
    let practice = Practice::start("").await?;
    let host = &practice.host;
    practice.put("goals.tsv", &format!("{GOALS}9999\t9\tClient\tRetire\tSail\t\t\t\n"))?;
    practice.put("clients.csv", &book(&row("")))?;
    let run = practice.sync().await?;
    ensure!(run["counts"]["warnings"]["goals-of-nobody"] == 1, "{run}");
    let cookie = host.sign_up().await?;
    let page = async |path: &str| host.send(host.http().get(host.url(path)).header("cookie", &cookie)).await;
    let shown = page(&format!("/runs/{}", run["id"].as_str().context("an id")?)).await?;
    for told in ["is of the client 9999, who is not in clients.csv", "has no ID under"] {
        ensure!(shown.text.contains(told), "{told}: {}", shown.text);
    }
    ensure!(!page("/").await?.text.contains("every record could be read"), "a row names no record");
    ensure!(page("/review").await?.text.contains("named no record"), "{}", page("/review").await?.text);
    let connection = page("/settings/integrations/exports").await?;
    ensure!(
        connection.text.contains("Check the folder") && !connection.text.contains("Check the sign-in"),
        "{}",
        connection.text
    );
    let form = host.http().post(host.url("/settings/integrations/new")).header("cookie", &cookie);
    let form = form.header("sec-fetch-site", "same-origin").header("content-type", "application/x-www-form-urlencoded");
    let form = host.send(form.body("crm=files&confirms_preflight=on")).await?;
    ensure!(form.text.contains(">files-au<") && !form.text.contains(">xplan-au<"), "{}", form.text);
    // A client is synced, found and linked by an ID with letters.
    let synced = host.post("/api/v1/connections/exports/clients/C-3/sync", &Value::Null).await?.ok()?;
    ensure!(synced["client"]["external_id"] == "C-3", "{synced}");
    let found = practice.rows("clients?connection=exports&external_id=C-3").await?;
    ensure!(found.len() == 1, "{found:?}");
    let made = host
        .post("/api/v1/clients", &json!({"first_name": "Bo", "last_name": "Hill", "email": "bo.hill@example.com"}))
        .await?
        .ok()?;
    let path = format!("/api/v1/clients/{}/link", made["id"].as_str().context("an id")?);
    let linked = host.post(&path, &json!({"connection": "exports", "external_id": "D-4/x"})).await?;
    ensure!(linked.status == 200, "{} {}", linked.status, linked.text);
    Ok(())
}

async fn document(host: &Host, name: &str) -> Result<Value> {
    let pdf = format!("%PDF-1.7\n% {name}\nstartxref\n9\n%%EOF\n");
    let request = host.http().post(host.url("/api/v1/documents")).bearer_auth(TOKEN);
    let request = request.header("content-type", "application/pdf");
    let request = request.header("content-disposition", format!("attachment; filename=\"{name}\""));
    Ok(host.send(request.body(pdf)).await?.ok()?["id"].take())
}

#[tokio::test]
async fn file_notes_are_written_once_each_with_their_documents_through_kills() -> Result<()> {
    const PLACES: [&str; 7] =
        ["accepted", "before-create", "after-create", "before-look-up", "before-attach", "after-attach", "before-list"];
    let mut practice = Practice::start("\n[notes]\nsite-lag = \"1s\"\n\n[crm]\nrequest-timeout = \"2s\"\n").await?;
    practice.host.leave_unquiet();
    practice.sync().await?;
    let documents = [document(&practice.host, "one.pdf").await?, document(&practice.host, "two.pdf").await?];
    let household = practice.clients().await?["1001"]["household_id"].clone();
    let mut expected = Vec::new();
    for (number, place) in PLACES.into_iter().enumerate() {
        let subject = format!("Note {number}");
        let event = json!({
            "type": "note.written", "household_id": household, "occurred_at": "2026-03-02T01:30:00Z",
            "data": { "subject": subject, "body": "As agreed." }, "attachments": documents,
        });
        practice.host.kill().await?;
        practice.host.restart_dying_at(place).await?;
        let key = format!("note-{number}");
        let _ = practice.host.post_event(&key, &event).await;
        practice.host.dies_within(Duration::from_millis(1_500)).await;
        practice.host.kill().await?;
        practice.host.restart().await?;
        practice.host.post_event(&key, &event).await?.ok()?;
        // The practice's system fetches what it finds, also while documents are still to come.
        if number % 3 == 2 {
            let done = practice.outbound().join("done");
            fs::create_dir_all(&done)?;
            for name in notes_in(&practice.outbound())?.into_keys() {
                fs::rename(practice.outbound().join(&name), done.join(&name))?;
            }
        }
        expected.push(subject);
    }
    let all_done = |page: &Value| {
        let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        items.len() == PLACES.len() && items.iter().all(|note| note["state"] == "done")
    };
    practice.host.wait_for("/api/v1/notes?limit=500", all_done).await?;
    let mut found = notes_in(&practice.outbound())?;
    found.extend(notes_in(&practice.outbound().join("done"))?);
    let mut subjects: Vec<String> = found.values().map(|(subject, _)| subject.clone()).collect();
    subjects.sort();
    assert_eq!(subjects, expected);
    for (name, (subject, documents)) in &found {
        assert_eq!(documents, &["one.pdf", "two.pdf"], "{name} {subject}");
    }
    let (name, _) = found.first_key_value().context("a note")?;
    let place = [practice.outbound(), practice.outbound().join("done")].map(|folder| folder.join(name));
    let folder = place.iter().find(|folder| folder.is_dir()).context("its folder")?;
    ensure!(fs::read_to_string(folder.join("note.txt"))?.contains("As agreed."));
    ensure!(fs::read(folder.join("one.pdf"))?.starts_with(b"%PDF-1.7"));
    Ok(())
}

#[tokio::test]
async fn a_connection_to_a_folder_is_made_on_the_page_and_by_the_api_below_what_the_operator_allows() -> Result<()> {
    let roots = TempDir::with_prefix("tidegate-roots-")?;
    let root = roots.path().display();
    let practice = Practice::start(&format!("\n[crm]\nfolders = [\"{root}\"]\n")).await?;
    let host = &practice.host;
    let folder = roots.path().join("acme");
    fs::create_dir(&folder)?;
    let draft = |folder: &str| {
        json!({
            "crm": "files", "name": "acme", "title": "Acme exports", "pack": "files-au", "folder": folder,
            "schedule": "0 0 1 1 *", "confirms_preflight": true,
        })
    };
    for outside in ["/etc", "/", "acme", &format!("{root}/../x"), &host.folder().join("data").display().to_string()] {
        let refused = host.post("/api/v1/connections", &draft(outside)).await?;
        ensure!(refused.status == 422 && refused.text.contains("/folder"), "{outside}: {}", refused.text);
    }
    let path = folder.display().to_string();
    let made = host.post("/api/v1/connections", &draft(&path)).await?;
    ensure!(made.status == 201, "{}", made.text);
    let made = made.ok()?;
    assert_eq!((&made["folder"], &made["auth"]), (&json!(path), &json!({"mode": "none"})), "{made}");
    let checked = host.post("/api/v1/connections/acme/check", &Value::Null).await?;
    ensure!(checked.text.contains("holds no export yet"), "{}", checked.text);

    let cookie = host.sign_up().await?;
    let request = |path: &str| host.http().post(host.url(path)).header("cookie", &cookie);
    let form = |request: reqwest::RequestBuilder, body: String| {
        let request = request.header("sec-fetch-site", "same-origin");
        host.send(request.header("content-type", "application/x-www-form-urlencoded").body(body))
    };
    let page = form(request("/settings/integrations/new"), "crm=files&confirms_preflight=on".to_owned()).await?;
    ensure!(page.text.contains("name=\"folder\"") && !page.text.contains("name=\"forward_host\""), "{}", page.text);
    ensure!(
        !page.text.contains("Authentication mode") && page.text.contains("Save and check the folder"),
        "{}",
        page.text
    );
    let second = roots.path().join("second");
    fs::create_dir(&second)?;
    let filled = |folder: &str| {
        let folder = folder.replace('/', "%2F");
        format!(
            "crm=files&title=Second&pack=files-au&folder={folder}&schedule=0+0+1+1+*&confirms_preflight=on&enabled=on"
        )
    };
    let refused = form(request("/settings/integrations"), filled("/etc")).await?;
    ensure!(refused.status == 422 && refused.text.contains("below none of the folders"), "{}", refused.text);
    let saved = form(request("/settings/integrations"), filled(&second.display().to_string())).await?;
    let saved = host.follow(saved, &cookie).await?;
    ensure!(saved.text.contains("holds no export yet") && saved.text.contains("Folder"), "{}", saved.text);
    Ok(())
}
