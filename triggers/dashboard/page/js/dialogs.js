/** Questions, in the browser's own modal dialog: it keeps the focus inside, and Escape means no. */

import { h } from "./dom.js";

let count = 0;

/**
 * Ask, and wait for the answer.
 * @param {{title: string, content: any[], confirm: string, isDangerous?: boolean, cancel?: string,
 *   isWhole?: (filled: FormData) => boolean}} question it can be confirmed while it `isWhole`
 * @returns {Promise<FormData | null>} what was filled in, or null for no
 */
export function ask({ title, content, confirm, isDangerous = false, cancel = "Cancel", isWhole = () => true }) {
  const id = `dialog-${(count += 1)}`;
  return new Promise((resolve) => {
    let answer = null;
    const yes = h("button", { type: "submit", class: `button ${isDangerous ? "danger" : "primary"}` }, confirm);
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", { id }, title),
      h("div", { class: "dialog-content" }, content),
      h(
        "div",
        { class: "dialog-actions" },
        cancel && h("button", { type: "button", class: "button", on: { click: () => dialog.close() } }, cancel),
        yes,
      ),
    );
    const check = () => yes.toggleAttribute("disabled", !isWhole(new FormData(form)));
    for (const event of ["input", "change"]) form.addEventListener(event, check);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer = new FormData(form);
      dialog.close();
    });
    const dialog = h("dialog", { "aria-labelledby": id }, form);
    const close = () => dialog.close(); // A link in it leads to another view.
    addEventListener("hashchange", close);
    dialog.addEventListener("close", () => {
      removeEventListener("hashchange", close);
      dialog.remove();
      resolve(answer);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** Tell something that wants to be read; resolves when it was. @param {string} title @param {...any} content */
export const tell = (title, ...content) => ask({ title, content, confirm: "Close", cancel: "" });
