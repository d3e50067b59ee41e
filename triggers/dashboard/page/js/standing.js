/** How a run stands, decided from what the app answers and from nothing else. */

/**
 * What a retry of an ended run would fetch: pages that have failed, what it did not come to, or nothing.
 * @param {{state: string, epoch: number | null, sources: object[]}} run as of `GET runs/{runId}`
 * @param {Record<string, object>} [published] what readers see of each dataset, as of `GET datasets`
 * @returns {{failed: number, isMissing: boolean, only: string[] | null} | null} null if there is nothing to retry;
 *   `only` names its sources if newer runs have published others since, which no older pages may replace
 */
export function leftUndone({ state, epoch, sources: all }, published = {}) {
  if (state !== "finished" || epoch === null) return null;
  const sources = all.filter((one) => !isReplaced(published[one.source], epoch));
  const only = sources.length < all.length ? sources.map((one) => one.source) : null;
  // Places that should have named pages count as failed, and are none of the pages: a retry does not read them again.
  const failed = sources.reduce((sum, one) => sum + Math.max(0, Math.min(one.failed, one.pages - one.loaded)), 0);
  const isLeft = (one) => one.pages > one.loaded + one.failed || (!one.pages && one.state !== "published");
  const isMissing = sources.some((one) => isLeft(one) || !["published", "refused"].includes(one.state));
  return failed || isMissing ? { failed, isMissing, only } : null;
}

/** Whether a newer run has published the dataset since. */
const isReplaced = (published, epoch) => (published?.epoch ?? 0) > epoch;

/**
 * The sources of an ended run that its gate has refused, and nobody has decided about since.
 * @param {object} run as of `GET runs/{runId}` @param {Record<string, object>} published as for `leftUndone`
 * @returns {string[]}
 */
export function undecided(run, published) {
  const isOpen = (one) => one.state === "refused" && (published[one.source]?.epoch ?? 0) < run.epoch;
  return run.state === "finished" ? run.sources.filter(isOpen).map((one) => one.source) : [];
}

/**
 * What the bar of a source of a live run shows: `value` is null while nobody can tell how far it is.
 * @param {object} source @param {object[]} sources all of the run
 * @returns {{state: string, value: number | null, text: string}}
 */
export function barOf(source, sources) {
  const { state, pages, batches, batchesDone } = source;
  const isOther = (one) => one.source !== source.source && one.state === "scraping";
  if (!pages && state === "planning" && sources.some(isOther)) {
    // Sources of one host take turns. That one looks for its pages meanwhile is recorded only once it has them.
    return { state: "waiting", value: null, text: "waiting for its turn, or looking for its pages" };
  }
  if (!pages) return { state, value: null, text: "looking for its pages" };
  if (state === "scraping" && !batchesDone) {
    const where = batches > 1 ? `${batches.toLocaleString("en-GB")} batches` : "the first batch";
    return { state, value: null, text: `${inPages(pages)} in ${where}; pages are counted when a batch ends` };
  }
  const done = source.loaded + source.failed;
  if (source.mayGrow && done >= pages) {
    return { state, value: null, text: `${inPages(done)} so far; links are followed` };
  }
  const [some, all] = [done, Math.max(pages, done)].map((count) => count.toLocaleString("en-GB"));
  return { state, value: Math.min(done, pages), text: `${some} of ${all} pages` };
}

const inPages = (count) => `${count.toLocaleString("en-GB")} page${count === 1 ? "" : "s"}`;

/**
 * How long a live run may still take.
 * @param {object} run as of `GET runs/{runId}` @param {number | null} seconds that its known pages take
 * @returns {{what: string, seconds: number | null}} in words, `about` or `at least` with seconds; a dash if
 *   nobody knows
 */
export function timeLeft(run, seconds) {
  if (run.suspended) return { what: "suspended", seconds: null };
  if (run.stuck) return { what: "–", seconds: null };
  const mayGrow = !isAllFound(run);
  if (seconds) return { what: mayGrow ? "at least" : "about", seconds };
  const working = run.sources.filter((one) => one.state !== "published");
  const isPublishing = working.length > 0 && working.every((one) => one.state === "publishing");
  return { what: mayGrow || seconds === null || !isPublishing ? "–" : "publishing", seconds: null };
}

/** Whether no source of a live run can find more pages. @param {{sources: object[]}} run */
export const isAllFound = ({ sources }) => !sources.some((one) => one.state === "planning" || one.mayGrow);

/**
 * How an ended source of a run stands for readers: an operator may have published it after all, or gone back behind it.
 * @param {{state: string}} source of a run @param {{epoch: number | null}} run
 * @param {object | null | undefined} published of the dataset, as of `GET datasets`
 * @returns {string} its state, or how it was published; `replaced` if newer rows have replaced those of the run, and
 *   `withdrawn` if older ones have
 */
export function stateForReaders({ state }, run, published) {
  if (!published) return state;
  if (published.epoch !== run.epoch) {
    if (state !== "published") return state;
    return published.epoch < run.epoch ? "withdrawn" : "replaced";
  }
  if (published.overridden) return "published against the gate";
  return ["refused", "stopped", "failed"].includes(state) ? "published by hand" : state;
}

const CHECKS = {
  settings: "The settings are wrong", storage: "The storage does not work", hub: "The task hub does not answer",
};

/**
 * What is wrong with the app.
 * @param {{checks?: object, faults?: object, alerts?: object | null}} health as of `GET health/details`
 * @returns {Array<{what: string, why: string}>} empty if all is well
 */
export function faultsOf({ checks = {}, faults = {}, alerts }) {
  const found = Object.entries(CHECKS).filter(([name]) => checks[name] === "failed")
    .map(([name, what]) => ({ what, why: faults[name] ?? "" }));
  if (checks.runs === "stuck") found.push({ what: "A run is stuck", why: faults.runs ?? "" });
  // One that waits for its first attempt is none.
  if (alerts?.undelivered && alerts.fault) {
    const what = `${alerts.undelivered} alert${alerts.undelivered === 1 ? "" : "s"} could not be delivered`;
    found.push({ what, why: alerts.fault });
  }
  return found;
}
