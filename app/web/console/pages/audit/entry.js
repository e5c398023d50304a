// One entry: its fields, its body as it was hashed, and whether its hash follows from them.

import { address } from "../../router.js";
import { may } from "../../session.js";
import { Button, CopyButton } from "../../ui/button.js";
import { Dialog } from "../../ui/dialog.js";
import { Time, count } from "../../ui/format.js";
import { html, useEffect, useState } from "../../ui/html.js";
import { kindName } from "../../ui/kinds.js";
import { Badge, ErrorNote, Loading } from "../../ui/states.js";
import { canHash, hashOf } from "./chain.js";
import { entriesBehind, indented } from "./entries.js";

/** The entry at a position, with the one before it, and what was computed of it. */
function useEntry(event, position) {
  const [found, find] = useState({ entry: null, problem: null });
  const [asked, ask] = useState(0);
  useEffect(() => {
    const aborting = new AbortController();
    find({ entry: null, problem: null });
    look(event, position, aborting.signal).then(
      (entry) => find({ entry, problem: null }),
      (problem) => aborting.signal.aborted || find({ entry: null, problem }),
    );
    return () => aborting.abort();
  }, [event, position, asked]);
  return { ...found, again: () => ask((times) => times + 1) };
}

async function look(event, position, signal) {
  const after = Math.max(0, position - 2);
  const entries = await entriesBehind(event, after, position - after, signal);
  const [entry, before] = [entries.at(-1), entries.at(-2)];
  return {
    ...entry,
    isHashRight: canHash() ? (await hashOf(event, entry)) === entry.hash : null,
    isChained: entry.prev_hash === (before?.hash ?? "0".repeat(64)),
  };
}

export function Entry({ event, open, choose, head, zone }) {
  const { entry, problem, again } = useEntry(event, open);
  return html`<${Dialog} title="Entry ${count(open)}" size="large" close=${() => choose(null)}>
    <div class="stack">
      ${problem ? html`<${ErrorNote} problem=${problem} retry=${again} />` : entry ? html`<${Shown} ...${{ event, entry, zone }} />` : html`<${Loading} lines=${8} />`}
      <footer class="actions">
        <${Button} act=${() => choose(open - 1)} why=${open > 1 ? "" : "This is the first entry."}>Earlier<//>
        <${Button} act=${() => choose(open + 1)} why=${open < head ? "" : "This is the newest entry that is shown."}>Later<//>
      </footer>
    </div>
  <//>`;
}

const ORDER = /^order:([^:]+):(.+)$/;

function Shown({ event, entry, zone }) {
  const body = JSON.parse(entry.raw);
  const [, source, order] = ORDER.exec(body.about ?? entry.key) ?? [];
  const isLinked = source && may(["ops", "audit"]);
  return html`<dl class="facts">
      <dt>What</dt>
      <dd>${kindName(entry.kind)} <code class="muted">${entry.kind}</code></dd>
      <dt>Key</dt>
      <dd><code>${entry.key}</code></dd>
      ${isLinked && html`<dt>Order</dt><dd><a href=${address("events", event, "orders", source, order)}>${source}/${order}</a></dd>`}
      <dt>By</dt>
      <dd><code>${entry.actor}</code></dd>
      <dt>Happened</dt>
      <dd><${Time} at=${entry.occurred_at} how="full" zone=${zone} /></dd>
      <dt>Recorded</dt>
      <dd><${Time} at=${entry.recorded_at} how="full" zone=${zone} /></dd>
      <dt>Hash before</dt>
      <dd class="hash"><code>${entry.prev_hash}</code> <${Verdict} is=${entry.isChained} yes="is the hash of the entry before" no="is not the hash of the entry before" /></dd>
      <dt>Hash</dt>
      <dd class="hash"><code>${entry.hash}</code> <${Verdict} is=${entry.isHashRight} yes="follows from these fields" no="does not follow from these fields" /></dd>
    </dl>
    <section aria-labelledby="body">
      <div class="page-head">
        <h3 id="body">Body</h3>
        <span class="muted">Amounts in minor units, times in microseconds.</span>
        <div class="end"><${CopyButton} text=${entry.raw}>Copy as it was hashed<//></div>
      </div>
      <pre class="entry-body" tabindex="0" aria-labelledby="body"><code>${indented(entry.raw)}</code></pre>
    </section>`;
}

/** What the browser found; null where it cannot compute, because the page came over plain HTTP. */
function Verdict({ is, yes, no }) {
  if (is === null) return html`<${Badge}>not computed: this needs HTTPS<//>`;
  return html`<${Badge} tone=${is ? "good" : "bad"}>${is ? yes : no}<//>`;
}
