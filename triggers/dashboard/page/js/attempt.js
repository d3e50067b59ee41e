/** What comes of an action: told when it is done, and whatever the app says against it. */

import { NOT_UNDERSTOOD, Problem } from "./api.js";
import { tell } from "./dialogs.js";
import { foreign, h } from "./dom.js";
import { at, number, span } from "./format.js";
import { toast } from "./messages.js";
import { runLink } from "./parts.js";

const LOOK_FIRST = "It may have been done all the same. The views tell; look before you do it again.";

/** Do something, tell what the app said against it, and look again in either case. */
export async function attempt(context, act) {
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
  if (isOpen(fault)) return tell("Done or not?", told(fault.message), h("p", null, LOOK_FIRST));
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

/** Whether it may have been done all the same: nobody answered, or the app broke down over it. */
const isOpen = ({ status }) => status === 0 || status >= 500;

function tellOddity(fault) {
  console.error(fault);
  const text = `${NOT_UNDERSTOOD}; the console tells more. What has come of it is seen in the views.`;
  return tell("Done or not?", told(text));
}

/** @param {{runId?: any, startAt?: any}} answer to a start, now or at a time */
export function tellStart({ runId, startAt }) {
  if (typeof runId !== "string") return toast("Started; the app did not say which run.");
  return startAt ? toast("Will start ", at(startAt), ": ", runLink(runId)) : toast("Started: ", runLink(runId));
}

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
