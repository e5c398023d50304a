// The roster: hosts, teams and stores, found by any part of a name, changed one by one or by a file.

import { serverNow } from "../clock.js";
import { address, go } from "../router.js";
import { useRoster } from "../roster-data.js";
import { fileOf } from "../roster/csv.js";
import { GroupAsk } from "../roster/group.js";
import { HostAsk } from "../roster/host.js";
import { ImportAsk } from "../roster/import.js";
import { whyNot } from "../session.js";
import { Button } from "../ui/button.js";
import { SearchField } from "../ui/form.js";
import { count } from "../ui/format.js";
import { html, useMemo, useState } from "../ui/html.js";
import { Badge, Empty, ErrorNote, Loading } from "../ui/states.js";
import { Table, sorted } from "../ui/table.js";
import { Tabs } from "../ui/tabs.js";
import { toast } from "../ui/toast.js";

const TONES = { active: "good", guest: "info", hidden: "plain", banned: "bad" };

/** Rows that hold every word of a text in one of their values. */
export function holding(rows, text, valuesOf) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return rows;
  return rows.filter((row) => {
    const said = valuesOf(row).join(" ").toLowerCase();
    return words.every((word) => said.includes(word));
  });
}

export default function Roster({ event, state, query }) {
  const people = useRoster(event);
  const [asked, ask] = useState(null);
  const { roster } = people;
  if (people.problem && !roster) return html`<h1>Roster</h1><${ErrorNote} problem=${people.problem} retry=${people.reload} />`;
  if (!roster || !state) return html`<${Loading} lines=${8} label="Loading the roster" />`;
  const why = whyNot(["ops"]) || (state.status === "final" ? "The event is final: its roster stays as it is." : "");
  const tab = query.tab ?? "hosts";
  const see = (change) => go(address("events", event, "roster", { ...query, ...change }), true);
  const close = () => ask(null);
  const tabs = [
    { id: "hosts", title: "Hosts", badge: count(roster.hosts.length) },
    { id: "teams", title: "Teams", badge: count(roster.teams.length) },
    { id: "stores", title: "Stores", badge: count(roster.stores.length) },
  ];
  const List = tab === "hosts" ? Hosts : Groups;
  return html`<div class="page-head">
      <h1>Roster</h1>
      <span class="muted">version ${count(roster.version)}</span>
      <div class="end">
        <${Button} act=${() => download(event, roster)} why=${roster.hosts.length ? "" : "There is no host yet."}>Download CSV<//>
        <${Button} act=${() => ask({ Form: ImportAsk })} why=${why}>Import a file…<//>
        <${Button} kind="main" act=${() => ask(tab === "hosts" ? { Form: HostAsk } : { Form: GroupAsk, kind: tab.slice(0, -1), taken: roster[tab] })} why=${why}>
          Add a ${tab.slice(0, -1)}…
        <//>
      </div>
    </div>
    <${Tabs} label="Kinds of entries" tabs=${tabs} chosen=${tab} onChoose=${(id) => see({ tab: id, query: "" })}>
      <${List} key=${tab} ...${{ people, tab, text: query.query ?? "", search: (text) => see({ query: text }), ask: why ? null : ask }} />
    <//>
    ${asked && html`<${asked.Form} ...${{ event, state, people, close, reload: people.reload, ...asked }} />`}`;
}

