// Keys for people and programs, tokens for overlays: made, shown once, listed, revoked.

import { address, go } from "../router.js";
import { html } from "../ui/html.js";
import { Tabs } from "../ui/tabs.js";
import { Keys } from "./keys/keys.js";
import { Tokens } from "./keys/tokens.js";

const TABS = [
  { id: "keys", title: "Keys", body: Keys },
  { id: "tokens", title: "Tokens", body: Tokens },
];

export default function KeysAndTokens({ query, session }) {
  const chosen = TABS.find((tab) => tab.id === query.tab) ?? TABS[0];
  const choose = (tab) => go(address("keys", { tab }), true);
  return html`<header class="page-head"><h1>Keys & tokens</h1></header>
    <${Tabs} label="Keys and tokens" tabs=${TABS} chosen=${chosen.id} onChoose=${choose}>
      <${chosen.body} key=${chosen.id} session=${session} />
    <//>`;
}
