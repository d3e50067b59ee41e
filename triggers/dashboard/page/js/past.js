/** The last runs in order of time, with what should have run and did not. */

/** A tick is not missed at once: whoever serves it needs a moment. */
const PATIENCE_MS = 600_000;

/**
 * Runs, skipped starts and days without either, oldest first.
 *
 * A day was missed if the schedule had a tick on it, and neither a run nor a skip is known of that date; days before
 * the oldest run that is known do not count, since the app may not have been there.
 * @param {object[]} runs newest first @param {object[]} skips
 * @param {string[]} ticks the first tick of each of the last days, as the schedule is now
 * @param {number} most so many of the newest are told
 * @param {number} now milliseconds since 1970
 * @returns {Array<{kind: "run" | "skip" | "missed", at: string, id: string, run?: object, skip?: object}>}
 */
export function past(runs, skips, ticks, most, now) {
  const told = runs.map((run) => ({ kind: "run", at: run.startedAt, id: `${run.runId}@${run.epoch}`, run }));
  const oldest = runs.length ? Math.min(...runs.map((run) => Date.parse(run.startedAt))) : Infinity;
  const known = new Set(runs.map((run) => run.runId));
  const since = runs.length < most ? -Infinity : oldest; // There may be older runs than these.
  for (const skip of skips) {
    const at = skip.scheduledFor ?? skip.at;
    known.add(skip.runId);
    if (Date.parse(at) >= since) told.push({ kind: "skip", at, id: `skip ${skip.runId} ${skip.at} ${at}`, skip });
  }
  const isBusySince = (tick) => runs.some((run) => run.state !== "finished" && run.startedAt <= tick);
  for (const tick of ticks) {
    const id = `daily-${tick.slice(0, 10)}`;
    const isLate = Date.parse(tick) > oldest && Date.parse(tick) < now - PATIENCE_MS;
    // While a run goes on, the tick may wait for its end.
    if (isLate && !known.has(id) && !isBusySince(tick)) told.push({ kind: "missed", at: tick, id: `missed ${id}` });
  }
  told.sort((one, other) => Date.parse(one.at) - Date.parse(other.at) || (one.id < other.id ? -1 : 1));
  return told.slice(-most);
}

/** How long a run took, or has taken so far. @param {object} run @param {number} now @returns {number} milliseconds */
export const duration = (run, now) => (run.finishedAt ? Date.parse(run.finishedAt) : now) - Date.parse(run.startedAt);
