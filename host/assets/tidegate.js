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
