/** What an operator does. Each asks first where something could be lost, and tells what came of it. */

import { Problem, post, put, segment } from "./api.js";
import { attempt, tellStart } from "./attempt.js";
import { ask } from "./dialogs.js";
import { foreign, h } from "./dom.js";
import { counted } from "./format.js";
import { toast } from "./messages.js";

const SECOND_CLICK_MS = 1000;

/** Stop a run: let it finish what is in flight, or end it now. */
export async function stopRun(context, run) {
  const choice = (value, name, text, isFirst) =>
    h(
      "label",
      { class: "choice" },
      h("input", { type: "radio", name: "mode", value, checked: isFirst }),
      h("span", null, h("b", null, name), h("span", { class: "hint" }, text)),
    );
  const answer = await ask({
    title: "Stop this run?",
    confirm: "Stop the run",
    isDangerous: true,
    content: [
      h("p", null, foreign(run.runId, 60), ": what it has published stays; a retry can go on later."),
      h("fieldset", null, h("legend", null, "How"),
        choice("drain", "Drain", "Batches in flight are finished; sources that are complete are published.", true),
        choice("now", "Now", "It ends at once. Nothing that it still writes becomes visible.", false)),
    ],
  });
  if (!answer) return;
  await attempt(context, async () => {
    const { mode } = await post(`runs/${segment(run.runId)}/stop`, { query: { mode: answer.get("mode") } });
    toast(mode === "now" ? "The run is stopped." : "The run drains.");
  });
}

/** Start a run of only what this one has left undone, as `leftUndone` tells it. */
export async function retryRun(context, run, { failed, isMissing, only }) {
  const rest = isMissing ? "what it did not come to" : "";
  const what = [failed && counted(failed, "failed page"), rest].filter(Boolean).join(" and ");
  const answer = await ask({
    title: "Retry what this run left undone?",
    confirm: "Retry",
    content: [
      h("p", null, `${what[0].toUpperCase()}${what.slice(1)} will be fetched by a new run.`,
        " Pages that were loaded are taken over as they are and not fetched again: if fields in sources.toml have",
        " changed since, start a new run instead."),
    ],
  });
  if (!answer) return;
  await attempt(context, async () => {
    const execution = segment(`${run.runId}@${run.epoch}`);
    tellStart(await post(`runs/${execution}/retry`, { body: only ? { sources: only } : {} }));
  });
}

/** Pause or resume the schedule. Its button means the opposite then: a second click of the same hand is none. */
export async function pauseSchedule(context, paused) {
  await attempt(context, async () => {
    await put("schedule", { paused });
    toast(paused ? "The schedule is paused: ticks are skipped and recorded." : "The schedule runs again.");
  });
  await new Promise((resolve) => setTimeout(resolve, SECOND_CLICK_MS));
}

/** Let readers see another snapshot; one that the gate has refused only after it was said why. */
export async function publishSnapshot(context, source, snapshot) {
  const isRefused = snapshot.outcome === "refused";
  const answer = await ask({
    title: isRefused ? "Publish against the gate?" : "Publish this snapshot?",
    confirm: isRefused ? "Publish all the same" : "Publish",
    isDangerous: isRefused,
    content: [
      h("p", null, "Readers of ", foreign(source, 60), ` will see the ${counted(snapshot.rows, "row")} of `,
        foreign(snapshot.runId, 60), " from now on."),
      isRefused && h("p", { class: "warning" }, "The gate has refused it: ", foreign(snapshot.reason, 500)),
    ],
  });
  if (!answer) return;
  const run = `${snapshot.runId}@${snapshot.epoch}`;
  await attempt(context, async () => {
    try {
      await publish(source, run, isRefused);
    } catch (fault) {
      if (!(fault instanceof Problem) || !fault.document.rule || isRefused) throw fault;
      if (await confirmRule(fault.document.rule)) await publish(source, run, true);
    }
  });
}

async function publish(source, run, force) {
  const query = { run, force: force ? "true" : undefined };
  const answer = await post(`datasets/${segment(source)}/publish`, { query });
  toast(answer.isChanged ? "Published." : "It was published already; nothing has changed.");
}

const confirmRule = (rule) =>
  ask({
    title: "Publish against the gate?",
    confirm: "Publish all the same",
    isDangerous: true,
    content: [h("p", { class: "warning" }, "The gate refuses it: ", foreign(rule, 500))],
  });
