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
