/** What goes on now, what came of the last runs, what readers see, and when it goes on. */

import { get, segment, serverNow } from "../js/api.js";
import { stopRun } from "../js/actions.js";
import { foreign, h, link } from "../js/dom.js";
import { ago, counted, fromNow, number, span } from "../js/format.js";
import { HISTORY_COLUMNS, datasetLink, historyCells, howFar, tellHistories } from "../js/histories.js";
import { historyChart } from "../js/history_chart.js";
import { announce } from "../js/messages.js";
import { badge, button, card, empty, factList, folded, numeric, runLink, stateOf, table } from "../js/parts.js";
import { duration, past } from "../js/past.js";
import { addUp, reasonBars } from "../js/reasons.js";
import { seldom } from "../js/seldom.js";
import { isAllFound, stateForReaders } from "../js/standing.js";
import { startRun } from "../js/starts.js";
import { nextTick } from "./schedule.js";
import { liveProgress, whatReadersSee } from "./source_progress.js";
import { loadStarts, nextStarts } from "./starts.js";

const MOST = 30;
const DATASETS = 12;
const SKIP_PAGES = 5;

export const title = () => "Overview";
export const isLive = ({ current }) => current !== null;

export async function load(context) {
  const { signal } = context;
  const { runs } = await get("runs", { limit: MOST }, { signal });
  const live = runs.find((run) => run.state !== "finished");
  const [current, rest] = await Promise.all([
    live ? get(`runs/${segment(live.runId)}`, {}, { signal, orNull: true }) : null,
    // Anew as soon as a run has begun or ended.
    seldom(context, "rest", howFar(runs), () => loadRest(context, runs, live ? null : runs[0])),
  ]);
  return { runs, current, ...rest };
}

async function loadRest(context, runs, last) {
  const { signal } = context;
  const [skipped, schedule, starts, { datasets }, ended] = await Promise.all([
    loadSkips(signal),
    get("schedule", {}, { signal }),
    loadStarts(context),
    get("datasets", {}, { signal }),
    last ? get(`runs/${segment(last.runId)}`, {}, { signal, orNull: true }) : null,
  ]);
  const published = Object.fromEntries(datasets.map((one) => [one.source, one.published]));
  const histories = new Map();
  await tellHistories(context, datasets.slice(0, DATASETS), howFar(runs), histories);
  return { skipped, schedule, starts, published, ended, datasets, histories };
}

/** The newest of them, back to the days of the picture: a source that is watched may have added hundreds. */
async function loadSkips(signal) {
  const skips = [];
  let continuation;
  for (let page = 0; page < SKIP_PAGES && continuation !== null; page += 1) {
    const found = await get("skips", { limit: 200, continuation }, { signal });
    skips.push(...found.skips);
    continuation = found.continuation;
  }
  return { skips, areAll: continuation === null };
}

export function render(data, context) {
  const { runs, skipped, schedule, starts, datasets, histories, current } = data;
  const entries = past(runs, skipped, schedule.lastTicks, MOST, serverNow());
  return [
    h("h1", { tabindex: "-1" }, title()),
    h("div", { class: "grid" }, currentCard(data, context), scheduleCard(schedule, nextStarts(starts))),
    card("The last runs", { id: "history", actions: [link("#/runs", "All runs")] },
      entries.length ? historyChart(entries) : empty("No run yet. Start one, or wait for the schedule.")),
    card("Datasets", { id: "datasets", actions: [link("#/datasets", "All datasets")] },
      datasetTable(datasets, histories)),
  ];
}

