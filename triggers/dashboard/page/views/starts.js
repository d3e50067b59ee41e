/** Starts that are still to come: as a table, and the next of them as a list. */

import { Problem, get } from "../js/api.js";
import { foreign, h, link } from "../js/dom.js";
import { at, fromNow, number } from "../js/format.js";
import { button, empty, runLink, table } from "../js/parts.js";
import { cancelStart } from "../js/starts.js";

const COLUMNS = ["Due", "What", "How it stands", "Sources", "By", "Action"];
const NEXT = 3;

/** Those that there are. The hub may be down: that is told in their place, and hides nothing else. */
export async function loadStarts({ signal }) {
  try {
    return await get("starts", {}, { signal });
  } catch (fault) {
    if (!(fault instanceof Problem)) throw fault;
    return { starts: [], isWhole: true, fault: fault.message };
  }
}

/** All of them, each with a button that cancels it. @param {object} listed by `loadStarts` @param {object} context */
export function startTable({ starts, isWhole, fault }, context) {
  if (fault) return untold(fault);
  const rows = starts.map((one) => ({
    key: `${one.startId} ${one.startAt}`,
    cells: [
      at(one.startAt),
      named(one),
      standing(one),
      sources(one),
      foreign(one.triggeredBy, 40),
      button("Cancel", () => cancelStart(context, one), "danger-quiet"),
    ],
  }));
  return [
    rows.length
      ? table("Starts to come, the soonest first", COLUMNS, rows)
      : empty("None but the ticks of the schedule."),
    !isWhole && h("p", { class: "hint" }, "There may be more: the hub was asked for its first ones only."),
  ];
}

/** The next of them, or nothing if there are none. @param {object} listed by `loadStarts` */
export function nextStarts({ starts, isWhole, fault }) {
  if (fault) return untold(fault);
  if (!starts.length) return null;
  const line = (one) => h("li", { "data-key": one.startId }, at(one.startAt), ": ", named(one));
  const lines = starts.slice(0, NEXT).map(line);
  const left = starts.length - lines.length;
  const more = left > 0 && h("li", null, link("#/schedule", `${number(left)} more${isWhole ? "" : " at least"}`));
  return h("ul", { class: "plain", "aria-label": "Starts to come" }, lines, more);
}

const untold = (fault) => h("p", { class: "hint" }, "They cannot be told: ", foreign(fault, 160));

const named = ({ runId, orchestrator, instanceId }) =>
  typeof runId === "string" ? runLink(runId) : [foreign(orchestrator, 40), " ", foreign(instanceId, 60)];

function standing({ isDue, holder, startAt }) {
  if (!isDue) return fromNow(startAt);
  return typeof holder === "string" ? ["waits for the end of ", runLink(holder)] : "due";
}

function sources({ runId, sources: some }) {
  if (runId === null) return "–";
  return Array.isArray(some) ? some.map((name, index) => [index > 0 && ", ", foreign(name, 40)]) : "all";
}
