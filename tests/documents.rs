//! A household's documents, made by the real binary and read by a real PDF reader (poppler), and templates that mean ill.

use std::path::Path;
use std::process::Stdio;
use std::{env, fs};

use anyhow::{Context as _, Result, ensure};
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use tidegate_tests::{Host, Setup, TOKEN, copy_pack, file_of};
use tokio::process::Command;

const LOGO: &str = r##"<svg xmlns="http://www.w3.org/2000/svg" width="120" height="30"><rect width="120" height="30" fill="#0b5351"/></svg>"##;

/// Text that one of poppler's programs prints about a PDF.
async fn poppler(program: &str, arguments: &[&str], pdf: &Path) -> Result<String> {
    let output = Command::new(program).args(arguments).arg(pdf).arg("-").stdin(Stdio::null()).output().await;
    let output = output.with_context(|| format!("{program} (poppler-utils) runs"))?;
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// A document's bytes and the name it is downloaded under.
async fn download(host: &Host, path: &str) -> Result<(Vec<u8>, String)> {
    let response = host.http().get(host.url(path)).bearer_auth(TOKEN).send().await?;
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.bytes().await?.to_vec();
    ensure!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&bytes));
    ensure!(headers[CONTENT_TYPE] == "application/pdf" && headers["x-content-type-options"] == "nosniff");
    Ok((bytes, headers[CONTENT_DISPOSITION].to_str()?.to_owned()))
}

async fn first_household(host: &Host) -> Result<Value> {
    let list = host.get("/api/v1/households?limit=1").await?.ok()?;
    let id = list["items"][0]["id"].as_str().context("there is a household")?.to_owned();
    host.get(&format!("/api/v1/households/{id}")).await?.ok()
}

#[tokio::test]
async fn a_document_shows_the_household_and_who_answers_for_it() -> Result<()> {
    let mut host = Host::prepare(Setup::with_clients(40)).await?;
    let logo = host.folder().join("logo.svg");
    fs::write(&logo, LOGO)?;
    let settings = host.folder().join("tidegate.toml");
    let with_logo = fs::read_to_string(&settings)?.replacen("[practice]", "[practice]\nlogo = \"logo.svg\"", 1);
    fs::write(&settings, with_logo)?;
    let packs = host.own_packs()?;
    copy_pack("xplan-au", &packs.join("xplan-au"))?;
    host.restart().await?;
    host.sync_and_wait().await?;
    let household = first_household(&host).await?;
    let path = format!("/api/v1/households/{}", household["id"].as_str().unwrap_or_default());
    let client = &household["members"][0]["client"];

    let (pdf, name) = download(&host, &format!("{path}/document?document=best-life-plan")).await?;
    ensure!(name.starts_with("attachment; filename=\"Best Life Plan"), "{name}");
    let file = host.folder().join("plan.pdf");
    fs::write(&file, &pdf)?;
    let text = poppler("pdftotext", &["-layout"], &file).await?;
    let primary = &household["primary_professional"];
    for part in [&client["last_name"], &primary["first_name"], &primary["last_name"]] {
        let words = part.as_str().context("a name")?;
        ensure!(text.contains(words), "{words} is not in:\n{text}");
    }
    for words in ["Best Life Plan", "Your primary professional", "Acme Advice", "Page 1 of"] {
        ensure!(text.contains(words), "{words} is not in:\n{text}");
    }
    let facts = Command::new("pdfinfo").arg(&file).output().await?;
    let facts = String::from_utf8(facts.stdout)?;
    ensure!(facts.contains("Tagged:          yes") && facts.contains("Title:           Best Life Plan for"), "{facts}");
    let fonts = Command::new("pdffonts").arg(&file).output().await?;
    let fonts = String::from_utf8(fonts.stdout)?;
    // Behind two lines of heading: embedded, in parts, with Unicode.
    ensure!(fonts.lines().skip(2).all(|font| font.contains("yes yes yes")), "{fonts}");
    let structure = Command::new("pdfinfo").arg("-struct").arg(&file).output().await?;
    let structure = String::from_utf8(structure.stdout)?;
    for tag in ["H1", "Table", "TH", "TD", "Figure"] {
        ensure!(structure.contains(tag), "{tag} is not in:\n{structure}");
    }
    conforms(&file).await?;

    let chosen = json!({ "primary_professional": { "external_id": "no such user" } });
    let refused = host.patch(&path, &chosen).await?;
    ensure!(refused.status == 422 && refused.text.contains("/primary_professional/external_id"), "{}", refused.text);
    let advisers = host.get("/api/v1/households?limit=200").await?.ok()?;
    let mut others = advisers["items"].as_array().context("a list")?.iter().map(|one| &one["primary_professional"]);
    let other = others.find(|one| one["external_id"] != primary["external_id"]).context("a second adviser")?;
    let chosen = json!({ "primary_professional": { "external_id": other["external_id"] } });
    let set = host.patch(&path, &chosen).await?.ok()?;
    ensure!(set["because"] == "chosen" && set["external_id"] == other["external_id"], "{set}");
    let (pdf, _) = download(&host, &format!("{path}/document?document=investment-preferences")).await?;
    fs::write(&file, &pdf)?;
    let text = poppler("pdftotext", &["-layout"], &file).await?;
    ensure!(text.contains(other["last_name"].as_str().context("a name")?), "{text}");
    let back = host.patch(&path, &json!({ "primary_professional": null })).await?.ok()?;
    ensure!(back["external_id"] == primary["external_id"] && back["because"] == primary["because"], "{back}");
    its_template_is_exchanged_while_the_host_runs(&host, &path).await
}

