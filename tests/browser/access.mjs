// A household's access, as a practice manager gives it, changes it and takes it away, and what a colleague sees meanwhile.

const main = (page) => page.locator("main").innerText();

/// Walks through it with a household; answers where its access is.
export async function access(browser, report, { host, token, page, household }) {
  const colleague = async (email, name, role) => {
    const body = JSON.stringify({ email, name, role, password: "a heron stands in the reeds" });
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const answer = await fetch(`${host}/api/v1/users`, { method: "POST", headers, body });
    if (answer.status !== 201) throw new Error(`${email} is not made: ${await answer.text()}`);
  };
  await colleague("omar.haddad@example.com", "Omar Haddad", "adviser");
  await colleague("zoe.tan@example.com", "Zoe Tan", "paraplanner");
  const context = await browser.newContext({ baseURL: host });
  context.setDefaultTimeout(15_000);
  const zoe = await context.newPage();
  report.listen(zoe);
  await zoe.goto("/sign-in");
  await zoe.fill("#email", "zoe.tan@example.com");
  await zoe.fill("#password", "a heron stands in the reeds");
  await zoe.getByRole("button", { name: "Sign in" }).click();
  await zoe.waitForURL(/\/$/);
  const sees = async () => (await zoe.goto(household)).status();
  report.equal("a colleague without access finds no such household", await sees(), 404);

  await page.goto(household);
  await page.getByRole("link", { name: "Manage household access" }).click();
  await page.waitForURL(/\/access$/);
  await page.getByRole("link", { name: "Team", exact: true }).click();
  const team = page.getByRole("region", { name: "Team" });
  report.that("there is one primary professional", (await team.innerText()).includes("Primary professional"), await team.innerText());
  await page.getByRole("link", { name: "Staff access" }).click();
  await page.getByRole("button", { name: "Save", exact: true }).last().click();
  report.that("nobody chosen is told", (await main(page)).includes("choose whom to give access"), await main(page));
  await page.getByLabel("Choose Zoe Tan").check();
  await page.getByLabel("Role of Zoe Tan").selectOption("support");
  await page.getByLabel("Reason").fill("Covers for Omar in March");
  await page.getByRole("button", { name: "Save", exact: true }).last().click();
  report.that("access is given", (await main(page)).includes("Access was given."), await main(page));
  report.that("with its reason", (await team.innerText()).includes("Covers for Omar in March"), await team.innerText());
  const seenBy = page.getByRole("region", { name: "Who can see this household" });
  report.that("who can see it, and why", (await seenBy.innerText()).includes("Zoe Tan was given access as support"), await seenBy.innerText());

  report.equal("the colleague sees the household", await sees(), 200);
  report.that("and does not manage it", !(await main(zoe)).includes("Manage household access"), await main(zoe));
  await zoe.goto("/households");
  report.that("and it is the only one in the list", (await main(zoe)).includes("1 household with"), await main(zoe));

  await page.getByLabel("Role of Zoe Tan").selectOption("associate");
  await page.getByRole("button", { name: "Save the role of Zoe Tan" }).click();
  report.that("a role is changed in place", (await main(page)).includes("The role is changed."), await main(page));
  await page.getByLabel("Primary professional from now on").selectOption({ label: "Omar Haddad (Adviser)" });
  await page.getByRole("button", { name: "Make primary" }).click();
  report.that("another is made primary in one step", (await team.innerText()).includes("Omar Haddad\tPrimary professional"), await team.innerText());
  report.that("and the one before is the second", (await team.innerText()).includes("Secondary professional"), await team.innerText());
  await page.getByRole("button", { name: "Delete the access of Zoe Tan" }).click();
  report.that("access is taken away", (await main(page)).includes("The access was taken away."), await main(page));
  report.equal("and the colleague finds nothing there", await sees(), 404);
  await context.close();
  return `${household}/access`;
}
