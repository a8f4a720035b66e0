//! Rules edited on the pages, as a browser without scripts does it: checked, refused with the difference, staged, seen on the
//! whole book, put in force, taken back; and explained afterwards.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tidegate_tests::{Answer, Host, Setup, copy_pack, file_of};

/// The rule of titles, as the shipped rules have it, and as an operator wants it …
const TITLES: &str = "Mr = [\"Mr\", \"Mister\"]";
/// … with one more spelling.
const WITH_SIR: &str = "Mr = [\"Mr\", \"Mister\", \"Sir\"]";

/// The shipped example that says otherwise, and what it has to say then.
const EXAMPLE: &str = "expect = { title = \"\", first_name = \"Ken\" }\ncodes = [\"unknown-title\"]";
/// See [`EXAMPLE`].
const CORRECTED: &str = "expect = { title = \"Mr\", first_name = \"Ken\" }\ncodes = []";

/// The tables that the pack of these tests has of its own, in place of its base's.
const OWN_TABLES: &str = "[client.titles]\nMr = [\"Mr\", \"Mister\"]\nMrs = [\"Mrs\", \"Missus\"]\n";

/// The example that it has of its own, in place of its base's.
const OWN_EXAMPLE: &str = "\n[[examples]]\nname = \"a title that is none of the six\"\nrow = { client_status = [\"Client\"], title = \
     \"Sir\", first_name = \"Ken\", last_name = \"Ash\", preferred_email = \"ken@example.com\" }\nexpect = { title = \"\", \
     first_name = \"Ken\" }\ncodes = [\"unknown-title\"]\n";

/// A host whose pack has its own titles and its own note of what people write; all else it has from its base.
async fn host(clients: u32) -> Result<Host> {
    let mut host = Host::prepare(Setup::with_clients(clients)).await?;
    let pack = host.own_packs()?.join("xplan-au");
    copy_pack("xplan-au", &pack)?;
    let rules = fs::read_to_string(pack.join("rules.toml"))?;
    let (tables, examples) = rules.split_once("\n[[examples]]\n").context("it has examples")?;
    fs::write(pack.join("rules.toml"), format!("{tables}\n{OWN_TABLES}\n[[examples]]\n{examples}{OWN_EXAMPLE}"))?;
    fs::create_dir_all(pack.join("notes"))?;
    fs::copy(file_of(&pack, "notes/note.written.toml"), pack.join("notes/note.written.toml"))?;
    host.restart().await?;
    Ok(host)
}

/// Somebody who is signed in, without scripts.
struct Browser<'h> {
    host: &'h Host,
    cookie: String,
}

impl Browser<'_> {
    async fn open(&self, path: &str) -> Result<String> {
        let request = self.host.http().get(self.host.url(path)).header("cookie", &self.cookie);
        let answer = self.host.send(request).await?;
        ensure!(answer.status == 200, "{path}: {} {}", answer.status, answer.text);
        Ok(answer.text)
    }

    async fn send(&self, path: &str, form: &[(&str, &str)]) -> Result<Answer> {
        let request = self.host.http().post(self.host.url(path)).header("cookie", &self.cookie);
        self.host.send(request.header("sec-fetch-site", "same-origin").form(form)).await
    }

    /// Sends a form, and answers the address of the page that it leads to: none that a reload would send again.
    async fn led(&self, path: &str, form: &[(&str, &str)]) -> Result<String> {
        let answer = self.send(path, form).await?;
        ensure!(answer.status == 303, "{path}: {} {}", answer.status, answer.text);
        Ok(answer.header("location").to_owned())
    }
}

