/** Rows of a dataset and what has changed in it: nothing but text of foreign sites. */

import { foreign, foreignLink, h } from "../js/dom.js";
import { number } from "../js/format.js";
import { empty, figureList, table } from "../js/parts.js";
import { linkable } from "../js/text.js";

const MOST_COLUMNS = 30;
const isLineage = (name) => name.startsWith("_");
const VALUE = 80;

/** The first rows as a table. @param {object[]} rows @returns {Node} */
export function rowTable(rows) {
  const all = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((name) => !isLineage(name));
  const names = all.slice(0, MOST_COLUMNS);
  const rest = `The first ${names.length} of ${number(all.length)} fields.`;
  const columns = [...names.map((name) => foreign(name, 40)), "Page"].map((text) => ({ text }));
  const lines = rows.map((row, index) => ({
    key: `${row._url} ${row._position} ${index}`,
    cells: [...names.map((name) => value(row[name])), foreignLink(row._url, 50)],
  }));
  return [
    table("First rows", columns, lines),
    all.length > names.length && h("p", { class: "hint" }, rest),
  ];
}

/** How many rows came, went and changed, and the first of them. @param {object} diff @returns {Node[]} */
export function changeList(diff) {
  const figures = ["added", "removed", "changed", "unchanged"].map((name) => [name, number(diff[name])]);
  const rows = diff.changes.map((one, index) => ({
    key: `${one.change} ${one.row._url} ${one.row._position} ${index}`,
    cells: [
      h("span", { class: one.change }, one.change),
      foreignLink(one.row._url, 60),
      one.fields ? changed(one.fields) : summary(one.row),
    ],
  }));
  return [
    figureList(figures),
    rows.length ? table("The first changes", ["Change", "Page", "Values"], rows) : empty("Nothing has changed."),
  ];
}

function changed(fields) {
  const told = Object.entries(fields).slice(0, MOST_COLUMNS);
  return h("ul", { class: "plain" }, told.map(([name, { old, new: now }]) =>
    h("li", null, foreign(name, 40), ": ", h("del", null, value(old)), " → ", h("ins", null, value(now)))));
}

function summary(row) {
  const told = Object.entries(row).filter(([name]) => !isLineage(name)).slice(0, 4);
  return told.map(([name, one], index) => [index > 0 && ", ", foreign(name, 40), ": ", value(one)]);
}

function value(one) {
  if (one === undefined || one === null) return h("span", { class: "muted" }, "–");
  const isShort = typeof one === "string" && one.length < 2000;
  if (isShort && /^https?:/i.test(one) && linkable(one)) return foreignLink(one, VALUE);
  return foreign(Array.isArray(one) ? JSON.stringify(one) : one, VALUE);
}