async fn its_template_is_exchanged_while_the_host_runs(host: &Host, household: &str) -> Result<()> {
    let template = file_of(&host.folder().join("packs/xplan-au"), "documents/best-life-plan.exported.typ");
    let shipped = fs::read_to_string(&template)?;
    let before = host.get("/api/v1/connections/main").await?.ok()?["revision"].take();
    let read = async || -> Result<String> {
        let (pdf, _) = download(host, &format!("{household}/document?document=best-life-plan")).await?;
        let file = host.folder().join("exchanged.pdf");
        fs::write(&file, pdf)?;
        poppler("pdftotext", &["-layout"], &file).await
    };

    fs::write(&template, format!("{shipped}\nPrinted with care.\n"))?;
    ensure!(!read().await?.contains("Printed with care."), "nobody has put it in force yet");
    let output = host.run(&["pack", "activate", "--connection", "main", "--json"]).await?;
    let now: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(now["revision"].is_string() && now["revision"] != before, "{now}");
    ensure!(read().await?.contains("Printed with care."), "the template is in force");

    fs::write(&template, format!("{shipped}\n#no-such-thing\n"))?;
    let refused = host.post("/api/v1/connections/main/activate", &json!({})).await?;
    ensure!(refused.status == 409 && refused.text.contains("no-such-thing"), "{}", refused.text);
    ensure!(
        host.get("/api/v1/connections/main").await?.ok()?["revision"] == now["revision"],
        "what was in force stays"
    );
    ensure!(read().await?.contains("Printed with care."), "what was in force stays");
    let unknown = host.post("/api/v1/connections/nobody/activate", &json!({})).await?;
    ensure!(unknown.status == 404, "{}", unknown.text);

    // The records that the revision before has mapped are mapped anew, and are the same.
    let run = host.sync_and_wait().await?;
    ensure!(run["counts"]["changed"] == 0 && run["counts"]["created"] == 0, "{run}");
    Ok(())
}

/// Asks a checker of PDF/UA-1, where `PDFUA_PYTHON` names a Python that has one (`cargo xtask test` sees to it).
async fn conforms(pdf: &Path) -> Result<()> {
    let Some(python) = env::var_os("PDFUA_PYTHON") else { return Ok(()) };
    let program = "import page, sys\nr = page.validate_pdf(sys.argv[1], profile='ua1')\n\
                   print([f.message for f in r.failures])\nsys.exit(not r.is_compliant)";
    let output = Command::new(python).args(["-c", program]).arg(pdf).output().await?;
    ensure!(output.status.success(), "no PDF/UA-1: {}", String::from_utf8_lossy(&output.stdout));
    Ok(())
}

