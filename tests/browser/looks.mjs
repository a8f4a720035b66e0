// How every page looks: at four widths, light and dark, nothing runs off its side, every text stands out from its
// ground, and what is pressed is large enough.

import { mkdir } from "node:fs/promises";

const WIDTHS = [360, 768, 1280, 1920];
const SCHEMES = ["light", "dark"];

/// Looks at all of them.
export async function looks(browser, report, { host, person, pages, worked, screenshots }) {
  const own = {
    overview: "/",
    households: "/households",
    "households-none": "/households?search=zzzzzz",
    household: pages.household,
    runs: "/runs",
    run: pages.run,
    changes: `${pages.run}/changes`,
    findings: "/clients?diagnostic=no-country-code",
    notes: "/notes",
    note: pages.note,
    review: "/review?of=left-out",
    missing: "/nowhere",
    ...worked,
  };
  await each(browser, report, { host, storageState: person, screenshots }, own);
  await each(browser, report, { host, screenshots }, { "sign-in": "/sign-in", "set-up-over": pages.setUp });
}

async function each(browser, report, { host, storageState, screenshots }, pages) {
  if (screenshots) await mkdir(screenshots, { recursive: true });
  for (const colorScheme of SCHEMES) {
    const context = await browser.newContext({ baseURL: host, storageState, colorScheme });
    const page = await context.newPage();
    report.listen(page);
    for (const [name, address] of Object.entries(pages)) {
      await page.goto(address);
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 });
        const at = `${name}, ${width} px, ${colorScheme}`;
        const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        report.that(`${at}: nothing runs off its side`, over <= 0, `${over} px`);
        if (screenshots) {
          await page.screenshot({ path: `${screenshots}/${name}-${width}-${colorScheme}.png`, fullPage: true });
        }
      }
      const faint = await page.evaluate(faintTexts);
      report.that(`${name}, ${colorScheme}: every text is at least 4.5 : 1`, faint.length === 0, faint.join("\n  "));
      const small = await page.evaluate(smallTargets);
      report.that(`${name}: targets are at least 24 px`, small.length === 0, small.join("\n  "));
    }
    await context.close();
  }
}

// Runs in the page: texts whose contrast with what is painted behind them is below WCAG's 4.5 : 1.
function faintTexts() {
  const parse = (color) => {
    const [r, g, b, a = 1] = color.match(/[\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a),
    g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a),
    a: 1,
  });
  const channel = (value) => (value <= 10.314 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ({ r, g, b }) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = (element) => {
    const painted = [];
    for (let at = element; at; at = at.parentElement) painted.push(parse(getComputedStyle(at).backgroundColor));
    return painted.reverse().reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
  };
  const ratio = (color, element) => {
    const below = ground(element);
    const [light, dark] = [luminance(over(parse(color), below)), luminance(below)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  };
  const found = [];
  const note = (color, element, text) => {
    const contrast = ratio(color, element);
    if (contrast < 4.5) found.push(`${contrast.toFixed(2)} : 1 “${text.trim().slice(0, 40)}” in ${element.className || element.tagName}`);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const isShown = element.checkVisibility() && !element.closest(".unseen");
    if (isShown && texts.currentNode.data.trim()) note(getComputedStyle(element).color, element, texts.currentNode.data);
  }
  for (const input of document.querySelectorAll("input[placeholder]")) {
    note(getComputedStyle(input, "::placeholder").color, input, input.placeholder);
  }
  return found;
}

// Runs in the page: what is pressed and smaller than 24 px, but for links within a line of text.
function smallTargets() {
  const pressed = document.querySelectorAll("button, input:not([type=hidden]), summary, nav a, a.mark, .paging a");
  const shown = [...pressed].filter((one) => one.checkVisibility() && !one.classList.contains("unseen"));
  return shown
    .map((one) => ({ one, box: one.getBoundingClientRect() }))
    .filter(({ box }) => box.width < 24 || box.height < 24)
    .map(({ one, box }) => `${one.innerText || one.tagName}: ${box.width} by ${box.height}`);
}
