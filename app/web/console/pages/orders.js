// Orders, newest first. The server searches: there may be millions.

import { pathOf } from "../api.js";
import { useList } from "../data.js";
import { useChannel } from "../live.js";
import { address, go } from "../router.js";
import { Button } from "../ui/button.js";
import { SearchField } from "../ui/form.js";
import { MOMENT_WIDTH, measured, Time } from "../ui/format.js";
import { html, useMemo, useRef } from "../ui/html.js";
import { Empty, Status } from "../ui/states.js";
import { Table } from "../ui/table.js";

function columnsOf(state, names) {
  const zone = state?.timezone;
  return [
    { id: "order", title: "Order", width: "minmax(8rem, 1.7fr)", render: (row) => html`<strong>${row.order}</strong>` },
    { id: "source", title: "Source", width: "minmax(6rem, 0.6fr)", isMinor: true },
    { id: "paid_at", title: "Paid", width: MOMENT_WIDTH, isMinor: true, render: (row) => html`<${Time} at=${row.paid_at} zone=${zone} />` },
    { id: "title", title: "Products", width: "minmax(9rem, 2fr)", isMinor: true },
    { id: "hosts", title: "Credited to", width: "minmax(7rem, 1.4fr)", isMinor: true, render: (row) => row.hosts.map(names).join(", ") },
    { id: "status", title: "Status", width: "minmax(6.5rem, 1.2fr)", render: (row) => html`<${Status} of=${row.status} />` },
    { id: "total", title: "Total", width: "minmax(9.5rem, 0.9fr)", align: "end", render: (row) => measured(row.total, row.currency ?? state?.unit) },
  ];
}

/** A host of an order as its row names it: an id, or an id with a name. */
const nameOf = (host) => (typeof host === "string" ? host : host.name || host.id);

export default function Orders({ event, state, query }) {
  const { query: text = "", host = "" } = query;
  const list = useList(pathOf("v1/events", event, "orders"), { query: text, host, limit: 100 }, "orders");
  const columns = useMemo(() => columnsOf(state, nameOf), [state?.timezone, state?.unit]);
  const search = (fields) => go(address("events", event, "orders", { query: text, host, ...fields }), true);
  const open = (row) => go(address("events", event, "orders", row.source, row.order));
  const nothing = text || host
    ? html`<${Empty} title="No order fits">Orders are found by the beginning of their id, and by the id of a host who was credited.<//>`
    : html`<${Empty} title="No orders yet">They appear here as the shop posts them.<//>`;
  return html`<div class="page-head">
      <h1>Orders</h1>
      <${News} event=${event} list=${list} isSearch=${Boolean(text || host)} />
      <div class="end">
        <${SearchField} label="Order id" placeholder="Order id begins with" value=${text} onSearch=${(query) => search({ query })} />
        <${SearchField} label="Host id" placeholder="Credited to host" value=${host} onSearch=${(host) => search({ host })} />
      </div>
    </div>
    <section class="card flush">
      <${Table}
        label="Orders, newest first"
        columns=${columns}
        rows=${list.rows}
        keyOf=${(row) => `${row.source}/${row.order}`}
        onOpen=${open}
        isLoading=${list.isLoading}
        problem=${list.problem}
        retry=${list.reload}
        hasMore=${list.hasMore}
        onMore=${list.more}
        empty=${nothing}
        height="calc(100vh - 172px)"
      />
    </section>`;
}

/** Rows do not move under who reads them: that more has come is said, and shown when asked for. */
function News({ event, list, isSearch }) {
  const ticker = useChannel(`${event}/orders`);
  const newest = ticker.document?.rows[0]?.position ?? 0;
  const shown = useRef(0);
  const top = Math.max(shown.current, list.rows[0]?.position ?? 0);
  const isMore = !isSearch && !list.isLoading && newest > top;
  return html`<div role="status">
    ${isMore && html`<${Button} act=${() => ((shown.current = newest), list.reload())}>Show new orders<//>`}
  </div>`;
}