#[tokio::test]
async fn a_pack_whose_template_means_ill_is_refused_and_the_host_lives() -> Result<()> {
    let host = Host::prepare(Setup::with_clients(1)).await?;
    let packs = host.folder().join("packs");
    let templates = [
        ("loop", "#for a in range(100000) { for b in range(100000) { let c = a * b } }", "seconds of computing"),
        ("memory", "#let all = bytes((0,) * 65536)\n#for _ in range(20) { all += all }", "MB of memory"),
        ("pages", "#for a in range(600) [#pagebreak() #a]", "more than 500"),
        ("outside", "\n#read(\"../../rules.toml\")", "line 2"),
        ("package", "#import \"@preview/cetz:0.3.0\"", "packages are not fetched"),
    ];
    for (name, template, _) in templates {
        copy_pack("xplan-au", &packs.join(name))?;
        let pack = packs.join(name).join("pack.toml");
        fs::write(&pack, fs::read_to_string(&pack)?.replace("xplan-au", name))?;
        fs::write(packs.join(name).join("documents/best-life-plan.exported.typ"), template)?;
    }
    let folder = packs.display().to_string();
    let listed = host.run(&["pack", "list", "--json", "--packs-dir", &folder]).await?;
    let listed: Value = serde_json::from_slice(&listed.stdout)?;
    for (name, _, words) in templates {
        let all = listed.as_array().context("a list")?;
        let problem = all.iter().find(|pack| pack["folder"] == name).context("the pack")?["problem"].as_str();
        let problem = problem.with_context(|| format!("{name} was loaded"))?;
        ensure!(problem.contains("best-life-plan.exported.typ") && problem.contains(words), "{name}: {problem}");
    }
    Ok(())
}

#[tokio::test]
async fn an_exported_plan_ends_as_one_note_with_exactly_this_pdf() -> Result<()> {
    let mut host = Host::start(Setup::with_clients(40)).await?;
    host.sync_and_wait().await?;
    let household = first_household(&host).await?["id"].take();
    let event = json!({
        "type": "best-life-plan.exported", "household_id": household, "occurred_at": "2026-03-02T01:30:00Z", "data": {},
    });
    let accepted = host.post_event("plan-1", &event).await?.ok()?;
    let again = host.post_event("plan-1", &event).await?.ok()?;
    ensure!(accepted["id"] == again["id"], "{again}");
    let note = format!("/api/v1/notes/{}", accepted["id"].as_str().context("an id")?);
    let note = host.wait_for(&note, |note| note["state"] == "done").await?;
    let document = note["attachments"][0]["document"].as_str().with_context(|| note.to_string())?;
    let (pdf, name) = download(&host, &format!("/api/v1/documents/{document}")).await?;
    ensure!(name.contains("Best Life Plan") && name.contains("2026-03-02"), "{name}");

    let notes = host.crm().notes();
    ensure!(notes.len() == 1, "{} notes", notes.len());
    ensure!(notes[0].attachments.len() == 1 && notes[0].attachments[0].content == pdf, "the CRM has another PDF");

    let list = format!("/api/v1/documents?household_id={}", household.as_str().unwrap_or_default());
    let listed = host.get(&list).await?.ok()?["items"].take();
    ensure!(listed.as_array().is_some_and(|items| items.len() == 1) && listed[0]["id"] == document, "{listed}");
    ensure!(listed[0]["source"] == "made" && listed[0]["replaced_characters"] == "", "{listed}");
    ensure!(listed[0]["note_id"] == note["id"] && listed[0]["document_id"] == note["document_id"], "{listed}");
    let household = for_a_client_of_the_practice(&host).await?;
    with_a_folder_of_fonts(&mut host, &household).await
}

