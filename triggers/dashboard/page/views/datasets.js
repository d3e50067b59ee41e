/** What is published of each source. */

import { get } from "../js/api.js";
import { foreign, h } from "../js/dom.js";
import { ago, number } from "../js/format.js";
import { HISTORY_COLUMNS, datasetLink, historyCells, howFar, tellHistories } from "../js/histories.js";
import { card, empty, numeric, runLink, table } from "../js/parts.js";

const PAUSE_MS = 250;

export const title = () => "Datasets";
export const isLive = () => false;

export async function load(context) {
  const { signal } = context;
  const [{ datasets }, { runs }] = await Promise.all([
    get("datasets", {}, { signal }),
    // If that cannot be told, what is shown of the last results is a minute old at most.
    get("runs", { limit: 1 }, { signal }).catch(() => ({ runs: [] })),
  ]);
  const histories = (context.state.histories ??= new Map());
  void showHistories(context, datasets, howFar(runs), histories);
  return { datasets, histories };
}

/** There may be hundreds: what is known is shown, and the rest as it comes. */
async function showHistories(context, datasets, runs, histories) {
  const { state } = context;
  if (state.isTelling) return;
  state.isTelling = true;
  let shownAt = performance.now();
  await tellHistories(context, datasets, runs, histories, () => {
    if (performance.now() - shownAt < PAUSE_MS) return;
    context.rerender();
    shownAt = performance.now();
  });
  state.isTelling = false;
  context.rerender();
}

export function render({ datasets, histories }) {
  const rows = datasets.map(({ source, published }) => ({
    key: source,
    cells: [
      datasetLink(source),
      number(published?.rows),
      number(published?.pages),
      number(published?.failed),
      published ? whose(published) : "never",
      ...historyCells({ source, published }, histories.get(source)),
    ],
  }));
  const columns = ["Source", ...numeric("Rows", "Pages", "Failed"), "Published", ...HISTORY_COLUMNS];
  return [
    h("h1", { tabindex: "-1" }, title()),
    card("What readers see", { id: "published" },
      rows.length ? table("Datasets", columns, rows) : empty("No run has begun to work on any source yet.")),
  ];
}

const whose = ({ publishedAt, publishedBy, runId, epoch }) =>
  [ago(publishedAt), " by ", foreign(publishedBy, 40), h("div", { class: "remark" }, runLink(runId, epoch))];
