/** Starts that were due and did not happen. */

import { foreign, h } from "../js/dom.js";
import { at } from "../js/format.js";
import { badge, runLink, table } from "../js/parts.js";

/** @param {object[]} skips newest first @returns {Node} */
export function skipTable(skips) {
  const rows = skips.map((skip) => ({
    key: `${skip.runId} ${skip.at} ${skip.scheduledFor} ${skip.reason}`,
    cells: [
      at(skip.scheduledFor ?? skip.at),
      foreign(skip.runId, 60),
      [badge(skip.reason), h("div", { class: "remark" }, foreign(skip.detail, 160))],
      skip.holder ? runLink(skip.holder) : "–",
    ],
  }));
  return table("Starts that did not happen, newest first", ["Due", "Run", "Reason", "Held by"], rows);
}
