// Corrections: those that wait for a second person, and the two ways to make one.

import { pathOf, post } from "../../api.js";
import { useData } from "../../data.js";
import { whyNot } from "../../session.js";
import { Button } from "../../ui/button.js";
import { confirm } from "../../ui/dialog.js";
import { money } from "../../ui/format.js";
import { html } from "../../ui/html.js";
import { ErrorNote, Loading } from "../../ui/states.js";
import { toast } from "../../ui/toast.js";
import { Adjust } from "./adjust.js";
import { AGAIN, orderAddress, usePeople } from "./parts.js";
import { Reattribute } from "./reattribute.js";

export function Corrections({ event, state, query, session, currency }) {
  const { hosts, teams } = usePeople(event);
  const waiting = useData(pathOf("v1/events", event, "corrections"), {}, AGAIN);
  const shared = { event, state, currency, hosts, teams, done: waiting.reload };
  return html`<div class="stack">
    <${Waiting} ...${shared} list=${waiting} me=${`key:${session.key}`} />
    <${Reattribute} ...${shared} query=${query} />
    <${Adjust} ...${shared} />
  </div>`;
}

function Waiting({ event, currency, hosts, list, me, done }) {
  const corrections = list.data?.corrections ?? [];
  return html`<section class="card" aria-labelledby="waiting">
    <header>
      <h2 id="waiting">Waiting for a second person</h2>
      ${corrections.length > 0 && html`<span class="badge warn">${corrections.length}</span>`}
    </header>
    <${ErrorNote} problem=${list.problem} retry=${list.reload} />
    ${!list.data && list.isLoading && html`<${Loading} lines=${2} />`}
    ${list.data && !corrections.length && html`<p class="muted">No correction waits. Above the amount of the rule <code>approval_above</code> one
      does, and changes nothing until another person approves it.</p>`}
    ${corrections.length > 0 &&
    html`<ul class="entries">
      ${corrections.map((each) => html`<${WaitingOne} key=${each.id} ...${{ event, currency, hosts, correction: each, me, done }} />`)}
    </ul>`}
  </section>`;
}

function WaitingOne({ event, currency, hosts, correction, me, done }) {
  const what = described(correction, currency, hosts.names);
  const end = (word) => () => ended({ event, correction, what, word, done });
  const lacks = whyNot(["finance"]);
  const own = notYou(me, correction.asked_by);
  return html`<li>
    <div>
      <strong>${what}</strong>
      <p>${correction.reason}</p>
      <p class="muted">
        <code>${correction.id}</code> · asked for by <code>${correction.asked_by}</code>
        ${correction.orders?.slice(0, 5).map((order) => html` · <a href=${orderAddress(event, order)}>${order.source}/${order.id}</a>`)}
        ${correction.orders?.length > 5 && ` and ${correction.orders.length - 5} more`}
      </p>
    </div>
    <div class="actions">
      <${Button} act=${end("withdraw")} why=${lacks}>Withdraw<//>
      <${Button} kind="main" act=${end("approve")} why=${lacks || own}>Approve<//>
    </div>
  </li>`;
}

/** Why it is not the reader who approves; "" if it may be. */
function notYou(me, askedBy) {
  if (me === askedBy) return "You asked for it: another person approves it.";
  return me === "key:admin" ? "The admin key is nobody in person: sign in with a key of your own." : "";
}

function described({ orders, to, host, amount }, currency, names) {
  const worth = money(amount, currency);
  if (!orders) return `${worth} for ${names.get(host) ?? host}, by no order`;
  const many = orders.length === 1 ? "1 order" : `${orders.length} orders`;
  const sellers = to.map((seller) => names.get(seller.host) ?? (seller.host === "House" ? "nobody (House)" : seller.host));
  return `${many} worth ${worth} to ${sellers.join(", ") || "the teams that the roster gives their hosts"}`;
}

async function ended({ event, correction, what, word, done }) {
  const isApproval = word === "approve";
  const answer = await confirm({
    title: isApproval ? "Approve this correction?" : "Withdraw this correction?",
    changes: [
      what,
      isApproval
        ? "It is made at once, worked out as the orders stand now. Boards and commission follow."
        : "Nothing is changed, and it waits no longer.",
    ],
    reason: "needed",
    action: isApproval ? "Approve" : "Withdraw",
    kind: isApproval ? "main" : "danger",
    act: ({ reason }) => post(pathOf("v1/events", event, "corrections", correction.id, word), { reason }),
  });
  if (answer) toast(isApproval ? "Approved: the correction is made." : "Withdrawn: nothing was changed.");
  done();
}