/// A name that the fonts in the program do not have, once without and once with fonts that do.
async fn with_a_folder_of_fonts(host: &mut Host, household: &str) -> Result<()> {
    let path = format!("/api/v1/households/{household}/document?document=best-life-plan");
    let preview = async |host: &Host| -> Result<(Option<HeaderValue>, String, String)> {
        let answer = host.http().get(host.url(&path)).bearer_auth(TOKEN).send().await?.error_for_status()?;
        let replaced = answer.headers().get("replaced-characters").cloned();
        let file = host.folder().join("preview.pdf");
        fs::write(&file, answer.bytes().await?)?;
        let text = poppler("pdftotext", &["-layout"], &file).await?;
        let fonts = String::from_utf8(Command::new("pdffonts").arg(&file).output().await?.stdout)?;
        Ok((replaced, text, fonts))
    };
    let (replaced, text, _) = preview(host).await?;
    ensure!(replaced.is_some_and(|replaced| replaced == "U+4E2D U+7530") && !text.contains("中田"), "{text}");

    let fonts = env::var("CJK_FONTS").context("CJK_FONTS names a folder of fonts; `cargo xtask test` sets it")?;
    let settings = host.folder().join("tidegate.toml");
    let with_fonts = format!("{}\n[documents]\nfont-dir = {fonts:?}\n", fs::read_to_string(&settings)?);
    fs::write(&settings, with_fonts)?;
    host.stop().await?;
    host.restart().await?;
    let (replaced, text, fonts) = preview(host).await?;
    ensure!(replaced.is_none() && text.contains("Mārama 中田 Алексеева"), "{replaced:?} {text}");
    ensure!(fonts.lines().skip(2).all(|font| font.contains("yes yes yes")), "{fonts}");
    Ok(())
}

/// Somebody whom the CRM does not have, with a name that no font here has: the plan is made and can be downloaded, tells
/// what is not in it, and waits with its note for the link. Answers the household's id.
async fn for_a_client_of_the_practice(host: &Host) -> Result<String> {
    let person = json!({ "first_name": "Mārama 中田", "last_name": "Алексеева" });
    let person = host.post("/api/v1/clients", &person).await?.ok()?;
    let event = json!({
        "type": "best-life-plan.exported", "household_id": person["household_id"], "data": {},
        "occurred_at": "2026-03-02T01:30:00Z",
    });
    let note = host.post_event("plan-2", &event).await?.ok()?;
    ensure!(note["stage"] == "waiting_for_link" && note["filed_against"] == json!([]), "{note}");
    ensure!(note["reason"].as_str().is_some_and(|reason| reason.contains("Mārama 中田 Алексеева is linked")), "{note}");
    let list = format!("/api/v1/documents?limit=1&client_id={}", person["id"].as_str().unwrap_or_default());
    let listed = host.get(&list).await?.ok()?["items"][0].take();
    ensure!(listed["replaced_characters"] == "中田" && listed["note_stage"] == "waiting_for_link", "{listed}");
    let (pdf, _) = download(host, &format!("/api/v1/documents/{}", listed["id"].as_str().unwrap_or_default())).await?;
    let file = host.folder().join("theirs.pdf");
    fs::write(&file, pdf)?;
    let text = poppler("pdftotext", &["-layout"], &file).await?;
    ensure!(text.contains("Mārama \u{FFFD}\u{FFFD} Алексеева"), "{text}");

    // Made in the CRM meanwhile; no sync has brought it yet.
    let copied = host.crm().book(|book| book.clients().next()).context("the book has somebody")?;
    let external_id = host.crm().add(copied).to_string();
    let link = json!({ "connection": "main", "external_id": external_id });
    host.post(&format!("/api/v1/clients/{}/link", person["id"].as_str().unwrap_or_default()), &link).await?.ok()?;
    let address = format!("/api/v1/notes/{}", note["id"].as_str().unwrap_or_default());
    let sent = host.wait_for(&address, |note| note["state"] == "done").await?;
    ensure!(sent["filed_against"] == json!([external_id]), "{sent}");
    let in_crm = host.crm().notes().pop().context("it is in the CRM")?;
    ensure!(in_crm.entity_ids[0].to_string() == external_id && in_crm.attachments.len() == 1, "{in_crm:?}");
    Ok(person["household_id"].as_str().context("a household")?.to_owned())
}