/// A text as it stands in a page.
fn unescaped(html: &str) -> String {
    [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")]
        .into_iter()
        .fold(html.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// The text of the field, as a browser reads it.
fn typed(page: &str) -> Result<String> {
    let field = page.split_once("<textarea").and_then(|(_, rest)| rest.split_once(">\n")).context("a field of text")?;
    let text = field.1.split_once("</textarea>").context("the field's end")?.0;
    Ok(unescaped(text))
}

/// The value of a hidden input.
fn hidden(page: &str, name: &str) -> String {
    let input = page.split_once(&format!("name=\"{name}\" value=\"")).map(|(_, rest)| rest);
    input.and_then(|rest| rest.split_once('"')).map(|(value, _)| value.to_owned()).unwrap_or_default()
}

/// The text of a page, without marks.
fn words(page: &str) -> String {
    let mut text = String::new();
    let mut is_mark = false;
    for letter in page.chars() {
        match letter {
            '<' => is_mark = true,
            '>' => is_mark = false,
            _ if !is_mark => text.push(letter),
            _ => {}
        }
    }
    unescaped(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As a form sends it.
fn wire(text: &str) -> String {
    text.replace('\n', "\r\n")
}

async fn mapped_again(host: &Host) -> Result<Value> {
    let is_done = |runs: &Value| runs["items"][0]["trigger"] == "revision" && runs["items"][0]["state"] == "done";
    Ok(host.wait_for("/api/v1/runs?limit=1", is_done).await?["items"][0].take())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_rule_is_edited_on_the_page_refused_corrected_put_in_force_and_taken_back() -> Result<()> {
    let mut host = host(400).await?;
    host.sync_and_wait().await?;
    let walked = walk(&host).await;
    if walked.is_err() {
        host.leave_unquiet();
    }
    walked
}

async fn walk(host: &Host) -> Result<()> {
    let browser = Browser { host, cookie: host.sign_up().await? };
    let kept = || -> Result<usize> { Ok(fs::read_dir(host.folder().join("data/packs"))?.count()) };
    let connection = "/settings/integrations/main";
    let first = text(&host.get("/api/v1/connections/main").await?.ok()?["revision"]);
    let files = format!("{connection}/revisions/{first}/rules");
    ensure!(browser.open(connection).await?.contains(&format!("href=\"{files}\">Edit rules")), "the page leads there");
    let list = browser.open(&files).await?;
    for file in ["rules.toml", "dialects/open.toml", "notes/note.written.toml", "practice-base/documents/layout.typ"] {
        ensure!(list.contains(&format!("href=\"{files}/{file}\"")), "{file} is listed");
    }
    let editor = format!("{files}/rules.toml");
    let page = browser.open(&editor).await?;
    let path = format!("/api/v1/revisions/{first}/files/rules.toml?connection=main");
    let original = text(&host.get(&path).await?.ok()?["text"]);
    ensure!(typed(&page)? == original && original.contains(TITLES), "the field has the file as it is");
    let in_force = hidden(&page, "in_force");
    let send = async |draft: &str, text: &str, step: &str| {
        let text = wire(text);
        let form = [("in_force", &*in_force), ("draft", draft), ("text", &*text), ("do", step)];
        browser.led(&editor, &form).await
    };

    // A misspelt name is told beside its line, with the name that is meant; the text is kept.
    let misspelt = original.replace("[client.titles]", "[client.titels]");
    let place = send("", &misspelt, "check").await?;
    let page = browser.open(&place).await?;
    let line = 1 + original.lines().position(|line| line == "[client.titles]").context("the table")?;
    let said = words(&page);
    ensure!(said.contains("`titels` is not known here") && said.contains(&format!("Line {line}")), "{said}");
    ensure!(page.contains(&format!("id=\"line-{line}\" href=\"#problem-")), "the line leads to its problem");
    ensure!(typed(&page)? == misspelt, "what was typed is kept");
    let draft = hidden(&page, "draft");

    // “Sir” is Mr from now on, and the shipped example says otherwise: the difference is shown, nothing is kept.
    let with_sir = original.replace(TITLES, WITH_SIR);
    let place = send(&draft, &with_sir, "stage").await?;
    ensure!(place.starts_with(&editor), "{place}");
    let page = browser.open(&place).await?;
    let said = words(&page);
    for part in [
        "Not staged",
        "The examples in the rules",
        "a title that is none of the six",
        "title is `Mr`; the pack expects empty",
    ] {
        ensure!(said.contains(part), "{part}: {said}");
    }
    ensure!(typed(&page)? == with_sir && kept()? == 1, "the text is kept, and nothing else is");

    // A comment alone is no other revision, and is not lost without a word.
    let commented = original.replace("[client.titles]", "# Titles.\n[client.titles]");
    let said = words(&browser.open(&send(&draft, &commented, "stage").await?).await?);
    ensure!(said.contains("comments, blanks and fixtures alone make no other"), "{said}");

    // With the example corrected it is staged, and leads to its preview.
    let corrected = with_sir.replace(EXAMPLE, CORRECTED);
    ensure!(corrected != with_sir, "the example is there");
    let preview = send(&draft, &corrected, "stage").await?;
    let id = preview.rsplit('/').next().unwrap_or_default().to_owned();
    ensure!(preview.starts_with(&format!("{connection}/previews/")), "{preview}");
    let done = host.wait_for(&format!("/api/v1/previews/{id}"), |preview| preview["state"] == "done").await?;
    let second = text(&done["to"]);
    let staged = format!("/api/v1/revisions/{second}/files/rules.toml?connection=main");
    ensure!(text(&host.get(&staged).await?.ok()?["text"]) == corrected, "comments and ends of lines stay");
    let differing = host.get(&format!("/api/v1/previews/{id}/differences?field=title&limit=500")).await?.ok()?;
    let differing = differing["items"].as_array().cloned().unwrap_or_default();
    let somebody = text(&differing.first().context("somebody is called Sir")?["id"]);
    let client = host.get(&format!("/api/v1/clients/{somebody}")).await?.ok()?;
    ensure!(client["title"].is_null(), "{client}");
    let page = browser.open(&preview).await?;
    let said = words(&page);
    let surname = text(&client["last_name"]);
    ensure!(said.contains(&surname) && said.contains("Mr, Mister, Sir"), "{surname}: {said}");
    ensure!(said.contains("The example “a title that is none of the six”, expect.title"), "{said}");
    ensure!(!said.contains("Would be said") && !said.contains("time a client"), "{said}");

    // What does not fit leads back to the preview, which a reload does not send again.
    let activate = format!("{connection}/activate");
    let place = browser.led(&activate, &[("revision", &*first), ("preview", &*id)]).await?;
    ensure!(place.starts_with(&preview), "{place}");
    let said = words(&browser.open(&place).await?);
    ensure!(said.contains(&format!("the preview is of revision {second}")), "{said}");
    let follow = [("revision", &*second), ("preview", &*id), ("confirm", &*second)];
    let place = browser.led(&activate, &follow).await?;
    ensure!(words(&browser.open(&place).await?).contains(&format!("Revision {second}")), "{place}");
    mapped_again(host).await?;
    let now = host.get(&format!("/api/v1/clients/{somebody}")).await?.ok()?;
    ensure!(now["title"] == "Mr", "{now}");

    // Why, when, and by which revision.
    let household = text(&now["household_id"]);
    let explain = format!("/households/{household}/clients/{somebody}/explain");
    let said = words(&browser.open(&explain).await?);
    ensure!(said.contains(&format!("The rules changed: revision {second} reads the same record otherwise")), "{said}");
    let told = host.get(&format!("/api/v1/clients/{somebody}/explain?field=title")).await?.ok()?;
    let change = &told["fields"][0]["history"][0];
    ensure!(change["cause"] == "revision" && change["to"] == "Mr" && change["revision"] == json!(second), "{told}");
    ensure!(told["revision"] == json!(second) && change["run_id"].is_string(), "{told}");

    // Whoever goes on from what was in force before is told so first.
    let place = send("", &original.replace("\"Missus\"", "\"Missus\", \"Missis\""), "stage").await?;
    let page = browser.open(&place).await?;
    let said = words(&page);
    ensure!(said.contains(&format!("put revision {second} in force")) && said.contains("after you began"), "{said}");
    let overtaken = hidden(&page, "draft");
    let place = browser.led(&editor, &[("draft", &*overtaken), ("text", "x"), ("do", "discard")]).await?;
    ensure!(words(&browser.open(&place).await?).contains("discarded"), "{place}");

    // Taken back, and told as that.
    let place = browser.led(&format!("{connection}/rollback"), &[("from", &*second)]).await?;
    ensure!(words(&browser.open(&place).await?).contains(&format!("Revision {first} is in force again")), "{place}");
    mapped_again(host).await?;
    let back = host.get(&format!("/api/v1/clients/{somebody}")).await?.ok()?;
    ensure!(back["title"].is_null(), "{back}");
    let told = host.get(&format!("/api/v1/clients/{somebody}/explain?field=title")).await?.ok()?;
    let history = told["fields"][0]["history"].as_array().cloned().unwrap_or_default();
    let steps: Vec<_> = history.iter().map(|one| (text(&one["from"]), text(&one["to"]), text(&one["cause"]))).collect();
    let step = |from: &str, to: &str| (from.to_owned(), to.to_owned(), "revision".to_owned());
    ensure!(steps == [step("Mr", ""), step("", "Mr")], "{told}");
    let unchanged = host.get(&format!("/api/v1/clients/{somebody}/explain?field=last_name")).await?.ok()?;
    ensure!(
        unchanged["fields"][0]["history"] == json!([]) && unchanged["fields"][0]["since"].is_string(),
        "{unchanged}"
    );
    Ok(())
}

#[tokio::test]
async fn edited_files_are_checked_and_staged_by_the_api_within_bounds() -> Result<()> {
    let host = host(3).await?;
    let revision = text(&host.get("/api/v1/connections/main").await?.ok()?["revision"]);
    let of = |what: &str| format!("/api/v1/revisions/{revision}/{what}?connection=main");
    let files = host.get(&format!("{}&limit=500", of("files"))).await?.ok()?;
    let files: Vec<String> = files["items"].as_array().into_iter().flatten().map(|one| text(&one["path"])).collect();
    ensure!(files[0] == "rules.toml" && files.iter().any(|path| path == "notes/note.written.toml"), "{files:?}");
    let note = host.get(&of("files/notes%2Fnote.written.toml")).await?.ok()?;
    ensure!(note["kind"] == "note" && text(&note["text"]).contains("subject"), "{note}");
    for path in ["pack.toml", "component.wasm", "..%2Ftidegate.toml", "%2Fetc%2Fhostname", "notes%2Fnothing.toml"] {
        let answer = host.get(&of(&format!("files/{path}"))).await?;
        ensure!(answer.status == 404, "{path}: {} {}", answer.status, answer.text);
    }
    let rules = text(&host.get(&of("files/rules.toml")).await?.ok()?["text"]);
    let check = async |files: Value| host.post(&of("check"), &json!({ "files": files })).await;
    ensure!(check(json!({})).await?.ok()?["ok"] == true, "nothing edited is nothing wrong");
    let found = check(json!({ "rules.toml": rules.replace(TITLES, "Mr = \"Mr\"") })).await?.ok()?;
    let problem = &found["problems"][0];
    ensure!(problem["path"] == "/client/titles/Mr" && text(&problem["message"]).contains("a list"), "{found}");
    let found =
        check(json!({ "rules.toml": format!("{rules}\n[") , "notes/note.written.toml": "a = " })).await?.ok()?;
    let broken: Vec<String> =
        found["problems"].as_array().into_iter().flatten().map(|one| text(&one["file"])).collect();
    ensure!(
        broken.contains(&"rules.toml".to_owned()) && broken.contains(&"notes/note.written.toml".to_owned()),
        "{found}"
    );
    let fixture = files.iter().find(|path| path.starts_with("fixtures/client-bare")).context("a fixture")?;
    let expected = text(&host.get(&of(&format!("files/{}", fixture.replace('/', "%2F")))).await?.ok()?["text"]);
    let found = check(json!({ fixture: expected.replace("\"mapped\"", "\"skipped\"") })).await?.ok()?;
    ensure!(text(&found["problems"][0]["message"]).contains("comes out otherwise"), "{found}");

    // Within bounds, and of files that there are.
    let many: serde_json::Map<_, _> = (0..21).map(|n| (format!("notes/{n}.toml"), json!("a = 1"))).collect();
    for (files, field) in [
        (json!({ "pack.toml": "x" }), "/files/pack.toml"),
        (json!({ "notes/new.toml": "x" }), "/files/notes~1new.toml"),
        (json!({ "rules.toml": "#".repeat((1 << 20) + 1) }), "/files/rules.toml"),
        (Value::Object(many), "/files"),
    ] {
        let refused = check(files).await?;
        ensure!(refused.status == 422 && refused.text.contains(field), "{field}: {} {}", refused.status, refused.text);
    }

    // Staged: what fails a gate answers so by its status, what passes is staged, what differs in nothing is refused.
    let edit = async |rules: String, in_force: Option<&str>| {
        host.post(&of("edit"), &json!({ "files": { "rules.toml": rules }, "in_force": in_force })).await
    };
    let refused = edit(rules.replace(TITLES, WITH_SIR), None).await?;
    ensure!(refused.status == 422 && refused.json()?["state"] == "refused", "{} {}", refused.status, refused.text);
    ensure!(edit(rules.clone(), None).await?.status == 409, "nothing differs");
    let spelled = rules.replace("\"Missus\"", "\"Missus\", \"Missis\"");
    ensure!(edit(spelled.clone(), Some("000000")).await?.status == 409, "another revision is in force");
    let staged = edit(spelled, Some(&revision)).await?.ok()?;
    ensure!(staged["state"] == "verified", "{staged}");
    let history = host.get("/api/v1/connections/main/revisions").await?.ok()?;
    ensure!(
        history["items"][0]["why"] == "staged" && history["items"][0]["revision"] == staged["revision"],
        "{history}"
    );

    // What the document says of bodies that may be left out.
    let document = host.get("/api/openapi.json").await?.ok()?;
    for path in ["/api/v1/connections/{name}/activate", "/api/v1/connections/{name}/rollback", "/api/v1/revisions"] {
        ensure!(document["paths"][path]["post"]["requestBody"]["required"] != true, "{path}");
    }
    ensure!(document["paths"]["/api/v1/revisions/{id}/edit"]["post"]["responses"]["422"].is_object(), "it says so");

    // Last: the host closes the connection over what it does not read.
    let large = check(json!({ "rules.toml": "#".repeat(5 << 20) })).await?;
    ensure!(large.status == 413, "{}", large.status);
    Ok(())
}
