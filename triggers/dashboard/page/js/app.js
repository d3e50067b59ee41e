/** The page: it shows the view of the address, and brings it up to date. */

import { NOT_UNDERSTOOD, Problem, serverNow } from "./api.js";
import { foreign, h } from "./dom.js";
import { clock } from "./format.js";
import { lookAtHealth } from "./health.js";
import { askForKey, showKeyState } from "./key_entry.js";
import { announce, showBanner, showFreshness } from "./messages.js";
import { patchChildren } from "./patch.js";
import { poll } from "./polling.js";
import { route } from "./router.js";
import { forget } from "./seldom.js";
import { setTheme, theme } from "./session.js";
import { visible } from "./text.js";

/** A view that takes so long may have a reason that the app's health knows; and then that is told. */
const ODD_MS = 3_000;
const LATE_MS = 10_000;
const THEMES = ["", "light", "dark"];
const shown = document.getElementById("view");
let current = null;

/** Show the view of the address. @param {boolean} isFirst the page has just been loaded */
function show(isFirst) {
  current?.stop();
  const { view, section, argument } = route(location.hash);
  const left = new AbortController();
  const context = {
    argument,
    state: {},
    signal: left.signal,
    refresh: () => {
      forget(context);
      return polling.now();
    },
    rerender: () => {
      if (context.data !== undefined && !left.signal.aborted) render(view, context, context.data);
    },
  };
  for (const item of document.querySelectorAll("[data-nav]")) {
    if (item.dataset.nav === section) item.setAttribute("aria-current", "page");
    else item.removeAttribute("aria-current");
  }
  const title = visible(view.title(argument)); // An address may hold anything, too.
  document.title = `${title} · daily-scrape`;
  shown.replaceChildren(h("h1", { tabindex: "-1" }, title), h("p", { class: "loading" }, "Loading…"));
  if (!isFirst) shown.firstChild.focus();
  scrollTo(0, 0);
  const polling = poll(() => look(view, context));
  current = { ...polling, stop: () => (polling.stop(), left.abort()) };
  polling.now();
}

async function look(view, context) {
  const timers = [
    setTimeout(() => lookAtHealth({ isUrgent: true }), ODD_MS), setTimeout(() => tellLate(context), LATE_MS),
  ];
  let data;
  try {
    data = await view.load(context);
    if (context.signal.aborted) return false;
    render(view, context, data);
  } catch (fault) {
    if (context.signal.aborted) return false;
    await tellFault(fault, context);
    throw fault;
  } finally {
    timers.forEach(clearTimeout);
  }
  context.data = data;
  showBanner("");
  if (data !== null) void lookAtHealth();
  const isLive = view.isLive(data);
  showFreshness(`Updated ${clock(serverNow())} UTC, again every ${isLive ? "2" : "15"} s`);
  return isLive;
}

function render(view, context, data) {
  patchChildren(shown, view.render(data, context).flat(Infinity).filter(Boolean));
}

/** What is shown is not what is, then. */
function tellLate(context) {
  if (context.signal.aborted) return;
  const kept = context.data === undefined ? "" : " What is shown is what it said last.";
  showBanner(`The app has not answered for ${LATE_MS / 1000} s; it is still waited for.${kept}`);
}

async function tellFault(fault, context) {
  if (context.data === undefined) shown.querySelector(".loading")?.replaceChildren("Nothing could be loaded yet.");
  if (fault instanceof Problem && fault.status === 401) {
    const enter = h("button", { type: "button", class: "button", on: { click: enterKey } }, "Enter the key");
    showBanner("The app wants a function key, and none that it knows was sent (401).", enter);
    if (!context.state.wasAsked) {
      context.state.wasAsked = true;
      void askForKey({ refused: true }).then((isNew) => isNew && (context.state.wasAsked = false, context.refresh()));
    }
    return;
  }
  if (fault instanceof Problem) void lookAtHealth({ isUrgent: true });
  else console.error(fault);
  const odd = `${NOT_UNDERSTOOD}, or the page has a defect of its own; the console tells more.`;
  const text = fault instanceof Problem ? fault.message : odd;
  const again = h("button", { type: "button", class: "button", on: { click: () => context.refresh() } }, "Try now");
  showBanner([foreign(text, 300), " It is tried again by itself."], again);
}

async function enterKey() {
  if (await askForKey()) await current.now();
}

function nextTheme() {
  setTheme(THEMES[(THEMES.indexOf(theme()) + 1) % THEMES.length]);
  showTheme();
  announce(`Theme: ${theme() || "auto"}`);
}

function showTheme() {
  document.getElementById("theme-button").textContent = `Theme: ${theme() || "auto"}`;
}

document.getElementById("theme-button").addEventListener("click", nextTheme);
document.getElementById("key-button").addEventListener("click", enterKey);
document.getElementById("skip-link").addEventListener("click", (event) => {
  event.preventDefault(); // The address behind the # is that of the view.
  document.getElementById("main").focus();
});
addEventListener("hashchange", () => show(false));
showTheme();
showKeyState();
show(true);