#[tokio::test]
async fn what_is_no_pdf_is_refused_and_a_pdf_goes_with_its_note() -> Result<()> {
    let host = Host::start(Setup::with_clients(40)).await?;
    host.sync_and_wait().await?;
    let send = async |media_type: &str, body: Vec<u8>| {
        let request = host.http().post(host.url("/api/v1/documents")).bearer_auth(TOKEN);
        host.send(request.header(CONTENT_TYPE, media_type).body(body)).await
    };
    let pdf = b"%PDF-1.7\n1 0 obj\nendobj\nstartxref\n9\n%%EOF\n".to_vec();
    let mut large = b"%PDF-1.7\n".to_vec();
    large.resize((25 << 20) + 1, b' ');
    let refused: [(&str, Vec<u8>, u16, &str); 6] = [
        ("application/pdf", Vec::new(), 422, "empty"),
        ("application/pdf", b"GIF89a".to_vec(), 422, "does not begin with %PDF-"),
        ("application/pdf", pdf[..pdf.len() - 8].to_vec(), 422, "cut short"),
        ("application/pdf", large, 413, "25 MB"),
        ("image/png", pdf.clone(), 415, "application/pdf"),
        ("multipart/form-data; boundary=x", b"--x\r\nnothing".to_vec(), 400, "form"),
    ];
    for (media_type, body, status, words) in refused {
        let answer = send(media_type, body).await?;
        ensure!(answer.status == status && answer.text.contains(words), "{}: {}", answer.status, answer.text);
        ensure!(answer.header("content-type") == "application/problem+json");
    }

    let head = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../Our plan.pdf\"\r\n\r\n";
    let form = [head.as_bytes(), &pdf, b"\r\n--x--\r\n"].concat();
    let kept = send("multipart/form-data; boundary=x", form).await?.ok()?;
    ensure!(kept["filename"] == "Our plan.pdf" && kept["size"] == pdf.len(), "{kept}");
    // With a byte order mark in front and padding behind it is the PDF that came, byte for byte.
    let padded = ["\u{feff}\n".as_bytes(), &pdf, &[0; 3_000]].concat();
    let padded_id = send("application/pdf", padded.clone()).await?.ok()?["id"].take();
    let (read_back, _) =
        download(&host, &format!("/api/v1/documents/{}", padded_id.as_str().context("an id")?)).await?;
    ensure!(read_back == padded, "{} bytes", read_back.len());
    let named = async |name: &str| {
        let request = host.http().post(host.url("/api/v1/documents")).bearer_auth(TOKEN);
        let request = request.header(CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\""));
        host.send(request.header(CONTENT_TYPE, "application/pdf").body(pdf.clone())).await?.ok()
    };
    let same = named("Our plan.pdf").await?;
    ensure!(same["id"] == kept["id"], "{same}");
    let other = named("Plan of somebody else.pdf").await?;
    ensure!(other["id"] != kept["id"] && other["filename"] == "Plan of somebody else.pdf", "{other}");
    let household = first_household(&host).await?["id"].take();
    let event = json!({
        "type": "investment-preferences.exported", "household_id": household, "occurred_at": "2026-03-02T01:30:00Z",
        "data": {}, "attachments": [kept["id"]],
    });
    let accepted = host.post_event("own-1", &event).await?.ok()?;
    let note = format!("/api/v1/notes/{}", accepted["id"].as_str().context("an id")?);
    host.wait_for(&note, |note| note["state"] == "done").await?;
    let notes = host.crm().notes();
    ensure!(notes[0].attachments[0].filename == "Our plan.pdf" && notes[0].attachments[0].content == pdf);

    // The same bytes for somebody else go under the name that they were brought with, everywhere.
    let event = json!({
        "type": "investment-preferences.exported", "household_id": household, "occurred_at": "2026-03-03T01:30:00Z",
        "data": {}, "attachments": [other["id"]],
    });
    let accepted = host.post_event("own-2", &event).await?.ok()?;
    let note = format!("/api/v1/notes/{}", accepted["id"].as_str().context("an id")?);
    let note = host.wait_for(&note, |note| note["state"] == "done").await?;
    ensure!(note["attachments"][0]["filename"] == "Plan of somebody else.pdf", "{note}");
    let notes = host.crm().notes();
    let sent = notes.iter().flat_map(|note| &note.attachments).map(|sent| sent.filename.as_str());
    ensure!(sent.collect::<Vec<_>>() == ["Our plan.pdf", "Plan of somebody else.pdf"], "{notes:?}");
    for (kept, name) in [(&kept, "Our plan.pdf"), (&other, "Plan of somebody else.pdf")] {
        let path = format!("/api/v1/documents/{}", kept["id"].as_str().context("an id")?);
        let (content, downloaded_as) = download(&host, &path).await?;
        ensure!(downloaded_as.contains(&format!("\"{name}\"")) && content == pdf, "{downloaded_as}");
    }
    let on_the_page = brought_by_a_form(&host, "Plan of a third.pdf", &pdf).await?;
    ensure!(on_the_page.contains("Plan of a third.pdf") && !on_the_page.contains("Our plan.pdf"), "{on_the_page}");
    Ok(())
}