function Hosts({ people, text, search, ask }) {
  const [sort, order] = useState({ id: "name", isDown: false });
  const { hosts } = people.roster;
  const rows = useMemo(() => {
    const shown = hosts.map((host) => ({ ...host, name: host.name ?? host.id, teamName: host.team ? people.teamName(host.team) : "" }));
    return holding(shown, text, (host) => [host.id, host.name, host.teamName, host.team, host.store, host.segment, host.status, ...host.codes]);
  }, [people, text]);
  const columns = [
    { id: "name", title: "Name", width: "minmax(160px, 2fr)", canSort: true, render: (host) => html`<strong dir="auto">${host.name}</strong>` },
    { id: "id", title: "Id", width: "minmax(90px, 1fr)", canSort: true },
    { id: "teamName", title: "Team", width: "minmax(110px, 1fr)", canSort: true, render: (host) => host.teamName || "–" },
    { id: "store", title: "Store", width: "minmax(90px, 1fr)", canSort: true, isMinor: true, render: (host) => host.store || "–" },
    { id: "codes", title: "Codes", width: "minmax(110px, 1fr)", isMinor: true, render: (host) => host.codes.join(" ") || "–" },
    { id: "commission_bps", title: "Commission", width: "136px", align: "end", canSort: true, isMinor: true, render: (host) => (host.commission_bps === undefined ? "–" : `${host.commission_bps / 100} %`) },
    { id: "status", title: "Status", width: "100px", canSort: true, isMinor: true, render: (host) => html`<${Badge} tone=${TONES[host.status]}>${host.status}<//>` },
  ];
  const inOrder = useMemo(() => sorted(rows, columns, sort), [rows, sort]);
  return html`<${Found} ...${{ text, search, label: "Search hosts", placeholder: "Name, id, team, store or code", found: rows.length, all: hosts.length }} />
    <section class="card flush">
      <${Table}
        label="Hosts"
        columns=${columns}
        rows=${inOrder}
        sort=${sort}
        onSort=${order}
        onOpen=${ask && ((row) => ask({ Form: HostAsk, host: hosts.find((host) => host.id === row.id) }))}
        height="calc(100vh - 250px)"
        empty=${html`<${Empty} title=${hosts.length ? "No host fits" : "Nobody is in the roster yet"}>${hosts.length ? "Take a part of the search away." : "Import a file, or add hosts one by one."}<//>`}
      />
    </section>`;
}

function Groups({ people, tab, text, search, ask }) {
  const [sort, order] = useState({ id: "name", isDown: false });
  const kind = tab.slice(0, -1);
  const all = people.roster[tab];
  const rows = useMemo(() => {
    const sizes = new Map();
    for (const host of people.roster.hosts) sizes.set(host[kind], (sizes.get(host[kind]) ?? 0) + 1);
    const shown = all.map((group) => ({ ...group, name: group.name ?? group.id, hosts: sizes.get(group.id) ?? 0 }));
    return holding(shown, text, (group) => [group.id, group.name]);
  }, [people, tab, text]);
  const columns = [
    { id: "name", title: "Name", width: "minmax(160px, 2fr)", canSort: true, render: (group) => html`<strong dir="auto">${group.name}</strong>` },
    { id: "id", title: "Id", width: "minmax(90px, 1fr)", canSort: true },
    { id: "hosts", title: "Hosts", width: "100px", align: "end", canSort: true, startsDown: true, render: (group) => count(group.hosts) },
  ];
  return html`<${Found} ...${{ text, search, label: `Search ${tab}`, placeholder: "Name or id", found: rows.length, all: all.length }} />
    <section class="card flush">
      <${Table}
        label=${tab === "teams" ? "Teams" : "Stores"}
        columns=${columns}
        rows=${sorted(rows, columns, sort)}
        sort=${sort}
        onSort=${order}
        onOpen=${ask && ((row) => ask({ Form: GroupAsk, kind, group: all.find((group) => group.id === row.id), taken: all }))}
        height="calc(100vh - 250px)"
        empty=${html`<${Empty} title=${all.length ? `No ${kind} fits` : `There is no ${kind} yet`} />`}
      />
    </section>`;
}

function Found({ text, search, label, placeholder, found, all }) {
  return html`<div class="found">
    <${SearchField} label=${label} placeholder=${placeholder} value=${text} onSearch=${search} />
    <span class="muted" role="status">${text ? `${count(found)} of ${count(all)}` : ""}</span>
  </div>`;
}

function download(event, roster) {
  const link = document.createElement("a");
  // A byte order mark, or spreadsheets take names for Latin-1.
  link.href = URL.createObjectURL(new Blob(["\ufeff", fileOf(roster.hosts)], { type: "text/csv;charset=utf-8" }));
  link.download = `${event}-roster-${new Date(serverNow()).toISOString().slice(0, 10)}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  toast(`${count(roster.hosts.length)} hosts are in the file.`);
}
