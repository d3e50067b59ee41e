/** Numbers, times and spans as people read them. All times are UTC, as the schedule is. */

import { serverNow } from "./api.js";
import { h } from "./dom.js";

export { span } from "./span.js";

const NUMBER = new Intl.NumberFormat("en-GB");
const MOMENT = new Intl.DateTimeFormat("en-GB", {
  timeZone: "UTC", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
});
const DAY = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", day: "numeric", month: "short" });
const CLOCK = new Intl.DateTimeFormat("en-GB", {
  timeZone: "UTC", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

/** 12,345; a dash for what is not known. @param {number | null | undefined} value */
export const number = (value) => (value === null || value === undefined ? "–" : NUMBER.format(value));

/** One decimal below ten, none above. @param {number} value */
export const rate = (value) => (value >= 10 ? NUMBER.format(Math.round(value)) : value.toFixed(1));

/** `1 page`, `2 pages`. @param {number} count @param {string} word */
export const counted = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`;

/** Whole units only, for what is far away: `3 min ago`, `in 5 h`. @param {string} iso */
export function fromNow(iso) {
  const ms = Date.parse(iso) - serverNow();
  const seconds = Math.abs(ms) / 1000;
  if (seconds < 5) return "just now";
  const units = [[86400 * 2, 86400, "d"], [3600 * 2, 3600, "h"], [120, 60, "min"], [0, 1, "s"]];
  const [, size, unit] = units.find(([least]) => seconds >= least);
  const text = `${Math.floor(seconds / size)} ${unit}`;
  return ms < 0 ? `${text} ago` : `in ${text}`;
}

/** `3 Nov 2026, 06:00 UTC`. @param {string} iso */
export const moment = (iso) => `${MOMENT.format(new Date(iso))} UTC`;

/** `06:00:12`, in UTC. @param {number | string} when */
export const clock = (when) => CLOCK.format(new Date(when));

/** `3 Nov`, in UTC. @param {number | string} when */
export const day = (when) => DAY.format(new Date(when));

/**
 * How to write the moments of an axis: by day or, if all of them are of one, by time.
 * @param {string} first @param {string} last @returns {(when: number | string) => string}
 */
export const dayOrTime = (first, last) => (day(first) === day(last) ? (when) => clock(when).slice(0, 5) : day);

/** A time as an element: how long ago, and the moment itself when asked. A dash for none. */
export function ago(iso) {
  return iso ? h("time", { datetime: iso, title: moment(iso) }, fromNow(iso)) : "–";
}

/** A time as an element: the moment, and how long ago when asked. A dash for none. */
export function at(iso) {
  return iso ? h("time", { datetime: iso, title: fromNow(iso) }, moment(iso)) : "–";
}
