/** Pieces that several views show. */

import { foreignName, h, link, runHref } from "./dom.js";
import { number } from "./format.js";
import { cut, visible } from "./text.js";

const TONES = {
  completed: "good", published: "good", running: "live", scraping: "live", planning: "live", publishing: "live",
  completed_with_failures: "warn", stopping: "warn", refused: "warn", paused: "warn", suspended: "warn",
  "published against the gate": "warn", "published by hand": "good", withdrawn: "warn",
  scheduled: "idle", skipped: "idle", stopped: "idle", superseded: "idle", replaced: "idle",
  failed: "bad", terminated: "bad", stuck: "bad",
};

/** The colour of a state, the same in words and pictures. @param {string} state */
export const toneOf = (state) => (Object.hasOwn(TONES, state) ? TONES[state] : "idle");

/** A state as a coloured word; its colour says nothing that the word does not. @param {string} state */
export function badge(state) {
  return h("span", { class: `badge ${toneOf(state)}` }, cut(visible(state), 40).replaceAll("_", " "));
}

/** How a run stands: its outcome once there is one. @param {object} run */
export const stateOf = (run) => (run.stuck ? "stuck" : run.suspended ? "suspended" : (run.outcome ?? run.state));

/** @param {string} id @param {number | null} [epoch] as of `runHref` */
export const runLink = (id, epoch) => h("span", { class: "run-id" }, link(runHref(id, epoch), foreignName(id)));

/**
 * A section with a heading.
 * @param {string} title @param {{id: string, actions?: any[], wide?: boolean}} options @param {...any} children
 */
export function card(title, { id, actions = [], key = id }, ...children) {
  return h(
    "section",
    { class: "card", "aria-labelledby": `${id}-title`, id, "data-key": key },
    h("div", { class: "card-head" }, h("h2", { id: `${id}-title` }, title),
      actions.length > 0 && h("div", { class: "actions" }, actions)),
    children,
  );
}

/** Names and values. @param {Array<[string, any] | null | false>} facts */
export function factList(facts) {
  return h("dl", { class: "facts" }, facts.filter(Boolean).map(pair));
}

/** The same, large: the figures that matter most. @param {Array<[string, any]>} figures */
export const figureList = (figures) => h("dl", { class: "figures" }, figures.map(pair));

const pair = ([name, value]) => h("div", null, h("dt", null, name), h("dd", null, value));

/** What the colours of a picture mean. @param {Array<[string, string]>} items kind and text */
export function legend(items) {
  const swatch = (kind) => h("i", { class: `swatch ${kind}`, "aria-hidden": "true" });
  return h("ul", { class: "legend" }, items.map(([kind, text]) => h("li", null, swatch(kind), text)));
}

/** Something that only wants to be seen by who asks for it. @param {string} summary @param {...any} children */
export const folded = (summary, ...children) =>
  h("details", { class: "as-table" }, h("summary", null, summary), children);

/** Columns of figures. @param {...string} names */
export const numeric = (...names) => names.map((text) => ({ text, numeric: true }));

/**
 * A table with a caption for those who do not see its place. Columns are texts, or {text, numeric}.
 * @param {string} caption @param {any[]} columns
 * @param {Array<{key?: string, cells: any[]}>} rows the first cell is the head of its row
 */
export function table(caption, columns, rows) {
  const told = columns.map((one) => (typeof one === "string" ? { text: one } : one));
  const kind = (index) => (told[index].numeric ? "numeric" : null);
  const head = told.map((one, index) => h("th", { scope: "col", role: "columnheader", class: kind(index) }, one.text));
  const labels = head.map((one) => cut(one.textContent, 40));
  // On a phone each row is a block of its own, with the heads as labels; the roles say that it is a table all the same.
  const cellOf = (cell, index) => h(index ? "td" : "th",
    {
      scope: index ? null : "row",
      role: index ? "cell" : "rowheader",
      class: kind(index),
      "data-label": labels[index],
    },
    h("div", null, cell));
  const body = rows.map(({ key, cells }) => h("tr", { role: "row", "data-key": key }, cells.map(cellOf)));
  return h(
    "div",
    { class: "table-box", tabindex: "0", role: "region", "aria-label": `${caption}, table` },
    h("table", { role: "table" }, h("caption", { class: "visually-hidden" }, caption),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head)), h("tbody", { role: "rowgroup" }, body)),
  );
}

/**
 * While what it does goes on, it is busy, and another click on it is none.
 * @param {string} text @param {() => any} act @param {string} [kind] of button
 */
export function button(text, act, kind = "") {
  const click = (event) => once(event.currentTarget, act);
  return h("button", { type: "button", class: `button ${kind}`, on: { click } }, text);
}

// Not `disabled`: that would take the focus away.
const BUSY = ["aria-busy", "aria-disabled"];

async function once(element, act) {
  if (element.hasAttribute("aria-busy")) return;
  for (const state of BUSY) element.setAttribute(state, "true");
  try {
    await act();
  } finally {
    for (const state of BUSY) element.removeAttribute(state);
  }
}

/** What stands where nothing is. @param {...any} children */
export const empty = (...children) => h("p", { class: "empty" }, ...children);

/**
 * Buttons through pages of a listing. `state.places` are the continuations of the pages before this one.
 * @param {object} context
 * @param {string} name of the listing, among others of the view
 * @param {string | null} continuation
 */
export function pager(context, name, continuation) {
  const places = context.state[name] ?? [];
  if (!places.length && !continuation) return null;
  const go = (there) => () => {
    context.state[name] = there; // Counted from what is shown, however often it is clicked.
    return context.refresh();
  };
  return h(
    "nav",
    { class: "pager", "aria-label": `Pages of ${name}` },
    places.length > 0 && button("Newer", go(places.slice(0, -1))),
    h("span", null, `Page ${number(places.length + 1)}`),
    continuation && button("Older", go([...places, continuation])),
  );
}

/** Where the page of a listing begins that is to be shown. @param {object} context @param {string} name */
export const pageStart = (context, name) => context.state[name]?.at(-1);
