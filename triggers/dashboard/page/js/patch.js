/**
 * Bring what is shown up to date with a newer rendering, changing only what differs: focus, selection, unfolded details
 * and the place of a screen reader stay where they are.
 */

import { listenersOf, setListeners } from "./dom.js";

/** Attributes that belong to the reader, or to what an element does, once it is there. */
const THEIRS = new Set(["open", "aria-busy", "aria-disabled"]);

/** @param {Element} shown @param {Node[]} children what it is to show now */
export function patchChildren(shown, children) {
  let at = shown.firstChild;
  for (const fresh of children) {
    const match = matching(at, fresh);
    if (match === null) {
      shown.insertBefore(fresh, at);
      continue;
    }
    while (at !== match) at = removed(at);
    at = match.nextSibling;
    patch(match, fresh);
  }
  while (at !== null) at = removed(at);
}

function removed(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

/** What is shown already of this node: the next one, or if it has a key the next one with that. */
function matching(at, fresh) {
  if (at === null) return null;
  const key = keyOf(fresh);
  if (key === null) return isSameKind(at, fresh) ? at : null;
  for (let node = at; node !== null; node = node.nextSibling) {
    if (keyOf(node) === key && isSameKind(node, fresh)) return node;
  }
  return null;
}

const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node.getAttribute("data-key") : null);

const isSameKind = (one, other) =>
  one.nodeType === other.nodeType && one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

function patch(shown, fresh) {
  if (shown.nodeType !== Node.ELEMENT_NODE) {
    if (shown.data !== fresh.data) shown.data = fresh.data;
    return;
  }
  for (const { name } of [...shown.attributes]) {
    if (!fresh.hasAttribute(name) && !THEIRS.has(name)) shown.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (shown.getAttribute(name) !== value && !THEIRS.has(name)) shown.setAttribute(name, value);
  }
  setListeners(shown, listenersOf(fresh));
  patchChildren(shown, [...fresh.childNodes]);
}
