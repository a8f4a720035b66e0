// What was looked at, and what was not as it should be.

export class Report {
  #seen = 0;
  #problems = [];

  /// Notes whether something is as it should be.
  that(what, holds, found = "") {
    if (holds) this.#seen += 1;
    else this.failed(what, found);
  }

  equal(what, found, expected) {
    this.that(what, found === expected, `found ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}`);
  }

  failed(what, found) {
    this.#problems.push(`NOT SO: ${what}\n  ${found}`);
  }

  /// Notes what a page's console says of errors: scripts, missing files, what the content security policy refused.
  listen(page) {
    page.on("pageerror", (error) => this.failed(`${page.url()} runs without errors`, error.stack));
    page.on("console", (message) => {
      // A page that refuses a form answers 4xx, which Chromium reports as a missing resource.
      const isAnswer = /the server responded with a status of 4\d\d/.test(message.text());
      if (message.type() === "error" && !isAnswer) this.failed(`${page.url()} has a quiet console`, message.text());
    });
    page.on("response", (response) => {
      const type = response.headers()["content-type"] ?? "";
      if (!type.startsWith("text/html")) return;
      const policy = response.headers()["content-security-policy"] ?? "";
      this.that(`${response.url()} has a policy`, policy.startsWith("default-src 'none'"), policy);
      this.equal(`${response.url()} is not kept`, response.headers()["cache-control"], "no-store");
    });
  }

  /// Says it all; the exit code.
  end() {
    console.log(`${this.#seen} things are as they should be, ${this.#problems.length} are not`);
    for (const problem of this.#problems) console.log(problem);
    return this.#problems.length === 0 ? 0 : 1;
  }
}
