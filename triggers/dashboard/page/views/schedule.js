/** The schedule: its next tick, its pause, what else is to start, and what did not run. */

import { get } from "../js/api.js";
import { pauseSchedule } from "../js/actions.js";
import { foreign, h } from "../js/dom.js";
import { at, fromNow } from "../js/format.js";
import { badge, button, card, empty, factList, pageStart, pager } from "../js/parts.js";
import { startRun } from "../js/starts.js";
import { skipTable } from "./skips.js";
import { loadStarts, startTable } from "./starts.js";

const POLICIES = {
  skip: "a tick that meets a live run is skipped",
  buffer_one: "a tick that meets a live run waits for its end; one at most",
  cancel_other: "a tick that meets a live run stops it",
};

export const title = () => "Schedule";
export const isLive = () => false;

export async function load(context) {
  const { signal } = context;
  const [schedule, starts, skips] = await Promise.all([
    get("schedule", {}, { signal }),
    loadStarts(context),
    get("skips", { limit: 20, continuation: pageStart(context, "skips") }, { signal }),
  ]);
  return { schedule, starts, skips };
}

export function render({ schedule, starts, skips }, context) {
  return [
    h("h1", { tabindex: "-1" }, title()),
    card("Daily scrape", { id: "schedule", actions: [pauseButton(schedule, context)] },
      h("p", { class: "next-tick" }, state(schedule)),
      factList([
        ["Next tick", nextTick(schedule)],
        ["Schedule", h("code", null, foreign(schedule.schedule, 60))],
        ["Time zone", foreign(schedule.timeZone, 60)],
        ["Overlap", [h("code", null, schedule.overlapPolicy), ` ${POLICIES[schedule.overlapPolicy] ?? ""}`]],
        ["Catch-up window", `${schedule.catchupWindowMinutes} min`],
        ["Last paused or resumed", schedule.changedAt ? at(schedule.changedAt) : "never"],
      ])),
    card("Starts to come", { id: "starts", actions: [button("Start a run", () => startRun(context))] },
      startTable(starts, context)),
    card("Starts that did not happen", { id: "skips" },
      skips.skips.length ? skipTable(skips.skips) : empty("Every start that was due has happened."),
      pager(context, "skips", skips.continuation)),
  ];
}

function state({ paused, nextTick: due }) {
  if (paused) return badge("paused");
  return [badge("running"), " ", due ? fromNow(due) : "–"];
}

/** When the next tick is due, and that a pause will skip it. @param {object} schedule */
export const nextTick = ({ paused, nextTick: due }) => [at(due), paused && due && ", will be skipped"];

function pauseButton({ paused }, context) {
  return button(paused ? "Resume" : "Pause", () => pauseSchedule(context, !paused), paused ? "primary" : "");
}
