// A household's access, as a practice manager gives it, changes it and takes it away, and what a colleague sees meanwhile.

const main = (page) => page.locator("main").innerText();

/// Walks through it with a household; answers where its pages are.
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

  // In an emergency, for a time and with a reason, by an id: a name would tell who is a client.
  const id = household.split("/").pop();
  await zoe.goto("/households");
  await zoe.getByRole("link", { name: "Emergency access" }).click();
  await zoe.getByLabel("Whole email or CRM ID").fill("Khan");
  await zoe.getByLabel("Why you need it now").fill("The client rang and cannot wait");
  await zoe.getByRole("button", { name: "Open it" }).click();
  report.that("a name opens nothing", (await main(zoe)).includes("No household is found by this."), await main(zoe));
  report.equal("and what was typed stays", await zoe.getByLabel("Why you need it now").inputValue(), "The client rang and cannot wait");
  await zoe.getByLabel("Whole email or CRM ID").fill(id);
  await zoe.getByRole("button", { name: "Open it" }).click();
  report.that("it is open, and every page says so", (await main(zoe)).includes("You have opened a household in an emergency"), await main(zoe));
  report.equal("the colleague sees it", await sees(), 200);
  await zoe.goto("/emergency-access");
  await zoe.getByRole("button", { name: "End it now" }).click();
  report.equal("ended, it is gone", await sees(), 404);
  await page.goto("/");
  await page.getByRole("link", { name: "Review it" }).click();
  await page.getByLabel("What you found").fill("In order: the call is in the notes");
  await page.getByRole("button", { name: "Mark as reviewed" }).click();
  report.that("a practice manager reviewed it", (await main(page)).includes("Marked as reviewed."), await main(page));

  // A team of the two, then the households of who leaves.
  await page.goto("/people");
  await page.getByRole("link", { name: "Teams" }).click();
  await page.getByLabel("Name").fill("North");
  await page.getByLabel("Omar Haddad").check();
  await page.getByLabel("Zoe Tan").check();
  await page.getByRole("button", { name: "Make the team" }).click();
  report.that("a team is made", (await main(page)).includes("The team North was made."), await main(page));
  report.equal("the team sees its colleague's household", await sees(), 200);
  await page.goto("/people");
  await page.getByRole("link", { name: "Omar Haddad" }).click();
  await page.getByRole("link", { name: "Hand over their households" }).click();
  const handOver = new URL(page.url()).pathname;
  report.that("what would pass on is shown", (await main(page)).includes("is a professional of 1 household."), await main(page));
  await page.getByLabel("Adviser or practice manager").selectOption({ index: 1 });
  await page.getByRole("button", { name: "Hand them over" }).click();
  report.that("and passes on in one step", (await main(page)).includes("1 household is handed over."), await main(page));
  report.equal("the team has no part in it any more", await sees(), 404);
  await context.close();
  // What is kept of a client, and what an erasure would take away.
  await page.goto(household);
  await page.getByRole("link", { name: /Privacy/ }).first().click();
  const ofClient = new URL(page.url()).pathname;
  report.that("what an erasure takes away is shown", (await main(page)).includes("Records copied from the CRM"), await main(page));
  // Somebody whom a rule left out, or whose record does not fit, is erased by the id of the record.
  await page.goto("/review?of=left-out");
  await page.getByRole("link", { name: /^Erase record/ }).first().click();
  await page.waitForURL(/\/settings\/privacy\/record/);
  const record = new URL(page.url()).searchParams;
  await page.goto("/settings/privacy");
  await page.getByLabel("Connection").selectOption(record.get("connection"));
  await page.getByLabel("CRM ID").fill(record.get("external_id"));
  await page.getByRole("button", { name: "Show what goes" }).click();
  await page.waitForURL(/\/settings\/privacy\/record/);
  const ofRecord = page.url().slice(new URL(page.url()).origin.length);
  report.that("what goes of a record is shown", (await main(page)).includes("Records in quarantine or left out"), await main(page));
  await page.getByLabel("Reason").selectOption({ index: 1 });
  await page.getByLabel("CRM ID").fill("another");
  await page.getByRole("button", { name: "Erase for good" }).click();
  report.that("another id erases nothing", (await main(page)).includes("Type the CRM ID once more"), await main(page));
  return {
    "client-privacy": ofClient,
    "record-privacy": ofRecord,
    privacy: "/settings/privacy",
    "household-access": `${household}/access`,
    "emergency-access": "/emergency-access",
    professionals: "/people/professionals",
    teams: "/people/teams",
    people: "/people",
    "hand-over": handOver,
  };
}
