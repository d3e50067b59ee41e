/** Which view an address means. Addresses are behind the `#`, so the server never sees them. */

import * as dataset from "../views/dataset.js";
import * as datasets from "../views/datasets.js";
import * as overview from "../views/overview.js";
import * as run from "../views/run.js";
import * as runs from "../views/runs.js";
import * as schedule from "../views/schedule.js";
import * as unknown from "../views/unknown.js";
import * as workflows from "../views/workflows.js";

/**
 * A view has `title(argument)`, `load(context)` which asks the app, `render(data, context)` which makes nodes of the
 * answers, and `isLive(data)`: whether to look again soon.
 */
const LISTS = { "": overview, runs, datasets, workflows, schedule };
const DETAILS = { runs: run, datasets: dataset };
const NAMES = { "": "overview" };

/**
 * @param {string} hash as of `location`
 * @returns {{view: object, section: string, argument: string, hash: string}}
 */
export function route(hash) {
  const [, section = "", argument = "", ...more] = (hash || "#/").split("/");
  let name;
  try {
    name = decodeURIComponent(argument);
  } catch {
    name = argument;
  }
  const views = argument ? DETAILS : LISTS;
  // A browser takes a segment of dots for a way upwards, also in the address of a route.
  const isKnown = !more.length && Object.hasOwn(views, section) && name !== "." && name !== "..";
  const view = isKnown ? views[section] : unknown;
  return { view, section: Object.hasOwn(NAMES, section) ? NAMES[section] : section, argument: name, hash };
}
