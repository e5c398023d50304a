// Everything about money as files: from here, and from the command line of the server.

import { pathOf } from "../../api.js";
import { download } from "../../download.js";
import { address } from "../../router.js";
import { may, whyNot } from "../../session.js";
import { Button } from "../../ui/button.js";
import { Command } from "../../ui/command.js";
import { html, useState } from "../../ui/html.js";
import { ErrorNote } from "../../ui/states.js";

const LISTS = [
  ["orders", "every order as it stands, with who earned it"],
  ["refunds", "every refund, cancellation and dispute"],
  ["entries", "the journal, entry by entry"],
  ["boards", "every board, row by row"],
];

export function Exports({ event }) {
  const [problem, fail] = useState(null);
  const accounts = async () => {
    fail(null);
    const path = pathOf("v1/events", event, "ledger", "accounts");
    await download(path, { accept: "text/csv", name: `${event}-accounts.csv` }).catch(fail);
  };
  return html`<div class="stack">
    <section class="card" aria-labelledby="from-here">
      <header><h2 id="from-here">From here</h2></header>
      <ul class="entries">
        <li>
          <div><strong>Every account of the ledger</strong><p class="muted">With its balance now, as CSV. All balances sum to zero.</p></div>
          <div class="actions"><${Button} act=${accounts} why=${whyNot(["finance", "ops", "audit"])}>Download CSV<//></div>
        </li>
        <li>
          <div><strong>Statements</strong><p class="muted">Of each host, team or store, as a page to print, CSV or JSON.</p></div>
          <div class="actions"><a class="button" href=${address("events", event, "money", { tab: "statements" })}>Statements</a></div>
        </li>
        <li>
          <div><strong>The result package</strong><p class="muted">The whole journal, signed, for whoever wants to recount it.</p></div>
          <div class="actions">
            ${may(["audit"]) ? html`<a class="button" href=${address("events", event, "audit", { tab: "package" })}>Audit</a>` : whyNot(["audit"])}
          </div>
        </li>
      </ul>
      <${ErrorNote} problem=${problem} />
    </section>
    <section class="card" aria-labelledby="from-server">
      <header><h2 id="from-server">From the server</h2></header>
      <p class="muted">Whoever has a shell on the server writes the rest with the command <code>kos export</code>.</p>
      <h3>The whole ledger for Beancount</h3>
      <${Command}>kos export --event ${event} --format beancount -o ${event}.beancount<//>
      <h3>Every posting as CSV</h3>
      <${Command}>kos export --event ${event} -o ${event}-ledger.csv<//>
      ${LISTS.map(
        ([list, what]) => html`<h3 key=${list}>A list: ${what}</h3>
          <${Command} key=${`${list}-command`}>kos export --event ${event} --list ${list} -o ${event}-${list}.csv<//>`,
      )}
    </section>
  </div>`;
}