/// A file that a person chooses in a form which lacks the rest: the page, which shows the form again with its documents.
async fn brought_by_a_form(host: &Host, name: &str, pdf: &[u8]) -> Result<String> {
    let cookie = host.sign_up().await?;
    let household = first_household(host).await?["id"].take();
    let path = format!(
        "/households/{}/record/investment-preferences.exported",
        household.as_str().context("a household has an id")?
    );
    let key = "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nform-1\r\n";
    let file = format!("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n");
    let form = [key.as_bytes(), file.as_bytes(), pdf, b"\r\n--x--\r\n"].concat();
    let request = host.http().post(host.url(&path)).header("cookie", cookie).header("sec-fetch-site", "same-origin");
    let request = request.header(CONTENT_TYPE, "multipart/form-data; boundary=x").body(form);
    Ok(host.send(request).await?.text)
}

/// Characters that nobody sees and that no document can be set with, through each way in by which text becomes part of
/// one: the plan is made, and nothing of what was written is missing.
#[tokio::test]
async fn whatever_characters_come_in_the_plan_is_made() -> Result<()> {
    const ODD: &str =
        "\u{feff}\0\u{7}\u{b}\u{7f}\u{9f}\u{202e}\u{2066}\u{206f}\u{fdd0}\u{fff9}\u{fffe}\u{ffff}\u{e0001}\u{10ffff}";
    let odd = |text: &str| {
        text.chars().flat_map(|letter| format!("{letter}{ODD}").chars().collect::<Vec<_>>()).collect::<String>()
    };
    // In a person's fields control characters are refused, which no page or program sends by mistake.
    let unseen = |text: &str| odd(text).chars().filter(|letter| !letter.is_control()).collect::<String>();
    let mut host = Host::start(Setup::with_clients(1)).await?;
    let person = json!({ "first_name": unseen("Ayda"), "last_name": unseen("Khan"), "suburb": unseen("") });
    let person = host.post("/api/v1/clients", &person).await?.ok()?;
    let household = person["household_id"].as_str().context("a household")?;
    let path = format!("/api/v1/households/{household}/document?document=best-life-plan");
    download(&host, &path).await?;

    let client = format!("/api/v1/clients/{}", person["id"].as_str().context("an id")?);
    host.patch(&client, &json!({ "preferred_name": unseen("Addie") })).await?.ok()?;
    let values =
        json!({ "clients": [{ "name": odd("Ayda"), "progress": 40, "values": [format!("Fam{ODD}ily"), odd("Sea")] }] });
    let event = json!({
        "type": "values-session.completed", "household_id": household, "occurred_at": "2026-03-02T01:30:00Z", "data": values,
    });
    host.post_event("odd-1", &event).await?.ok()?;
    let nothing = json!({ "clients": [{ "name": ODD, "progress": 40, "values": [] }] });
    let event = json!({
        "type": "values-session.completed", "household_id": household, "occurred_at": "2026-03-02T01:30:00Z", "data": nothing,
    });
    let refused = host.post_event("odd-2", &event).await?;
    ensure!(refused.status == 422 && refused.text.contains("/data/clients/0/name"), "{}", refused.text);

    let (pdf, _) = download(&host, &path).await?;
    let file = host.folder().join("odd.pdf");
    fs::write(&file, pdf)?;
    let text = poppler("pdftotext", &["-layout"], &file).await?;
    ensure!(text.contains("Family") && text.contains("Ayda Khan"), "{text}");
    // The note waits for somebody to link her.
    host.leave_unquiet();
    Ok(())
}

