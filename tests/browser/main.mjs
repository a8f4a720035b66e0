// Walks through the pages of a running host as people do, and says each thing it saw. Ends with 1 where something is
// not as it should be; everything is looked at first.
//
//   HOST=http://127.0.0.1:8080 SET_UP=/set-up/… TOKEN=… CHROMIUM=/usr/bin/chromium node main.mjs
//
// The host is new: no account, nothing synced. TIDEGATE_SCREENSHOTS=folder keeps a picture of every page.

import { chromium } from "playwright-core";

import { journeys } from "./journeys.mjs";
import { looks } from "./looks.mjs";
import { Report } from "./report.mjs";
import { secondFactor } from "./second-factor.mjs";
import { work } from "./work.mjs";

const { HOST, SET_UP, TOKEN, CHROMIUM = "/usr/bin/chromium", TIDEGATE_SCREENSHOTS } = process.env;

// Chromium refuses its sandbox to root, which is whom containers run tests as.
const args = process.getuid() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath: CHROMIUM, args });
const report = new Report();
try {
  const found = await journeys(browser, report, { host: HOST, setUp: SET_UP, token: TOKEN });
  const worked = await work(browser, report, { host: HOST, token: TOKEN, person: found.person });
  await secondFactor(browser, report, { host: HOST, token: TOKEN, screenshots: TIDEGATE_SCREENSHOTS });
  await looks(browser, report, { host: HOST, screenshots: TIDEGATE_SCREENSHOTS, worked, ...found });
} catch (error) {
  report.failed("the walk came to its end", error.stack);
} finally {
  await browser.close();
}
process.exit(report.end());
