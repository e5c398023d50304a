// One order: where it stands, who earned it and why, and everything that happened to it.

import { addressOf, pathOf } from "../api.js";
import { useData } from "../data.js";
import { address } from "../router.js";
import { may, whyNot } from "../session.js";
import { Button, CopyButton } from "../ui/button.js";
import { Dialog } from "../ui/dialog.js";
import { ago, count, money, plural, Time } from "../ui/format.js";
import { html, useState } from "../ui/html.js";
import { kindName } from "../ui/kinds.js";
import { Badge, Empty, ErrorNote, Loading, Note, Status } from "../ui/states.js";

const LOOK_MS = 5000;
const REASONS = {
  host: "the order named the host",
  code: "the buyer used the host's code",
  click: "the buyer followed the host's link",
  session: "the order named the session",
  pin: "the session had the product pinned",
  unattributed: "nobody could be found",
  correction: "a correction said so",
};
const OUTCOMES = { won: "good", outranked: "plain", not_counted: "plain" };
const plain = (word) => word.replaceAll("_", " ");

export default function Order({ event, state, params }) {
  const path = pathOf("v1/events", event, "orders", params.source, params.order);
  const order = useData(path, {}, { everyMs: LOOK_MS });
  const receipt = useData(`${path}/receipt`, {}, { everyMs: LOOK_MS });
  if (order.problem?.code === "order_unknown") {
    return html`<${Empty} title="Nothing has come of this order"><a href=${address("events", event, "orders")}>Back to the orders</a><//>`;
  }
  if (!order.data) return order.problem ? html`<${ErrorNote} problem=${order.problem} retry=${order.reload} />` : html`<${Loading} lines=${8} />`;
  const unit = state?.unit ?? order.data.currency;
  const zone = state?.timezone;
  const showing = { order: order.data, unit, zone, event };
  return html`<nav class="crumbs" aria-label="Where this is"><a href=${address("events", event, "orders")}>Orders</a></nav>
    <div class="page-head">
      <h1>Order ${params.order}</h1>
      <${Status} of=${order.data.status} />
      ${order.data.late && html`<${Badge} tone="warn">late<//>`}
      <div class="end">
        <${CopyButton} text=${params.order}>Copy the id<//>
        <a class="button" href=${addressOf(`${path}/receipt`)} target="_blank" rel="noopener">Receipt for the host</a>
        ${may(["finance"]) &&
        html`<a class="button" href=${address("events", event, "money", { source: params.source, order: params.order })}>Correct who earned it</a>`}
      </div>
    </div>
    <div class="order-grid">
      <${Facts} ...${showing} source=${params.source} />
      <div class="stack">
        <${Credits} ...${showing} />
        <${Why} receipt=${receipt} ...${showing} />
      </div>
      <${History} ...${showing} />
    </div>`;
}

function Facts({ order, source, unit, zone }) {
  const foreign = order.original;
  return html`<section class="card">
    <header><h2>Amounts</h2></header>
    <dl class="facts">
      <dt>Total</dt>
      <dd>${money(order.total, unit)}${foreign && html`<br /><span class="muted">${money(foreign.amount, foreign.currency)} at ${foreign.rate}</span>`}</dd>
      <dt>Left after what came back</dt>
      <dd>${money(order.remaining, unit)}</dd>
      <dt>Paid</dt>
      <dd><${Time} at=${order.paid_at} zone=${zone} />${order.paid_at && html`<br /><span class="muted">${ago(order.paid_at)}</span>`}</dd>
      <dt>Shop</dt>
      <dd>${source}</dd>
      <dt>Entry</dt>
      <dd>${count(order.position)}</dd>
    </dl>
  </section>`;
}

function Credits({ order, unit, event }) {
  if (!order.credits?.length) {
    return html`<section class="card"><header><h2>Who earned it</h2></header><${Empty} title="Nobody yet">The order itself has not come.<//></section>`;
  }
  const left = new Map((order.lines ?? []).map((line) => [line.id, line]));
  return html`<section class="card">
    <header><h2>Who earned it</h2></header>
    <div class="scrolls" tabindex="0" role="region" aria-label="Credits of the order">
      <table>
        <thead>
          <tr><th>Line</th><th>Host</th><th>Team</th><th class="end">Amount</th><th class="end">Line left</th><th>Because</th></tr>
        </thead>
        <tbody>
          ${order.credits.map(
            (credit) => html`<tr key=${`${credit.line}/${credit.host}`}>
              <td>${credit.line}</td>
              <td>${credit.host === "House" ? html`<${Badge}>House<//>` : html`<a href=${address("events", event, "orders", { host: credit.host })}>${credit.host}</a>`}</td>
              <td>${credit.team || "–"}</td>
              <td class="end">${money(credit.amount, unit)}</td>
              <td class="end">${money(left.get(credit.line)?.amount_left, unit)}</td>
              <td>${REASONS[credit.reason] ?? plain(credit.reason)}</td>
            </tr>`,
          )}
        </tbody>
      </table>
    </div>
  </section>`;
}

