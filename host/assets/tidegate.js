// What pages do beyond links and forms. Every page is whole without it.

// `/` goes to the search, unless something is being typed.
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || typing) return;
  const search = document.getElementById("search");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
});

// A run under way sends its part of the page anew with each change; at its end the page is loaded again.
for (const part of document.querySelectorAll("[data-live]")) {
  const events = new EventSource(part.dataset.live);
  events.addEventListener("progress", (event) => {
    part.innerHTML = event.data;
  });
  events.addEventListener("finished", () => {
    events.close();
    location.reload();
  });
}

// What goes on by itself says so (`data-moving`, with the page's address where it is not the one shown): the page is then
// fetched from time to time, and those of its parts that are another are changed in place. What somebody is busy with
// is left alone.
const SOONEST = 1000;
const LATEST = 15000;

function isInUse(part) {
  const typed = [...part.querySelectorAll("input, textarea")].some((field) => field.value !== field.defaultValue);
  return typed || part.contains(document.activeElement) || part.querySelector("details[open]") !== null;
}

function change(part, fresh) {
  // It went on, and the list is of what stands still.
  if (!fresh && part.matches("tr[data-moving]")) part.remove();
  if (!fresh || part.innerHTML === fresh.innerHTML || isInUse(part)) return false;
  part.innerHTML = fresh.innerHTML;
  part.toggleAttribute("data-moving", fresh.hasAttribute("data-moving"));
  return true;
}

async function refresh(wait) {
  const moving = document.querySelector("[data-moving]");
  if (!moving) return;
  let next = Math.min(wait * 1.3, LATEST);
  if (!document.hidden) {
    try {
      const answer = await fetch(moving.dataset.moving || location.href);
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-part]")) {
        if (change(part, page.getElementById(part.id))) next = SOONEST;
      }
    } catch {
      // The host may be starting anew.
    }
  }
  setTimeout(refresh, next, next);
}
setTimeout(refresh, SOONEST, SOONEST);

// A rule file is looked at while it is typed (`data-check` has the address): its problems are said, and their lines marked.
// Without this, the buttons do the same.
const editor = document.querySelector("[data-check]");

if (editor) {
  const text = editor.querySelector("textarea");
  const gutter = document.getElementById("gutter");
  const problems = document.getElementById("problems");
  const count = document.getElementById("count");
  const SETTLED = 500;
  let asked = 0;
  let isSent = false;

  // One number a line, and a link where the first problem with it is told.
  const number = () => {
    const lines = text.value.split("\n").length;
    text.rows = lines + 1;
    if (gutter.childElementCount === 0) return;
    const marked = new Map();
    for (const problem of problems.querySelectorAll("[data-line]")) {
      if (!marked.has(problem.dataset.line)) marked.set(problem.dataset.line, problem.id);
    }
    const numbers = Array.from({ length: lines }, (_, index) => {
      const line = String(index + 1);
      const problem = marked.get(line);
      const mark = document.createElement(problem ? "a" : "span");
      mark.id = `line-${line}`;
      mark.textContent = line;
      if (problem) {
        mark.href = `#${problem}`;
        mark.setAttribute("aria-label", `Line ${line}: ${problem.replace("-", " ")}`);
      } else {
        mark.setAttribute("aria-hidden", "true");
      }
      return mark;
    });
    gutter.replaceChildren(...numbers);
  };

  const check = async () => {
    asked += 1;
    const mine = asked;
    const body = new URLSearchParams({ file: text.dataset.file, text: text.value });
    const draft = editor.elements.namedItem("draft");
    if (draft) body.set("draft", draft.value);
    try {
      const answer = await fetch(editor.dataset.check, { method: "POST", body });
      if (!answer.ok || answer.redirected) return;
      const found = await answer.text();
      if (mine !== asked) return;
      problems.innerHTML = found;
      count.textContent = problems.querySelector("h2")?.textContent ?? "";
      number();
    } catch {
      // The host may be starting anew: the next key asks again.
    }
  };

  let waiting;
  text.addEventListener("input", () => {
    if (text.value.split("\n").length + 1 !== text.rows) number();
    clearTimeout(waiting);
    waiting = setTimeout(check, SETTLED);
  });

  // A problem leads into the text, to the line that it is about.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-goto]");
    if (!link) return;
    event.preventDefault();
    const before = text.value.split("\n").slice(0, Number(link.dataset.goto) - 1);
    const start = before.reduce((length, line) => length + line.length + 1, 0);
    const end = text.value.indexOf("\n", start);
    text.focus({ preventScroll: true });
    text.setSelectionRange(start, end < 0 ? text.value.length : end);
    document.getElementById(`line-${link.dataset.goto}`)?.scrollIntoView({ block: "center" });
  });

  editor.addEventListener("submit", () => {
    isSent = true;
  });
  window.addEventListener("beforeunload", (event) => {
    if (!isSent && text.value !== text.defaultValue) event.preventDefault();
  });
}
