// Signs people in by an identity provider, as they do it in a browser, and without JavaScript. Ends with 1 where something is
// not as it should be.
//
//   HOST=http://127.0.0.1:8080 PROVIDER=http://localhost:9000 node openid.mjs
//
// TIDEGATE_SCREENSHOTS=folder keeps pictures.

import { mkdir } from "node:fs/promises";

import { chromium } from "playwright-core";

import { Report } from "./report.mjs";

const { HOST, PROVIDER, CHROMIUM = "/usr/bin/chromium", TIDEGATE_SCREENSHOTS } = process.env;

const args = process.getuid() === 0 ? ["--no-sandbox"] : [];
const browser = await chromium.launch({ executablePath: CHROMIUM, args });
const report = new Report();
const main = (page) => page.locator("main").innerText();

const set = async (login, claims) => {
  const answer = await fetch(`${PROVIDER}/set`, { method: "POST", body: JSON.stringify({ [login]: claims }) });
  if (!answer.ok) throw new Error(`the provider takes no claims: ${answer.status}`);
};

const open = async (options = {}) => {
  const context = await browser.newContext({ baseURL: HOST, ...options });
  context.setDefaultTimeout(15_000);
  return context.newPage();
};

const picture = async (page, name) => {
  if (!TIDEGATE_SCREENSHOTS) return;
  await mkdir(TIDEGATE_SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: `${TIDEGATE_SCREENSHOTS}/${name}.png`, fullPage: true });
};

/// On the provider's own pages, until it leads back.
const there = async (page, login) => {
  await page.waitForURL(`${PROVIDER}/**`);
  await page.fill('input[name="login"]', login);
  await page.fill('input[name="password"]', "anything");
  await page.getByRole("button").first().click();
  const consent = page.getByRole("button", { name: "Continue" });
  await Promise.race([consent.waitFor(), page.waitForURL(`${HOST}/**`)]);
  if (page.url().startsWith(PROVIDER)) await consent.click();
  await page.waitForURL(`${HOST}/**`);
};

const signIn = async (page, login, path = "/runs") => {
  await page.goto(path);
  await page.getByRole("link", { name: "Sign in with Acme login" }).click();
  await there(page, login);
};

try {
  await set("omar", { email: "omar@example.com", email_verified: true, name: "Omar Haddad", groups: ["Managers"] });
  const omar = await open();
  await omar.goto("/sign-in");
  for (const colorScheme of ["light", "dark"]) {
    await omar.emulateMedia({ colorScheme });
    for (const width of [360, 1280]) {
      await omar.setViewportSize({ width, height: 900 });
      await picture(omar, `sign-in-openid-${width}-${colorScheme}`);
      const wide = await omar.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
      report.that(`the sign-in page fits into ${width} px`, !wide);
    }
  }
  await omar.keyboard.press("Tab");
  const focused = await omar.evaluate(() => document.activeElement.textContent.trim());
  report.equal("the first stop is the provider's button", focused, "Sign in with Acme login");
  await signIn(omar, "omar");
  report.equal("a new person comes to where they were going", new URL(omar.url()).pathname, "/runs");
  await omar.goto("/account");
  report.that("as the role of their group", (await main(omar)).includes("Omar Haddad, practice manager"), await main(omar));
  report.that("by the provider", (await main(omar)).includes("Identity provider"), await main(omar));
  report.that("without a password to change", !(await main(omar)).includes("Change the password"));
  await picture(omar, "account-openid");

  // What changes credentials asks for a sign-in there anew, which the provider asks for although it knows the person.
  await omar.goto("/account/confirm?to=/people/invite");
  await picture(omar, "confirm-openid");
  await omar.getByRole("link", { name: "Sign in with Acme login once more" }).click();
  await there(omar, "omar");
  report.equal("and leads back", new URL(omar.url()).pathname, "/people/invite");
  await omar.goto("/account");
  report.that("and is enough for a token", (await main(omar)).includes("Make the token"), await main(omar));

  // Somebody who is invited, without JavaScript.
  await set("zoe", { email: "zoe@example.com", email_verified: false, name: "Zoe Tan", groups: ["Help desk"] });
  const zoe = await open({ javaScriptEnabled: false });
  await signIn(zoe, "zoe");
  report.that("an email that is not verified is refused", (await main(zoe)).includes("does not say that your email is verified"), await main(zoe));
  await picture(zoe, "sign-in-openid-refused");
  await set("zoe", { email: "zoe@example.com", email_verified: true, name: "Zoe Tan", groups: ["Help desk"] });
  // The provider remembers who they are, and leads straight back.
  await zoe.goto("/sign-in?to=/runs");
  await zoe.getByRole("link", { name: "Sign in with Acme login" }).click();
  await zoe.waitForURL(`${HOST}/runs`);
  await zoe.goto("/account");
  report.that("who is invited has their account", (await main(zoe)).includes("Zoe Tan, support"), await main(zoe));

  // Signed out here, the session is over; the provider has its own.
  await zoe.getByRole("button", { name: "Sign out", exact: true }).click();
  await zoe.waitForURL(/\/sign-in/);
  await zoe.goto("/account");
  report.that("signed out is signed out", zoe.url().includes("/sign-in"), zoe.url());

  // Out of all groups.
  await set("zoe", { email: "zoe@example.com", email_verified: true, name: "Zoe Tan", groups: [] });
  await zoe.getByRole("link", { name: "Sign in with Acme login" }).click();
  await zoe.waitForURL(/callback/);
  report.that("without a group the account ends", (await main(zoe)).includes("signed out everywhere"), await main(zoe));

  await omar.goto("/people");
  await omar.getByRole("link", { name: "Zoe Tan" }).click();
  report.that("which the manager sees", (await main(omar)).includes("no group of Zoe Tan gave a role"), await main(omar));
  await picture(omar, "person-openid");
} catch (error) {
  report.failed("the walk came to its end", error.stack);
} finally {
  await browser.close();
}
process.exit(report.end());
