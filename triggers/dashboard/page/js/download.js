/** A dataset as a file: part by part with the key in the header, which a link could not send. */

import { Problem, segment, send } from "./api.js";
import { tell } from "./dialogs.js";
import { foreign, h } from "./dom.js";
import { counted } from "./format.js";
import { announce, toast } from "./messages.js";

const ROWS_AT_ONCE = 10_000;
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
    save(new Blob(parts, { type: parts[0]?.type ?? "application/octet-stream" }), name);
    toast(`Downloaded ${name}, in ${counted(parts.length, "part")}.`);
  } catch (fault) {
    if (!(fault instanceof Problem)) throw fault;
    await tell("The download has failed", h("p", null, foreign(fault.message, 1000)));
  } finally {
    active.delete(name);
    changed();
  }
}

async function allParts(source, format) {
  const parts = [];
  let continuation;
  do {
    const query = { format, limit: ROWS_AT_ONCE, continuation };
    const answer = await send("GET", `datasets/${segment(source)}/rows`, { query });
    parts.push(await answer.blob());
    const next = /<([^>]*)>; *rel="next"/.exec(answer.headers.get("link") ?? "");
    continuation = next ? new URL(next[1], location.href).searchParams.get("continuation") : null;
  } while (continuation);
  return parts;
}

function save(blob, name) {
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
