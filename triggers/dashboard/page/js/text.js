/** Text of foreign sites, which is hostile until shown otherwise: shown as characters, never as markup. */

const BIDI = "\\u061C\\u200E\\u200F\\u202A-\\u202E\\u2066-\\u2069";
const INVISIBLE = "\\u00AD\\u200B\\u2028\\u2029\\u2060-\\u2064\\uFEFF\\uFFF9-\\uFFFB";
const HIDDEN = new RegExp(`[\\u0000-\\u001F\\u007F-\\u009F${BIDI}${INVISIBLE}]|[\\u{E0000}-\\u{E007F}]`, "gu");
const HALF = /[\uD800-\uDFFF]/u;

/** How much of a text is shown at once, and how much of it at all: a browser must survive it. */
export const SHORT = 160;
export const LONGEST = 50_000;

/**
 * The text with every character that cannot be seen, or that changes the order of others, as a visible one.
 * @param {any} value @returns {string}
 */
export function visible(value) {
  return String(value)
    .replace(HIDDEN, shown)
    .replace(new RegExp(HALF, "gu"), "\uFFFD");
}

/** @param {string} character @returns {string} */
function shown(character) {
  if (character === "\n") return "\u21B5\n"; // ↵, and the line ends
  if (character === "\t") return "\u21E5\t"; // ⇥
  const code = character.codePointAt(0);
  return `\u27E8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27E9`;
}

/**
 * The first characters of a text; a cut one ends with an ellipsis.
 * @param {string} text @param {number} [most]
 */
export function cut(text, most = SHORT) {
  const letters = Array.from(text.slice(0, 2 * most + 2));
  return letters.length <= most ? text : `${letters.slice(0, most - 1).join("")}…`;
}

/**
 * The address if it is one that a link may lead to: http or https, and without a name in front of the host, which
 * would make one site look like another. Null for any other.
 * @param {any} text @returns {string | null}
 */
export function linkable(text) {
  let url;
  try {
    url = new URL(String(text));
  } catch {
    return null;
  }
  const isWeb = url.protocol === "http:" || url.protocol === "https:";
  return isWeb && !url.username && !url.password ? url.href : null;
}
