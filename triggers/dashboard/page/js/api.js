/** The app's routes: JSON in, JSON out, the key as a header. */

import { functionKey } from "./session.js";

/** The page lies at …/api/dashboard, so this is …/api/. */
const ROOT = new URL("./", location.href.split(/[?#]/)[0]);
/** Longer than the app's own with a storage that hangs, 65 s: only so its reason is heard. */
const PATIENCE_MS = 90_000;
let clockOffset = 0;

/** Why a request came to nothing. `status` is 0 if the app did not answer; `document` is the problem document. */
export class Problem extends Error {
  /** @param {number} status @param {object} document */
  constructor(status, document) {
    const told = [document.detail, document.title].find((text) => typeof text === "string" && text);
    super(told ?? `The app answered ${status}.`);
    this.status = status;
    this.document = document;
  }
}

/** Now by the server's clock, as far as its answers tell. @returns {number} milliseconds since 1970 */
export const serverNow = () => Date.now() + clockOffset;

/**
 * Send a request and return the answer; any but a success is thrown.
 * @param {string} method
 * @param {string} path below /api, without a slash at the beginning
 * @param {{query?: object, body?: any, signal?: AbortSignal, patienceMs?: number}} [options] patience is until the
 *   whole answer is there
 * @returns {Promise<Response>}
 * @throws {Problem}
 */
export async function send(method, path, { query = {}, body, signal, patienceMs = PATIENCE_MS } = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  const headers = { Accept: "application/json" };
  if (functionKey()) headers["x-functions-key"] = functionKey();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const patience = AbortSignal.timeout(patienceMs);
  let answer;
  try {
    answer = await fetch(url, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, patience]) : patience,
      cache: "no-store",
      credentials: "same-origin",
    });
  } catch (fault) {
    if (signal?.aborted) throw fault;
    const late = `The app has not answered within ${patienceMs / 1000} s.`;
    const detail = patience.aborted ? late : "The app does not answer. Is it running, and is the network there?";
    throw new Problem(0, { detail });
  }
  const date = Date.parse(answer.headers.get("date") ?? "");
  // The header has whole seconds: a difference that small is none.
  if (date) clockOffset = Math.abs(date - Date.now()) > 2000 ? date - Date.now() : 0;
  if (!answer.ok) throw new Problem(answer.status, await problemOf(answer));
  return answer;
}

/** @param {Response} answer @returns {Promise<object>} */
async function problemOf(answer) {
  try {
    const document = await answer.json();
    return document && typeof document === "object" ? document : {};
  } catch {
    return {}; // The host answers 401, 404 and 500 without a body.
  }
}

/** What is told of an answer of a wrong form. */
export const NOT_UNDERSTOOD = "The app sent what this page does not understand";

/** @param {Response} answer a good one @returns {Promise<any>} @throws {Problem} if it is no JSON */
async function jsonOf(answer) {
  try {
    return await answer.json();
  } catch {
    throw new Problem(answer.status, { detail: `${NOT_UNDERSTOOD} (${answer.status}, and no whole JSON).` });
  }
}

/** @returns {Promise<any>} the JSON of a GET; a 404 is null with `orNull` */
export async function get(path, query, { signal, patienceMs, orNull = false } = {}) {
  try {
    return await jsonOf(await send("GET", path, { query, signal, patienceMs }));
  } catch (fault) {
    if (orNull && fault instanceof Problem && fault.status === 404) return null;
    throw fault;
  }
}

/** @returns {Promise<any>} the JSON of the answer to a POST */
export const post = async (path, { query, body } = {}) => jsonOf(await send("POST", path, { query, body }));

/** @returns {Promise<any>} the JSON of the answer to a PUT */
export const put = async (path, body) => jsonOf(await send("PUT", path, { body }));

/** A part of a path: whatever it is, it stays one segment. @param {string} text */
export const segment = (text) => encodeURIComponent(text);
