/** What is published of each source. */

import { get } from "../js/api.js";
import { datasetHref, foreign, h, link } from "../js/dom.js";
import { ago, number } from "../js/format.js";
import { card, empty, numeric, runLink, table } from "../js/parts.js";

export const title = () => "Datasets";
export const isLive = () => false;
export const load = async ({ signal }) => get("datasets", {}, { signal });

export function render({ datasets }) {
  const rows = datasets.map(({ source, published }) => ({
    key: source,
    cells: [
      link(datasetHref(source), foreign(source, 60)),
      number(published?.rows),
      number(published?.pages),
      number(published?.failed),
      published ? ago(published.publishedAt) : "never",
      published ? foreign(published.publishedBy, 40) : "–",
      published ? runLink(published.runId) : "–",
    ],
  }));
  const columns = ["Source", ...numeric("Rows", "Pages", "Failed"), "Published", "By", "Run"];
  return [
    h("h1", { tabindex: "-1" }, title()),
    card("What readers see", { id: "published" },
      rows.length ? table("Datasets", columns, rows) : empty("No run has begun to work on any source yet.")),
  ];
}
