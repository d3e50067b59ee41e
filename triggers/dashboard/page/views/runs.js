/** All runs, newest first, and the starts that did not happen. */

import { get, serverNow } from "../js/api.js";
import { foreign, h } from "../js/dom.js";
import { ago, number, span } from "../js/format.js";
import { badge, button, card, empty, numeric, pageStart, pager, runLink, stateOf, table } from "../js/parts.js";
import { duration } from "../js/past.js";
import { startRun } from "../js/starts.js";
import { skipTable } from "./skips.js";

const COUNTS = [["Loaded", "loaded"], ["Unchanged", "unchanged"], ["Failed", "failed"], ["Rows", "rows"]];

export const title = () => "Runs";
export const isLive = ({ runs }) => runs.some((run) => run.state !== "finished");

export async function load(context) {
  const { signal } = context;
  const [{ runs, continuation }, skips] = await Promise.all([
    get("runs", { limit: 30, continuation: pageStart(context, "runs") }, { signal }),
    get("skips", { limit: 20, continuation: pageStart(context, "skips") }, { signal }),
  ]);
  return { runs, continuation, skips };
}

export function render({ runs, continuation, skips }, context) {
  return [
    h("h1", { tabindex: "-1" }, title()),
    card("All runs", { id: "runs", actions: [button("Start a run", () => startRun(context), "primary")] },
      runs.length ? runTable(runs) : empty("No run yet."), pager(context, "runs", continuation)),
    card("Starts that did not happen", { id: "skips" },
      skips.skips.length ? skipTable(skips.skips) : empty("Every start that was due has happened."),
      pager(context, "skips", skips.continuation)),
  ];
}

function runTable(runs) {
  const rows = runs.map((run) => ({
    key: `${run.runId}@${run.epoch}`,
    cells: [
      runLink(run.runId, run.epoch),
      [badge(stateOf(run)), run.reason && h("div", { class: "remark" }, foreign(run.reason, 100))],
      ago(run.startedAt),
      span(duration(run, serverNow())),
      foreign(run.triggeredBy, 40),
      ...COUNTS.map(([, name]) => number(run.totals?.[name])),
    ],
  }));
  const counts = numeric(...COUNTS.map(([text]) => text));
  return table("Runs, newest first", ["Run", "State", "Started", "Took", "By", ...counts], rows);
}
