// Calls of the API: cookie and CSRF, problem documents as errors, and when the same call is made again.

const TRIES_MAX = 4;
const FIRST_WAIT_MS = 400;
const WAIT_MAX_MS = 5000;
const ANSWER_MS = 30000;
const PASSING = new Set([502, 503, 504]);
const READS = new Set(["GET", "HEAD"]);
// Relative to the page, so that a site below a path of a proxy works too.
const ROOT = new URL("./", location.href);

let csrf = "";

/** Tells "signed-out" when the server no longer knows the session, "reconnected" when it is there again. */
export const signals = new EventTarget();

/** The header that goes with every call that changes something. */
export function keepCsrf(token) {
  csrf = token;
}

/**
 * What the server (or the network) answered instead of success.
 *
 * `code` is stable, `message` is a sentence for the reader, `field` says where in the body, `status` is 0 when
 * there was no answer at all; `document` is the whole problem document.
 */
export class Problem extends Error {
  constructor(status, document) {
    super(document.detail || "The server did not say what went wrong.");
    this.status = status;
    this.document = document;
    this.code = document.code ?? "unreadable";
    this.field = document.field ?? "";
  }
}

const unreachable = (isWrite) =>
  new Problem(0, {
    code: "unreachable",
    detail: isWrite
      ? "The server could not be reached. Whether it took this is not known: try again, it is taken once at most."
      : "The server could not be reached.",
  });

/** The address of a call; parameters that are empty or undefined are left out. */
export function addressOf(path, params = {}) {
  const url = new URL(path, ROOT);
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
  }
  return url.href;
}

/** A path of segments, each percent-encoded: pathOf("v1/events", event, "orders"). */
export function pathOf(root, ...segments) {
  return [root, ...segments.map((segment) => encodeURIComponent(segment))].join("/");
}

const pause = (wait) => new Promise((done) => setTimeout(done, wait));

/**
 * One call. Answers the decoded JSON, or text where `accept` asks for something else; throws a Problem.
 *
 * A call that may be made again without harm is, a few times, when the server says "not now" or nothing at all.
 * Reads, whatever an event's journal takes, and new keys and tokens may: every such write carries an Idempotency-Key of
 * its own, or the `key` that is given for one intent.
 */
export async function call(method, path, { body, params, signal, type, accept, mayRepeat, key } = {}) {
  const isRead = READS.has(method);
  const headers = { Accept: accept ?? "application/json" };
  if (!isRead) {
    headers["X-CSRF-Token"] = csrf;
    headers["Idempotency-Key"] = key ?? newKey();
    if (body !== undefined) headers["Content-Type"] = type ?? "application/json";
  }
  const isRaw = type !== undefined || body === undefined;
  const request = { method, headers, body: isRaw ? body : JSON.stringify(body), credentials: "same-origin" };
  const repeats = mayRepeat ?? (isRead || method !== "POST" || /^v1\/(events\/[^/]+\/|keys$|tokens$)/.test(path));
  for (let tried = 1; ; tried += 1) {
    const { answer, problem, wait } = await attempt(addressOf(path, params), request, signal, !isRead);
    if (!problem) return answer;
    if (problem.status === 401) signals.dispatchEvent(new Event("signed-out"));
    const isPassing = problem.status === 0 || PASSING.has(problem.status);
    if (!repeats || !isPassing || tried === TRIES_MAX) throw problem;
    await pause(Math.min(WAIT_MAX_MS, Math.max(wait, FIRST_WAIT_MS * 2 ** (tried - 1))) * (0.5 + Math.random() / 2));
    if (signal?.aborted) throw signal.reason;
  }
}

async function attempt(url, request, signal, isWrite) {
  const limit = AbortSignal.timeout(ANSWER_MS);
  let response;
  try {
    response = await fetch(url, { ...request, signal: signal ? AbortSignal.any([signal, limit]) : limit });
    if (response.ok) return { answer: await decoded(response) };
  } catch (error) {
    if (signal?.aborted) throw error;
    return { problem: unreachable(isWrite), wait: 0 };
  }
  return { problem: await problemOf(response), wait: Number(response.headers.get("Retry-After") ?? 0) * 1000 };
}

async function decoded(response) {
  if (response.status === 204) return null;
  const isJson = /\bjson\b/.test(response.headers.get("Content-Type") ?? "");
  return isJson ? response.json() : response.text();
}

async function problemOf(response) {
  try {
    return new Problem(response.status, await response.json());
  } catch {
    return new Problem(response.status, { detail: `The server answered ${response.status} and no more.` });
  }
}

/** A key for one intent: the same key is the same intent, however often it is sent. */
export function newKey() {
  // Not randomUUID: browsers have that on secure origins only, and a console may be on a plain one of the house.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export const get = (path, params, options) => call("GET", path, { params, ...options });
export const post = (path, body, options) => call("POST", path, { body, ...options });
export const put = (path, body, options) => call("PUT", path, { body, ...options });
export const patch = (path, body, options) => call("PATCH", path, { body, ...options });
export const remove = (path, options) => call("DELETE", path, options);
