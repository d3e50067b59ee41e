/** The app's health, asked for seldom beside the views, and what is wrong with it. */

import { get } from "./api.js";
import { foreign } from "./dom.js";
import { showHealth } from "./messages.js";
import { faultsOf } from "./standing.js";

const SELDOM_MS = 60_000;
let askedAt = -Infinity;

/** Ask for it again if that is a minute ago, and show what is wrong; what cannot be known is not shown. */
export async function lookAtHealth() {
  if (performance.now() - askedAt < SELDOM_MS) return;
  askedAt = performance.now();
  let told;
  try {
    told = await get("health/details");
  } catch (fault) {
    told = fault.status === 503 ? fault.document : {};
  }
  showHealth(faultsOf(told).map(({ what, why }) => [what, why && ": ", why && foreign(why, 200)]));
}
