// What the practice's people do with the book: goals, edits, events, documents, clients of their own, lists of ids,
// integrations.

import { access } from "./access.mjs";

/// Walks through it in order; answers where the pages are that `looks` looks at.
export async function work(browser, report, { host, token, person }) {
  const context = await browser.newContext({ baseURL: host, storageState: person });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  report.listen(page);

  const covered = await withCovers(host, token);
  await changeGoal(page, report, covered);
  const edit = await editClient(page, report, covered);
  const recorded = await recordEvent(page, report, covered);
  const exported = await exportDocument(page, report, covered);
  const own = await addClient(page, report);
  const ofHousehold = await access(browser, report, { host, token, page, household: covered });
  const list = await bringList(page, report, own);
  const rules = await editRules(page, report);
  const integration = await addIntegration(page, report);
  await findOut(page, report);
  const long = await longName(host, token);
  await context.close();
  return {
    "household-covers": covered,
    "household-own": own,
    ...ofHousehold,
    audit: "/audit",
    edit,
    explain: edit.replace(/edit$/, "explain"),
    record: `${covered}/record`,
    "record-event": recorded,
    "note-document": exported,
    "record-document": `${covered}/record/best-life-plan.exported`,
    documents: `/documents?household_id=${covered.split("/").pop()}`,
    "client-new": "/clients/new",
    "household-long": `/households/${long.household_id}`,
    "edit-long": `/clients/${long.id}/edit`,
    "record-event-long": `/households/${long.household_id}/record/note.written`,
    imports: "/imports",
    import: list,
    rules: rules.replace(/\/rules\.toml$/, ""),
    "rule-file": rules,
    integrations: "/settings/integrations",
    integration,
    "integration-new": "/settings/integrations/new",
    "integration-edit": `${integration}/edit`,
    "integration-remove": `${integration}/remove`,
    departures: "/connections/main/departures",
    "departures-covers": "/connections/main/departures?kind=cover",
    "review-likeness": "/review?of=lookalikes",
    "review-not-visible": "/review?of=not-visible",
    troubleshoot: "/troubleshoot?search=a",
  };
}

const main = (page) => page.locator("main").innerText();
const heading = async (page) => (await page.locator("h1").innerText()).trim();

/// The page of a household that has a goal and a cover.
async function withCovers(host, token) {
  const list = async (path) => {
    const answer = await fetch(`${host}/api/v1/${path}?limit=500`, { headers: { authorization: `Bearer ${token}` } });
    return (await answer.json()).items.map((item) => item.household_id);
  };
  const goals = new Set(await list("goals"));
  return `/households/${(await list("covers")).find((household) => goals.has(household))}`;
}

/// A client whose names have no place to break at.
async function longName(host, token) {
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const body = JSON.stringify({ first_name: "Q".repeat(120), last_name: "W".repeat(120) });
  return (await fetch(`${host}/api/v1/clients`, { method: "POST", headers, body })).json();
}

/// Edits a rule: what is wrong is told while it is typed, beside its line.
async function editRules(page, report) {
  await page.goto("/settings/integrations/main");
  await page.getByRole("link", { name: "Edit rules" }).click();
  await page.getByRole("link", { name: "rules.toml", exact: true }).click();
  const address = new URL(page.url()).pathname;
  const field = page.locator("#text");
  const original = await field.inputValue();
  const lines = original.split("\n").length;
  report.equal("every line has its number", await page.locator("#gutter > *").count(), lines);
  const misspelt = original.replace("home_code =", "home_cod =");
  await field.fill(misspelt);
  const told = await page.getByText("is `home_code` meant?").waitFor().then(() => true, () => false);
  report.that("a misspelt name is told while it is typed", told, await main(page));
  const line = misspelt.split("\n").findIndex((line) => line.startsWith("home_cod =")) + 1;
  report.equal("beside its line", await page.locator("#gutter a").first().innerText(), String(line));
  await page.locator("#problems a").first().click();
  const chosen = await field.evaluate((text) => text.value.slice(text.selectionStart, text.selectionEnd));
  report.that("a problem leads into the text", chosen.startsWith("home_cod ="), chosen);
  // The titles are the base's: what is written here takes the place of its line.
  await field.fill(`${original}\n[client.titles]\nMr = ["Mr", "Mister", "Sir"]\n`);
  const otherwise = await page.getByText("the pack expects empty").waitFor().then(() => true, () => false);
  report.that("an example that comes out otherwise is told at once", otherwise, await main(page));
  await page.getByRole("button", { name: "Stage and preview" }).click();
  const refused = await main(page);
  report.that("staging it is refused with the difference", refused.includes("Not staged"), refused);
  await page.reload();
  report.that("a reload keeps the text", (await field.inputValue()).includes('"Mister", "Sir"'));
  await page.getByRole("button", { name: "Discard the draft" }).click();
  report.that("a draft is given up", (await main(page)).includes("discarded"), await main(page));
  return address;
}

