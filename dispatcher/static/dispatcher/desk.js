// The desk works without this file. With it: unsaved text is not left by mistake, Ctrl+S saves,
// and a button that acts once is pressed once.
"use strict";

const guarded = document.querySelector("form[data-guard]");

if (guarded) {
  let changed = false;
  guarded.addEventListener("input", () => { changed = true; });
  guarded.addEventListener("submit", () => { changed = false; });
  window.addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "s") {
      event.preventDefault();
      guarded.requestSubmit(guarded.querySelector("button[name=save]"));
    }
  });
}

// Disabled only after the browser has taken the button's own value into the request.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", () => {
    setTimeout(() => {
      for (const button of form.querySelectorAll("button")) button.disabled = true;
    });
  });
}
window.addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form[data-once] button")) button.disabled = false;
});

document.getElementById("errors")?.focus();
