// The links of an event: which there are, who is connected by them, and their end.

import { pathOf, remove } from "../api.js";
import { useData, useList } from "../data.js";
import { serverNow } from "../clock.js";
import { Ask } from "../ui/ask.js";
import { Button } from "../ui/button.js";
import { MOMENT_WIDTH, Time, ago, count } from "../ui/format.js";
import { html, useEffect, useState } from "../ui/html.js";
import { Badge, Empty, ErrorNote } from "../ui/states.js";
import { Table } from "../ui/table.js";

const AGAIN_MS = 5000;

/** Where a token stands: [word, tone]. `now` in milliseconds. */
export function standing(token, now) {
  if (token.revoked_at) return ["revoked", "plain"];
  if (token.expires_at && Date.parse(token.expires_at) <= now) return ["expired", "plain"];
  return ["open", "good"];
}

export function Links({ event, state }) {
  const { rows, isLoading, problem, hasMore, more, reload } = useList("v1/tokens", { limit: 1000 }, "tokens");
  const connected = useData(pathOf("v1/events", event, "connections"), {}, { everyMs: AGAIN_MS });
  const [ending, end] = useState(null);
  useEffect(() => {
    if (hasMore && !isLoading) more();
  });
  const sums = new Map();
  for (const { token, kind, count: number, since } of connected.data?.connections ?? []) {
    // People in the console follow the event too, by their keys.
    if (kind === "key" || !token) continue;
    const sum = sums.get(token) ?? { number: 0, since };
    sums.set(token, { number: sum.number + number, since: since < sum.since ? since : sum.since });
  }
  const now = serverNow();
  const mine = rows.filter((token) => token.event === event).reverse();
  const inOrder = [...mine].sort((a, b) => (standing(b, now)[0] === "open") - (standing(a, now)[0] === "open"));
  const columns = [
    { id: "id", title: "Token", width: "minmax(115px, 1fr)", render: (token) => html`<code>${token.id.slice(0, 12)}</code>` },
    { id: "kind", title: "For", width: "90px", isMinor: true },
    { id: "connected", title: "Connected", width: "minmax(135px, 1fr)", render: (token) => html`<${Connected} sum=${sums.get(token.id)} isKnown=${connected.data !== null} />` },
    { id: "created_at", title: "Made", width: MOMENT_WIDTH, isMinor: true, render: (token) => html`<${Time} at=${token.created_at} zone=${state.timezone} />` },
    { id: "expires_at", title: "Ends", width: MOMENT_WIDTH, isMinor: true, render: (token) => (token.expires_at ? html`<${Time} at=${token.expires_at} zone=${state.timezone} />` : "when revoked") },
    {
      id: "standing",
      title: "State",
      width: "110px",
      align: "end",
      render: (token) => {
        const [word, tone] = standing(token, now);
        if (word !== "open") return html`<${Badge} tone=${tone}>${word}<//>`;
        return html`<${Button} kind="quiet" act=${() => end(token)} aria-label=${`Revoke the token ${token.id}`}>Revoke…<//>`;
      },
    },
  ];
  return html`<section class="card flush" aria-label="Links">
    <header>
      <h2>Links of this event</h2>
      <span class="muted">${connected.data && `${count([...sums.values()].reduce((sum, one) => sum + one.number, 0))} connected by them now`}</span>
    </header>
    <${ErrorNote} problem=${connected.problem} retry=${connected.reload} />
    <${Table}
      label="Links of this event"
      columns=${columns}
      rows=${inOrder}
      isLoading=${isLoading && !rows.length}
      problem=${problem}
      retry=${reload}
      height="60vh"
      empty=${html`<${Empty} title="No link was made yet">Build an overlay and make its link.<//>`}
    />
    ${ending && html`<${Revoke} ...${{ token: ending, sum: sums.get(ending.id), reload }} close=${() => end(null)} />`}
  </section>`;
}

function Connected({ sum, isKnown }) {
  if (!isKnown) return html`<span class="muted">not known</span>`;
  if (!sum?.number) return html`<span class="muted">nobody</span>`;
  return html`<span><strong>${count(sum.number)}</strong> <span class="muted">${sum.since ? `since ${ago(sum.since)}` : ""}</span></span>`;
}

function Revoke({ token, sum, reload, close }) {
  const act = async () => {
    await remove(`v1/tokens/${encodeURIComponent(token.id)}`);
    reload();
  };
  return html`<${Ask}
    title="Revoke this link?"
    action="Revoke it"
    kind="danger"
    ...${{ close, act }}
    changes=${[
      sum?.number ? `${sum.number === 1 ? "One page that is open by it keeps" : `${sum.number} pages that are open by it keep`} the last state, marked as ended, within seconds.` : "No page is open by it now.",
      "It never opens anything again. Sources that use it need a new link.",
    ]}
    said=${() => "The link is revoked."}
  />`;
}
