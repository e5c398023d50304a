// Every signed checkpoint of an event: there may be more than a page of them.

import { get, pathOf } from "../../api.js";
import { useEffect, useState } from "../../ui/html.js";

const PAGE = 10_000;

/** Ascending by position. Errors: Problem. */
export async function allCheckpoints(event, signal) {
  const found = [];
  let page;
  do {
    const after = found.at(-1)?.position ?? 0;
    page = (await get(pathOf("v1/events", event, "checkpoints"), { after, limit: PAGE }, { signal })).checkpoints;
    found.push(...page);
  } while (page.length === PAGE);
  return found;
}

/** `{checkpoints, problem, reload}`; `checkpoints` is null until they are here. */
export function useCheckpoints(event) {
  const [held, hold] = useState({ checkpoints: null, problem: null });
  const [asked, ask] = useState(0);
  useEffect(() => {
    const aborting = new AbortController();
    allCheckpoints(event, aborting.signal).then(
      (checkpoints) => hold({ checkpoints, problem: null }),
      (problem) => aborting.signal.aborted || hold((now) => ({ ...now, problem })),
    );
    return () => aborting.abort();
  }, [event, asked]);
  return { ...held, reload: () => ask((times) => times + 1) };
}