/// Two forms whose hidden key was lost on the way, as by a program that fills them in: two events, and none is taken for
/// a repetition of the other.
#[tokio::test]
async fn forms_that_lost_their_key_are_events_of_their_own() -> Result<()> {
    let host = Host::start(Setup::with_clients(10)).await?;
    host.sync_and_wait().await?;
    let cookie = host.sign_up().await?;
    let household = first_household(&host).await?["id"].take();
    let path = format!("/households/{}/record/note.written", household.as_str().context("a household has an id")?);
    for (key, subject) in [("", "Called"), ("", "Wrote"), ("a key", "Called"), ("k\u{fc}", "Called")] {
        let part = |name: &str, value: &str| {
            format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let form = [part("key", key), part("occurred", "2026-03-02T12:30"), part("data.subject", subject)].concat();
        let form = format!("{form}{}--x--\r\n", part("data.body", "About the review."));
        let request =
            host.http().post(host.url(&path)).header("cookie", &cookie).header("sec-fetch-site", "same-origin");
        let request = request.header(CONTENT_TYPE, "multipart/form-data; boundary=x").body(form);
        let answer = host.send(request).await?;
        ensure!(answer.status == 303, "{key:?} {subject}: {} {}", answer.status, answer.text);
    }
    let is_done =
        |list: &Value| list["items"].as_array().is_some_and(|all| all.iter().all(|note| note["state"] == "done"));
    let notes = host.wait_for("/api/v1/notes?limit=10", is_done).await?;
    ensure!(notes["items"].as_array().map(Vec::len) == Some(4), "{notes}");
    Ok(())
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_one_thing() -> Result<()> {
    let host = Host::start(Setup::with_clients(10)).await?;
    host.sync_and_wait().await?;
    let cookie = host.sign_up().await?;
    let send = async |path: &str, form: &[(&str, &str)]| {
        let request = host.http().post(host.url(path)).header("cookie", &cookie).form(form);
        host.send(request.header("sec-fetch-site", "same-origin")).await
    };
    let household = first_household(&host).await?["id"].take();
    let path = format!("/households/{}/export", household.as_str().context("a household has an id")?);
    let key = "0197a000-0000-7000-8000-00000000000a";
    let form = [("document", "best-life-plan"), ("key", key)];
    // A double click.
    let (first, second) = tokio::try_join!(send(&path, &form), send(&path, &form))?;
    ensure!((first.status, second.status) == (303, 303), "{} {}", first.text, second.text);
    ensure!(first.header("location") == second.header("location"), "two notes of one form");
    let another = send(&path, &[("document", "investment-preferences"), ("key", key)]).await?;
    ensure!(another.status == 409, "{}", another.text);

    let client = |name| [("id", "0197a000-0000-7000-8000-00000000000b"), ("first_name", name), ("last_name", "Clicks")];
    let tia = client("Tia");
    let (first, second) = tokio::try_join!(send("/clients", &tia), send("/clients", &tia))?;
    ensure!((first.status, second.status) == (303, 303), "{} {}", first.text, second.text);
    let changed = send("/clients", &client("Tom")).await?;
    ensure!(changed.status == 409 && changed.text.contains("with this id already, Tia Clicks"), "{}", changed.text);
    let found = host.get("/api/v1/clients?search=Clicks").await?.ok()?;
    ensure!(found["items"].as_array().map(Vec::len) == Some(1), "{found}");
    for lost in ["", "x", key] {
        let form = [("id", lost), ("first_name", "Lou"), ("last_name", "Lost")];
        ensure!(send("/clients", &form).await?.status == 303, "{lost}");
    }
    Ok(())
}
