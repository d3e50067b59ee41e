/** When the batches of a run were worked on: a bar for each, source by source. */

import { foreign, h, s } from "./dom.js";
import { clock, number, span } from "./format.js";
import { folded, legend, numeric, table } from "./parts.js";

const LANE = 10;
const WIDTH = 1000;
const LEGEND = [
  ["good", "all pages loaded"], ["warn", "some failed"], ["idle", "taken over from the run that is retried"],
];
const MOST_IN_TABLE = 500;

/**
 * @param {object[]} batches with `startedAt` where that is known @param {string[]} sources in order
 * @param {{from: number, to: number}} time milliseconds since 1970
 * @returns {Node[]}
 */
export function timeline(batches, sources, { from, to }) {
  const end = Math.max(to, from + 1000);
  const of = (source) => batches.filter((batch) => batch.source === source);
  const rows = sources.map((source) => sourceRow(source, of(source), from, end));
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((part) => h("span", null, clock(from + part * (end - from))));
  return [
    h("div", { class: "timeline" }, rows, h("div", { class: "dates", "aria-hidden": "true" }, ticks)),
    legend(LEGEND),
    folded("The batches as a table", asTable(batches)),
  ];
}

function sourceRow(source, batches, from, end) {
  const lanes = inLanes(batches.filter((batch) => batch.startedAt && batch.finishedAt));
  const height = Math.max(1, lanes.length) * LANE;
  const scale = WIDTH / (end - from);
  const bars = lanes.flatMap((lane, index) => lane.map((batch) => bar(batch, index * LANE + 1, from, scale)));
  const label = `${source}: ${batches.length} batches recorded; the table below has the figures`;
  const attributes = {
    class: "lanes",
    viewBox: `0 0 ${WIDTH} ${height}`,
    height: Math.min(height * 1.4, 160),
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": label,
  };
  const name = h("span", { class: "timeline-name" }, foreign(source, 40));
  return h("div", { class: "timeline-row", "data-key": source }, name, s("svg", attributes, bars));
}

function bar(batch, y, from, scale) {
  const began = Date.parse(batch.startedAt);
  const x = ((began - from) * scale).toFixed(1);
  const width = Math.max(3, (Date.parse(batch.finishedAt) - began) * scale).toFixed(1);
  const place = { x, y, width, height: LANE - 2, "data-key": batch.batch };
  return s("rect", { class: `bar ${toneOf(batch)}`, ...place }, s("title", null, titleOf(batch)));
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

function titleOf(batch) {
  const counts = `${number(batch.loaded)} loaded, ${number(batch.failed)} failed, ${number(batch.rows)} rows`;
  return `batch ${batch.batch}: ${counts} in ${spanOf(batch)}`;
}

function beganAt(batch) {
  if (batch.startedAt) return clock(batch.startedAt);
  return batch.isTakenOver ? "taken over" : "–";
}

function asTable(batches) {
  const columns = [
    "Source", ...numeric("Batch"), "Began", "Took", ...numeric("Loaded", "Unchanged", "Failed", "Rows"),
  ];
  const rows = batches.slice(0, MOST_IN_TABLE).map((batch) => ({
    key: `${batch.source} ${batch.batch}`,
    cells: [
      foreign(batch.source, 40),
      number(batch.batch),
      beganAt(batch),
      spanOf(batch),
      ...["loaded", "unchanged", "failed", "rows"].map((name) => number(batch[name])),
    ],
  }));
  const text = `The first ${MOST_IN_TABLE} of ${number(batches.length)}.`;
  const more = batches.length > MOST_IN_TABLE && h("p", { class: "hint" }, text);
  return [table("The batches of the run", columns, rows), more];
}
