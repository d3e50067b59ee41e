/** Starting the daily scrape, now or later, and calling off what is still to come. */

import { Problem, get, post, segment } from "./api.js";
import { attempt, tellStart } from "./attempt.js";
import { ask } from "./dialogs.js";
import { foreign, foreignName, h } from "./dom.js";
import { at } from "./format.js";
import { toast } from "./messages.js";

/** So long may an operator wait for the dialog, which can do without the sources. */
const CHOICE_MS = 8_000;

/** Start the daily scrape, of all sources or some, now or later. */
export async function startRun(context) {
  const known = await knownSources();
  if (context.signal.aborted) return; // Another view is shown by now.
  const choice = known.length ? ", or only those that you choose" : " of the sources file";
  const answer = await ask({
    title: "Start a run",
    confirm: "Start",
    isWhole: (filled) => (filled.get("scope") !== "some" || filled.has("source")) && momentOf(filled) !== null,
    content: [
      h("p", null, `It scrapes every source${choice}. While another run lives it is refused.`),
      known.length > 0 && sourceChoice(known),
      timeChoice(),
    ],
  });
  if (!answer) return;
  const sources = answer.get("scope") === "some" ? answer.getAll("source") : [];
  const startAt = momentOf(answer);
  await attempt(context, async () => {
    tellStart(await post("runs", { body: { ...(sources.length && { sources }), ...(startAt && { startAt }) } }));
  });
}

/** All sources, or only those that are ticked; to tick one chooses these. */
function sourceChoice(known) {
  const scope = (value, isFirst) => h("input", { type: "radio", name: "scope", value, checked: isFirst });
  const some = scope("some", false);
  const on = { change: () => (some.checked = true) };
  const box = (name) => h("label", { class: "check" },
    h("input", { type: "checkbox", name: "source", value: name, on }), foreignName(name));
  return h("fieldset", null, h("legend", null, "Sources"),
    h("label", { class: "check" }, scope("all", true), "All sources"),
    h("label", { class: "check" }, some, "Only those that are ticked:"),
    h("div", { class: "within" }, known.map(box)));
}

/** Now, or at a time as the clock on the operator's wall shows it; to say when chooses that. */
function timeChoice() {
  const when = (value, isFirst) => h("input", { type: "radio", name: "when", value, checked: isFirst });
  const later = when("later", false);
  const on = { input: () => (later.checked = true) };
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return h("fieldset", null, h("legend", null, "When"),
    h("label", { class: "check" }, when("now", true), "Now"),
    h("label", { class: "check" }, later, "Later, if no other run lives then:"),
    h("div", { class: "within" },
      h("label", { class: "field" }, `Date and time (${zone})`,
        h("input", { type: "datetime-local", name: "at", on }))));
}

/**
 * When to start, in UTC.
 * @param {FormData} filled @returns {string | null} empty for now, null while that is not said
 */
function momentOf(filled) {
  if (filled.get("when") !== "later") return "";
  const when = new Date(filled.get("at")); // Without an offset it is local time.
  return Number.isNaN(when.getTime()) ? null : when.toISOString();
}

/** Call off a start that is still to come. @param {object} context @param {object} start as of `GET starts` */
export async function cancelStart(context, start) {
  const id = () => foreign(start.instanceId, 60);
  const answer = await ask({
    title: "Cancel this start?",
    confirm: "Cancel the start",
    cancel: "Keep it",
    isDangerous: true,
    content: [
      h("p", null, id(), ", due ", at(start.startAt), ", will not start. If it has begun meanwhile, it goes on."),
    ],
  });
  if (!answer) return;
  await attempt(context, async () => {
    await post(`starts/${segment(start.startId)}/cancel`);
    toast("Cancelled: ", id(), " will not start.");
  });
}

/** What there is to choose from; nothing if the app does not tell: every source can be started all the same. */
async function knownSources() {
  try {
    return (await get("datasets", {}, { patienceMs: CHOICE_MS })).datasets.map((one) => one.source);
  } catch (fault) {
    if (!(fault instanceof Problem)) console.error(fault);
    return [];
  }
}
