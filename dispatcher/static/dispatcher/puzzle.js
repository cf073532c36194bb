// Finds the number that a sign-up form asks for (see audience/puzzles.py): a moment of work for
// one form, ten thousand of them for a flood. Written out, since browsers keep their own SHA-256 to https pages.
"use strict";

const primes = [];
for (let n = 2; primes.length < 64; n += 1) if (primes.every((p) => n % p)) primes.push(n);
const fraction = (x) => Math.floor((x - Math.floor(x)) * 2 ** 32) | 0;
const START = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
const ROUNDS = primes.map((p) => fraction(Math.cbrt(p)));
const turned = (x, by) => (x >>> by) | (x << (32 - by));
const words = new Int32Array(64);

// SHA-256 of ASCII text (FIPS 180-4 §6.2), as its first 32-bit word and then all as hexadecimal.
function digest(text) {
  const state = START.slice();
  const padded = new Uint8Array((((text.length + 8) >> 6) + 1) << 6);
  for (let i = 0; i < text.length; i += 1) padded[i] = text.charCodeAt(i);
  padded[text.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, text.length * 8);
  for (let at = 0; at < padded.length; at += 64) {
    for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(at + 4 * i);
    for (let i = 16; i < 64; i += 1) {
      const w = words[i - 15];
      const v = words[i - 2];
      const s0 = turned(w, 7) ^ turned(w, 18) ^ (w >>> 3);
      const s1 = turned(v, 17) ^ turned(v, 19) ^ (v >>> 10);
      words[i] = (words[i - 16] + s0 + words[i - 7] + s1) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 64; i += 1) {
      const s1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
      const one = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[i] + words[i]) | 0;
      const s0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
      const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
    }
    [a, b, c, d, e, f, g, h].forEach((value, i) => { state[i] = (state[i] + value) | 0; });
  }
  return state.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
}

const pause = () => new Promise((resolve) => { setTimeout(resolve); });

async function solved(address) {
  const posed = await (await fetch(address, { cache: "no-store" })).json();
  for (let number = 0; number < posed.most; number += 1) {
    if (digest(posed.salt + number) === posed.challenge) {
      return `${posed.salt}:${number}:${posed.signature}`;
    }
    if (number % 500 === 499) await pause(); // the page stays quick
  }
  throw new Error("no number fits");
}

const form = document.querySelector("form[data-puzzle]");
if (form) {
  const field = form.querySelector("#solution");
  const note = form.querySelector("#puzzle");
  let isWanted = false;
  form.addEventListener("submit", (event) => {
    if (field.value) return;
    event.preventDefault();
    isWanted = true;
    note.textContent = note.dataset.doing;
  });
  const begin = async () => {
    try {
      field.value = await solved(form.dataset.puzzle);
      note.textContent = note.dataset.done;
      if (isWanted) form.requestSubmit();
    } catch {
      note.textContent = note.dataset.failed;
    }
  };
  begin();
  // Going back brings the old solution back too, and it is used up.
  window.addEventListener("pageshow", (event) => { if (event.persisted) { field.value = ""; begin(); } });
}
