// What pages read: once, again after a change, or page after page of a list; and by what a write is known again.

import { Problem, get, newKey, signals } from "./api.js";
import { useCallback, useEffect, useMemo, useRef, useState } from "./ui/html.js";

/**
 * The answer of a GET: `{data, problem, isLoading, reload}`. `data` stays while it is read again.
 *
 * `path` null reads nothing. With `everyMs` it is read again after that time, while somebody looks.
 */
export function useData(path, params = {}, { everyMs = 0 } = {}) {
  const [held, hold] = useState({ data: null, problem: null, isLoading: path !== null, path });
  const [asked, ask] = useState(0);
  const wanted = JSON.stringify(params);
  useEffect(() => {
    if (path === null) return hold({ data: null, problem: null, isLoading: false, path });
    const aborting = new AbortController();
    hold((now) => ({ ...now, data: now.path === path ? now.data : null, path, isLoading: true }));
    get(path, JSON.parse(wanted), { signal: aborting.signal }).then(
      (data) => hold({ data, problem: null, isLoading: false, path }),
      (problem) => aborting.signal.aborted || hold((now) => ({ ...now, problem: known(problem), isLoading: false })),
    );
    return () => aborting.abort();
  }, [path, wanted, asked]);
  const reload = useCallback(() => ask((count) => count + 1), []);
  useReadAgain(held.problem, reload);
  useEffect(() => {
    if (!everyMs || path === null) return undefined;
    const timer = setInterval(() => document.hidden || reload(), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, path, reload]);
  return { ...held, reload };
}

function known(problem) {
  if (problem instanceof Problem) return problem;
  console.error(problem);
  return new Problem(0, { code: "internal", detail: "Something in this page went wrong. Load it again." });
}

/** What could not be read while the server was away is read as soon as it is back. */
function useReadAgain(problem, reload) {
  const isPassing = problem !== null && (problem.status === 0 || problem.status >= 500);
  useEffect(() => {
    if (!isPassing) return undefined;
    signals.addEventListener("reconnected", reload);
    return () => signals.removeEventListener("reconnected", reload);
  }, [isPassing, reload]);
}

/**
 * A list that the server gives by pages: `{rows, problem, isLoading, hasMore, more, reload, first}`.
 *
 * `items` names the list in the answer, or makes the rows of an answer; `first` is the first page's answer, for what it says besides. Another path or
 * other params begin anew. `more()` reads the next page, once however often it is called.
 */
export function useList(path, params, items) {
  const nothing = { rows: [], problem: null, isLoading: path !== null, cursor: "", first: null, asked: "" };
  const [held, hold] = useState(nothing);
  const [asked, ask] = useState(0);
  const reading = useRef(null);
  const wanted = JSON.stringify(params ?? {});

  const read = useCallback(
    async (cursor) => {
      if (reading.current && cursor) return;
      reading.current?.abort();
      const mine = new AbortController();
      reading.current = mine;
      hold((now) => ({ ...now, isLoading: true, problem: null, asked: wanted }));
      try {
        const answer = await get(path, { ...JSON.parse(wanted), cursor }, { signal: mine.signal });
        // It came in the moment in which something else was asked.
        if (mine.signal.aborted) return;
        const rows = typeof items === "function" ? items(answer) : answer[items];
        hold((now) => ({
          rows: cursor ? [...now.rows, ...rows] : rows,
          problem: null,
          isLoading: false,
          cursor: answer.cursor ?? "",
          first: cursor ? now.first : answer,
          asked: wanted,
        }));
      } catch (problem) {
        if (!mine.signal.aborted) hold((now) => ({ ...now, isLoading: false, problem: known(problem) }));
      }
      if (reading.current === mine) reading.current = null;
    },
    [path, wanted, items],
  );

  useEffect(() => {
    if (path === null) return hold(nothing);
    read("");
    return () => {
      reading.current?.abort();
      reading.current = null;
    };
  }, [read, asked]);

  const more = useCallback(() => held.cursor && read(held.cursor), [held.cursor, read]);
  const reload = useCallback(() => ask((count) => count + 1), []);
  useReadAgain(held.problem, reload);
  // What was asked for a moment ago is under way from the moment on in which it is drawn.
  const isLoading = path !== null && (held.isLoading || held.asked !== wanted);
  return { ...held, isLoading, hasMore: held.cursor !== "", more, reload };
}

/** An Idempotency-Key that stays the same while what is sent does: a press after a lost answer is the same intent again. */
export function useKey(body) {
  const said = JSON.stringify(body);
  return useMemo(newKey, [said]);
}