function Why({ receipt, zone }) {
  const { data, problem, reload } = receipt;
  if (problem?.status === 404) return null;
  return html`<section class="card">
    <header><h2>Why</h2>${data && html`<span class="muted">by version ${data.rules} of the rules</span>`}</header>
    <${ErrorNote} problem=${problem} retry=${reload} />
    ${!data && !problem && html`<${Loading} />`}
    ${data && !data.candidates.length && html`<p class="muted">The order named nobody: no host, code, link or session.</p>`}
    ${data?.candidates.length > 0 &&
    html`<ul class="candidates">
      ${data.candidates.map(
        (each, index) => html`<li key=${index}>
          <${Badge} tone=${OUTCOMES[each.outcome] ?? "warn"}>${plain(each.outcome)}<//>
          <span>${each.by} <code>${each.id}</code>${each.host && each.host !== each.id ? ` of ${each.host}` : ""}${each.line ? `, line ${each.line}` : ""}
          ${each.at && html` · <${Time} at=${each.at} zone=${zone} />`}</span>
        </li>`,
      )}
    </ul>`}
  </section>`;
}

function History({ order, unit, zone, event }) {
  const [shown, show] = useState(null);
  const why = whyNot(["audit"]);
  return html`<section class="card wide">
    <header><h2>History</h2><span class="muted">${plural(order.entries.length, "entry", "entries")} of the journal, the newest first</span></header>
    <ol class="entries history">
      ${order.entries.toReversed().map(
        (entry) => html`<li key=${entry.position}>
          <div class="history-what">
            <div class="history-title">
              <strong>${kindName(entry.kind)}</strong>
              ${entry.amount && html`<strong>${money(entry.amount, unit)}</strong>`}
              ${entry.outcome && html`<${Badge}>${plain(entry.outcome)}<//>`}
              ${entry.waits && html`<${Badge} tone="warn">waits for its order<//>`}
            </div>
            <span class="muted">entry ${entry.position}${entry.actor ? ` · by ${entry.person ?? entry.actor}` : ""} · ${entry.key}</span>
            ${entry.reason && html`<p>“${entry.reason}”</p>`}
            ${entry.unknown_lines && html`<${Note} tone="warn">It names lines that the order does not have: ${entry.unknown_lines.join(", ")}.<//>`}
            <${Moved} entry=${entry} unit=${unit} />
          </div>
          <div class="history-when">
            <${Time} at=${entry.recorded_at} how="moment" zone=${zone} />
            ${Math.abs(Date.parse(entry.recorded_at) - Date.parse(entry.occurred_at)) > 60000 &&
            html`<span class="muted">happened <${Time} at=${entry.occurred_at} zone=${zone} /></span>`}
            <${Button} kind="quiet" why=${why} act=${() => show(entry.position)} aria-label=${`Entry ${entry.position}`}>Entry<//>
          </div>
        </li>`,
      )}
    </ol>
    ${shown !== null && html`<${Entry} event=${event} position=${shown} close=${() => show(null)} />`}
  </section>`;
}

/** Whose sales an entry moved, and what it booked on which account. */
function Moved({ entry, unit }) {
  const { changes = [], postings = [] } = entry;
  const signed = (amount) => (Number(amount) > 0 ? `+${money(amount, unit)}` : money(amount, unit));
  return html`${changes.length > 0 &&
    html`<ul class="moved">
      ${changes.map(
        (each) => html`<li key=${`${each.team}/${each.host}`}>
          <span>${each.host}${each.team && ` (${each.team})`}</span><span class=${Number(each.amount) < 0 ? "fall" : "up"}>${signed(each.amount)}</span>
        </li>`,
      )}
    </ul>`}
    ${postings.length > 0 &&
    html`<details class="postings">
      <summary>${plural(postings.length, "posting")}</summary>
      <table>
        <thead><tr><th>Account</th><th class="end">Amount</th></tr></thead>
        <tbody>${postings.map((each, index) => html`<tr key=${index}><td><code>${each.account}</code></td><td class="end">${money(each.amount, unit)}</td></tr>`)}</tbody>
      </table>
    </details>`}`;
}

/** One entry as the journal has it, to the byte that was hashed. */
function Entry({ event, position, close }) {
  const { data, problem, reload } = useData(pathOf("v1/events", event, "journal"), { after: position - 1, limit: 1 });
  const entry = data?.entries[0];
  const text = entry && JSON.stringify(entry, null, 2);
  return html`<${Dialog} title=${`Entry ${position}`} close=${close} size="large">
    <${ErrorNote} problem=${problem} retry=${reload} />
    ${!entry && !problem && html`<${Loading} lines=${6} />`}
    ${entry &&
    html`<pre class="code" tabindex="0">${text}</pre>
      <footer><${CopyButton} text=${text}>Copy<//></footer>`}
  <//>`;
}
