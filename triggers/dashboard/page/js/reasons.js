/** Failures by reason: how many of each, as bars, with what the reason points at. */

import { h, s } from "./dom.js";
import { number } from "./format.js";
import { numeric, table } from "./parts.js";

const HINTS = {
  http_404: "the page is gone",
  http_410: "the page is gone for good",
  http_429: "asked too often: lower requests_per_second",
  http_3xx: "a redirect that leads nowhere",
  http_4xx: "the site refuses the request",
  http_5xx: "the site is broken or overloaded",
  timeout: "no whole answer in time",
  connection: "no connection, or one that broke",
  tls: "a certificate that cannot be trusted",
  bad_url: "not an address of the web",
  private_address: "not on the public internet",
  robots_disallowed: "robots.txt does not want it asked for",
  robots_unreachable: "robots.txt cannot be read",
  body_too_large: "more than max_body_bytes",
  unsupported_content: "no page, but something else",
  blocked: "the site shows another text instead",
  no_rows: "the selector of rows finds nothing",
  layout_changed: "the page had rows before, and has none now",
  missing_field: "a required field has no value",
  bad_value: "a value is not of its field's type",
  internal: "a defect of this app: the log has the traceback",
};

/**
 * @param {Record<string, number>} counts by reason
 * @returns {Node} a table with bars; a line of text if nothing failed
 */
export function reasonBars(counts) {
  const told = Object.entries(counts).sort(([one, count], [other, more]) => more - count || (one < other ? -1 : 1));
  if (!told.length) return h("p", { class: "empty" }, "No page has failed.");
  const all = told.reduce((sum, [, count]) => sum + count, 0);
  const rows = told.map(([reason, count]) => ({
    key: reason,
    cells: [
      [h("code", null, reason), HINTS[reason] && h("span", { class: "hint" }, ` ${HINTS[reason]}`)],
      number(count),
      h("div", { class: "share" },
        s("svg", { class: "reason-bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
          s("rect", { class: "track", x: 0, y: 1, width: 100, height: 8 }),
          s("rect", { class: "bar failures", x: 0, y: 1, width: Math.max(1, (100 * count) / all), height: 8 })),
        `${Math.round((100 * count) / all)} %`),
    ],
  }));
  return table("Failures by reason", ["Reason", ...numeric("Pages"), "Share"], rows);
}

/** Counts by reason, added up. @param {Array<Record<string, number>>} many @returns {Record<string, number>} */
export function addUp(many) {
  const sum = {};
  const all = many.flatMap((counts) => Object.entries(counts ?? {}));
  for (const [reason, count] of all) sum[reason] = (sum[reason] ?? 0) + count;
  return sum;
}
