// The newest orders as they come, and the way to all others.

import { pathOf } from "../../api.js";
import { useData } from "../../data.js";
import { serverNow, useChannel } from "../../live.js";
import { address, go } from "../../router.js";
import { SearchField } from "../../ui/form.js";
import { measured, Time } from "../../ui/format.js";
import { classes, html, useEffect, useRef } from "../../ui/html.js";
import { Empty, ErrorNote, Loading, Status } from "../../ui/states.js";

const ROWS = 10;
const PAUSE_MS = 1000;

export function Feed({ event, state }) {
  const list = useData(pathOf("v1/events", event, "orders"), { limit: ROWS });
  const ticker = useChannel(`${event}/orders`);
  const position = ticker.document?.position ?? 0;
  const readAt = useRef(0);
  useEffect(() => {
    if (!position) return undefined;
    // The ticker says that something came; who bought what stands in the list. However busy the shop, once a second.
    const wait = Math.max(0, readAt.current + PAUSE_MS - performance.now());
    const timer = setTimeout(() => {
      readAt.current = performance.now();
      list.reload();
    }, wait);
    return () => clearTimeout(timer);
  }, [Math.floor(position)]);
  const orders = list.data?.orders ?? [];
  return html`<section class="card" aria-label="Newest orders">
    <header>
      <h2>Orders</h2>
      <a class="end" href=${address("events", event, "orders")}>All orders</a>
    </header>
    <${SearchField} label="Find an order by its id" onSearch=${(query) => query && go(address("events", event, "orders", { query }))} />
    <${ErrorNote} problem=${list.problem} retry=${list.reload} />
    ${!list.data && !list.problem && html`<${Loading} lines=${6} />`}
    ${list.data && !orders.length && html`<${Empty} title="No orders yet" />`}
    <ol class="feed">
      ${orders.map((order) => html`<${Line} key=${`${order.source}/${order.order}`} ...${{ event, order, state }} />`)}
    </ol>
  </section>`;
}

const nameOf = (host) => (typeof host === "string" ? host : host.name || host.id);

function Line({ event, order, state }) {
  const isNew = serverNow() - Date.parse(order.paid_at) < 5000;
  const amount = measured(order.total, order.currency ?? state?.unit);
  return html`<li class=${classes(isNew && "new")}>
    <div class="split">
      <a href=${address("events", event, "orders", order.source, order.order)}>${order.order}</a>
      <strong>${amount}</strong>
    </div>
    <div class="split muted">
      <span class="clip">${order.hosts.map(nameOf).join(", ") || "House"} · ${order.title}</span>
      ${order.status === "paid" ? html`<${Time} at=${order.paid_at} how="time" zone=${state?.timezone} />` : html`<${Status} of=${order.status} />`}
    </div>
  </li>`;
}
