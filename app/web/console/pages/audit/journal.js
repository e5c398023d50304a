// The journal, newest entry first, from any position on; one entry with its body and whether it holds.

import { useChannel } from "../../live.js";
import { Button } from "../../ui/button.js";
import { TextField } from "../../ui/form.js";
import { MOMENT_WIDTH, Time, count, plural } from "../../ui/format.js";
import { html, useCallback, useEffect, useMemo, useRef, useState } from "../../ui/html.js";
import { kindName } from "../../ui/kinds.js";
import { Empty } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { entriesBehind, headOf } from "./entries.js";
import { Entry } from "./entry.js";

const PAGE = 200;

/** Entries from `top` downwards: `{rows, head, problem, isLoading, more, hasMore, begin}`; `begin(top)`, 0 for the newest. */
function useEntries(event) {
  const [held, hold] = useState({ rows: [], head: 0, problem: null, isLoading: true });
  const reading = useRef(null);
  const read = useCallback(
    async (rows, top) => {
      reading.current?.abort();
      const mine = (reading.current = new AbortController());
      hold((now) => ({ ...now, rows, isLoading: true, problem: null }));
      try {
        const head = await headOf(event, mine.signal);
        const last = Math.min(top || head, head);
        const after = Math.max(0, last - PAGE);
        const page = last > after ? await entriesBehind(event, after, last - after, mine.signal) : [];
        hold({ rows: [...rows, ...page.reverse()], head, problem: null, isLoading: false });
      } catch (problem) {
        if (!mine.signal.aborted) hold((now) => ({ ...now, problem, isLoading: false }));
      }
    },
    [event],
  );
  useEffect(() => {
    read([], 0);
    return () => reading.current?.abort();
  }, [read]);
  const lowest = held.rows.at(-1)?.position ?? 0;
  return {
    ...held,
    hasMore: lowest > 1,
    more: () => held.isLoading || read(held.rows, lowest - 1),
    begin: (top) => read([], top),
  };
}

export function Journal({ event, state }) {
  const entries = useEntries(event);
  const [typed, type] = useState("");
  const [open, choose] = useState(null);
  const columns = useMemo(() => columnsOf(state?.timezone), [state?.timezone]);
  const wanted = Number(typed);
  const why = Number.isInteger(wanted) && wanted > 0 ? "" : "Give a position: 1, 2, 3 …";
  const submitted = (submit) => {
    submit.preventDefault();
    if (!why) entries.begin(wanted);
  };
  // This channel tells of every entry.
  const { document: ops } = useChannel(`${event}/ops`);
  const newer = Math.max(ops?.position ?? 0, entries.head) - (entries.rows[0]?.position ?? 0);
  return html`<section class="card flush" aria-labelledby="journal">
      <header>
        <h2 id="journal">${entries.head ? plural(entries.head, "entry", "entries") : "Entries"}</h2>
        ${newer > 0 &&
        entries.rows.length > 0 &&
        html`<${Button} kind="quiet" act=${() => entries.begin(0)}>${count(newer)} newer: show the newest<//>`}
        <form class="end searching position" onSubmit=${submitted}>
          <${TextField} label="Go to entry" type="number" min="1" max=${entries.head || undefined} value=${typed} onChange=${type} />
          <${Button} type="submit" why=${why}>Go<//>
        </form>
      </header>
      <${Table}
        label="Entries of the journal, newest first"
        columns=${columns}
        rows=${entries.rows}
        keyOf=${(row) => row.position}
        total=${entries.rows[0]?.position}
        onOpen=${(row) => choose(row.position)}
        hasMore=${entries.hasMore}
        onMore=${entries.more}
        isLoading=${entries.isLoading}
        problem=${entries.problem}
        retry=${() => entries.begin(wanted || 0)}
        height="64vh"
        empty=${html`<${Empty} title="The journal is empty" />`}
      />
    </section>
    ${open && html`<${Entry} ...${{ event, open, choose }} head=${entries.head} zone=${state?.timezone} />`}`;
}

const columnsOf = (zone) => [
  { id: "position", title: "Entry", width: "6rem", align: "end", render: (row) => count(row.position) },
  { id: "kind", title: "What", width: "minmax(9rem, 1fr)", render: (row) => kindName(row.kind) },
  { id: "key", title: "Key", width: "minmax(9rem, 2fr)", render: (row) => html`<code>${row.key}</code>` },
  { id: "actor", title: "By", width: "minmax(7rem, 1fr)", isMinor: true, render: (row) => html`<code>${row.actor}</code>` },
  { id: "at", title: "Recorded", width: MOMENT_WIDTH, isMinor: true, render: (row) => html`<${Time} at=${row.recorded_at} zone=${zone} />` },
];
