/** Look again and again: soon while something goes on, seldom else, never while nobody can see it. */

const SOON_MS = 2_000;
const SELDOM_MS = 15_000;
const AFTER_FAULT_MS = 5_000;
const LONGEST_PAUSE_MS = 15_000;

/**
 * Call `look` now and again after each answer. It returns `true` while something goes on; if it throws, it is called
 * again after a pause that grows.
 * @param {() => Promise<boolean>} look
 * @returns {{now: () => Promise<void>, stop: () => void}} `now` looks anew, also behind a look that is on its way
 */
export function poll(look) {
  let timer = 0;
  let isStopped = false;
  let faults = 0;
  let running = null;

  const once = async () => {
    clearTimeout(timer);
    let pause;
    try {
      pause = (await look()) ? SOON_MS : SELDOM_MS;
      faults = 0;
    } catch {
      faults += 1; // Whoever looks has said so already.
      pause = Math.min(AFTER_FAULT_MS * 2 ** (faults - 1), LONGEST_PAUSE_MS);
    }
    running = null;
    if (!isStopped && !document.hidden) timer = setTimeout(started, pause);
  };
  const started = () => (running ??= once());
  const now = () => (running ? running.then(started) : started());
  const whenSeen = () => {
    if (document.hidden) clearTimeout(timer);
    else started();
  };
  document.addEventListener("visibilitychange", whenSeen);
  const stop = () => {
    isStopped = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", whenSeen);
  };
  return { now, stop };
}
