/** What this tab remembers: the function key and the theme, in session storage and nowhere else. */

const KEY = "functions-key";
const THEME = "theme";
const memory = new Map();

/** @param {string} name @returns {string} */
function read(name) {
  try {
    return sessionStorage.getItem(name) ?? "";
  } catch {
    return memory.get(name) ?? ""; // Storage is switched off: as long as the page lives.
  }
}

/** @param {string} name @param {string} value */
function write(name, value) {
  memory.set(name, value);
  try {
    if (value) sessionStorage.setItem(name, value);
    else sessionStorage.removeItem(name);
  } catch {
    // See above.
  }
}

/** Whether a header can carry it: printable ASCII only. @param {string} text @returns {boolean} */
export const isKey = (text) => /^[ -~]*$/.test(text);

/** The function key that was entered; empty if none was. @returns {string} */
export const functionKey = () => (isKey(read(KEY)) ? read(KEY) : "");

/** Keep the key until the tab is closed; an empty one is forgotten. @param {string} key */
export const setFunctionKey = (key) => write(KEY, key.trim());

/** `light`, `dark`, or empty for the system's. @returns {string} */
export const theme = () => read(THEME);

/** Use a theme from now on. @param {string} name `light`, `dark`, or empty for the system's */
export function setTheme(name) {
  write(THEME, name);
  if (name) document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
}
