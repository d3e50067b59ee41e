/** How fast a run is, and when it will be done: from what this page has seen of it, else from the whole of it. */

import { serverNow } from "./api.js";

const WINDOW_MS = 60_000;
const seen = new Map();

/**
 * Note how far a run is; `done` are pages that were loaded or have failed.
 * @param {{runId: string, epoch: number, startedAt: string}} run
 * @param {number} done @param {number} pages 0 if not known yet
 * @returns {{perSecond: number | null, secondsLeft: number | null}}
 */
export function speed(run, done, pages) {
  const now = serverNow();
  const id = `${run.runId}@${run.epoch}`;
  if (!seen.has(id)) seen.clear(); // There is one run at a time.
  const looks = [...(seen.get(id) ?? []), { now, done }].filter((look) => look.now > now - WINDOW_MS);
  seen.set(id, looks);
  const perSecond = recent(looks) ?? overall(run, done, now);
  const left = Math.max(0, pages - done);
  return { perSecond, secondsLeft: perSecond && pages ? left / perSecond : null };
}

/** Batches are recorded as a whole, so that only a while with several of them tells anything. */
function recent(looks) {
  const steps = new Set(looks.map((look) => look.done)).size;
  const [first, last] = [looks[0], looks[looks.length - 1]];
  return steps < 4 ? null : (1000 * (last.done - first.done)) / (last.now - first.now);
}

function overall(run, done, now) {
  const ms = now - Date.parse(run.startedAt);
  return done > 0 && ms > 0 ? (1000 * done) / ms : null;
}
