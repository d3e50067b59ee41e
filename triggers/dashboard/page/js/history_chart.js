/** The last runs as a picture: for each its duration, pages, rows and failures, one below the other. */

import { serverNow } from "./api.js";
import { h, runHref, s } from "./dom.js";
import { counted, dayOrTime, moment, number, span } from "./format.js";
import { badge, folded, legend, numeric, runLink, stateOf, table, toneOf } from "./parts.js";
import { duration } from "./past.js";
import { cut, visible } from "./text.js";

const BAND = 100; // units of height for each measure; the picture is stretched to its place
const GAP = 14;
const LEAST = 20; // places, so that few runs are no wide bars
const MEASURES = [
  { name: "Duration", value: (run) => duration(run, serverNow()), text: span, kind: "state" },
  { name: "Pages", value: (run) => run.totals?.loaded ?? 0, text: number, kind: "pages" },
  { name: "Rows", value: (run) => run.totals?.rows ?? 0, text: number, kind: "rows" },
  { name: "Failures", value: (run) => run.totals?.failed ?? 0, text: number, kind: "failures" },
];
const LEGEND = [
  ["good", "completed"], ["warn", "with failures"], ["bad", "failed"], ["live", "running"], ["idle", "stopped"],
  ["skip", "skipped"], ["missed", "missed"],
];

/**
 * @param {ReturnType<typeof import("./past.js").past>} entries oldest first
 * @returns {Node[]} the picture, its legend, and the same as a table
 */
export function historyChart(entries) {
  const runs = entries.filter((entry) => entry.kind === "run").map((entry) => entry.run);
  const tops = MEASURES.map(({ value }) => Math.max(...runs.map(value), 0));
  const height = MEASURES.length * (BAND + GAP);
  const width = Math.max(entries.length, LEAST);
  const told = `The last ${counted(runs.length, "run")} and what was skipped or missed`;
  const label = `${told}, oldest first; the table below has the figures`;
  const viewBox = `0 0 ${width} ${height}`;
  const newest = entries.findLast((entry) => entry.kind === "run");
  const named = { role: "group", "aria-label": `${label}; arrow keys go from run to run` };
  const picture = s(
    "svg",
    { class: "history-bars", viewBox, preserveAspectRatio: "none", ...named, on: { keydown: walk } },
    MEASURES.map((_, band) => s("line", { class: "baseline", x1: 0, x2: width, y1: floor(band), y2: floor(band) })),
    entries.map((entry, place) => column(entry, place, tops, height, entry === newest)),
  );
  const scale = MEASURES.map(({ name, text }, index) =>
    h("div", { class: "band" }, h("b", null, name), h("span", null, `max ${text(tops[index])}`)));
  return [
    h("div", { class: "history" },
      h("div", { class: "bands", "aria-hidden": "true" }, scale),
      h("div", { class: "plot" }, picture, dates(entries, width))),
    legend(LEGEND),
    folded("The same as a table", asTable(entries)),
  ];
}

const floor = (band) => band * (BAND + GAP) + BAND + GAP / 2;

/** All columns are one stop of the Tab key: arrows go on from there. */
function walk(event) {
  const columns = [...event.currentTarget.querySelectorAll("a.column")];
  const at = columns.indexOf(document.activeElement);
  const places = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: columns.length - 1 };
  const next = at < 0 ? undefined : columns[places[event.key]];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function column(entry, place, tops, height, isStop) {
  const hit = s("rect", { class: "hit", x: place, y: 0, width: 1, height });
  if (entry.kind !== "run") {
    return s("g", { class: entry.kind, "data-key": entry.id }, hit, s("title", null, titleOf(entry)),
      s("rect", { class: "mark", x: place + 0.2, y: floor(0) - BAND, width: 0.6, height: BAND }));
  }
  const bars = MEASURES.map(({ value, kind }, band) => {
    const size = tops[band] ? (BAND * value(entry.run)) / tops[band] : 0;
    const drawn = value(entry.run) > 0 ? Math.max(size, 2) : 0;
    const tone = kind === "state" ? (entry.run.outcome ? toneOf(entry.run.outcome) : "live") : kind;
    return s("rect", { class: `bar ${tone}`, x: place + 0.16, y: floor(band) - drawn, width: 0.68, height: drawn });
  });
  const title = titleOf(entry);
  const href = runHref(entry.run.runId, entry.run.epoch);
  const named = { "aria-label": title, "data-key": entry.id, tabindex: isStop ? 0 : -1 };
  return s("a", { href, class: "column", ...named }, hit, s("title", null, title), bars);
}

/** One entry in words. */
function titleOf(entry) {
  if (entry.kind === "missed") return `${moment(entry.at)}: missed, neither run nor skip is known`;
  if (entry.kind === "skip") {
    const [{ reason, detail }, ...others] = entry.skips;
    const more = others.length > 0 ? ` And ${counted(others.length, "more skip")} then.` : "";
    return `${moment(entry.at)}: skipped, ${visible(reason)}. ${cut(visible(detail), 300)}${more}`;
  }
  const { run } = entry;
  const figures = MEASURES.map(({ name, value, text }) => `${name.toLowerCase()} ${text(value(run))}`).join(", ");
  return `${visible(run.runId)}, ${moment(run.startedAt)}: ${stateOf(run).replaceAll("_", " ")}; ${figures}`;
}

function dates(entries, width) {
  const when = dayOrTime(entries[0].at, entries.at(-1).at);
  const places = [0, 0.25, 0.5, 0.75, 1].map((part) => entries[Math.round(part * (width - 1))]);
  const told = places.map((entry) => h("span", null, entry ? when(entry.at) : ""));
  return h("div", { class: "dates", "aria-hidden": "true" }, told);
}

function notRun({ kind, skips }) {
  if (kind === "missed") return badge("missed");
  return [badge("skipped"), skips.length > 1 && ` ${number(skips.length)} times`];
}

function asTable(entries) {
  const columns = ["Started", "Run", "State", ...numeric(...MEASURES.map(({ name }) => name))];
  const rows = [...entries].reverse().map((entry) => ({
    key: entry.id,
    cells: [
      moment(entry.at),
      entry.run ? runLink(entry.run.runId, entry.run.epoch) : "–",
      entry.run ? badge(stateOf(entry.run)) : notRun(entry),
      ...MEASURES.map(({ value, text }) => (entry.run ? text(value(entry.run)) : "–")),
    ],
  }));
  return table("The last runs", columns, rows);
}
