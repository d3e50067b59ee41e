/** Elements, made one by one: the only way in which this page gets content. */

import { LONGEST, SHORT, cut, ends, linkable, visible } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";
/** Listeners by element and event, so that a newer rendering can replace them. */
const listeners = new WeakMap();

/**
 * An element. `on` has listeners by event; null, undefined and false leave an attribute out, true makes it empty.
 * @param {string} name
 * @param {object} [attributes]
 * @param {...any} children nodes, texts, or lists of them; null and false are nothing
 * @returns {HTMLElement}
 */
export const h = (name, attributes, ...children) => build(document.createElement(name), attributes, children);

/** The same for SVG. @returns {SVGElement} */
export const s = (name, attributes, ...children) => build(document.createElementNS(SVG, name), attributes, children);

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name === "on") setListeners(element, value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(name, String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
  return element;
}

/** @param {Element} element @param {Record<string, (event: Event) => void>} wanted */
export function setListeners(element, wanted) {
  const known = listeners.get(element) ?? {};
  for (const event of Object.keys(wanted)) {
    if (!(event in known)) element.addEventListener(event, (happened) => listeners.get(element)[event]?.(happened));
  }
  const none = Object.fromEntries(Object.keys(known).map((event) => [event, null]));
  listeners.set(element, { ...none, ...wanted });
}

/** The listeners of an element, as `setListeners` takes them. @param {Element} element */
export const listenersOf = (element) => listeners.get(element) ?? {};

/**
 * A text from outside: isolated from what stands around it, with nothing invisible in it. A long one can be unfolded.
 * @param {any} value @param {number} [most] characters that are shown at once
 * @returns {HTMLElement}
 */
export function foreign(value, most = SHORT) {
  const text = visible(String(value).slice(0, LONGEST));
  const short = cut(text, most);
  // A short word stays in one piece, however narrow its column is.
  if (short === text) return h("bdi", { class: text.length > 26 ? "foreign" : "foreign short", dir: "auto" }, text);
  const length = String(value).length;
  const tail = length > LONGEST ? ` … and ${length - LONGEST} more characters` : "";
  return h(
    "details",
    { class: "long" },
    h("summary", { title: cut(text, 1000) }, h("bdi", { class: "foreign", dir: "auto" }, short)),
    h("bdi", { class: "foreign whole", dir: "auto", tabindex: "0" }, text, tail),
  );
}

/**
 * A name from outside, inside a link or a label: nothing there can be unfolded, so of a long one both ends are shown.
 * @param {any} value @param {number} [most]
 */
export function foreignName(value, most = 60) {
  const text = visible(String(value).slice(0, LONGEST));
  const short = ends(text, most);
  const title = short === text ? null : cut(text, 1000);
  return h("bdi", { class: text.length > 26 ? "foreign" : "foreign short", dir: "auto", title }, short);
}

/** An address from outside, as a link if it is of the web; the site is not told where the click came from. */
export function foreignLink(url, most = 90) {
  const address = linkable(url);
  const text = cut(visible(String(url).slice(0, LONGEST)), most);
  const shown = h("bdi", { class: "foreign", dir: "ltr" }, text);
  const title = text.endsWith("…") ? cut(visible(url), 2000) : null;
  if (address === null) return h("span", { class: "address", title }, shown);
  const rel = "noreferrer noopener nofollow";
  return h("a", { class: "address", href: address, rel, target: "_blank", title }, shown);
}

/** A link within the page. @param {string} href begins with `#/` */
export const link = (href, ...children) => h("a", { href }, ...children);

/**
 * @param {string} id that somebody has chosen, as the part of an address of this page
 * @param {number | null} [epoch] which of the runs with this ID is meant, if that is known; else it is the newest
 */
export const runHref = (id, epoch) => `#/runs/${encodeURIComponent(id)}${epoch ? `@${epoch}` : ""}`;

/** @param {string} source */
export const datasetHref = (source) => `#/datasets/${encodeURIComponent(source)}`;
