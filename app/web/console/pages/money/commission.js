// Commission: what each host earned, what is held, can be paid and was paid; releases and payouts.

import { pathOf, post } from "../../api.js";
import { useData } from "../../data.js";
import { whyNot } from "../../session.js";
import { Button } from "../../ui/button.js";
import { confirm } from "../../ui/dialog.js";
import { SearchField, TextField } from "../../ui/form.js";
import { count, money, time } from "../../ui/format.js";
import { html, useMemo, useState } from "../../ui/html.js";
import { Badge, Empty, Note } from "../../ui/states.js";
import { Table, sorted } from "../../ui/table.js";
import { toast } from "../../ui/toast.js";
import { useBalances } from "./accounts.js";
import { isAbove, negated, sum } from "./amounts.js";
import { HostMoney } from "./host.js";
import { AGAIN, newId, usePeople } from "./parts.js";

export function Commission({ event, currency }) {
  const { hosts } = usePeople(event);
  const balances = useBalances(event);
  const [text, search] = useState("");
  const [sort, order] = useState({ id: "available", isDown: true });
  const [open, choose] = useState(null);
  const rows = useMemo(
    () => (balances.rows ?? []).map((row) => ({ ...row, name: hosts.names.get(row.id) ?? row.id })),
    [balances.rows, hosts],
  );
  const columns = useMemo(() => columnsOf(currency), [currency]);
  const wanted = text.toLowerCase();
  const found = rows.filter((row) => `${row.id} ${row.name}`.toLowerCase().includes(wanted));
  const now = useData(pathOf("v1/events", event, "statements"), {}, AGAIN).data?.position ?? 0;
  const isOld = balances.position > 0 && now > balances.position;
  return html`<div class="stack">
    <${Totals} rows=${rows} currency=${currency} isLoading=${!balances.rows} />
    <section class="card flush" aria-labelledby="balances">
      <header>
        <h2 id="balances">Balances by host</h2>
        ${isOld && html`<${Button} kind="quiet" act=${balances.reload}>As of entry ${count(balances.position)}: read again<//>`}
        <div class="end searching">
          <${SearchField} label="Search hosts" value=${text} onSearch=${search} />
          <${Button} kind="main" why=${whyNot(["finance"])} act=${() => release(event, currency, balances.reload)}>Release commission…<//>
        </div>
      </header>
      <${Table}
        label="Balances of commission by host"
        columns=${columns}
        rows=${sorted(found, columns, sort)}
        sort=${sort}
        onSort=${order}
        onOpen=${(row) => choose(row.id)}
        isLoading=${balances.isLoading && !balances.rows}
        problem=${balances.problem}
        retry=${balances.reload}
        empty=${html`<${Empty} title=${text ? "No host is called like that" : "Nobody has earned commission yet"}>
          ${!text && "The rule “commission” says what hosts earn."}
        <//>`}
      />
    </section>
    ${open &&
    html`<${HostMoney}
      ...${{ event, currency, host: open, name: hosts.names.get(open) ?? open, close: () => choose(null), changed: balances.reload }}
      row=${rows.find((row) => row.id === open)}
    />`}
  </div>`;
}

function columnsOf(currency) {
  const amount = (id, title, isMinor) => ({
    id,
    title,
    isMinor,
    align: "end",
    width: "minmax(7.5rem, 1fr)",
    canSort: true,
    startsDown: true,
    render: (row) => html`<span class=${row[id].startsWith("-") ? "lost" : ""}>${money(row[id], currency)}</span>`,
  });
  return [
    { id: "name", title: "Host", width: "minmax(9rem, 2fr)", canSort: true, render: named },
    amount("earned", "Earned", true),
    amount("held", "Held", true),
    amount("available", "Can be paid"),
    amount("paid", "Paid", true),
  ];
}

const named = (row) => html`${row.name} ${row.name !== row.id && html`<span class="muted">${row.id}</span>`}
  ${row.available.startsWith("-") && html`<${Badge} tone="bad">debt<//>`}`;

function Totals({ rows, currency, isLoading }) {
  const of = (name) => (isLoading ? "…" : money(sum(rows.map((row) => row[name])), currency));
  const owing = rows.filter((row) => isAbove("0", row.available));
  const owed = sum(owing.map((row) => negated(row.available)));
  const tile = (title, value, note) => html`<div class="figure"><dt>${title}</dt><dd>${value}<small>${note}</small></dd></div>`;
  return html`<section aria-label="Commission of the event">
    <dl class="figures">
      ${tile("Earned", of("earned"), "By sales and adjustments, less what came back")}
      ${tile("Held", of("held"), "Until its days are over and it is released")}
      ${tile("Can be paid", of("available"), "Released and not paid yet")}
      ${tile("Paid", of("paid"), "Less what came back")}
    </dl>
    ${owing.length > 0 &&
    html`<${Note} tone="warn">${owing.length === 1 ? "One host owes" : `${count(owing.length)} hosts owe`} ${money(owed, currency)}: refunds came
      after the payout. New commission pays that off first.<//>`}
  </section>`;
}

async function release(event, currency, reload) {
  let until = "";
  const id = newId("release");
  const answer = await confirm({
    title: "Release commission?",
    changes: [
      "Commission that was held for long enough can be paid out from now on.",
      "Nobody is paid by this, and no board moves.",
    ],
    action: "Release",
    children: html`<${Until} onChange=${(day) => (until = day)} />`,
    act: () => post(pathOf("v1/events", event, "releases"), { id, until: until ? `${until}T00:00:00Z` : undefined }),
  });
  if (!answer) return;
  const hosts = answer.hosts === 1 ? "one host" : `${count(answer.hosts)} hosts`;
  toast(`${money(answer.amount, currency)} of ${hosts} can be paid: orders before ${time(answer.until, "day", "UTC")}.`);
  reload();
}

function Until({ onChange }) {
  const [day, change] = useState("");
  const changed = (text) => {
    change(text);
    onChange(text);
  };
  return html`<${TextField}
    label="Only of orders before this day (optional)"
    type="date"
    value=${day}
    onChange=${changed}
    hint="Days are counted in UTC. Left out, everything that may be released is."
  />`;
}
