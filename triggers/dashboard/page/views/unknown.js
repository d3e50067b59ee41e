/** An address that means nothing. */

import { h, link } from "../js/dom.js";

export const title = () => "Not found";
export const load = async () => null;
export const isLive = () => false;

export function render() {
  const text = h("p", null, "This page has nothing here. ", link("#/", "To the overview"), ".");
  return [h("h1", { tabindex: "-1" }, title()), text];
}
