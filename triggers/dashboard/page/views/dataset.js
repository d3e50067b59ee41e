/** One dataset: its size over time, the snapshots that are kept, what has changed, its first rows, and downloads. */

import { get, segment } from "../js/api.js";
import { publishSnapshot } from "../js/actions.js";
import { foreign, h, link } from "../js/dom.js";
import { download, isDownloading } from "../js/download.js";
import { ago, at, number } from "../js/format.js";
import { lastResult } from "../js/histories.js";
import { badge, button, card, empty, factList, numeric, pageStart, pager, runLink, table } from "../js/parts.js";
import { sizeChart } from "../js/size_chart.js";
import { stateForReaders } from "../js/standing.js";
import { changeList, rowTable } from "./rows.js";
import { changes } from "./source_progress.js";

const ROWS = 10;

export const title = (source) => `Dataset ${source}`.slice(0, 120);
export const isLive = () => false;

export async function load(context) {
  const { argument, signal, state } = context;
  const path = `datasets/${segment(argument)}`;
  const page = { limit: 20, continuation: pageStart(context, "snapshots") };
  const dataset = await get(path, page, { signal, orNull: true });
  if (!dataset) return null;
  const seen = dataset.published && `${dataset.published.runId}@${dataset.published.epoch}`;
  if (state.seen !== seen) {
    // Rows and diff belong to what is published: asked for only when that has changed, and only if they are kept.
    const isKept = ({ epoch }) => dataset.continuation !== null || dataset.snapshots.some((one) => one.epoch === epoch);
    const quietly = (asked) => asked.catch((fault) => (signal.aborted ? Promise.reject(fault) : null));
    const first = (what) => quietly(get(`${path}/${what}`, { limit: ROWS }, { signal }));
    const [now, before] = dataset.publications;
    [state.rows, state.diff] = await Promise.all([
      now && isKept(now) ? first("rows") : null,
      before && isKept(before) ? first("diff") : null,
    ]);
    state.seen = seen;
  }
  return { dataset, rows: state.rows, diff: state.diff };
}

export function render(data, context) {
  const heading = h("h1", { tabindex: "-1" }, "Dataset ", foreign(context.argument, 100));
  if (data === null) return [heading, empty("There is no such dataset. ", link("#/datasets", "All datasets"), ".")];
  const { dataset, rows, diff } = data;
  const { published, publications, newestRun } = dataset;
  const ended = newestRun && ["Last result", [lastResult(newestRun, published), whyEnded(newestRun)]];
  const told = [...(published ? facts(published) : []), ended];
  const points = publications.map(({ publishedAt, rows: value, runId, epoch }) =>
    ({ at: publishedAt, value, label: runLink(runId, epoch) })).reverse();
  return [
    heading,
    card("Published", { id: "published", actions: published ? downloads(dataset.source, context) : [] },
      !published && empty("Nothing is published yet."), told.some(Boolean) && factList(told)),
    points.length > 0 && card("Size over time", { id: "size" }, sizeChart(points, "Rows", "publications")),
    card("Snapshots", { id: "snapshots" },
      dataset.snapshots.length ? snapshotTable(dataset, context) : empty("None is kept."),
      pager(context, "snapshots", dataset.continuation)),
    card("Last diff", { id: "diff" },
      diff ? changeList(diff) : empty("There is nothing to compare with, or it is not kept any more.")),
    card("First rows", { id: "rows" }, rows?.rows.length ? rowTable(rows.rows) : empty("No rows.")),
  ];
}

const whyEnded = ({ reason }) => reason && h("div", { class: "remark" }, foreign(reason, 140));

function downloads(source, context) {
  return ["csv", "ndjson"].map((format) => {
    const isOn = isDownloading(source, format);
    const name = format.toUpperCase();
    const begin = () => download(source, format, context.rerender);
    const made = button(isOn ? `Loading ${name}…` : `Download ${name}`, begin);
    made.toggleAttribute("disabled", isOn);
    return made;
  });
}

function facts(published) {
  return [
    ["Rows", number(published.rows)],
    ["Pages", `${number(published.pages)}, ${number(published.failed)} failed`],
    ["When", at(published.publishedAt)],
    ["By", foreign(published.publishedBy, 100)],
    ["Run", runLink(published.runId, published.epoch)],
    published.overridden && ["Against the gate", foreign(published.overridden, 200)],
  ];
}

function snapshotTable(dataset, context) {
  const rows = dataset.snapshots.map((one) => ({
    key: `${one.runId}@${one.epoch}`,
    cells: [
      [runLink(one.runId, one.epoch), h("div", { class: "remark" }, ago(one.startedAt))],
      [
        badge(stateForReaders({ state: one.outcome ?? "running" }, one, dataset.published)),
        one.reason && h("div", { class: "remark" }, foreign(one.reason, 140)),
      ],
      number(one.rows),
      number(one.failed),
      changes(one),
      action(dataset, one, context),
    ],
  }));
  const columns = ["Run", "State", ...numeric("Rows", "Failed"), "Against the data before", "Action"];
  return table("Snapshots that are kept, newest first", columns, rows);
}

function action(dataset, snapshot, context) {
  if (snapshot.isPublished) return "what readers see";
  if (!snapshot.isComplete || snapshot.outcome === null) return "not complete";
  const publish = () => publishSnapshot(context, dataset.source, snapshot);
  return snapshot.outcome === "refused" ? button("Force publish", publish, "danger-quiet") : button("Publish", publish);
}
