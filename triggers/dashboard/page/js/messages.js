/** What the page has to say beside its views: what is wrong, what was done. */

import { h } from "./dom.js";
import { patchChildren } from "./patch.js";

const TOAST_MS = 7_000;
const byId = (id) => document.getElementById(id);

/** Say what is wrong until it is right again; nothing with an empty text. @param {any} text @param {...any} more */
export function showBanner(text, ...more) {
  patchChildren(byId("banner"), text ? [h("div", { class: "banner" }, h("p", null, text), more)] : []);
}

/** Say what is wrong with the app, in a line each, until it is right again. @param {any[]} faults */
export function showHealth(faults) {
  patchChildren(byId("health"), faults.map((one) => h("p", { class: "banner" }, h("span", null, one))));
}

/** Tell what was done, for a few seconds. @param {...any} children @returns {void} */
export function toast(...children) {
  const shown = h("p", { class: "toast" }, ...children);
  byId("toasts").append(shown);
  setTimeout(() => shown.remove(), TOAST_MS);
}

/** Tell a screen reader. @param {string} text */
export function announce(text) {
  if (byId("announcer").textContent !== text) byId("announcer").textContent = text;
}

/** When the view was brought up to date. @param {string} text */
export function showFreshness(text) {
  byId("freshness").textContent = text;
}
