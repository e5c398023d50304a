// Claims: sales that hosts say are theirs, until when each is to be answered, and what became of it.

import { pathOf, post } from "../../api.js";
import { useData } from "../../data.js";
import { address } from "../../router.js";
import { whyNot } from "../../session.js";
import { Button, useAction } from "../../ui/button.js";
import { Dialog } from "../../ui/dialog.js";
import { SelectField, TextField, complaint, useFields } from "../../ui/form.js";
import { Time, ago, money } from "../../ui/format.js";
import { html, useState } from "../../ui/html.js";
import { Badge, Empty, ErrorNote, Loading } from "../../ui/states.js";
import { toast } from "../../ui/toast.js";
import { isAmount } from "./amounts.js";
import { AGAIN, RowField, instant, newId, orderAddress, usePeople, zoneHint } from "./parts.js";

export function Claims({ event, state, currency, session }) {
  const { hosts } = usePeople(event);
  const list = useData(pathOf("v1/events", event, "claims"), {}, AGAIN);
  const [isNew, begin] = useState(false);
  const [closing, close] = useState(null);
  const claims = list.data?.claims ?? [];
  const ended = () => {
    begin(false);
    close(null);
    list.reload();
  };
  const lacks = whyNot(["finance"]);
  return html`<section class="card" aria-labelledby="claims">
    <header>
      <h2 id="claims">Open claims</h2>
      ${claims.length > 0 && html`<span class="badge">${claims.length}</span>`}
      <div class="end"><${Button} act=${() => begin(true)} why=${lacks}>Claim for a host…<//></div>
    </header>
    <${ErrorNote} problem=${list.problem} retry=${list.reload} />
    ${!list.data && list.isLoading && html`<${Loading} />`}
    ${list.data && !claims.length && html`<${Empty} title="No claim is open">While one is, the event does not become final.<//>`}
    ${claims.length > 0 &&
    html`<ul class="entries">
      ${claims.map((claim) => html`<${Claim} key=${claim.id} ...${{ event, state, currency, hosts, claim, lacks, close, session }} />`)}
    </ul>`}
    ${isNew && html`<${NewClaim} ...${{ event, currency, hosts, done: ended, close: () => begin(false) }} zone=${state.timezone} />`}
    ${closing && html`<${Closing} ...${{ event, hosts, claim: closing, done: ended, close: () => close(null) }} />`}
  </section>`;
}

function Claim({ event, state, currency, hosts, claim, lacks, close, session }) {
  const name = hosts.names.get(claim.host) ?? claim.host;
  const zone = state.timezone;
  const own = claim.claimed_by === `key:${session.key}` ? "You made this claim: another person answers it." : "";
  const { source, id } = claim.order ?? {};
  const correct = address("events", event, "money", { tab: "corrections", source, order: id, host: claim.host, reason: `Claim ${claim.id}` });
  return html`<li>
    <div>
      <strong>${name}</strong> claims ${claim.order
        ? html`<a href=${orderAddress(event, claim.order)}>${source}/${id}</a>`
        : html`a sale that is missing, paid <${Time} at=${claim.paid_at} zone=${zone} />`}${claim.amount
        ? html` of ${money(claim.amount, currency)}`
        : ""}
      ${" "}${claim.overdue && html`<${Badge} tone="bad">overdue<//>`}
      <p>${claim.reason}</p>
      <p class="muted">
        <code>${claim.id}</code> · claimed <${Time} at=${claim.opened_at} zone=${zone} /> by <code>${claim.claimed_by}</code> · to be answered
        ${" "}${claim.overdue ? "by" : `${ago(claim.answer_due)}, by`} <${Time} at=${claim.answer_due} zone=${zone} />
      </p>
    </div>
    <div class="actions">
      ${claim.order && !lacks && html`<a class="button" href=${correct}>Correct the order</a>`}
      <${Button} kind="main" act=${() => close(claim)} why=${lacks || own}>Answer…<//>
    </div>
  </li>`;
}

const OUTCOMES = [
  ["accepted", "Accepted: the sale is the host's"],
  ["rejected", "Rejected: it stays as it is"],
];

function Closing({ event, hosts, claim, done, close }) {
  const [fields, set] = useFields({ outcome: "accepted", correction: "", reason: "" });
  const action = useAction(async () => {
    const correction = fields.correction.trim() || undefined;
    const body = { outcome: fields.outcome, reason: fields.reason.trim(), correction };
    await post(pathOf("v1/events", event, "claims", claim.id, "close"), body);
    toast(fields.outcome === "accepted" ? "The claim is accepted." : "The claim is rejected.");
    done();
  });
  const missing = fields.reason.trim() ? "" : "Give a reason.";
  const submitted = (submit) => {
    submit.preventDefault();
    if (!missing) action.run();
  };
  return html`<${Dialog} title="Answer the claim of ${hosts.names.get(claim.host) ?? claim.host}" close=${close} isBusy=${action.isBusy}>
    <form onSubmit=${submitted}>
      <ul class="changes">
        <li>The claim is closed with your answer, for good. The host reads it with your reason.</li>
        <li>No sale moves by this: if it is the host's, correct the order first and name the correction here.</li>
      </ul>
      <${SelectField} label="Answer" choices=${OUTCOMES} value=${fields.outcome} onChange=${set("outcome")} />
      ${fields.outcome === "accepted" &&
      html`<${TextField}
        label="Correction that it led to (optional)"
        hint="Its id, as the order's history shows it: fix-…"
        value=${fields.correction}
        onChange=${set("correction")}
        error=${complaint(action.problem, "correction")}
        autocomplete="off"
        spellcheck=${false}
      />`}
      <${TextField} label="Reason" value=${fields.reason} onChange=${set("reason")} maxLength=${500} required />
      <${ErrorNote} problem=${action.problem} />
      <footer>
        <${Button} act=${close}>Cancel<//>
        <${Button} type="submit" kind="main" isBusy=${action.isBusy} why=${missing}>Close the claim<//>
      </footer>
    </form>
  <//>`;
}

