// Who is signed in, and what their key may do.

import { Problem, get, post, remove, signals, keepCsrf } from "./api.js";
import { useEffect, useState } from "./ui/html.js";

const changes = new EventTarget();
let current = { state: "asking", session: null, notice: "", problem: null };

/** What a scope lets its holder do, for pages that say why something is not offered. */
export const SCOPES = {
  ops: "run events: show, roster, overlays, keys",
  audit: "read the journal and check it",
  finance: "corrections, commission and statements",
  orders: "post orders and refunds",
};

// Whether it is worth asking for a session: the cookie itself cannot be seen from here.
const HINT = "kos-signed-in";

function remember(isIn) {
  try {
    if (isIn) localStorage.setItem(HINT, "1");
    else localStorage.removeItem(HINT);
  } catch {
    // A browser that keeps nothing signs in each time.
  }
}

function wasIn() {
  try {
    return localStorage.getItem(HINT) !== null;
  } catch {
    return false;
  }
}

function become(next) {
  current = { notice: "", problem: null, session: null, ...next };
  keepCsrf(current.session?.csrf ?? "");
  if (current.state === "in" || current.state === "out") remember(current.state === "in");
  changes.dispatchEvent(new Event("change"));
}

signals.addEventListener("signed-out", () => {
  if (current.state === "in") become({ state: "out", notice: "You were signed out: the session or its key has ended." });
});

/** Find out whether this browser is signed in already. */
export async function resume() {
  if (!wasIn()) return become({ state: "out" });
  become({ state: "asking" });
  try {
    return become({ state: "in", session: await get("console/session") });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return become(error.status === 401 ? { state: "out" } : { state: "unknown", problem: error });
  }
}

/** Errors: Problem `key_invalid` and the like. */
export async function signIn(key) {
  become({ state: "in", session: await post("console/session", { key }) });
}

export async function signOut() {
  await remove("console/session");
  become({ state: "out", notice: "You are signed out." });
}

/** `{state, session, notice, problem}`; states: asking, in, out, unknown. */
export function useSession() {
  const [, redraw] = useState(0);
  useEffect(() => {
    const changed = () => redraw((count) => count + 1);
    changes.addEventListener("change", changed);
    // It may have changed between the drawing and this.
    changed();
    return () => changes.removeEventListener("change", changed);
  }, []);
  return current;
}

/** Whether the key holds one of the scopes; an empty list asks for nothing. */
export function may(scopes) {
  const held = current.session?.scopes ?? [];
  return scopes.length === 0 || scopes.some((scope) => held.includes(scope));
}

/** Why something is not offered: "" if it is. */
export function whyNot(scopes) {
  if (may(scopes)) return "";
  const names = scopes.length > 1 ? `one of the scopes ${scopes.join(", ")}` : `the scope ${scopes[0]}`;
  return `Your key lacks ${names}.`;
}
