// The brand's events: those that run first. A new one begins as a draft.

import { chosenEvents } from "../event-switch.js";
import { useList } from "../data.js";
import { address, go } from "../router.js";
import { Button } from "../ui/button.js";
import { SearchField } from "../ui/form.js";
import { count, MOMENT_WIDTH, Time } from "../ui/format.js";
import { html, useEffect, useMemo, useState } from "../ui/html.js";
import { Empty, Status } from "../ui/states.js";
import { sorted, Table } from "../ui/table.js";
import { NewEvent } from "./new-event.js";

const COLUMNS = [
  { id: "name", title: "Event", width: "minmax(9rem, 2fr)", canSort: true, render: (event) => html`<strong>${event.name}</strong>` },
  { id: "id", title: "Id", width: "minmax(6rem, 1fr)", canSort: true, isMinor: true },
  { id: "status", title: "Status", width: "7rem", canSort: true, render: (event) => html`<${Status} of=${event.status} />` },
  { id: "starts_at", title: "Starts", width: MOMENT_WIDTH, canSort: true, startsDown: true, render: (event) => when(event, "starts_at") },
  { id: "ends_at", title: "Ends", width: MOMENT_WIDTH, canSort: true, isMinor: true, render: (event) => when(event, "ends_at") },
  { id: "currency", title: "Currency", width: "7.5rem", canSort: true, isMinor: true },
  { id: "position", title: "Entries", width: "7rem", align: "end", canSort: true, isMinor: true, render: (event) => count(event.position) },
];

const when = (event, name) => html`<${Time} at=${event[name]} zone=${event.timezone} />`;

export default function Events({ query }) {
  const list = useList("v1/events", { limit: 100 }, "events");
  const [sort, order] = useState(null);
  const [isNew, begin] = useState(false);
  useEffect(() => {
    if (list.hasMore && !list.isLoading) list.more();
  });
  const text = query.query ?? "";
  const rows = useMemo(() => {
    const found = chosenEvents(list.rows, text);
    return sort ? sorted(found, COLUMNS, sort) : found;
  }, [list.rows, text, sort]);
  const nothing = list.rows.length
    ? html`<${Empty} title="No event has this name" />`
    : html`<${Empty} title="There is no event yet">Make one: it begins as a draft, and takes orders once it is scheduled.<//>`;
  return html`<div class="page-head">
      <h1>Events</h1>
      <div class="end">
        <${SearchField} label="Search by name or id" value=${text} onSearch=${(query) => go(address("events", { query }), true)} />
        <${Button} kind="main" act=${() => begin(true)}>New event<//>
      </div>
    </div>
    <section class="card flush">
      <${Table}
        label="Events"
        columns=${COLUMNS}
        rows=${rows}
        sort=${sort}
        onSort=${order}
        onOpen=${(event) => go(address("events", event.id, "live"))}
        isLoading=${list.isLoading}
        problem=${list.problem}
        retry=${list.reload}
        empty=${nothing}
        height="calc(100vh - 160px)"
      />
    </section>
    ${isNew && html`<${NewEvent} close=${() => begin(false)} like=${newest(list.rows)} />`}`;
}

/** The event that a new one resembles most likely: the last that was made for. */
function newest(events) {
  return events.reduce((latest, event) => (!latest || event.starts_at > latest.starts_at ? event : latest), null);
}
