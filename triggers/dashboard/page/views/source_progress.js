/** How far the sources of a run are: bars while it lasts, figures once it has ended. */

import { datasetHref, foreign, foreignName, h, link } from "../js/dom.js";
import { at, number, rate, span } from "../js/format.js";
import { badge, figureList, numeric, table } from "../js/parts.js";
import { speed } from "../js/rates.js";
import { barOf, stateForReaders, timeLeft } from "../js/standing.js";

const done = (source) => source.loaded + source.failed;

/**
 * A line of figures and a bar for each source of a live run.
 * @param {object} run as of `GET runs/{runId}`
 * @returns {Node[]}
 */
export function liveProgress(run) {
  const pages = sum(run.sources, (one) => one.pages);
  const finished = sum(run.sources, done);
  const { perSecond, secondsLeft } = speed(run, finished, pages);
  const left = timeLeft(run, secondsLeft);
  const isStill = run.suspended || run.stuck;
  const figures = [
    ["Pages", pages ? `${number(finished)} of ${number(pages)}` : "planning"],
    ["Speed", perSecond === null || isStill ? "–" : `${rate(perSecond)} pages/s`],
    ["Time left", left.seconds ? `${left.what} ${span(1000 * left.seconds)}` : left.what],
    ["Rows", number(sum(run.sources, (one) => one.rows))],
    ["Failed", number(sum(run.sources, (one) => one.failed))],
  ];
  return [
    figureList(figures),
    h("ul", { class: "bars", "aria-label": "Progress of each source" },
      run.sources.map((one) => bar(one, run.sources))),
  ];
}

function bar(source, sources) {
  const id = `progress-${source.source}`;
  // Without a value it is a bar that moves: nobody knows yet how far it is.
  const { state, value, text } = barOf(source, sources);
  return h(
    "li",
    { "data-key": source.source },
    h("div", { class: "bar-head" },
      h("span", { id }, link(datasetHref(source.source), foreignName(source.source))),
      badge(state),
      h("span", { class: "muted" }, text,
        source.failed > 0 && h("span", { class: "bad-text" }, `, ${number(source.failed)} failed`))),
    h("progress", { "aria-labelledby": id, max: source.pages || 1, value }),
  );
}

/**
 * The sources of a run that has ended, or goes on, with all figures.
 * @param {object} run @param {Record<string, object>} published what readers see of each dataset, if the run has ended
 */
export function sourceTable(run, published) {
  const isOn = run.state !== "finished";
  const counts = numeric("Pages", "Loaded", "Unchanged", "Failed", "Rows");
  const rows = run.sources.map((one) => ({
    key: one.source,
    cells: [
      link(datasetHref(one.source), foreignName(one.source)),
      [
        badge(isOn ? barOf(one, run.sources).state : stateForReaders(one, run, published[one.source])),
        one.reason && h("div", { class: "remark" }, foreign(one.reason, 120)),
        !isOn && one.state !== "published" && h("div", { class: "remark" }, whatReadersSee(published[one.source])),
        one.leftOut > 0 && h("div", { class: "remark" }, `${number(one.leftOut)} pages beyond max_pages`),
      ],
      ...["pages", "loaded", "unchanged", "failed", "rows"].map((name) => number(one[name])),
      changes(one),
    ],
  }));
  return table("The sources of the run", ["Source", "State", ...counts, "Against the data before"], rows);
}

/** Of a source that its run has not published. @param {object | null | undefined} published of the dataset */
export const whatReadersSee = (published) =>
  published ? ["readers see the rows of ", at(published.publishedAt)] : "readers see nothing of it yet";

/** Rows that came, went and changed, each with its sign; a dash if that is not known. @param {object} counts */
export function changes(counts) {
  if (counts.added === null || counts.added === undefined) return "–";
  if (!counts.added && !counts.removed && !counts.changed) return h("span", { class: "muted" }, "no change");
  const told = {
    added: `+${number(counts.added)}`, removed: `−${number(counts.removed)}`, changed: `~${number(counts.changed)}`,
  };
  const pieces = Object.entries(told).map(([name, text]) => [
    h("span", { class: name, title: `rows ${name}` }, text, h("span", { class: "visually-hidden" }, ` ${name}`)),
    " ",
  ]);
  return h("span", { class: "changes", title: "rows +added −removed ~changed" }, pieces);
}

const sum = (sources, count) => sources.reduce((total, one) => total + count(one), 0);
