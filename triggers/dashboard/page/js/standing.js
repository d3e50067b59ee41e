/** How a run stands, decided from what the app answers and from nothing else. */

/**
 * What a retry of an ended run would fetch: pages that have failed, what it did not come to, or nothing.
 * @param {{state: string, epoch: number | null, sources: object[]}} run as of `GET runs/{runId}`
 * @returns {{failed: number, isMissing: boolean} | null} null if there is nothing to retry
 */
export function leftUndone({ state, epoch, sources }) {
  if (state !== "finished" || epoch === null) return null;
  // Places that should have named pages count as failed, and are none of the pages: a retry does not read them again.
  const failed = sources.reduce((sum, one) => sum + Math.max(0, Math.min(one.failed, one.pages - one.loaded)), 0);
  const isLeft = (one) => one.pages > one.loaded + one.failed || (!one.pages && one.state !== "published");
  const isMissing = sources.some((one) => isLeft(one) || !["published", "refused"].includes(one.state));
  return failed || isMissing ? { failed, isMissing } : null;
}
