// What waits for somebody, and what is wrong. Nothing else, so that it is read when there is something.

import { pathOf } from "../../api.js";
import { useData } from "../../data.js";
import { useChannel, useSettled } from "../../live.js";
import { PAGES } from "../../pages.js";
import { address } from "../../router.js";
import { may } from "../../session.js";
import { money, plural } from "../../ui/format.js";
import { html } from "../../ui/html.js";
import { ErrorNote } from "../../ui/states.js";

const LOOK_MS = 20000;

export function Alerts({ event }) {
  const ops = useSettled(useChannel(may(["ops", "audit"]) ? `${event}/ops` : null).document);
  const mayRead = may(["finance", "ops", "audit"]);
  const corrections = useData(mayRead ? pathOf("v1/events", event, "corrections") : null, {}, { everyMs: LOOK_MS });
  const claims = useData(mayRead ? pathOf("v1/events", event, "claims") : null, {}, { everyMs: LOOK_MS });
  const ready = useData("readyz", {}, { everyMs: LOOK_MS });
  const alerts = alertsOf(event, ops, corrections.data, claims.data, ready.data);
  const settlement = PAGES.some((page) => page.path === "events/:event/money") ? address("events", event, "money") : "";
  return html`<section class="card" aria-label="What waits">
    <header><h2>What waits</h2></header>
    <${ErrorNote} problem=${corrections.problem ?? claims.problem} retry=${() => (corrections.reload(), claims.reload())} />
    <div role="status">
      ${alerts.length === 0 && html`<p class="muted">Nothing waits for anybody.</p>`}
      <ul class="alerts">
        ${alerts.map(
          (alert) => html`<li key=${alert.id} class=${alert.tone}>
            <strong>${alert.title}</strong>
            <p>${alert.text}</p>
            ${alert.isMoney && settlement && html`<a href=${settlement}>Corrections and settlement</a>`}
          </li>`,
        )}
      </ul>
    </div>
  </section>`;
}

/** Shape: `{id, tone, title, text, isMoney}`, the worst first. */
export function alertsOf(event, ops, corrections, claims, ready) {
  const found = [];
  if (ready?.quarantined?.includes(event)) {
    const text = "Its journal does not verify. It can be read, and takes nothing until whoever runs the server has looked.";
    found.push({ id: "quarantine", tone: "bad", title: "The event is in quarantine", text });
  }
  const overdue = claims?.claims?.filter((claim) => claim.overdue).length ?? 0;
  if (overdue) {
    const text = "They should have been answered by now. The event cannot become final before.";
    found.push({ id: "overdue", tone: "bad", title: plural(overdue, "claim is overdue", "claims are overdue"), text, isMoney: true });
  }
  const waiting = corrections?.corrections?.length ?? 0;
  if (waiting) {
    const text = "They change nothing until a second person approves them.";
    found.push({ id: "corrections", tone: "warn", title: plural(waiting, "correction waits", "corrections wait"), text, isMoney: true });
  }
  const open = (claims?.claims?.length ?? 0) - overdue;
  if (open) {
    const text = "Hosts say that a sale is theirs.";
    found.push({ id: "claims", tone: "warn", title: plural(open, "open claim"), text, isMoney: true });
  }
  const unmatched = ops?.unmatched_refunds;
  if (unmatched?.count) {
    const amount = money(unmatched.amount, ops.unit);
    const text = `${amount} of refunds whose orders have not come. They count as soon as the shop posts the orders.`;
    found.push({ id: "unmatched", tone: "warn", title: plural(unmatched.count, "unmatched refund"), text });
  }
  const others = (ops?.orders_awaited ?? 0) - (unmatched?.count ?? 0);
  if (others > 0) {
    const text = "Cancellations or disputes name orders that have not come.";
    found.push({ id: "awaited", tone: "warn", title: plural(others, "order is awaited", "orders are awaited"), text });
  }
  return found;
}