async function changeGoal(page, report, household) {
  await page.goto(household);
  const goal = page.locator("article.card", { has: page.locator("select[name=status]") }).first();
  const id = await goal.getAttribute("id");
  report.that("a goal says whose it is", (await goal.innerText()).includes("Owner"), await goal.innerText());
  await goal.locator("select[name=status]").selectOption({ label: "Done" });
  await goal.locator("select[name=recurrence]").selectOption({ label: "Yearly" });
  await goal.getByRole("button", { name: /^Save/ }).click();
  await page.waitForURL(/#goal-/);
  const saved = page.locator(`#${id}`);
  report.that("it is done", (await saved.locator(".badge").first().innerText()).includes("Done"), await saved.innerText());
  report.equal("and comes again", await saved.locator("select[name=recurrence] option:checked").innerText(), "Yearly");
}

async function editClient(page, report, household) {
  await page.goto(household);
  await page.getByRole("link", { name: "Edit until the next sync" }).first().click();
  const address = new URL(page.url()).pathname;
  report.that("an edit warns of the next sync", (await main(page)).includes("overrides it"), await main(page));
  await page.fill("#mobile", "12");
  await page.fill("#preferred_name", "Skipper");
  await page.getByRole("button", { name: "Save until the next sync" }).click();
  report.equal("what cannot be kept is told", await page.locator(".summary a").first().getAttribute("href"), "#mobile");
  report.equal("what was typed is kept", await page.inputValue("#preferred_name"), "Skipper");
  await page.fill("#mobile", "+61 491 570 156");
  await page.getByRole("button", { name: "Save until the next sync" }).click();
  const text = await main(page);
  report.that("the edit is shown as one", text.includes("Skipper") && text.includes("Edited:"), text);
  return address;
}

async function recordEvent(page, report, household) {
  await page.goto(household);
  await page.getByRole("link", { name: "Record an event" }).click();
  await page.getByRole("link", { name: "Your Life Survey completed" }).click();
  const address = new URL(page.url()).pathname;
  await page.getByLabel("Your Life Score, in percent").fill("seventy");
  await page.getByLabel("Goal 1").fill("Sail round Tasmania");
  await page.getByRole("button", { name: "Record it and send the note" }).click();
  report.that("a wrong score is told beside it", await page.locator("#data-score-problem").isVisible(), await main(page));
  report.equal("the goal is still there", await page.getByLabel("Goal 1").inputValue(), "Sail round Tasmania");
  await page.getByRole("button", { name: "Add a goal" }).click();
  report.equal("a row is added", await page.getByLabel("Goal 4").count(), 1);
  await page.getByLabel("Your Life Score, in percent").fill("71");
  await page.getByRole("button", { name: "Record it and send the note" }).click();
  await page.waitForURL(/\/notes\/./);
  report.that("its note has the text", (await main(page)).includes("Sail round Tasmania"), await main(page));
  return address;
}

async function exportDocument(page, report, household) {
  await page.goto(household);
  const look = page.getByRole("link", { name: "Look at it first (PDF)" }).first();
  const begins = await look.evaluate(async (link) => (await (await fetch(link.href)).text()).slice(0, 5));
  report.equal("a plan is looked at as a PDF", begins, "%PDF-");
  await page.getByRole("button", { name: "Export Best Life Plan" }).click();
  await page.waitForURL(/\/notes\/./);
  const address = new URL(page.url()).pathname;
  // Without loading it again.
  await page.locator("h1 .badge.good").waitFor({ timeout: 30_000 });
  const text = await main(page);
  report.that("an exported plan is in the CRM with its PDF", /\.pdf/.test(text) && text.includes("in the CRM as"), text);

  await page.goto(household);
  await page.getByRole("link", { name: "Note", exact: true }).click();
  const choose = (name, text) => page.setInputFiles("#attachments", { name, mimeType: "application/pdf", buffer: Buffer.from(text) });
  await page.getByLabel("Subject").fill("Signed agreement");
  await page.getByLabel("Text").fill("Signed by both.");
  await choose("wrong.pdf", "no PDF");
  await page.getByRole("button", { name: "Record it and send the note" }).click();
  const told = await page.locator("#attachments-problem").innerText();
  report.that("what is no PDF is told beside it", told.includes("wrong.pdf") && told.includes("no PDF"), told);
  report.equal("the subject is still there", await page.getByLabel("Subject").inputValue(), "Signed agreement");
  await choose("agreement.pdf", "%PDF-1.7\nstartxref\n9\n%%EOF\n");
  await page.getByRole("button", { name: "Add another PDF" }).click();
  report.that("a PDF is kept", await page.getByLabel("agreement.pdf").isChecked(), await main(page));
  await page.getByLabel("Text").fill("");
  await page.getByRole("button", { name: "Record it and send the note" }).click();
  report.that("it is kept where something else is wrong", await page.getByLabel("agreement.pdf").isChecked(), await main(page));
  await page.getByLabel("Text").fill("Signed by both.");
  await page.getByRole("button", { name: "Record it and send the note" }).click();
  await page.waitForURL(/\/notes\/./);
  report.that("the PDF goes with its note", (await main(page)).includes("agreement.pdf"), await main(page));
  await page.goto(household);
  await page.getByRole("link", { name: "Documents sent" }).click();
  const sent = await main(page);
  report.that("both documents are listed", sent.includes("agreement.pdf") && sent.includes("Made here"), sent);
  return address;
}

async function addClient(page, report) {
  await page.goto("/households");
  await page.getByRole("link", { name: "Add a client" }).click();
  await page.fill("#first_name", "Zora");
  await page.fill("#email", "not an email");
  await page.getByRole("button", { name: "Add the client" }).click();
  report.that("a client without what is needed is refused", await page.locator(".summary").isVisible(), await main(page));
  await page.fill("#last_name", "Quill");
  await page.fill("#email", "zora.quill@example.com");
  await page.getByRole("button", { name: "Add the client" }).click();
  await page.waitForURL(/households\/[^/]+$/);
  report.that("the client has a page", (await heading(page)).includes("Zora Quill"), await heading(page));
  report.that("and is not linked", (await main(page)).includes("Not linked to the CRM"), await main(page));
  const address = new URL(page.url()).pathname;
  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await page.fill("#preferred_name", "Zo");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const text = await main(page);
  report.that("and is edited for good", text.includes("Zo\n") && !text.includes("Edited:"), text);
  return address;
}

async function bringList(page, report, own) {
  await page.goto("/imports");
  const bring = async (name, text) => {
    await page.setInputFiles("#file", { name, mimeType: "text/csv", buffer: Buffer.from(text) });
    await page.getByRole("button", { name: "Read the list" }).click();
  };
  await bring("pictures.csv", "Colour,Size\nred,4\n");
  report.that("a list without its columns is refused", (await main(page)).includes("Nothing was kept"), await main(page));
  const rows = [
    "Xplan ID;E-mail;Surname;Given name",
    "990001;zora.quill@example.com;Quill;Zora",
    "990002;nobody;Lost;Lee",
    "990003;stranger@example.com;Strange;Sue",
  ];
  await bring("ids.csv", rows.join("\r\n"));
  await page.waitForURL(/imports\/./);
  const address = new URL(page.url()).pathname;
  const row = async (number) => page.locator("tbody tr").nth(number - 1).innerText();
  report.that("a row is ready", (await row(1)).includes("Ready") && (await row(1)).includes("Zora Quill"), await row(1));
  report.that("a row without an email cannot be imported", (await row(2)).includes("no email address"), await row(2));
  await page.getByRole("button", { name: /^Link 1/ }).click();
  report.that("what was linked is told", (await row(1)).includes("Linked"), await main(page));
  await page.goto(own);
  report.that("the client is linked", (await main(page)).includes("Linked to Xplan"), await main(page));
  report.that("by the list's ID", (await main(page)).includes("990001"), await main(page));
  return address;
}

async function addIntegration(page, report) {
  await page.goto("/settings/integrations");
  await page.getByRole("link", { name: "Add a new integration" }).click();
  await page.getByRole("button", { name: "Confirm and enter the credentials" }).click();
  report.that("the check before is asked for", await page.locator(".summary").isVisible(), await main(page));
  await page.check("#confirms_preflight");
  await page.getByRole("button", { name: "Confirm and enter the credentials" }).click();
  await page.fill("#title", "Acme Xplan integration");
  await page.getByRole("button", { name: "Proceed to authorise" }).click();
  const told = await page.locator(".summary li").allInnerTexts();
  report.that("what is missing is told", told.length >= 2, told.join("\n"));
  report.equal("the name is kept", await page.inputValue("#title"), "Acme Xplan integration");
  await page.fill("#forward_host", "acme.xplan.iress.com.au");
  await page.locator("[id='auth-client_id']").fill("acme");
  await page.locator("[id='auth-client_secret']").fill("a secret that is never shown");
  await page.uncheck("#enabled");
  await page.getByRole("button", { name: "Proceed to authorise" }).click();
  report.equal("nothing is missing any more", (await page.locator(".summary li").allInnerTexts()).join("\n"), "");
  await page.goto("/settings/integrations");
  const link = page.getByRole("link", { name: "Acme Xplan integration" });
  const address = await link.getAttribute("href");
  await link.click();
  const text = await main(page);
  report.that("the integration is there", text.includes("acme.xplan.iress.com.au"), text);
  await page.goto(`${address}/edit`);
  const secret = await page.locator("[id='auth-client_secret']").inputValue();
  report.equal("its secret does not come back", secret, "");
  return address;
}

async function findOut(page, report) {
  await page.goto("/households?search=zzzzzz");
  await page.getByRole("link", { name: "Why are they not here?" }).click();
  report.that("one who is nowhere is told so", (await main(page)).includes("zzzzzz"), await main(page));
}
