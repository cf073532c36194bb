// Pages with a form of topics work without this file. With it: long lists can be searched, and the
// reader's time zone is found.
"use strict";

const MANY = 8;
const folded = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLocaleLowerCase();

for (const list of document.querySelectorAll("[data-search]")) {
  const ticks = [...list.querySelectorAll(list.dataset.items || ".ticks .tick")];
  if (ticks.length < MANY) continue;
  const field = document.createElement("input");
  field.type = "search";
  field.autocomplete = "off";
  field.placeholder = list.dataset.search;
  field.setAttribute("aria-label", list.dataset.search);
  const none = document.createElement("p");
  none.className = "none-found";
  none.setAttribute("role", "status");
  const look = () => {
    const words = folded(field.value).split(/\s+/).filter(Boolean);
    let found = 0;
    for (const tick of ticks) {
      const text = folded(tick.textContent);
      tick.hidden = !words.every((word) => text.includes(word));
      found += tick.hidden ? 0 : 1;
    }
    for (const group of list.querySelectorAll(".ticks")) {
      group.hidden = !group.querySelector(".tick:not([hidden])");
    }
    none.textContent = found ? "" : list.dataset.none;
  };
  field.addEventListener("input", look);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // else it would send the form
  });
  const first = list.querySelector(".ticks, ul");
  first.before(field, none);
}

for (const zone of document.querySelectorAll("select[data-guess]")) {
  const name = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (name && [...zone.options].some((option) => option.value === name)) zone.value = name;
}
