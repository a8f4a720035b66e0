// What people do: come in for the first time, sync, find somebody, ask why, use the keyboard, do without scripts.

const PERSON = { name: "Pat O'Neil", email: "pat.oneil@example.com", password: "a tide gate lets water out" };

/// Walks them in order; answers where the pages are that `looks` looks at, and the session to do it with.
export async function journeys(browser, report, { host, setUp, token }) {
  const context = await browser.newContext({ baseURL: host });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  report.listen(page);

  await comeIn(page, report, setUp);
  await sync(page, report);
  const household = await find(page, report);
  await askWhy(page, report, household);
  await keyboard(page, report);
  const note = await writeNote(page, report, { host, token, household });
  await readReport(page, report);
  await withoutScripts(browser, report, host);
  await signOut(browser, report, host);

  const person = await context.storageState();
  const run = await address(page, "/runs");
  return { person, pages: { household, run, note, setUp } };
}

async function heading(page) {
  return (await page.locator("h1").innerText()).trim();
}

/// The address of the first row of a list.
async function address(page, list) {
  await page.goto(list);
  return page.locator("a.open").first().getAttribute("href");
}

async function comeIn(page, report, setUp) {
  await page.goto("/households?search=khan");
  report.that("a stranger is sent to sign in", page.url().includes("/sign-in?to="), page.url());

  await page.goto(setUp);
  report.equal("the set-up link opens", await heading(page), "Make the first account");
  await page.fill("#name", PERSON.name);
  await page.fill("#email", PERSON.email);
  await page.fill("#password", "short");
  await page.click("button");
  report.equal("what was typed is kept", await page.inputValue("#name"), PERSON.name);
  await page.click(".summary a");
  report.equal("the summary leads to the field", await page.evaluate(() => location.hash), "#password");
  await page.fill("#password", PERSON.password);
  await page.click("button");
  report.equal("the first account is in", await heading(page), "Overview");

  await page.goto(setUp);
  report.equal("the link holds once", await heading(page), "This link is over");
  await page.goto("/");
}

async function sync(page, report) {
  const site = page.locator("section.card");
  report.that("a new host says so", (await site.innerText()).includes("Not synced yet"), await site.innerText());
  await page.getByRole("button", { name: "Sync now" }).click();
  const live = page.locator("[data-live]");
  const told = await page.locator(".state").innerText();
  const isFirst = /^(The first sync is under way|A sync is about to begin)/.test(told);
  report.that("the first sync is told as what it is", isFirst, told);
  const before = await live.innerText();
  const changed = await page
    .waitForFunction((text) => document.querySelector("[data-live]")?.innerText !== text, before)
    .then(() => true, () => false);
  report.that("progress is shown as it goes", changed, before);
  await page.getByText("Connected", { exact: true }).waitFor({ timeout: 120_000 });
  const state = await page.locator(".state").innerText();
  report.that("the overview says how it went", /^Synced .*: \d+ clients/.test(state), state);
  report.equal("the run is in the timeline", await page.locator("table.rows tbody tr").count(), 1);
}

async function find(page, report) {
  await page.goto("/households");
  report.equal("households have a page", await heading(page), "Households");
  report.equal("a page of the list is full", await page.locator("tbody tr").count(), 50);
  await page.click("text=Next page");
  report.that("the next page has others", (await page.locator("tbody tr").count()) > 0);
  await page.click("text=First page");

  // Somebody whose record has something to look at: the more telling page.
  const rows = page.locator("tbody tr", { has: page.locator(".badge") });
  const row = rows.filter({ hasNotText: "No name" }).first();
  const name = await row.locator("a.open").innerText();
  const household = await row.locator("a.open").getAttribute("href");
  const word = name.split(/[ &]+/)[0];
  await page.keyboard.press("/");
  report.equal("/ reaches the search", await page.evaluate(() => document.activeElement.id), "search");
  await page.keyboard.type(word.slice(0, 3).toLowerCase());
  await page.keyboard.press("Enter");
  await page.waitForURL(/search=/);
  const found = await page.locator("a.open").evaluateAll((links) => links.map((link) => link.getAttribute("href")));
  report.that(`“${word}” is found by its beginning`, found.includes(household), found.join(" "));

  await page.goto("/households?search=zzzzzz");
  report.that("nothing found says so", (await page.locator(".empty").innerText()).includes("zzzzzz"));
  await page.goto("/households?search=%3Cscript%3Ealert(1)%3C%2Fscript%3E");
  report.that("markup stays text", (await page.locator("main").innerText()).includes("<script>alert(1)</script>"));
  return household;
}

async function askWhy(page, report, household) {
  await page.goto(household);
  report.that("people are cards", (await page.locator("section.card").count()) >= 1);
  const labels = await page.locator("section.card").first().locator("dt").allInnerTexts();
  for (const label of ["Title", "First name", "Date of birth", "Email", "Mobile", "Suburb or town", "Client ID", "Adviser"]) {
    report.that(`a person shows ${label}`, labels.includes(label), labels.join(", "));
  }
  const finding = page.locator(".finding").first();
  report.that("what is to be looked at is said in words", (await finding.innerText()).length > 20);
  await page.locator("dd a.mark").nth(1).click();
  report.that("a mark leads to the reason", (await heading(page)).startsWith("Why these values"));
  const target = page.locator(":target");
  report.equal("at the field", await target.getAttribute("id"), "first_name");
  report.that("with its source", (await target.innerText()).includes("Read at"), await target.innerText());
}

