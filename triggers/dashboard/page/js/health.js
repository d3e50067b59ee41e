/** The app's health, asked for beside the views, and what is wrong with it. */

import { get } from "./api.js";
import { foreign } from "./dom.js";
import { showHealth } from "./messages.js";
import { faultsOf } from "./standing.js";

const SELDOM_MS = 60_000;
const SOON_MS = 5_000;
/** Its checks give up after five seconds each, so an app that lives has answered by then. */
const PATIENCE_MS = 20_000;
let askedAt = -Infinity;
let isAsking = false;
let isWell = true;

/**
 * Ask for it and show what is wrong; what cannot be known is not shown. Not again for a minute if all is well, and
 * every few seconds by itself while it is not.
 * @param {{isUrgent?: boolean}} [options] something else does not go well
 */
export async function lookAtHealth({ isUrgent = false } = {}) {
  const pause = isWell ? SELDOM_MS : SOON_MS;
  if (isAsking || (!isUrgent && performance.now() - askedAt < pause)) return;
  isAsking = true;
  let told;
  try {
    told = await get("health/details", {}, { patienceMs: PATIENCE_MS });
  } catch (fault) {
    told = fault.status === 503 ? fault.document : {};
  }
  [isAsking, askedAt] = [false, performance.now()];
  const faults = faultsOf(told);
  isWell = faults.length === 0;
  showHealth(faults.map(({ what, why }) => [what, why && ": ", why && foreign(why, 200)]));
  if (!isWell) setTimeout(() => document.hidden || lookAtHealth(), SOON_MS);
}
