/** The event-driven workflows that live. */

import { get } from "../js/api.js";
import { foreign, h } from "../js/dom.js";
import { ago, at } from "../js/format.js";
import { badge, card, empty, table } from "../js/parts.js";

const COLUMNS = ["Key", "Status", "Started", "Waits for", "Deadline"];

export const title = () => "Workflows";
export const isLive = () => false;
export const load = async ({ signal }) => get("workflows", {}, { signal });

export function render({ workflows, isWhole }) {
  const rows = workflows.map((one) => ({
    key: one.input,
    cells: [
      foreign(one.input, 80),
      badge(one.runtimeStatus.toLowerCase()),
      ago(one.startedAt),
      waits(one),
      at(one.deadline),
    ],
  }));
  return [
    h("h1", { tabindex: "-1" }, title()),
    card("Live workflows", { id: "workflows" },
      rows.length ? table("Live workflows", COLUMNS, rows) : empty("None lives. POST start/{input} starts one."),
      !isWhole && h("p", { class: "hint" }, "There are more: the hub was asked for the first ones only.")),
  ];
}

function waits({ mode, waitFor }) {
  if (!waitFor.length) return "–";
  return [mode, " of ", waitFor.map((name, index) => [index > 0 && ", ", foreign(name, 40)])];
}
