// The boards with what moved: who climbed or fell over the last minutes.

import { pathOf } from "../../api.js";
import { useData } from "../../data.js";
import { useChannel } from "../../live.js";
import { Button } from "../../ui/button.js";
import { Dialog } from "../../ui/dialog.js";
import { SelectField } from "../../ui/form.js";
import { count, measured } from "../../ui/format.js";
import { html, useMemo, useRef, useState } from "../../ui/html.js";
import { Empty, ErrorNote, Loading, Status } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { Tabs } from "../../ui/tabs.js";

const MEASURES = [
  ["net_sales", "Net sales"],
  ["gross_sales", "Gross sales"],
  ["orders", "Orders"],
  ["units", "Units"],
];
const WINDOWS = [
  ["event", "Whole event"],
  ["day", "Today"],
];
const TABS = [
  { id: "hosts", title: "Hosts" },
  { id: "teams", title: "Teams" },
];
const LOOK_BACK_MS = 5 * 60 * 1000;
const ROWS_MAX = 10000;
const REFRESH_MS = 5000;

/**
 * Places won (above zero) or lost by id since about five minutes ago, or since the page was opened.
 *
 * Ranks are remembered each half minute; nothing of it is asked of the server.
 */
export function useMovement(document) {
  const past = useRef({ board: "", seen: [] });
  const board = document ? `${document.event}/${document.board}/${document.epoch}` : "";
  if (past.current.board !== board) past.current = { board, seen: [] };
  const { seen } = past.current;
  const now = Date.now();
  if (document && (!seen.length || now - seen.at(-1).at > LOOK_BACK_MS / 10)) {
    seen.push({ at: now, ranks: new Map(document.rows.map((row) => [row.id, row.rank])) });
    while (seen.length > 2 && now - seen[1].at > LOOK_BACK_MS) seen.shift();
  }
  return (row) => (seen[0]?.ranks.get(row.id) ?? row.rank) - row.rank;
}

function columnsOf(document, movement) {
  const unit = document?.unit;
  const isHosts = document?.of === "host";
  return [
    { id: "rank", title: "#", width: "4rem", align: "end" },
    { id: "moved", title: "5 min", width: "5.2rem", isMinor: true, render: (row) => html`<${Moved} by=${movement(row)} />` },
    { id: "name", title: isHosts ? "Host" : "Team", width: "minmax(8rem, 1.6fr)", render: (row) => html`<span title=${row.id}>${row.name ?? row.id}</span>` },
    ...(isHosts ? [{ id: "team", title: "Team", width: "minmax(5rem, 1fr)", isMinor: true, render: (row) => row.team_name ?? row.team }] : []),
    { id: "score", title: "Score", width: "minmax(8.5rem, 1.1fr)", align: "end", render: (row) => html`<strong>${measured(row.score, unit)}</strong>` },
    { id: "gap", title: "To the next", width: "minmax(9rem, 1.1fr)", align: "end", isMinor: true, render: (row) => (Number(row.gap) ? `−${measured(row.gap, unit)}` : "") },
  ];
}

function Moved({ by }) {
  if (!by) return html`<span class="muted" aria-label="same place">·</span>`;
  return by > 0
    ? html`<span class="up" aria-label=${`up ${by}`}>▲ ${by}</span>`
    : html`<span class="fall" aria-label=${`down ${-by}`}>▼ ${-by}</span>`;
}

export function Boards({ event }) {
  const [of, choose] = useState("hosts");
  const [measure, measureBy] = useState("net_sales");
  const [span, look] = useState("event");
  const [isAll, open] = useState(false);
  const id = `${of}.${measure}.${span}`;
  const { document: held, error } = useChannel(`${event}/boards/${id}`);
  // The one before stays in sight until the one that was asked for is here.
  const document = held?.board ? held : null;
  const movement = useMovement(document);
  const columns = useMemo(() => columnsOf(document, movement), [document]);
  const total = document?.rows_total ?? 0;
  return html`<section class="card" aria-label="Boards">
    <header>
      <h2>Boards</h2>
      <${Status} of=${document?.finality} />
      <div class="end pickers">
        <${SelectField} label="Measure" value=${measure} onChange=${measureBy} choices=${MEASURES} />
        <${SelectField} label="Window" value=${span} onChange=${look} choices=${WINDOWS} />
      </div>
    </header>
    <${Tabs} label="Boards" tabs=${TABS} chosen=${of} onChoose=${choose}>
      <${ErrorNote} problem=${error} />
      <div class="moves">
        ${document
          ? html`<${Table} label=${`Board of ${of}`} columns=${columns} rows=${document.rows} total=${total} height="470px" empty=${html`<${Empty} title="No rows yet">The roster is empty.<//>`} />`
          : !error && html`<${Loading} lines=${8} />`}
      </div>
      ${document &&
      html`<footer class="split board-foot">
        <span class="muted">House ${measured(document.house, document.unit)}${Number(document.excluded) ? ` · not ranked ${measured(document.excluded, document.unit)}` : ""} · all ${measured(document.total, document.unit)}</span>
        ${total > document.rows.length && html`<${Button} act=${() => open(true)}>All ${count(total)}<//>`}
      </footer>`}
    <//>
    ${isAll && html`<${Whole} event=${event} board=${id} close=${() => open(false)} />`}
  </section>`;
}

/** A board with every row, read again every few seconds: its channel has the first hundred. */
function Whole({ event, board, close }) {
  const { data, problem, reload } = useData(pathOf("v1/events", event, "boards", board), { limit: ROWS_MAX }, { everyMs: REFRESH_MS });
  const [text, type] = useState("");
  const movement = useMovement(data);
  const columns = useMemo(() => columnsOf(data, movement), [data]);
  const wanted = text.trim().toLowerCase();
  const rows = useMemo(
    () => (data?.rows ?? []).filter((row) => `${row.id} ${row.name ?? ""} ${row.team ?? ""}`.toLowerCase().includes(wanted)),
    [data, wanted],
  );
  return html`<${Dialog} title="The whole board" close=${close} size="large">
    <input class="search" type="search" aria-label="Find a row by name, id or team" placeholder="Name, id or team" value=${text} onInput=${(event) => type(event.target.value)} />
    ${data && data.rows_total > data.rows.length && html`<p class="muted">The first ${count(data.rows.length)} of ${count(data.rows_total)}.</p>`}
    <${Table} label="The whole board" columns=${columns} rows=${rows} height="60vh" isLoading=${!data && !problem} problem=${problem} retry=${reload} empty=${html`<${Empty} title="Nobody fits" />`} />
  <//>`;
}
