/** Text of foreign sites, which is hostile until shown otherwise: shown as characters, never as markup. */

// What Unicode wants ignored where it cannot be shown (marks of direction, of no width, fillers, selectors, tags),
// and what else is blank.
const INVISIBLE = "\\p{Default_Ignorable_Code_Point}\\u2028\\u2029\\u2800\\uFFF9-\\uFFFB";
const PICTURE = "\\p{Extended_Pictographic}\\p{Emoji_Modifier}";
// Between two pictures a joiner makes one of them, and behind one a selector says that it is in colour.
const JOINER = `(?<=[${PICTURE}]\\uFE0F?)\\u200D(?=\\p{Extended_Pictographic})`;
const SELECTOR = `(?<=[${PICTURE}])\\uFE0F|(?<=[0-9#*])\\uFE0F(?=\\u20E3)`;
const HIDDEN = new RegExp(`(?!${JOINER}|${SELECTOR})[\\u0000-\\u001F\\u007F-\\u009F${INVISIBLE}]`, "gu");
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
 * The beginning and the end of a text that is too long: of names that differ only there.
 * @param {string} text @param {number} most
 */
export function ends(text, most) {
  const letters = Array.from(text);
  if (letters.length <= most) return text;
  const tail = Math.floor(most / 3);
  return `${letters.slice(0, most - tail - 1).join("")}…${letters.slice(-tail).join("")}`;
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
