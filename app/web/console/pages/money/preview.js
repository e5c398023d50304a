// What a correction would change, and the button that makes it.

import { post } from "../../api.js";
import { Button, useAction } from "../../ui/button.js";
import { Dialog } from "../../ui/dialog.js";
import { count, money } from "../../ui/format.js";
import { html, useState } from "../../ui/html.js";
import { ErrorNote, Note } from "../../ui/states.js";
import { negated } from "./amounts.js";
import { Change, orderAddress } from "./parts.js";

const ORDERS_SHOWN = 20;

/** What a correction itself moves. Not ranks and scores: on a busy event every sale moves those. */
const moves = ({ orders, amount, needs_approval, commission }) => JSON.stringify({ orders, amount, needs_approval, commission });

export function Preview({ event, path, currency, hosts, teams, shown, close, made }) {
  const [found, become] = useState(shown.found);
  const [isOther, other] = useState(false);
  const make = useAction(async () => {
    const { filter, ...body } = { ...shown.body, orders: found.orders };
    const now = await post(path, { ...body, preview: true });
    if (moves(now) !== moves(found)) {
      become(now);
      other(true);
      return;
    }
    made(await post(path, body));
  });
  const orders = found.orders.length === 1 ? "1 order" : `${count(found.orders.length)} orders`;
  return html`<${Dialog} title="What this correction changes" size="large" close=${close} isBusy=${make.isBusy}>
    <div class="stack">
      <p class="lead"><strong>${orders}</strong> worth <strong>${money(found.amount, currency)}</strong> ${
        found.needs_approval ? "would move, once a second person approves it." : "would move."
      } Worked out at entry ${count(found.position)} of the journal.</p>
      ${isOther && html`<${Note} tone="warn"><span role="alert">Somebody changed these orders meanwhile. This is what it would move now: look again, then make it.</span><//>`}
      ${found.needs_approval &&
      html`<${Note} tone="warn">It moves more than one person may: it waits, and changes nothing, until another person approves it.<//>`}
      <${Differences} title="Hosts" rows=${found.hosts} names=${hosts.names} commission=${found.commission} currency=${currency} />
      <${Differences} title="Teams" rows=${found.teams} names=${teams.names} currency=${currency} />
      <${Orders} event=${event} orders=${found.orders} />
      <${ErrorNote} problem=${make.problem} />
      <footer class="actions">
        <${Button} act=${close} why=${make.isBusy ? "Wait for the answer." : ""}>Cancel<//>
        <${Button} kind="main" act=${make.run} isBusy=${make.isBusy}>
          ${found.needs_approval ? "Ask for approval" : "Make the correction"}
        <//>
      </footer>
    </div>
  <//>`;
}

function Orders({ event, orders }) {
  return html`<details>
    <summary>Which orders</summary>
    <ul class="inline-list">
      ${orders.slice(0, ORDERS_SHOWN).map(
        (order) => html`<li key=${`${order.source}/${order.id}`}>
          <a href=${orderAddress(event, order)} target="_blank" rel="noopener">${order.source}/${order.id}</a>
        </li>`,
      )}
      ${orders.length > ORDERS_SHOWN && html`<li class="muted">and ${count(orders.length - ORDERS_SHOWN)} more</li>`}
    </ul>
  </details>`;
}

/** Who would stand where; with `commission` also what they would earn more or less. */
function Differences({ title, rows, names, commission, currency }) {
  const earned = new Map((commission ?? []).map((each) => [each.host, each.amount]));
  const known = new Set(rows.map((row) => row.id));
  // Guests earn and have no row on a board.
  const others = [...earned.keys()].filter((host) => !known.has(host)).map((host) => ({ id: host }));
  const all = [...rows, ...others];
  if (!all.length) return html`<p class="muted">${title}: nobody's rank or sales would be another.</p>`;
  return html`<div class="scrolls">
    <table class="differences">
      <caption class="unseen">${title} whose rank, sales or commission would be another</caption>
      <thead>
        <tr>
          <th scope="col">${title}</th>
          <th scope="col">Rank</th>
          <th scope="col" class="end">Net sales</th>
          ${commission && html`<th scope="col" class="end">Commission</th>`}
        </tr>
      </thead>
      <tbody>
        ${all.map(
          (row) => html`<tr key=${row.id}>
            <th scope="row">${names.get(row.id) ?? row.id}</th>
            <td>${row.rank ? html`<${Rank} ...${row.rank} />` : "–"}</td>
            <td class="end">
              ${row.net_sales
                ? html`<${Change} before=${money(row.net_sales.before, currency)} after=${money(row.net_sales.after, currency)} />`
                : "–"}
            </td>
            ${commission && html`<td class="end">${signed(earned.get(row.id), currency)}</td>`}
          </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

function Rank({ before, after }) {
  if (before === after) return html`${before ?? "–"} <span class="muted">stays</span>`;
  return html`<${Change} before=${before ?? "–"} after=${after ?? "–"} isUp=${before === null || after < before} isDown=${after > before} />`;
}

function signed(amount, currency) {
  if (!amount) return "–";
  const isTaken = amount.startsWith("-");
  return html`<span class=${isTaken ? "lost" : "gained"}>${isTaken ? "−" : "+"}${money(isTaken ? negated(amount) : amount, currency)}</span>`;
}
