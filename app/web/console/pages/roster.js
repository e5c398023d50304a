// The roster: hosts, teams and stores, found on the server by any part of a name, changed one by one or by a file.

import { serverNow } from "../clock.js";
import { address, go } from "../router.js";
import { useRosterList, wholeRoster } from "../roster-data.js";
import { fileOf } from "../roster/csv.js";
import { GroupAsk } from "../roster/group.js";
import { HostAsk } from "../roster/host.js";
import { ImportAsk } from "../roster/import.js";
import { whyNot } from "../session.js";
import { Button } from "../ui/button.js";
import { SearchField } from "../ui/form.js";
import { count } from "../ui/format.js";
import { html, useEffect, useState } from "../ui/html.js";
import { Badge, Empty, ErrorNote, Loading } from "../ui/states.js";
import { Table } from "../ui/table.js";
import { Tabs } from "../ui/tabs.js";
import { toast } from "../ui/toast.js";

const TONES = { active: "good", guest: "info", hidden: "plain", banned: "bad" };
const BY_NAME = { id: "name", isDown: false };
const TABS = [
  { id: "hosts", title: "Hosts" },
  { id: "teams", title: "Teams" },
  { id: "stores", title: "Stores" },
];
const SEARCHES = {
  hosts: { label: "Search hosts", placeholder: "Name, id, team, store or code" },
  teams: { label: "Search teams", placeholder: "Name or id" },
  stores: { label: "Search stores", placeholder: "Name or id" },
};
const NAMED = { id: "name", title: "Name", width: "minmax(160px, 2fr)", canSort: true, render: (row) => html`<strong dir="auto">${row.title}</strong>` };
const GROUP_COLUMNS = [
  NAMED,
  { id: "id", title: "Id", width: "minmax(90px, 1fr)", canSort: true },
  { id: "hosts", title: "Hosts", width: "100px", align: "end", canSort: true, startsDown: true, render: (group) => count(group.hosts) },
];
const COLUMNS = {
  hosts: [
    NAMED,
    { id: "id", title: "Id", width: "minmax(90px, 1fr)", canSort: true },
    { id: "team", title: "Team", width: "minmax(110px, 1fr)", canSort: true, render: (host) => host.teamName || "–" },
    { id: "store", title: "Store", width: "minmax(90px, 1fr)", canSort: true, isMinor: true, render: (host) => host.store || "–" },
    { id: "codes", title: "Codes", width: "minmax(110px, 1fr)", isMinor: true, render: (host) => host.codes.join(" ") || "–" },
    { id: "commission_bps", title: "Commission", width: "136px", align: "end", canSort: true, isMinor: true, render: (host) => (host.commission_bps === undefined ? "–" : `${host.commission_bps / 100} %`) },
    { id: "status", title: "Status", width: "100px", canSort: true, isMinor: true, render: (host) => html`<${Badge} tone=${TONES[host.status]}>${host.status}<//>` },
  ],
  teams: GROUP_COLUMNS,
  stores: GROUP_COLUMNS,
};

export default function Roster({ event, state, query }) {
  const tab = query.tab ?? "hosts";
  const [asked, ask] = useState(null);
  const [about, learn] = useState(null);
  const [sort, order] = useState(BY_NAME);
  const text = query.query ?? "";
  const list = useRosterList(event, tab, { query: text, sort });
  // Of the list that was read last: while another one is read, its tab and its head stay.
  useEffect(() => list.first && learn(list.first), [list.first]);
  if (list.problem && !about) return html`<h1>Roster</h1><${ErrorNote} problem=${list.problem} retry=${list.reload} />`;
  if (!about || !state) return html`<${Loading} lines=${8} label="Loading the roster" />`;
  const { totals, version, position } = about;
  const why = whyNot(["ops"]) || (state.status === "final" ? "The event is final: its roster stays as it is." : "");
  const see = (change) => go(address("events", event, "roster", { ...query, ...change }), true);
  const close = () => ask(null);
  const one = tab.slice(0, -1);
  const Form = tab === "hosts" ? HostAsk : GroupAsk;
  const open = why ? null : (row) => ask({ Form, kind: one, host: row, group: row });
  const choose = (id) => (order(BY_NAME), see({ tab: id, query: "" }));
  return html`<div class="page-head">
      <h1>Roster</h1>
      <span class="muted">version ${count(version)}</span>
      <div class="end">
        <${Button} act=${() => download(event)} why=${totals.hosts ? "" : "There is no host yet."}>Download CSV<//>
        <${Button} act=${() => ask({ Form: ImportAsk })} why=${why}>Import a file…<//>
        <${Button} kind="main" act=${() => ask({ Form, kind: one })} why=${why}>Add a ${one}…<//>
      </div>
    </div>
    <${Tabs} label="Kinds of entries" tabs=${TABS.map(({ id, title }) => ({ id, title, badge: count(totals[id]) }))} chosen=${tab} onChoose=${choose}>
      <${Found} key=${tab} ...${{ list, text, total: totals[tab], ...SEARCHES[tab], search: (typed) => see({ query: typed }) }} />
      <section class="card flush">
        <${Table}
          key=${tab}
          label=${TABS.find(({ id }) => id === tab).title}
          columns=${COLUMNS[tab]}
          rows=${list.rows}
          question=${`${text} ${sort.id} ${sort.isDown}`}
          total=${list.first?.found}
          sort=${sort}
          onSort=${order}
          onOpen=${open}
          isLoading=${list.isLoading}
          problem=${list.problem}
          retry=${list.reload}
          hasMore=${list.hasMore}
          onMore=${list.more}
          height="calc(100vh - 250px)"
          empty=${html`<${Nothing} ...${{ tab, total: totals[tab] }} />`}
        />
      </section>
    <//>
    ${asked && html`<${asked.Form} ...${{ event, state, position, close, reload: list.reload, ...asked }} />`}`;
}

function Nothing({ tab, total }) {
  if (tab === "hosts") return html`<${Empty} title=${total ? "No host fits" : "Nobody is in the roster yet"}>${total ? "Take a part of the search away." : "Import a file, or add hosts one by one."}<//>`;
  const one = tab.slice(0, -1);
  return html`<${Empty} title=${total ? `No ${one} fits` : `There is no ${one} yet`} />`;
}

/** The search, how many it found, and whether what is shown is still so. */
function Found({ list, text, search, label, placeholder, total }) {
  return html`<div class="found">
    <${SearchField} label=${label} placeholder=${placeholder} value=${text} onSearch=${search} />
    <span class="muted" role="status">${text && list.first && !list.isLoading ? `${count(list.first.found)} of ${count(total)}` : ""}</span>
    <div class="end" role="status">
      ${list.isChanged && html`<span class="muted">The roster has changed.</span> <${Button} act=${list.reload}>Show it as it is now<//>`}
    </div>
  </div>`;
}

async function download(event) {
  const roster = await wholeRoster(event).catch((problem) => toast(problem.message, "bad"));
  if (!roster) return;
  const link = document.createElement("a");
  // A byte order mark, or spreadsheets take names for Latin-1.
  link.href = URL.createObjectURL(new Blob(["\ufeff", fileOf(roster.hosts)], { type: "text/csv;charset=utf-8" }));
  link.download = `${event}-roster-${new Date(serverNow()).toISOString().slice(0, 10)}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  toast(`${count(roster.hosts.length)} hosts are in the file.`);
}
