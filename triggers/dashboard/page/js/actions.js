/** What an operator does. Each asks first where something could be lost, and tells what came of it. */

import { NOT_UNDERSTOOD, Problem, get, post, put, segment } from "./api.js";
import { ask, tell } from "./dialogs.js";
import { foreign, h } from "./dom.js";
import { at, counted, number, span } from "./format.js";
import { toast } from "./messages.js";
import { runLink } from "./parts.js";

/** Do something, tell what the app said against it, and look again in either case. */
async function attempt(context, act) {
  try {
    await act();
  } catch (fault) {
    await tellFault(fault);
  }
  await context.refresh();
}

/** Whatever it is, something is told. */
async function tellFault(fault) {
  if (!(fault instanceof Problem)) return tellOddity(fault);
  if (fault.status === 401) return tell("A function key is needed", told(fault.message));
  if (fault.status >= 200 && fault.status < 300) {
    return tell("Taken, it seems", told(`${fault.message} What has come of it is seen in the views.`));
  }
  if (fault.status !== 409) return tell("That did not work", told(fault.message));
  let content;
  try {
    content = conflict(fault);
  } catch (oddity) {
    console.error(oddity);
    content = ["Refused", told(fault.message)];
  }
  return tell(...content);
}

function tellOddity(fault) {
  console.error(fault);
  const text = `${NOT_UNDERSTOOD}; the console tells more. What has come of it is seen in the views.`;
  return tell("Done or not?", told(text));
}

const tellStart = ({ runId }) =>
  typeof runId === "string" ? toast("Started: ", runLink(runId)) : toast("Started; the app did not say which run.");

const told = (message) => h("p", null, foreign(message, 1000));

/** 409: who holds the singleton, if that is why; title and content. */
function conflict({ message, document }) {
  if (typeof document.holder !== "string") return ["Refused", told(message)];
  const listed = Array.isArray(document.progress) ? document.progress : [];
  const progress = listed.map((one) => {
    const pages = `${number(one.loaded + one.failed)} of ${number(one.pages)} pages`;
    return h("li", null, foreign(one.source, 40), `: ${one.state}, ${pages}`);
  });
  const { heldSince, ageSeconds, startedBy } = document;
  const since = Number.isFinite(ageSeconds) && ["Since ", at(heldSince), ` (${span(1000 * ageSeconds)}), `];
  return [
    "Only one run at a time",
    h("p", null, "Nothing was started: ", runLink(document.holder), " holds the singleton."),
    h("p", null, since, "started by ", foreign(startedBy ?? "somebody", 60), "."),
    progress.length > 0 && h("ul", null, progress),
  ];
}

/** Start the daily scrape, of all sources or some. */
export async function startRun(context) {
  const known = await knownSources();
  if (context.signal.aborted) return; // Another view is shown by now.
  const answer = await ask({
    title: "Start a run",
    confirm: "Start",
    isWhole: (filled) => filled.get("scope") !== "some" || filled.has("source"),
    content: [
      h("p", null, "It scrapes every source, or only those that you choose. While another run lives it is refused."),
      known.length > 0 && sourceChoice(known),
    ],
  });
  if (!answer) return;
  const sources = answer.get("scope") === "some" ? answer.getAll("source") : [];
  await attempt(context, async () => {
    tellStart(await post("runs", { body: sources.length ? { sources } : {} }));
  });
}

/** All sources, or only those that are ticked; to tick one chooses these. */
function sourceChoice(known) {
  const scope = (value, isFirst) => h("input", { type: "radio", name: "scope", value, checked: isFirst });
  const some = scope("some", false);
  const on = { change: () => (some.checked = true) };
  const box = (name) => h("label", { class: "check" },
    h("input", { type: "checkbox", name: "source", value: name, on }), foreign(name, 60));
  return h("fieldset", null, h("legend", null, "Sources"),
    h("label", { class: "check" }, scope("all", true), "All sources"),
    h("label", { class: "check" }, some, "Only those that are ticked:"),
    h("div", { class: "within" }, known.map(box)));
}

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
export async function retryRun(context, run, { failed, isMissing }) {
  const rest = isMissing ? "what it did not come to" : "";
  const what = [failed && counted(failed, "failed page"), rest].filter(Boolean).join(" and ");
  const answer = await ask({
    title: "Retry what this run left undone?",
    confirm: "Retry",
    content: [
      h("p", null, `${what[0].toUpperCase()}${what.slice(1)} will be fetched by a new run.`,
        " Pages that were loaded are taken over and not fetched again."),
    ],
  });
  if (!answer) return;
  await attempt(context, async () => {
    tellStart(await post(`runs/${segment(run.runId)}/retry`, { body: {} }));
  });
}

/** Pause or resume the schedule. */
export async function pauseSchedule(context, paused) {
  await attempt(context, async () => {
    await put("schedule", { paused });
    toast(paused ? "The schedule is paused: ticks are skipped and recorded." : "The schedule runs again.");
  });
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

/** What there is to choose from; nothing if the app does not tell: every source can be started all the same. */
async function knownSources() {
  try {
    return (await get("datasets")).datasets.map((one) => one.source);
  } catch (fault) {
    if (!(fault instanceof Problem)) console.error(fault);
    return [];
  }
}
