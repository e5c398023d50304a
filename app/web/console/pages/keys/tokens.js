// Tokens: what stands in the addresses of overlays and viewers. One event, the public view, nothing else.

import { remove } from "../../api.js";
import { useList } from "../../data.js";
import { Button } from "../../ui/button.js";
import { confirm } from "../../ui/dialog.js";
import { CheckField } from "../../ui/form.js";
import { MOMENT_WIDTH, Time, ago } from "../../ui/format.js";
import { html, useState } from "../../ui/html.js";
import { Badge, Empty } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { toast } from "../../ui/toast.js";
import { NewToken } from "./new-token.js";
import { Secret } from "./secret.js";

const isOver = (token) => Boolean(token.revoked_at) || (token.expires_at && Date.parse(token.expires_at) < Date.now());

export function Tokens() {
  const list = useList("v1/tokens", { limit: 1_000 }, "tokens");
  const [isAll, showAll] = useState(false);
  const [isNew, begin] = useState(false);
  const [made, show] = useState(null);
  const created = (token) => {
    begin(false);
    show(token);
    list.reload();
  };
  const rows = list.rows.filter((token) => isAll || !isOver(token));
  const hidden = list.rows.filter(isOver).length;
  return html`<section class="card flush" aria-labelledby="tokens">
      <header>
        <h2 id="tokens">Tokens</h2>
        <span class="muted">Of overlays and viewers, oldest first. A token reads what it was made for, and can do nothing.</span>
        <div class="end actions">
          ${hidden > 0 && html`<${CheckField} label="Show ${hidden} that ended" value=${isAll} onChange=${showAll} />`}
          <${Button} kind="main" act=${() => begin(true)}>New token…<//>
        </div>
      </header>
      <${Table}
        label="Tokens, oldest first"
        columns=${columnsOf(list.reload)}
        rows=${rows}
        hasMore=${list.hasMore}
        onMore=${list.more}
        isLoading=${list.isLoading}
        problem=${list.problem}
        retry=${list.reload}
        empty=${html`<${Empty} title="No token">The overlay builder of an event makes one with the address to paste.<//>`}
      />
    </section>
    ${isNew && html`<${NewToken} close=${() => begin(false)} created=${created} />`}
    ${made &&
    html`<${Secret} title="A token of ${made.event}" label="Token" text=${made.token} close=${() => show(null)}>
      <p class="muted">It goes into the address of an overlay, as <code>?token=…</code>. Its id, to revoke it by, is <code>${made.id}</code>.</p>
    <//>`}`;
}

function columnsOf(reload) {
  return [
    { id: "event", title: "Event", width: "minmax(7rem, 1fr)" },
    { id: "kind", title: "For", width: "7rem" },
    { id: "channels", title: "Reads", width: "minmax(9rem, 2fr)", isMinor: true, render: (token) => html`<code title=${token.channels.join("\n")}>${token.channels.join(" ")}</code>` },
    { id: "id", title: "Id", width: "9rem", isMinor: true, render: (token) => html`<code>${token.id}</code>` },
    { id: "created_at", title: "Made", width: MOMENT_WIDTH, isMinor: true, render: (token) => html`<${Time} at=${token.created_at} />` },
    { id: "expires_at", title: "Ends", width: "9rem", isMinor: true, render: (token) => (token.expires_at ? ago(token.expires_at) : "when revoked") },
    { id: "state", title: "State", width: "9rem", align: "end", render: (token) => html`<${State} token=${token} reload=${reload} />` },
  ];
}

function State({ token, reload }) {
  if (token.revoked_at) return html`<${Badge} tone="bad">revoked<//>`;
  if (isOver(token)) return html`<${Badge}>expired<//>`;
  return html`<${Button} class="small" kind="danger" act=${() => revoked(token, reload)}>Revoke<span class="unseen"> the token ${token.id}</span><//>`;
}

async function revoked(token, reload) {
  const answer = await confirm({
    title: "Revoke this token?",
    changes: [
      `Every page that uses it loses its connection within seconds: ${token.kind === "overlay" ? "an overlay keeps its last picture on air" : "viewers see that access has ended"}.`,
      "It cannot be taken back. A new token needs a new address.",
    ],
    action: "Revoke",
    kind: "danger",
    act: async () => {
      await remove(`v1/tokens/${encodeURIComponent(token.id)}`);
      return true;
    },
  });
  if (answer) toast("The token is revoked.");
  reload();
}
