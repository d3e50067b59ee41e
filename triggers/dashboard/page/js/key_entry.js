/** The function key: entered once, kept in session storage only. */

import { ask } from "./dialogs.js";
import { h } from "./dom.js";
import { functionKey, isKey, setFunctionKey } from "./session.js";

let isAsking = false;

const REFUSED = "The app has refused the key that you entered.";
const ASKED = "The app asks for a key.";
const NO_KEY =
  "That is no key: keys are letters, digits and signs of ASCII. Is there more in it than you see?";

/**
 * Ask for the key, once at a time.
 * @param {{refused?: boolean}} [why]
 * @returns {Promise<boolean>} whether something was entered or forgotten
 */
export async function askForKey({ refused = false } = {}) {
  if (isAsking) return false;
  isAsking = true;
  try {
    let why = refused && (functionKey() ? REFUSED : ASKED);
    for (;;) {
      const key = await entered(why);
      if (key === null) return false;
      if (isKey(key)) {
        setFunctionKey(key);
        return true;
      }
      why = NO_KEY;
    }
  } finally {
    isAsking = false;
    showKeyState();
  }
}

/** @param {string | false} why @returns {Promise<string | null>} */
async function entered(why) {
  const answer = await ask({
    title: "Function key",
    confirm: "Use this key",
    content: [
      why && h("p", { class: "warning" }, why),
      h("p", null, "A key of the function app or of its host. ",
        "Locally none is needed, unless the host was started with --enable-auth."),
      h("label", { class: "field" }, "Key",
        h("input", { type: "password", name: "key", autocomplete: "off", spellcheck: "false", autofocus: true })),
      h("p", { class: "hint" }, "It is kept in this tab until you close it, and sent to this app only. ",
        "Leave the field empty to forget the key."),
    ],
  });
  return answer && String(answer.get("key") ?? "").trim();
}

/** Say on the button whether there is a key. */
export function showKeyState() {
  document.getElementById("key-button").textContent = functionKey() ? "Key: set" : "Key: none";
}
