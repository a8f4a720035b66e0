// The second factor of a colleague: set up by the key beside the picture, asked for at sign-in without scripts, and lost.

import { createHmac } from "node:crypto";
import { mkdir } from "node:fs/promises";

const EMAIL = "ivy.marsh@example.com";
const PASSWORD = "a bittern booms at dusk";

/// The code that an app with this key shows, so many half minutes from now.
function code(key, steps = 0) {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...key.replaceAll(" ", "")].map((letter) => letters.indexOf(letter).toString(2).padStart(5, "0")).join("");
  const bytes = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const sum = createHmac("sha1", bytes).update(counter).digest();
  const from = sum[19] & 15;
  return String((sum.readUInt32BE(from) & 0x7fffffff) % 1_000_000).padStart(6, "0");
}

const main = (page) => page.locator("main").innerText();

/// Walks through it; keeps pictures where `screenshots` names a folder.
export async function secondFactor(browser, report, { host, token, screenshots }) {
  const body = JSON.stringify({ email: EMAIL, name: "Ivy Marsh", role: "support", password: PASSWORD });
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const made = await fetch(`${host}/api/v1/users`, { method: "POST", headers, body });
  if (made.status !== 201) throw new Error(`${EMAIL} is not made: ${await made.text()}`);
  const { id } = await made.json();
  if (screenshots) await mkdir(screenshots, { recursive: true });
  const shoot = async (page, name) => {
    if (screenshots) await page.screenshot({ path: `${screenshots}/${name}.png`, fullPage: true });
  };
  const context = await browser.newContext({ baseURL: host, javaScriptEnabled: false });
  context.setDefaultTimeout(15_000);
  const page = await context.newPage();
  report.listen(page);
  const password = async () => {
    await page.goto("/sign-in?to=/account");
    await page.fill("#email", EMAIL);
    await page.fill("#password", PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
  };

  await password();
  await page.getByRole("link", { name: "Set up a second factor" }).click();
  const picture = await page.locator("svg.qr").boundingBox();
  report.that("there is a picture for the app, large enough for a camera", picture && picture.width >= 180, JSON.stringify(picture));
  const key = await page.locator("#secret").innerText();
  await shoot(page, "second-factor-set-up");
  await page.fill("#code", "000 000");
  await page.getByRole("button", { name: "Set it up" }).click();
  report.that("a wrong code is told at its field", (await main(page)).includes("This code is not accepted"), await main(page));
  report.equal("and the key stays", await page.locator("#secret").innerText(), key);
  await page.fill("#code", code(key, -1));
  await page.getByRole("button", { name: "Set it up" }).click();
  const codes = await page.locator(".codes code").allInnerTexts();
  report.equal("ten recovery codes are shown", codes.length, 10);
  await shoot(page, "second-factor-recovery-codes");
  // What was shown a moment ago is what a second click is led to.
  await page.waitForTimeout(5500);
  await page.reload();
  report.that("once", (await main(page)).includes("Recovery codes are shown once"), await main(page));
  await page.goto("/account");
  await shoot(page, "second-factor-account");
  await page.getByRole("button", { name: /Sign out/ }).first().click();

  await password();
  report.that("the code is asked for after the password", (await main(page)).includes("Your code"), await main(page));
  await shoot(page, "second-factor-code");
  const early = await page.goto("/account");
  report.that("and nothing is open before", page.url().includes("/sign-in"), `${early.status()} ${page.url()}`);
  await password();
  await page.fill("#code", code(key, 6));
  await page.keyboard.press("Enter");
  await page.getByText("differ by about").first().waitFor();
  report.that("clocks that differ are told", (await main(page)).includes("differ by about 3 minutes"), await main(page));
  await shoot(page, "second-factor-clocks");
  const now = code(key);
  await page.fill("#code", `${now.slice(0, 3)} ${now.slice(3)}`);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/account$/);
  report.that("a code opens, with a blank in it", (await main(page)).includes("10 of your 10 recovery codes"), await main(page));
  await page.goto("/account/confirm?to=/account");
  await page.fill("#current_password", PASSWORD);
  await page.fill("#code", codes[0].replaceAll("-", " "));
  await page.getByRole("button", { name: "Go on" }).click();
  report.that("a recovery code confirms once", (await main(page)).includes("9 of your 10 recovery codes"), await main(page));

  const reset = await fetch(`${host}/api/v1/users/${id}/reset-second-factor`, { method: "POST", headers });
  report.equal("a lost one is reset", reset.status, 200);
  await page.goto("/account");
  report.that("which ends the sessions", page.url().includes("/sign-in"), page.url());
  await password();
  report.that("and the password alone opens again", (await main(page)).includes("Set up a second factor"), await main(page));
  await context.close();
}
