// Corrections and settlement: who earned what, who is owed what, and what was paid.

import { address, go } from "../router.js";
import { html } from "../ui/html.js";
import { Loading, Note } from "../ui/states.js";
import { Tabs } from "../ui/tabs.js";
import { Claims } from "./money/claims.js";
import { Commission } from "./money/commission.js";
import { Corrections } from "./money/corrections.js";
import { Exports } from "./money/exports.js";
import { Rates } from "./money/rates.js";
import { Statements } from "./money/statements.js";

const TABS = [
  { id: "corrections", title: "Corrections", body: Corrections },
  { id: "claims", title: "Claims", body: Claims },
  { id: "commission", title: "Commission & payouts", body: Commission },
  { id: "statements", title: "Statements", body: Statements },
  { id: "rates", title: "Exchange rates", body: Rates },
  { id: "exports", title: "Exports", body: Exports },
];

export default function Money({ event, state, query, session }) {
  const chosen = TABS.find((tab) => tab.id === query.tab) ?? TABS[0];
  const choose = (tab) => go(address("events", event, "money", { tab }), true);
  // Every amount is of the event's currency, which its document names.
  const body = state
    ? html`<${chosen.body} key=${chosen.id} ...${{ event, state, query, session }} currency=${state.unit} />`
    : html`<${Loading} lines=${6} label="Loading the event" />`;
  return html`<header class="page-head"><h1>Corrections & settlement</h1></header>
    <div class="stack">
      ${state?.status === "final" &&
      html`<${Note}>This event is final. What is corrected now moves the ledger and what hosts are paid; the boards stay as they are.<//>`}
      <div>
        <${Tabs} label="Corrections and settlement" tabs=${TABS} chosen=${chosen.id} onChoose=${choose}>${body}<//>
      </div>
    </div>`;
}
