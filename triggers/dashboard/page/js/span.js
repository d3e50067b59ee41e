/** How long something takes, as people read it. */

/** The two largest units: `2 h 5 min`, `41 s`, `0.3 s`. @param {number} ms */
export function span(ms) {
  const exact = Math.max(0, ms / 1000);
  if (exact < 9.95) return `${exact.toFixed(1)} s`;
  const seconds = Math.round(exact); // Before it is split: there are no 60 s.
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
