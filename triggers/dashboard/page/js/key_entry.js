/** The function key: entered once, kept in session storage only. */

import { ask } from "./dialogs.js";
import { h } from "./dom.js";
import { functionKey, setFunctionKey } from "./session.js";

let isAsking = false;

/**
 * Ask for the key, once at a time.
 * @param {{refused?: boolean}} [why]
 * @returns {Promise<boolean>} whether something was entered or forgotten
 */
export async function askForKey({ refused = false } = {}) {
  if (isAsking) return false;
  isAsking = true;
  try {
    const had = functionKey();
    const why = had ? "The app has refused the key that you entered." : "The app asks for a key.";
    const answer = await ask({
      title: "Function key",
      confirm: "Use this key",
      content: [
        refused && h("p", { class: "warning" }, why),
        h("p", null, "A key of the function app or of its host. ",
          "Locally none is needed, unless the host was started with --enable-auth."),
        h("label", { class: "field" }, "Key",
          h("input", { type: "password", name: "key", autocomplete: "off", spellcheck: "false", autofocus: true })),
        h("p", { class: "hint" }, "It is kept in this tab until you close it, and sent to this app only. ",
          "Leave the field empty to forget the key."),
      ],
    });
    if (answer === null) return false;
    setFunctionKey(String(answer.get("key") ?? ""));
    return true;
  } finally {
    isAsking = false;
    showKeyState();
  }
}

/** Say on the button whether there is a key. */
export function showKeyState() {
  document.getElementById("key-button").textContent = functionKey() ? "Key: set" : "Key: none";
}
