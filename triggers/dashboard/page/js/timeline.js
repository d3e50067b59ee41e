/** When the batches of a run were worked on: a bar for each, source by source. */

import { foreign, h, s } from "./dom.js";
import { clock, number, span } from "./format.js";
import { table } from "./parts.js";

const LANE = 10;
const MOST_IN_TABLE = 500;

/**
 * @param {object[]} batches with `startedAt` where that is known @param {string[]} sources in order
 * @param {{from: number, to: number}} time milliseconds since 1970
 * @returns {Node[]}
 */
export function timeline(batches, sources, { from, to }) {
  const end = Math.max(to, from + 1000);
  const rows = sources.map((source) => sourceRow(source, batches.filter((batch) => batch.source === source), from, end));
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => h("span", null, clock(from + part * (end - from))));
  return [
    h("div", { class: "timeline" }, rows, h("div", { class: "dates", "aria-hidden": "true" }, ticks)),
    h("ul", { class: "legend" },
      [["good", "all pages loaded"], ["warn", "some failed"], ["idle", "taken over from the run that is retried"]].map(([kind, text]) =>
        h("li", null, h("i", { class: `swatch ${kind}`, "aria-hidden": "true" }), text))),
    h("details", { class: "as-table" }, h("summary", null, "The batches as a table"), asTable(batches)),
  ];
}

function sourceRow(source, batches, from, end) {
  const timed = batches.filter((batch) => batch.startedAt && batch.finishedAt);
  const lanes = inLanes(timed);
  const height = Math.max(1, lanes.length) * LANE;
  const scale = 1000 / (end - from);
  const bars = lanes.flatMap((lane, number_) => lane.map((batch) => {
    const x = (Date.parse(batch.startedAt) - from) * scale;
    const width = Math.max(3, (Date.parse(batch.finishedAt) - Date.parse(batch.startedAt)) * scale);
    return s("rect", { class: `bar ${toneOf(batch)}`, x: x.toFixed(1), y: number_ * LANE + 1, width: width.toFixed(1), height: LANE - 2, "data-key": batch.batch },
      s("title", null, titleOf(batch)));
  }));
  const label = `${source}: ${batches.length} batches recorded; the table below has the figures`;
  return h("div", { class: "timeline-row", "data-key": source },
    h("span", { class: "timeline-name" }, foreign(source, 40)),
    s("svg", { class: "lanes", viewBox: `0 0 1000 ${height}`, height: Math.min(height * 1.4, 160), preserveAspectRatio: "none", role: "img", "aria-label": label }, bars));
}

/** Batches that overlap lie in different lanes. */
function inLanes(batches) {
  const lanes = [];
  const byStart = [...batches].sort((one, other) => Date.parse(one.startedAt) - Date.parse(other.startedAt));
  for (const batch of byStart) {
    const lane = lanes.find((one) => Date.parse(one[one.length - 1].finishedAt) <= Date.parse(batch.startedAt));
    if (lane) lane.push(batch);
    else lanes.push([batch]);
  }
  return lanes;
}

const toneOf = (batch) => (batch.failed ? "warn" : batch.isTakenOver ? "idle" : "good");

const spanOf = (batch) =>
  batch.startedAt && batch.finishedAt ? span(Date.parse(batch.finishedAt) - Date.parse(batch.startedAt)) : "–";

const titleOf = (batch) =>
  `batch ${batch.batch}: ${number(batch.loaded)} loaded, ${number(batch.failed)} failed, ${number(batch.rows)} rows in ${spanOf(batch)}`;

function asTable(batches) {
  const columns = ["Source", { text: "Batch", numeric: true }, "Began", "Took", ...["Loaded", "Unchanged", "Failed", "Rows"].map((text) => ({ text, numeric: true }))];
  const rows = batches.slice(0, MOST_IN_TABLE).map((batch) => ({
    key: `${batch.source} ${batch.batch}`,
    cells: [foreign(batch.source, 40), number(batch.batch), batch.startedAt ? clock(batch.startedAt) : batch.isTakenOver ? "taken over" : "–", spanOf(batch),
      number(batch.loaded), number(batch.unchanged), number(batch.failed), number(batch.rows)],
  }));
  const more = batches.length > MOST_IN_TABLE && h("p", { class: "hint" }, `The first ${MOST_IN_TABLE} of ${number(batches.length)}.`);
  return [table("The batches of the run", columns, rows), more];
}
