// Whether the journal holds together: every hash and signature, computed in this browser.

import { get } from "../../api.js";
import { Button, useAction } from "../../ui/button.js";
import { MOMENT_WIDTH, Time, count, plural } from "../../ui/format.js";
import { html, useEffect, useRef, useState } from "../../ui/html.js";
import { Empty, ErrorNote, Note } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { canHash, checkChain } from "./chain.js";
import { allCheckpoints, useCheckpoints } from "./checkpoints.js";
import { headOf } from "./entries.js";
import { OnServer } from "./on-server.js";

export function Check({ event, state }) {
  return html`<div class="stack">
    <${OnServer} event=${event} zone=${state?.timezone} />
    <${InBrowser} event=${event} />
    <${Checkpoints} event=${event} zone=${state?.timezone} />
  </div>`;
}

function InBrowser({ event }) {
  const [progress, tell] = useState({ done: 0, head: 0 });
  const [result, show] = useState(null);
  const stopping = useRef(null);
  const action = useAction(async () => {
    show(null);
    const { signal } = (stopping.current = new AbortController());
    try {
      const head = await headOf(event, signal);
      tell({ done: 0, head });
      const checkpoints = (await allCheckpoints(event, signal)).filter((each) => each.position <= head);
      const { keys } = await get(".well-known/kos-keys.json", {}, { signal });
      show(await checkChain({ event, head, checkpoints, keys, signal, tell: (done) => tell({ done, head }) }));
    } catch (problem) {
      if (!signal.aborted) throw problem;
    }
  });
  useEffect(() => () => stopping.current?.abort(), []);
  const why = canHash() ? "" : "This browser computes hashes over HTTPS only.";
  return html`<section class="card" aria-labelledby="here">
    <header>
      <h2 id="here">In this browser</h2>
      <div class="end actions">
        ${action.isBusy && html`<${Button} act=${() => stopping.current?.abort()}>Stop<//>`}
        <${Button} kind="main" act=${action.run} isBusy=${action.isBusy} why=${why}>Check every entry<//>
      </div>
    </header>
    <p class="muted">
      Reads the whole journal and computes it again: that no entry is missing, that each one continues the one before, that
      each hash follows from its fields, and that signed checkpoints name these hashes. Nothing is believed but what the
      server sends; for a check without this server, take the package.
    </p>
    ${action.isBusy && html`<div class="progress">
      <progress aria-label="Entries checked" max=${progress.head || 1} value=${progress.done}></progress>
      <span>${count(progress.done)} of ${count(progress.head)}</span>
    </div>`}
    <${ErrorNote} problem=${action.problem} />
    <div role="status">${result && html`<${Result} result=${result} />`}</div>
  </section>`;
}

function Result({ result }) {
  const { entries, signed, unsigned, findings } = result;
  if (findings.length) {
    return html`<${Note} tone="bad">
      <div>
        <strong>The journal does not hold together.</strong> Post nothing more, keep the database as it is, and compare with a backup:
        the first position named is where they part.
        <ul class="changes">${findings.map(({ position, text }) => html`<li key=${`${position}${text}`}>Entry ${count(position)}: ${text}</li>`)}</ul>
      </div>
    <//>`;
  }
  return html`<${Note} tone="good">
    <span>
      <strong>${plural(entries, "entry", "entries")}, all in order.</strong> Each continues the one before it, and each hash follows from its fields.
      ${signed > 0 && ` ${plural(signed, "signed checkpoint")} ${signed === 1 ? "agrees" : "agree"}.`}
      ${unsigned > 0 && ` The hashes of ${plural(unsigned, "checkpoint")} agree; this browser cannot check their signatures.`}
    </span>
  <//>`;
}

function Checkpoints({ event, zone }) {
  const list = useCheckpoints(event);
  const rows = [...(list.checkpoints ?? [])].reverse();
  const columns = [
    { id: "position", title: "Entry", width: "7rem", align: "end", render: (row) => count(row.position) },
    { id: "hash", title: "Hash", width: "minmax(12rem, 3fr)", render: (row) => html`<code title=${row.hash}>${row.hash}</code>` },
    { id: "key", title: "Signed by key", width: "11rem", isMinor: true, render: (row) => html`<code>${row.key}</code>` },
    { id: "made_at", title: "Made", width: MOMENT_WIDTH, isMinor: true, render: (row) => html`<${Time} at=${row.made_at} zone=${zone} />` },
  ];
  return html`<section class="card flush" aria-labelledby="checkpoints">
    <header>
      <h2 id="checkpoints">Checkpoints</h2>
      <span class="muted">The journal had this hash at this entry, signed. Whoever keeps one knows the journal again.</span>
      <div class="end"><${Button} act=${list.reload}>Read again<//></div>
    </header>
    <${Table}
      label="Signed checkpoints, newest first"
      columns=${columns}
      rows=${rows}
      keyOf=${(row) => row.position}
      isLoading=${!list.checkpoints && !list.problem}
      problem=${list.problem}
      retry=${list.reload}
      height="40vh"
      empty=${html`<${Empty} title="No checkpoint yet">One is made soon after the journal has grown.<//>`}
    />
  </section>`;
}
