// Loads the page anew when it is stuck: a source lives for days, and nobody stands beside it.
//
// Everything that can be mended is mended without it (kos-client.js); this is for what should never happen. It is bounded:
// a page that stays stuck is loaded at most once a minute, and less and less often, and never from a server that is away.

const LOOK_MS = 5000;
// A look that comes so late says that the machine slept or the page was throttled: then nothing can be said of others.
const LATE_MS = 15000;
const LOOP_MS = 30000;
const SILENCE_MS = 60000;
const ATTEMPT_MS = 90000;
const FRAME_MS = 30000;
const RELOAD_LEAST_MS = 60000;
const RELOAD_MOST_MS = 3600000;
const FORGET_MS = 3 * RELOAD_MOST_MS;
const ANSWER_MS = 5000;
const KEY = "kos-reloads";

/**
 * Why the page is stuck, or "". Times are of `performance.now()`: `tickedAt` and `stateSince` of the client, `heardAt` when
 * it last heard anything, `frameAskedAt` since when a frame is waited for (0: for none).
 */
export function whyStuck({ now, state, tickedAt, heardAt, stateSince, frameAskedAt }) {
  if (state === "stopped" || state === "refused") return "";
  if (now - tickedAt > LOOP_MS) return "loop";
  // It asks after 10 seconds and gives up 8 later; it connects for at most 10 and waits for at most 30.
  if (state === "live" && now - heardAt > SILENCE_MS) return "silence";
  if (state !== "live" && now - stateSince > ATTEMPT_MS) return "attempt";
  return frameAskedAt && now - frameAskedAt > FRAME_MS ? "frames" : "";
}

/** Whether to load anew at `date`, after `reloads` = {at, count}; the next `reloads`, or null for not yet. */
export function nextReload(reloads, date) {
  // A clock that was set back must not keep it from ever helping again.
  const isForgotten = !reloads || Math.abs(date - reloads.at) > FORGET_MS;
  if (isForgotten) return { at: date, count: 1 };
  const wait = Math.min(RELOAD_MOST_MS, RELOAD_LEAST_MS * 2 ** (reloads.count - 1));
  return Math.abs(date - reloads.at) < wait ? null : { at: date, count: reloads.count + 1 };
}

/** Look after the page and this client for as long as the page lives. */
export function watchOver(client) {
  let lookedAt = performance.now();
  let [stateSince, heardAt, frameAskedAt] = [lookedAt, lookedAt, 0];
  let heardDate = null;
  client.watch(() => (stateSince = performance.now()));
  document.addEventListener("visibilitychange", () => (frameAskedAt = 0));
  setInterval(() => {
    const now = performance.now();
    const isLate = now - lookedAt > LATE_MS;
    lookedAt = now;
    if (isLate) [stateSince, heardAt, frameAskedAt] = [now, now, 0];
    if (heardDate !== client.heardDate) [heardDate, heardAt] = [client.heardDate, now];
    if (isLate) return;
    const { state, tickedAt } = client;
    if (whyStuck({ now, state, tickedAt, heardAt, stateSince, frameAskedAt })) reload();
    if (frameAskedAt || document.hidden) return;
    frameAskedAt = now;
    requestAnimationFrame(() => (frameAskedAt = 0));
  }, LOOK_MS);
}

async function reload() {
  const next = nextReload(read(), Date.now());
  if (!next) return;
  try {
    // On a server that is away the browser would show its own page, on air.
    const options = { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) };
    if (!(await fetch(location.href, options)).ok) return;
    sessionStorage.setItem(KEY, JSON.stringify(next));
  } catch {
    // Nothing to load, or nowhere to remember it, and then it would have no bound.
    return;
  }
  location.reload();
}

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY));
  } catch {
    return null;
  }
}
