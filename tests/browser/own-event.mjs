// Records an event that only a pack brings, by its form: with every mistake first, with a PDF, and once without scripts.
//
//   HOST=http://127.0.0.1:8080 HOUSEHOLD=/households/… COOKIE=name=value CHROMIUM=/usr/bin/chromium node own-event.mjs
//
// TIDEGATE_SCREENSHOTS=folder keeps pictures of the form.

import { mkdir } from "node:fs/promises";

import { chromium } from "playwright-core";

import { Report } from "./report.mjs";

const { HOST, HOUSEHOLD, COOKIE, CHROMIUM = "/usr/bin/chromium", TIDEGATE_SCREENSHOTS } = process.env;

const args = process.getuid() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath: CHROMIUM, args });
const report = new Report();
try {
  for (const javaScriptEnabled of [false, true]) {
    const context = await browser.newContext({ baseURL: HOST, javaScriptEnabled });
    const [name, ...value] = COOKIE.split("=");
    await context.addCookies([{ name, value: value.join("="), url: HOST.replace("http:", "https:"), secure: true }]);
    await record(await context.newPage(), javaScriptEnabled);
    await context.close();
  }
} catch (error) {
  report.failed("the event is recorded", error.stack);
} finally {
  await browser.close();
}
process.exit(report.end());

async function record(page, toTheEnd) {
  const main = () => page.locator("main").innerText();
  const send = () => page.getByRole("button", { name: "Record it and send the note" }).click();
  await page.goto(`${HOUSEHOLD}/record`);
  report.that("the page lists it", (await main()).includes("What was agreed goes to the CRM"), await main());
  await page.getByRole("link", { name: "Annual review completed" }).click();
  const labels = await page.locator("main form label").allInnerTexts();
  const own = ["Summary", "How it went", "Fee for the next year (optional)", "Next review (optional)", "Step 1", "Step 2", "PDF"];
  report.equal("the form has its fields in the file's order", labels.slice(-own.length).join(), own.join());
  report.that("with what helps", (await main()).includes("Before tax."), await main());
  report.equal("a long text has its lines", await page.getByLabel("Summary").getAttribute("rows"), "4");
  await picture(page, "own-event");

  await page.getByLabel("Fee for the next year").fill("-1");
  await page.getByLabel("Step 2").fill("Send the quote");
  await send();
  for (const [field, words] of [["summary", "Must not be empty"], ["mood", "Fill this in"], ["fee", "Must be a number from 0 on"]]) {
    report.equal(`${field} is told beside it`, await page.locator(`#data-${field}-problem`).innerText(), words);
  }
  report.equal("what was typed is there", await page.getByLabel("Step 1").inputValue(), "Send the quote");
  await picture(page, "own-event-refused");
  await page.getByRole("button", { name: "Add a step" }).click();
  report.equal("a row is added", await page.getByLabel("Step 3").count(), 1);
  if (!toTheEnd) return;

  await page.getByLabel("Summary").fill("Stays the course.\n\nMore next year.");
  await page.getByLabel("How it went").selectOption({ label: "Well" });
  await page.getByLabel("Fee for the next year").fill("1250,50");
  await page.getByLabel("Next review").fill("2027-03-01");
  await page.getByLabel("Step 3").fill("Call Sam");
  const buffer = Buffer.from("%PDF-1.7\nstartxref\n9\n%%EOF\n");
  await page.setInputFiles("#attachments", { name: "review.pdf", mimeType: "application/pdf", buffer });
  await send();
  const isSent = await page.waitForURL(/\/notes\/./).then(() => true, () => false);
  report.that("it is recorded", isSent, await main());
  report.that("its note says what it is of", (await main()).includes("Annual review completed"), await main());
}

async function picture(page, name) {
  if (!TIDEGATE_SCREENSHOTS) return;
  await mkdir(TIDEGATE_SCREENSHOTS, { recursive: true });
  for (const [width, colorScheme] of [[360, "light"], [1280, "dark"]]) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: `${TIDEGATE_SCREENSHOTS}/${name}-${width}-${colorScheme}.png`, fullPage: true });
  }
}
