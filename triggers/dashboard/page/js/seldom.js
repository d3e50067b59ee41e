/** What changes seldom is asked for seldom, also while a run is looked at every two seconds. */

const KEPT_MS = 14_000;

/**
 * The answer to `ask`, or the last one if that is recent and of the same `key`.
 * @param {object} context of a view; `context.refresh` forgets all answers
 * @param {string} name of the question @param {any} key what the answer depends on
 * @param {() => Promise<any>} ask @param {number} [keptMs] how long an answer is recent
 */
export async function seldom(context, name, key, ask, keptMs = KEPT_MS) {
  const kept = (context.state.kept ??= new Map());
  const last = kept.get(name);
  const now = performance.now(); // Unlike the clock, it is never put back.
  if (last && last.key === key && now - last.at < keptMs) return last.answer;
  const answer = await ask();
  // Forgotten meanwhile: then the next look asks anew.
  if (context.state.kept === kept) kept.set(name, { key, at: now, answer });
  return answer;
}

/** Forget all answers: somebody has changed something. @param {object} context */
export const forget = (context) => (context.state.kept = new Map());
