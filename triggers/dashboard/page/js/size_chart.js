/** A quantity over time: as a large picture with its scale, or as a small one within a line of a table. */

import { h, s } from "./dom.js";
import { dayOrTime, moment, number } from "./format.js";
import { folded, numeric, table } from "./parts.js";

const WIDTH = 100;
const HEIGHT = 40;

/** @typedef {{at: string, value: number, label?: string}} Point oldest first */

/** A line without words, for the eye beside a figure. @param {Point[]} points @param {string} name */
export function sparkline(points, name) {
  if (points.length < 2) return h("span", { class: "muted" }, "–");
  const first = points[0].value;
  const last = points[points.length - 1].value;
  const label = `${name}: from ${number(first)} to ${number(last)} in ${points.length} publications`;
  return drawing("sparkline", points, label);
}

/**
 * A line with its scale, and the figures as a table.
 * @param {Point[]} points @param {string} name of the quantity @param {string} what the points are
 * @returns {Node[]}
 */
export function sizeChart(points, name, what) {
  const top = Math.max(...points.map((point) => point.value), 0);
  const ends = [points[0], points[Math.floor(points.length / 2)], points[points.length - 1]];
  const when = dayOrTime(ends[0].at, ends[2].at);
  const days = [...new Set(ends.map((point) => when(point.at)))];
  const words = (texts) => texts.map((text) => h("span", null, text));
  const rows = [...points].reverse().map((point) => ({
    key: point.at,
    cells: [moment(point.at), number(point.value), point.label ?? "–"],
  }));
  return [
    h(
      "figure",
      { class: "size" },
      h("div", { class: "scale", "aria-hidden": "true" }, words([number(top), number(Math.round(top / 2)), "0"])),
      drawing("size-line", points, `${name} over time, ${points.length} ${what}; the table below has the figures`),
      h("div", { class: "dates", "aria-hidden": "true" }, words(days)),
    ),
    folded("The same as a table", table(`${name} over time`, ["Time", ...numeric(name), "Run"], rows)),
  ];
}

function drawing(kind, points, label) {
  const placed = places(points);
  const line = placed.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(2)} ${y.toFixed(2)}`).join("");
  const [[firstX]] = placed;
  const [lastX] = placed[placed.length - 1];
  return s(
    "svg",
    { class: kind, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    s("path", { class: "area", d: `${line}L${lastX.toFixed(2)} ${HEIGHT}L${firstX.toFixed(2)} ${HEIGHT}Z` }),
    s("path", { class: "line", d: line }),
    // A line without length and with round ends is a dot, however the picture is stretched.
    placed.map(([x, y]) => s("path", { class: "dot", d: `M${x.toFixed(2)} ${y.toFixed(2)}h0` })),
  );
}

/** Where the points stand: by time, or evenly if all are of one moment. */
function places(points) {
  const times = points.map((point) => Date.parse(point.at));
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const top = Math.max(...points.map((point) => point.value), 1);
  return points.map((point, index) => [
    last > first ? 2 + ((WIDTH - 4) * (times[index] - first)) / (last - first) : WIDTH / 2 + index,
    HEIGHT - 2 - ((HEIGHT - 4) * point.value) / top,
  ]);
}
