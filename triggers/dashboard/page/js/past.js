/** The last runs in order of time, with what should have run and did not. */

/** A tick is not missed at once: whoever serves it needs a moment. */
const PATIENCE_MS = 600_000;

/**
 * Runs, skipped starts and days without either, oldest first.
 *
 * A day was missed if the schedule had a tick on it, and neither a run nor a skip is known of that date; days before
 * the oldest run that is known do not count, since the app may not have been there.
 * @param {object[]} runs newest first
 * @param {{skips: object[], areAll: boolean}} skipped newest first; of what lies before them nothing is known unless
 *   they `areAll`
 * @param {string[]} ticks the first tick of each of the last days, as the schedule is now
 * @param {number} most so many of the newest runs are told, with what lies between them
 * @param {number} now milliseconds since 1970
 * @returns {Array<{kind: "run" | "skip" | "missed", at: string, id: string, run?: object, skips?: object[]}>}
 */
export function past(runs, { skips, areAll }, ticks, most, now) {
  const newest = runs.slice(0, most);
  const told = newest.map((run) => ({ kind: "run", at: run.startedAt, id: `${run.runId}@${run.epoch}`, run }));
  const oldest = newest.length ? Math.min(...newest.map((run) => Date.parse(run.startedAt))) : Infinity;
  const known = new Set(newest.map((run) => run.runId));
  const since = newest.length < most ? -Infinity : oldest; // There may be older runs than these.
  for (const skip of skips) {
    const at = skip.scheduledFor ?? skip.at;
    known.add(skip.runId);
    if (Date.parse(at) >= since) told.push({ kind: "skip", at, id: `skip ${skip.runId} ${skip.at} ${at}`, skip });
  }
  const knownSince = Math.max(oldest, areAll || !skips.length ? -Infinity : Date.parse(skips.at(-1).at));
  const isBusySince = (tick) => newest.some((run) => run.state !== "finished" && run.startedAt <= tick);
  for (const tick of ticks) {
    const id = `daily-${tick.slice(0, 10)}`;
    const isLate = Date.parse(tick) > knownSince && Date.parse(tick) < now - PATIENCE_MS;
    // While a run goes on, the tick may wait for its end.
    if (isLate && !known.has(id) && !isBusySince(tick)) told.push({ kind: "missed", at: tick, id: `missed ${id}` });
  }
  told.sort((one, other) => Date.parse(one.at) - Date.parse(other.at) || (one.id < other.id ? -1 : 1));
  return withoutCrowds(told);
}

/**
 * However many starts were skipped between two runs, the runs and the days stay in sight: the skips of the schedule are
 * one entry for each day, and those of everything else are one.
 */
function withoutCrowds(told) {
  let crowds = new Map();
  return told.flatMap(({ skip, ...entry }) => {
    if (!skip) {
      crowds = new Map();
      return [entry];
    }
    const name = skip.trigger === "timer" ? entry.at.slice(0, 10) : "";
    const crowd = crowds.get(name);
    crowd?.skips.push(skip);
    if (crowd) return [];
    const first = { ...entry, skips: [skip] };
    crowds.set(name, first);
    return [first];
  });
}

/** How long a run took, or has taken so far. @param {object} run @param {number} now @returns {number} milliseconds */
export const duration = (run, now) => (run.finishedAt ? Date.parse(run.finishedAt) : now) - Date.parse(run.startedAt);
