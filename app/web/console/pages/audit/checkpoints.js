// Every signed checkpoint of an event: there may be more than a page of them.

import { get, pathOf } from "../../api.js";
import { useEffect, useRef, useState } from "../../ui/html.js";

const PAGE = 10_000;
const NEWS_MS = 5000;

/** Those behind an entry, ascending by position. Errors: Problem. */
export async function allCheckpoints(event, signal, after = 0) {
  const found = [];
  let page;
  do {
    const behind = found.at(-1)?.position ?? after;
    page = (await get(pathOf("v1/events", event, "checkpoints"), { after: behind, limit: PAGE }, { signal })).checkpoints;
    found.push(...page);
  } while (page.length === PAGE);
  return found;
}

/**
 * `{checkpoints, problem, reload}`; `checkpoints` is null until they are here. Servers make one a moment after the journal
 * has grown and nothing announces it, so what is new is asked for now and then.
 */
export function useCheckpoints(event) {
  const [held, hold] = useState({ checkpoints: null, problem: null });
  const [asked, ask] = useState(0);
  const known = useRef([]);
  useEffect(() => {
    known.current = [];
  }, [event]);
  useEffect(() => {
    const aborting = new AbortController();
    let isReading = false;
    const read = async () => {
      if (isReading) return;
      isReading = true;
      try {
        const found = await allCheckpoints(event, aborting.signal, known.current.at(-1)?.position);
        known.current = [...known.current, ...found];
        hold({ checkpoints: known.current, problem: null });
      } catch (problem) {
        if (!aborting.signal.aborted) hold((now) => ({ ...now, problem }));
      }
      isReading = false;
    };
    read();
    const timer = setInterval(() => document.hidden || read(), NEWS_MS);
    return () => {
      clearInterval(timer);
      aborting.abort();
    };
  }, [event, asked]);
  return { ...held, reload: () => ask((times) => times + 1) };
}
