// One host's money: balances, every payout, and the next one.

import { pathOf, post } from "../../api.js";
import { useData } from "../../data.js";
import { address } from "../../router.js";
import { whyNot } from "../../session.js";
import { Button } from "../../ui/button.js";
import { Dialog, confirm } from "../../ui/dialog.js";
import { TextField, useFields } from "../../ui/form.js";
import { Time, money } from "../../ui/format.js";
import { html, useState } from "../../ui/html.js";
import { Badge, ErrorNote, Loading } from "../../ui/states.js";
import { toast } from "../../ui/toast.js";
import { isAbove, isAmount, negated } from "./amounts.js";
import { newId } from "./parts.js";

const PAYOUTS_MAX = 10_000;

/** Payouts, newest first, from the postings of the host's account of what was paid. */
export function payoutsOf(postings) {
  const failed = new Map();
  const made = [];
  for (const posting of postings) {
    if (posting.kind === "payout.failed") failed.set(posting.about, posting.recorded_at);
    else made.unshift(posting);
  }
  return made.map(({ key, recorded_at, amount }) => ({
    id: key.replace("payout:", ""),
    at: recorded_at,
    amount: negated(amount),
    failedAt: failed.get(key) ?? null,
  }));
}

export function HostMoney({ event, currency, host, name, row, close, changed }) {
  const path = pathOf("v1/events", event, "ledger", "accounts", `Liabilities:Commission:${host}:Paid`);
  const account = useData(row.wasPaid ? path : null, { limit: PAYOUTS_MAX });
  const done = () => {
    account.reload();
    changed();
  };
  const payouts = payoutsOf(account.data?.postings ?? []);
  const amount = (value) => money(value, currency);
  return html`<${Dialog} title=${name} size="large" close=${close}>
    <div class="stack">
      <dl class="figures">
        <div class="figure"><dt>Earned</dt><dd>${amount(row.earned)}</dd></div>
        <div class="figure"><dt>Held</dt><dd>${amount(row.held)}</dd></div>
        <div class="figure"><dt>Can be paid</dt><dd>${amount(row.available)}</dd></div>
        <div class="figure"><dt>Paid</dt><dd>${amount(row.paid)}</dd></div>
      </dl>
      <p><a href=${address("events", event, "money", { tab: "statements", host })}>Statements of ${name}</a></p>
      <${PayOut} ...${{ event, currency, host, name, row, done }} />
      <section class="stack" aria-labelledby="payouts">
        <h3 id="payouts">Payouts</h3>
        ${!row.wasPaid && html`<p class="muted">Nothing was paid yet.</p>`}
        <${ErrorNote} problem=${account.problem} retry=${account.reload} />
        ${!account.data && account.isLoading && html`<${Loading} lines=${2} />`}
        ${payouts.length > 0 && html`<${Payouts} ...${{ event, payouts, amount, name, done }} />`}
      </section>
    </div>
  <//>`;
}

function PayOut({ event, currency, host, name, row, done }) {
  // Until somebody types an amount it is all there is, also of a balance that comes anew while one looks.
  const [fields, set] = useFields({ amount: null, reference: "" });
  const [id, renew] = useState(() => newId("pay"));
  const [said, say] = useState("");
  const offered = isAbove(row.available) ? row.available : "";
  const amount = (fields.amount ?? offered).trim();
  const ask = async () => {
    const shown = money(amount, currency);
    const body = { id, host, amount, reference: fields.reference.trim() };
    const answer = await confirm({
      title: `Was ${name} paid ${shown}?`,
      changes: [
        `What ${name} can be paid goes down by ${shown}.`,
        "This notes a payment that you make elsewhere: it sends no money, and no board moves.",
      ],
      action: "Note the payout",
      act: () => post(pathOf("v1/events", event, "payouts"), body),
    });
    if (!answer) return;
    // Said here and not in a toast: those lie behind a dialog.
    say(`Noted: ${name} was paid ${shown}.`);
    renew(newId("pay"));
    set("amount")(isAbove(answer.available) ? answer.available : "");
    set("reference")("");
    done();
  };
  const missing = !isAmount(amount)
    ? "Give an amount, such as 20.00."
    : isAbove(amount, row.available) ? `At most ${money(row.available, currency)} can be paid.` : "";
  const lacks = whyNot(["finance"]);
  const why = lacks || (isAbove(row.available) ? missing : "Nothing can be paid now.");
  const submitted = (submit) => {
    submit.preventDefault();
    if (!why) ask();
  };
  return html`<form onSubmit=${submitted} aria-label="Pay ${name}">
    <div class="fields">
      <${TextField}
        label="Amount in ${currency}"
        value=${fields.amount ?? offered}
        onChange=${set("amount")}
        autocomplete="off"
        inputmode="decimal"
      />
      <${TextField}
        label="Reference (optional)"
        value=${fields.reference}
        onChange=${set("reference")}
        maxLength=${200}
        autocomplete="off"
        hint="Of the bank transfer, for whoever looks for it."
      />
    </div>
    <div class="actions">
      <span class="muted" role="status">${said || "This notes a payment that you make elsewhere. It sends no money."}</span>
      <${Button} type="submit" kind="main" why=${why}>Note a payout…<//>
    </div>
  </form>`;
}

function Payouts({ event, payouts, amount, name, done }) {
  return html`<ul class="entries">
    ${payouts.map(
      (payout) => html`<li key=${payout.id}>
        <div>
          <strong>${amount(payout.amount)}</strong> <${Badge} tone=${payout.failedAt ? "bad" : "good"}>${payout.failedAt ? "came back" : "paid"}<//>
          <p class="muted">
            <${Time} at=${payout.at} /> · <code>${payout.id}</code>${payout.failedAt && html` · came back <${Time} at=${payout.failedAt} />`}
          </p>
        </div>
        ${!payout.failedAt &&
        html`<${Button} why=${whyNot(["finance"])} act=${() => cameBack({ event, payout, amount, name, done })}>It came back…<//>`}
      </li>`,
    )}
  </ul>`;
}

async function cameBack({ event, payout, amount, name, done }) {
  const answer = await confirm({
    title: `Did ${amount(payout.amount)} come back?`,
    changes: [`${name} can be paid ${amount(payout.amount)} again.`, `The payout ${payout.id} is marked as failed, for good.`],
    reason: "needed",
    action: "It came back",
    kind: "danger",
    act: ({ reason }) => post(pathOf("v1/events", event, "payouts", payout.id, "fail"), { reason }),
  });
  if (answer) toast("Noted: the money is available again.");
  done();
}