function currentCard({ current, runs, ended, published }, context) {
  const start = button("Start a run", () => startRun(context), current ? "" : "primary");
  if (!current) {
    const [last] = runs;
    const isJustOver = last && context.state.told === last.epoch;
    if (isJustOver) announce(`The run has ended: ${stateOf(last).replaceAll("_", " ")}.`);
    return card("Now", { id: "current", actions: [start] },
      h("p", { class: "calm" }, "Nothing is running."),
      last && factList(lastFacts(last)),
      last && ended && ended.epoch === last.epoch && unpublished(ended, published));
  }
  context.state.told = current.epoch;
  tellProgress(current);
  const stop = button("Stop", () => stopRun(context, current), "danger-quiet");
  const failures = addUp(current.sources.map((one) => one.failedByReason));
  return card("Now", { id: "current", actions: [stop, start] },
    h("p", { class: "now" },
      h("span", { class: "pulse", "aria-hidden": "true" }),
      runLink(current.runId, current.epoch), " ", badge(stateOf(current)),
      h("span", { class: "muted" }, ` started `, ago(current.startedAt), " by ", foreign(current.triggeredBy, 60))),
    liveProgress(current),
    Object.keys(failures).length > 0 && folded("Failures by reason", reasonBars(failures)));
}

const lastFacts = (run) => [
  ["Last run", runLink(run.runId, run.epoch)],
  ["Ended as", badge(stateOf(run))],
  ["When", ago(run.finishedAt ?? run.startedAt)],
  ["Took", span(duration(run, serverNow()))],
  run.totals && ["Loaded", `${counted(run.totals.loaded, "page")}, ${counted(run.totals.rows, "row")}`],
  run.totals?.failed > 0 && ["Failed", h("span", { class: "bad-text" }, counted(run.totals.failed, "page"))],
];

/** What of the last run readers do not see by its own doing, and what they see instead. */
function unpublished(run, published) {
  const isLeft = (one) => stateForReaders(one, run, published[one.source]) !== "published";
  const told = run.sources.filter(isLeft).map((one) => {
    const seen = published[one.source];
    return h("li", { "data-key": one.source },
      datasetLink(one.source), ": ",
      badge(stateForReaders(one, run, seen)), reasonOf(one),
      "; ", whatReadersSee(seen));
  });
  return told.length > 0 && h("ul", { class: "plain", "aria-label": "Not published by the last run" }, told);
}

/** Beside the badge, so what that has said is left out: `stopped at once` is `at once`. */
function reasonOf({ state, reason }) {
  if (!reason) return null;
  return [" – ", foreign(reason.startsWith(`${state} `) ? reason.slice(state.length + 1) : reason, 160)];
}

/** Not at every look: a screen reader is told in steps of ten per cent. */
function tellProgress(run) {
  if (!isAllFound(run)) return;
  const pages = run.totals?.pages ?? 0;
  const done = (run.totals?.loaded ?? 0) + (run.totals?.failed ?? 0);
  const tenths = pages ? Math.floor((10 * Math.min(done, pages)) / pages) : 0;
  if (tenths > 0) announce(`The run has done ${10 * tenths} per cent of its pages.`);
}

function scheduleCard(schedule, toCome) {
  return card("Schedule", { id: "schedule", actions: [link("#/schedule", "Details")] },
    schedule.paused
      ? h("p", { class: "calm" }, badge("paused"), " Ticks are skipped and recorded.")
      : h("p", { class: "next-tick" }, schedule.nextTick ? fromNow(schedule.nextTick) : "–"),
    factList([
      ["Next tick", nextTick(schedule)],
      toCome && ["Starts to come", toCome],
      ["Schedule", h("code", null, foreign(schedule.schedule, 60))],
      ["Time zone", foreign(schedule.timeZone, 60)],
    ]));
}

function datasetTable(all, histories) {
  if (!all.length) return empty("Nothing is published yet.");
  const rows = all.slice(0, DATASETS).map((one) => {
    const { source, published } = one;
    const [size, ...rest] = historyCells(one, histories.get(source));
    const when = published ? ago(published.publishedAt) : "never";
    return { key: source, cells: [datasetLink(source), number(published?.rows), size, when, ...rest] };
  });
  const [size, ...rest] = HISTORY_COLUMNS;
  const more = [`${rows.length} of ${number(all.length)}; `, link("#/datasets", "all datasets"), "."];
  return [
    table("What readers see", ["Source", ...numeric("Rows"), size, "Published", ...rest], rows),
    all.length > rows.length && h("p", { class: "hint" }, more),
  ];
}