function NewClaim({ event, zone, currency, hosts, done, close }) {
  const [fields, set] = useFields({ what: "order", host: "", source: "", order: "", paid: "", amount: "", reason: "" });
  const [id] = useState(() => newId("claim"));
  const action = useAction(async () => {
    const order = { source: fields.source.trim(), id: fields.order.trim() };
    const sale = { paid_at: instant(fields.paid, zone), amount: fields.amount.trim() || undefined };
    const body = { id, host: fields.host.trim(), reason: fields.reason.trim(), ...(fields.what === "order" ? { order } : sale) };
    const answer = await post(pathOf("v1/events", event, "claims"), body);
    toast(`The claim is open. It is to be answered ${ago(answer.answer_due)}.`);
    done();
  });
  const missing = missingIn(fields);
  const submitted = (submit) => {
    submit.preventDefault();
    if (!missing) action.run();
  };
  const field = (name, label, more) =>
    html`<${TextField} ...${{ label, value: fields[name], onChange: set(name), error: complaint(action.problem, name), autocomplete: "off", ...more }} />`;
  return html`<${Dialog} title="Claim a sale for a host" close=${close} isBusy=${action.isBusy}>
    <form onSubmit=${submitted}>
      <${RowField} label="Host" rows=${hosts.rows} value=${fields.host} onChange=${set("host")} error=${complaint(action.problem, "host")} hint="An id, or begin a name." />
      <${SelectField}
        label="What is claimed"
        choices=${[["order", "An order that somebody else has"], ["missing", "A sale that is missing"]]}
        value=${fields.what}
        onChange=${set("what")}
      />
      <div class="fields">
        ${fields.what === "order"
          ? html`${field("source", "Source")} ${field("order", "Order")}`
          : html`${field("paid", "Paid at", { type: "datetime-local", hint: zoneHint(zone) })} ${field("amount", `Amount in ${currency} (optional)`)}`}
      </div>
      ${field("reason", "Reason", { maxLength: 500 })}
      <${ErrorNote} problem=${action.problem} />
      <footer>
        <${Button} act=${close}>Cancel<//>
        <${Button} type="submit" kind="main" isBusy=${action.isBusy} why=${missing}>Open the claim<//>
      </footer>
    </form>
  <//>`;
}

function missingIn(fields) {
  if (!fields.host.trim()) return "Name the host.";
  if (fields.what === "order" && !(fields.source.trim() && fields.order.trim())) return "Name the source and the order.";
  if (fields.what === "missing" && !fields.paid) return "Say when it was paid.";
  if (fields.what === "missing" && fields.amount.trim() && !isAmount(fields.amount)) return "The amount is not one, such as 20.00.";
  return fields.reason.trim() ? "" : "Give a reason.";
}
