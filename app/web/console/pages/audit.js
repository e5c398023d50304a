// Audit: the journal as it is, whether it holds together, and everything that somebody needs to recount it elsewhere.

import { address, go } from "../router.js";
import { html } from "../ui/html.js";
import { Tabs } from "../ui/tabs.js";
import { Check } from "./audit/check.js";
import { Journal } from "./audit/journal.js";
import { Package } from "./audit/package.js";

const TABS = [
  { id: "journal", title: "Journal", body: Journal },
  { id: "check", title: "Check", body: Check },
  { id: "package", title: "Package & recount", body: Package },
];

export default function Audit({ event, state, query }) {
  const chosen = TABS.find((tab) => tab.id === query.tab) ?? TABS[0];
  const choose = (tab) => go(address("events", event, "audit", { tab }), true);
  return html`<header class="page-head"><h1>Audit</h1></header>
    <${Tabs} label="Audit" tabs=${TABS} chosen=${chosen.id} onChoose=${choose}>
      <${chosen.body} key=${chosen.id} ...${{ event, state, query }} />
    <//>`;
}
