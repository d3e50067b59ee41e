/** The schedule: its next tick, its pause switch, and what did not run. */

import { get } from "../js/api.js";
import { pauseSchedule } from "../js/actions.js";
import { h } from "../js/dom.js";
import { at, fromNow } from "../js/format.js";
import { card, empty, factList, pageStart, pager } from "../js/parts.js";
import { skipTable } from "./skips.js";

const POLICIES = {
  skip: "a tick that meets a live run is skipped",
  buffer_one: "a tick that meets a live run waits for its end; one at most",
  cancel_other: "a tick that meets a live run stops it",
};

export const title = () => "Schedule";
export const isLive = () => false;

export async function load(context) {
  const { signal } = context;
  const [schedule, skips] = await Promise.all([
    get("schedule", {}, { signal }),
    get("skips", { limit: 20, continuation: pageStart(context, "skips") }, { signal }),
  ]);
  return { schedule, skips };
}

export function render({ schedule, skips }, context) {
  return [
    h("h1", { tabindex: "-1" }, title()),
    card("Daily scrape", { id: "schedule", actions: [pauseSwitch(schedule, context)] },
      h("p", { class: "next-tick" }, state(schedule)),
      factList([
        ["Next tick", at(schedule.nextTick)],
        ["Schedule", h("code", null, schedule.schedule)],
        ["Time zone", schedule.timeZone],
        ["Overlap", [h("code", null, schedule.overlapPolicy), ` ${POLICIES[schedule.overlapPolicy] ?? ""}`]],
        ["Catch-up window", `${schedule.catchupWindowMinutes} min`],
        ["Switched", at(schedule.changedAt)],
      ])),
    card("Starts that did not happen", { id: "skips" },
      skips.skips.length ? skipTable(skips.skips) : empty("Every start that was due has happened."),
      pager(context, "skips", skips.continuation)),
  ];
}

function state({ paused, nextTick }) {
  if (paused) return "Paused";
  return nextTick ? fromNow(nextTick) : "–";
}

function pauseSwitch({ paused }, context) {
  const on = { click: () => pauseSchedule(context, !paused) };
  return h("button", { type: "button", role: "switch", class: "switch", "aria-checked": paused ? "true" : "false", on },
    h("span", { class: "knob", "aria-hidden": "true" }), "Paused");
}
