// The server's own verification of the event: beside everything else, by a process of its own.

import { get, pathOf, post } from "../../api.js";
import { Button, useAction } from "../../ui/button.js";
import { Time, count, plural } from "../../ui/format.js";
import { html, useEffect, useRef, useState } from "../../ui/html.js";
import { ErrorNote, Note } from "../../ui/states.js";

const ASK_MS = 1000;

export function OnServer({ event, zone }) {
  const [report, show] = useState(null);
  const isThere = useRef(true);
  useEffect(() => () => (isThere.current = false), []);
  const action = useAction(async () => {
    show(null);
    const path = pathOf("v1/events", event, "verify");
    let told = await post(path);
    while (told.status === "running" && isThere.current) {
      await new Promise((done) => setTimeout(done, ASK_MS));
      told = await get(path);
    }
    show(told);
  });
  return html`<section class="card" aria-labelledby="on-server">
    <header>
      <h2 id="on-server">On the server</h2>
      <div class="end"><${Button} kind="main" act=${action.run} isBusy=${action.isBusy}>Verify the event<//></div>
    </header>
    <p class="muted">
      What <code>kos verify</code> does: the chain and its hashes, and that boards, states of orders and the ledger's postings are those that follow
      from the entries. It runs beside everything else; sales go on.
    </p>
    <${ErrorNote} problem=${action.problem} />
    <div role="status">
      ${action.isBusy && html`<p class="muted below-table">It runs, and nothing waits for it.</p>`}
      ${report && html`<${Report} report=${report} zone=${zone} />`}
    </div>
  </section>`;
}

function Report({ report, zone }) {
  const { status, checked, position, findings, at } = report;
  const when = html`<span class="muted">At entry ${count(position)}, <${Time} at=${at} zone=${zone} /></span>`;
  if (status === "clean") {
    return html`<${Note} tone="good"><span><strong>${plural(checked, "entry", "entries")}, all as they must be.</strong></span> ${when}<//>`;
  }
  if (status === "findings") {
    return html`<${Note} tone="bad">
      <div>
        <strong>${plural(findings.length, "finding")}.</strong> Post nothing more, keep the database as it is, and ask whoever runs the server. ${when}
        <ul class="changes">
          ${findings.map((each, index) => html`<li key=${index}>Entry ${count(each.position)}: ${each.detail} <code>${each.code}</code></li>`)}
        </ul>
      </div>
    <//>`;
  }
  return html`<${Note} tone="warn">
    <span><strong>It could not be finished.</strong> That says nothing about the event: ask again.</span>
  <//>`;
}
