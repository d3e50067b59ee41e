/** A dataset as a file: part by part with the key in the header, which a link could not send. */

import { Problem, segment, send } from "./api.js";
import { ask, tell } from "./dialogs.js";
import { foreign, foreignName, h } from "./dom.js";
import { counted } from "./format.js";
import { announce, toast } from "./messages.js";

const ROWS_AT_ONCE = 10_000;
const PART_MS = 600_000; // It comes in a stream, so a slow line needs its time.
const active = new Set();

/** Whether this file is on its way. @param {string} source @param {string} format */
export const isDownloading = (source, format) => active.has(`${source}.${format}`);

/**
 * Fetch all rows that are published of a source and hand them over as a file. All parts are of one snapshot.
 * @param {string} source @param {"csv" | "ndjson"} format @param {() => void} changed called when it begins and ends
 */
export async function download(source, format, changed) {
  const name = `${source}.${format}`;
  if (active.has(name)) return;
  active.add(name);
  changed();
  announce(`Downloading ${name}`);
  try {
    const parts = await allParts(source, format);
    if (parts === null) return;
    save(new Blob(parts, { type: parts[0]?.type ?? "application/octet-stream" }), name);
    toast(`Downloaded ${name}, in ${counted(parts.length, "part")}.`);
  } finally {
    active.delete(name);
    changed();
  }
}

/** Null if somebody has given it up. */
async function allParts(source, format) {
  const parts = [];
  let continuation;
  do {
    const part = await onePart(source, { format, limit: ROWS_AT_ONCE, continuation });
    if (part === null) return null;
    parts.push(part.blob);
    continuation = part.continuation;
  } while (continuation);
  return parts;
}

/** Asked for until it is whole, as long as somebody wants that; else null. */
async function onePart(source, query) {
  for (;;) {
    try {
      const answer = await send("GET", `datasets/${segment(source)}/rows`, { query, patienceMs: PART_MS });
      const blob = await answer.blob(); // Rejected if the connection is cut, or is too slow.
      const next = /<([^>]*)>; *rel="next"/.exec(answer.headers.get("link") ?? "");
      return { blob, continuation: next && new URL(next[1], location.href).searchParams.get("continuation") };
    } catch (fault) {
      if (!(await isWanted(source, fault))) return null;
    }
  }
}

async function isWanted(source, fault) {
  const told = fault instanceof Problem ? fault.message : "The connection was cut, or is too slow.";
  const content = [h("p", null, foreignName(source), ": ", foreign(told, 1000))];
  if (fault.status >= 400 && fault.status < 500) {
    await tell("The download has failed", content);
    return false;
  }
  content.push(h("p", null, "What has come so far is kept until you give it up."));
  const title = "The download has broken off";
  return (await ask({ title, content, confirm: "Try again", cancel: "Give up" })) !== null;
}

function save(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
