/** One run: how it stands, its sources, the timeline of its batches, and its failed pages. */

import { get, segment, serverNow } from "../js/api.js";
import { retryRun, stopRun } from "../js/actions.js";
import { datasetHref, foreign, foreignLink, h, link } from "../js/dom.js";
import { at, fromNow, number, span } from "../js/format.js";
import {
  badge, button, card, empty, factList, numeric, pageStart, pager, runLink, stateOf, table,
} from "../js/parts.js";
import { duration } from "../js/past.js";
import { addUp, reasonBars } from "../js/reasons.js";
import { leftUndone, undecided } from "../js/standing.js";
import { startRun } from "../js/starts.js";
import { timeline } from "../js/timeline.js";
import { liveProgress, sourceTable } from "./source_progress.js";

const FAILURES = 50;

export const title = (id) => `Run ${id}`.slice(0, 120);
export const isLive = (data) => data !== null && data.run.state !== "finished";

export async function load(context) {
  const { argument, signal } = context;
  const path = `runs/${segment(argument)}`;
  const run = await get(path, {}, { signal, orNull: true });
  if (run === null) return null;
  const [failures, listed, published] = await Promise.all([
    get(`${path}/failures`, { limit: FAILURES, continuation: pageStart(context, "failures") }, { signal }),
    get(`${path}/batches`, {}, { signal }),
    // Somebody may have published since what the run has not, or gone back behind it.
    run.state === "finished" && run.sources.length > 0 ? publishedOf(signal) : {},
  ]);
  return { run, published, failures, batches: listed.batches, areAll: listed.continuation === null };
}

/** What readers see of each dataset, by its name. */
async function publishedOf(signal) {
  const { datasets } = await get("datasets", {}, { signal });
  return Object.fromEntries(datasets.map((one) => [one.source, one.published]));
}

export function render(data, context) {
  // Which of the runs with this ID it is, its epoch tells below.
  const heading = h("h1", { tabindex: "-1" }, "Run ", foreign(data?.run.runId ?? context.argument, 100));
  if (data === null) {
    return [heading, empty("There is no such run, or its record was purged. ", link("#/runs", "All runs"), ".")];
  }
  const { run, published, failures, batches, areAll } = data;
  const isOn = run.state !== "finished";
  return [
    heading,
    card("State", { id: "state", actions: actions(data, context) }, factList(facts(run)),
      run.reason && h("p", { class: "reason" }, foreign(run.reason, 300)),
      advice(run, undecided(run, published)),
      isOn && run.sources.length > 0 && liveProgress(run)),
    card("Sources", { id: "sources" },
      run.sources.length ? sourceTable(run, published) : empty("It has not begun to work on any.")),
    card("Timeline of batches", { id: "timeline" },
      batches.length ? timelineOf(run, batches) : empty(noBatch(isOn)),
      !areAll && h("p", { class: "hint" }, `The first ${number(batches.length)} batches; the route has them all.`)),
    card("Failures by reason", { id: "reasons" }, reasonBars(addUp(run.sources.map((one) => one.failedByReason)))),
    card("Failed pages", { id: "failures" }, failureTable(failures), pager(context, "failures", failures.continuation)),
  ];
}

const noBatch = (isOn) =>
  isOn ? "No batch has ended yet." : "No batch is recorded: none has ended, or they were purged.";

function timelineOf(run, batches) {
  const named = [...run.sources, ...batches].map((one) => one.source);
  const to = run.finishedAt ? Date.parse(run.finishedAt) : serverNow();
  return timeline(batches, [...new Set(named)], { from: Date.parse(run.startedAt), to });
}

/** What to do about a source that the gate has refused: a retry is not always it. */
function advice(run, refused) {
  if (!refused.length) return null;
  const named = refused.map((name, place) => [place > 0 && ", ", link(datasetHref(name), foreign(name, 60))]);
  const ways = [
    "If the site or its layout has changed, mend its fields in sources.toml and start a new run: a retry takes over" +
      " the rows of pages that were loaded as they are.",
    leftUndone(run) && "If the site was only down, or in your way, retry what failed.",
    "If the data is right as it is, publish it on the page of the dataset.",
  ];
  return h("div", { class: "advice" },
    h("p", null, "The gate has refused ", named, ", so readers see what they saw before."),
    h("ul", { class: "dotted" }, ways.filter(Boolean).map((way) => h("li", null, way))));
}

function actions({ run, published }, context) {
  if (run.state === "finished") {
    const left = leftUndone(run, published);
    const text = left?.failed ? "Retry failed pages" : "Fetch what is missing";
    const again = undecided(run, published).length > 0 && button("Start a new run", () => startRun(context));
    return [again, left && button(text, () => retryRun(context, run, left))].filter(Boolean);
  }
  return [button(run.state === "scheduled" ? "Cancel the start" : "Stop", () => stopRun(context, run), "danger-quiet")];
}

function facts(run) {
  return [
    ["State", badge(stateOf(run))],
    run.startAt && ["Due", at(run.startAt)],
    ["Started", at(run.startedAt)],
    ["Finished", at(run.finishedAt)],
    run.startedAt && ["Took", span(duration(run, serverNow()))],
    ["Started by", foreign(run.triggeredBy, 100)],
    run.retryOf && ["Retries", runLink(run.retryOf)],
    ["Epoch", number(run.epoch)],
    run.lastProgressAt && run.state !== "finished" && ["Last progress", sinceThen(run.lastProgressAt)],
    // Of a run that goes on, the figures below tell.
    run.totals && run.finishedAt && ["Pages", pagesOf(run.totals)],
    run.totals && run.finishedAt && ["Rows", number(run.totals.rows)],
  ];
}

const sinceThen = (moment) => [fromNow(moment), ", ", at(moment)];

const pagesOf = ({ loaded, unchanged, failed }) =>
  `${number(loaded)} loaded, of these ${number(unchanged)} unchanged; ${number(failed)} failed`;

function failureTable({ failures, notKept }) {
  const names = (notKept ?? []).map((name) => [foreign(name, 60), " "]);
  const gone = names.length > 0 && h("p", { class: "hint" }, "The failed pages of these sources were purged: ", names);
  if (!failures.length) return [empty("None."), gone];
  const rows = failures.map((one, index) => ({
    key: `${one.source} ${one.url} ${index}`,
    cells: [
      foreignLink(one.url),
      foreign(one.source, 40),
      h("code", null, one.reason),
      one.status ?? "–",
      number(one.attempts),
      foreign(one.detail, 140),
    ],
  }));
  return [table("Failed pages", ["Page", "Source", "Reason", ...numeric("Status", "Attempts"), "Detail"], rows), gone];
}
