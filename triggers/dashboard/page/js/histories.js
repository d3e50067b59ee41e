/** How each of many datasets has come along: asked for one by one, a few at a time, and each fault told by itself. */

import { NOT_UNDERSTOOD, get, segment } from "./api.js";
import { datasetHref, foreign, foreignName, h, link, runHref } from "./dom.js";
import { badge } from "./parts.js";
import { seldom } from "./seldom.js";
import { sparkline } from "./size_chart.js";
import { stateForReaders } from "./standing.js";
import { changes } from "../views/source_progress.js";

const AT_ONCE = 4;
const KEPT_MS = 60_000;

/**
 * Ask for the publications of each dataset, its newest run, and the snapshot that readers see if that is kept.
 * @param {object} context of the view @param {object[]} datasets as of `GET datasets`
 * @param {string} runs how far runs are: what a run has left behind is asked for anew as soon as one begins or ends
 * @param {Map<string, {history?: object, fault?: string}>} told gets an entry for each as it comes
 * @param {() => void} [changed] called after each
 */
export async function tellHistories(context, datasets, runs, told, changed = () => {}) {
  const left = [...datasets];
  const worker = async () => {
    for (let one = left.shift(); one && !context.signal.aborted; one = left.shift()) {
      told.set(one.source, await historyOf(context, one, runs));
      changed();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

async function historyOf(context, { source, published }, runs) {
  const ask = async () => {
    const newest = await snapshots(source, {}, context);
    if (newest === null) return null;
    const isOlder = published && !seenIn(newest);
    // What stands before the next epoch is that of this one.
    const older = isOlder && (await snapshots(source, { continuation: published.epoch + 1 }, context));
    const { publications, newestRun } = newest;
    return { publications, newestRun, seen: seenIn(newest) ?? seenIn(older) };
  };
  try {
    return { history: await seldom(context, `dataset ${source}`, `${published?.epoch} ${runs}`, ask, KEPT_MS) };
  } catch (fault) {
    return { fault: fault.message };
  }
}

async function snapshots(source, query, { signal }) {
  const answer = await get(`datasets/${segment(source)}`, { limit: 1, ...query }, { signal, orNull: true });
  const isKnown = answer === null || (Array.isArray(answer.publications) && Array.isArray(answer.snapshots));
  if (!isKnown) throw new Error(`${NOT_UNDERSTOOD}.`);
  return answer;
}

/** The snapshot that readers see, if it is kept. */
const seenIn = (answer) => (answer || null)?.snapshots.find((one) => one.isPublished);

/** How far runs are: another text as soon as one has begun or ended. @param {object[]} runs the newest first */
export const howFar = ([newest]) => `${newest?.epoch} ${newest?.state === "finished"}`;

/** Columns of `historyCells`. */
export const HISTORY_COLUMNS = ["Size over time", "Last diff", "Last result"];

/** Three cells of a table. @param {object} dataset @param {{history?: object, fault?: string}} [told] of the dataset */
export function historyCells({ source, published }, told) {
  if (told?.fault) return ["–", "–", h("span", { class: "bad-text" }, foreign(told.fault, 120))];
  const publications = told?.history?.publications ?? [];
  const { newestRun, seen } = told?.history ?? {};
  const points = publications.map((each) => ({ at: each.publishedAt, value: each.rows })).reverse();
  return [
    sparkline(points, `Rows of ${source}`),
    seen ? changes(seen) : "–",
    newestRun ? lastResult(newestRun, published) : "–",
  ];
}

/**
 * How the newest run of a dataset has ended for it, also if it has found no pages, so that no snapshot tells.
 * @param {object} newest as `newestRun` of `GET datasets/{source}` @param {object | null} published of the dataset
 */
export function lastResult(newest, published) {
  const state = stateForReaders({ state: newest.outcome ?? "running" }, newest, published);
  return [badge(state), " ", link(runHref(newest.runId, newest.epoch), "run")];
}

/** The name of a dataset, which leads to it. @param {string} source */
export const datasetLink = (source) => link(datasetHref(source), foreignName(source));
