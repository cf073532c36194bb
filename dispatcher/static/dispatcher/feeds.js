// Pages of feeds work without this file. With it: addresses can be copied by a button, and the form of
// topics says what is ticked, however long its list.
"use strict";

for (const button of document.querySelectorAll("[data-copies]")) {
  const field = document.getElementById(button.dataset.copies);
  const said = button.textContent;
  const copied = async () => {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value); // there under https alone
      return true;
    } catch {
      return document.execCommand("copy");
    }
  };
  button.addEventListener("click", async () => {
    button.textContent = (await copied()) ? button.dataset.done : button.dataset.marked;
    button.removeAttribute("aria-label");
    setTimeout(() => { button.textContent = said; }, 4000);
  });
  button.setAttribute("aria-live", "polite");
  field.addEventListener("focus", () => field.select());
  button.hidden = false;
}

const line = document.querySelector("[data-chosen]");
if (line) {
  const form = line.closest("form");
  const ticked = (name) => [...form.querySelectorAll(`input[name="${name}"]:checked`)];
  // Each name in isolates, so that it keeps its own direction (UAX #9 §2.7).
  const name = (tick) => `\u2068${tick.closest("label").textContent.trim()}\u2069`;
  const names = (ticks) => ticks.map(name).join(line.dataset.between);
  const look = () => {
    const [wanted, unwanted] = [ticked("topic"), ticked("not")];
    const number = new Set([...wanted, ...unwanted].map((tick) => tick.value)).size;
    const said = line.dataset;
    const held = names(wanted) || (number ? said.every : "");
    const left = unwanted.length ? ` ${said.without} ${names(unwanted)}` : "";
    line.textContent = number > Number(said.most) ? said.tooMany : held + left;
  };
  form.addEventListener("change", look);
  window.addEventListener("pageshow", look);
}