async function keyboard(page, report) {
  await page.goto("/households");
  const reached = [];
  for (let step = 0; step < 22; step += 1) {
    await page.keyboard.press("Tab");
    reached.push(
      await page.evaluate(() => {
        const on = document.activeElement;
        const ring = getComputedStyle(on);
        const after = getComputedStyle(on, "::after");
        const visible = ring.outlineStyle !== "none" || after.outlineStyle !== "none";
        return `${on.id || on.className || on.innerText}${visible ? "" : " (focus not visible)"}`;
      }),
    );
  }
  const place = (name) => reached.findIndex((one) => one.startsWith(name));
  report.equal("Tab begins at the skip link", place("skip"), 0);
  report.that("then the search, then the rows", 0 < place("search") && place("search") < place("open"), reached.join(", "));
  report.that("focus is always visible", !reached.some((one) => one.includes("not visible")), reached.join(", "));

  await page.goto("/households");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  report.equal("the skip link leads to the content", await page.evaluate(() => document.activeElement.id), "content");
  await page.locator("a.open").first().focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/households\/./);
  report.that("Enter opens a row", true);

  await page.goto("/households");
  const last = page.locator("tbody tr").first().locator("td").last();
  const box = await last.boundingBox();
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  await page.waitForURL(/households\/./);
  report.that("so does a click anywhere on it", /households\/./.test(page.url()), page.url());
}

async function writeNote(page, report, { host, token, household }) {
  const answer = await fetch(`${host}/api/v1/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "idempotency-key": "browser-1",
    },
    body: JSON.stringify({
      type: "your-life-survey.completed",
      household_id: household.split("/").pop(),
      occurred_at: new Date().toISOString(),
      data: {
        score: 72,
        goals: ["Pay <b>off</b> the house"],
        dimensions: [{ name: "Health", percent: 64 }],
      },
    }),
  });
  report.that("an event is accepted", answer.ok, `${answer.status} ${await answer.text()}`);
  await page.goto("/notes");
  await page.locator("a.open").first().click();
  report.that("its note has a page", (await heading(page)).startsWith("Completed Your Life Survey"), await heading(page));
  report.that("markup in it stays text", (await page.locator(".body").innerText()).includes("<b>off</b>"));
  report.equal("how it goes is read aloud", await page.locator("#badge").getAttribute("aria-live"), "polite");
  const delivered = await page.locator("h1 .badge.good").waitFor().then(() => true, () => false);
  report.that("and it is delivered, without loading the page again", delivered, await page.locator("main").innerText());
  report.equal("what moves no more is left alone", await page.locator("[data-moving]").count(), 0);
  return new URL(page.url()).pathname;
}

async function readReport(page, report) {
  await page.goto("/runs");
  await page.locator("a.open").first().click();
  report.that("a run has a report", (await heading(page)).startsWith("Run of main"), await heading(page));
  const text = await page.locator("main").innerText();
  for (const part of ["Read from the CRM", "Warnings", "Left out by a rule", "Requests to the CRM"]) {
    report.that(`it tells “${part}”`, text.includes(part), text);
  }
  await page.locator("section[aria-label=Warnings] a").first().click();
  report.that("a warning leads to those of whom it is said", (await page.locator("tbody tr a.open").count()) > 0);
  await page.goto("/review?of=left-out");
  report.that("what rules left out is listed", (await page.locator("tbody tr").count()) > 0);
}

async function withoutScripts(browser, report, host) {
  const context = await browser.newContext({ baseURL: host, javaScriptEnabled: false });
  const page = await context.newPage();
  report.listen(page);
  await page.goto("/households");
  await page.fill("#email", PERSON.email);
  await page.fill("#password", "not this one at all");
  await page.click("button");
  report.that("without scripts, a wrong password is told", await page.locator("[role=alert]").isVisible());
  await page.fill("#password", PERSON.password);
  await page.click("button");
  report.equal("without scripts, signing in leads to where one was going", await heading(page), "Households");
  await page.fill("#search", "a");
  await page.press("#search", "Enter");
  report.that("without scripts, one searches", page.url().includes("search=a"), page.url());
  await page.goto("/");
  await page.getByRole("button", { name: "Sync now" }).click();
  report.equal("without scripts, one syncs", await heading(page), "Overview");
  for (let tries = 0; tries < 240 && (await page.locator("[data-live]").count()) > 0; tries += 1) {
    await page.waitForTimeout(250);
    await page.reload();
  }
  report.equal("without scripts, its end is seen after a reload", await page.locator("table.rows tbody tr").count(), 2);
  await context.close();
}

async function signOut(browser, report, host) {
  const context = await browser.newContext({ baseURL: host });
  const page = await context.newPage();
  report.listen(page);
  await page.goto("/sign-in");
  await page.fill("#email", PERSON.email);
  await page.fill("#password", PERSON.password);
  await page.click("button");
  report.equal("one signs in", await heading(page), "Overview");
  await page.getByRole("button", { name: "Sign out" }).click();
  report.equal("one signs out", await heading(page), "Sign in");
  await page.goto("/");
  report.equal("and is out", await heading(page), "Sign in");
  await context.close();
}
