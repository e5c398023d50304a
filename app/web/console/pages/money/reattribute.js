// Orders credited to the wrong host: which, to whom, why; seen before it is written.

import { pathOf, post } from "../../api.js";
import { whyNot } from "../../session.js";
import { Button, useAction } from "../../ui/button.js";
import { SelectField, TextField, complaint, useFields } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { ErrorNote } from "../../ui/states.js";
import { toast } from "../../ui/toast.js";
import { RowField, instant, newId, zoneHint } from "./parts.js";
import { Preview } from "./preview.js";

const NOTHING = { which: "one", source: "", order: "", host: "", code: "", session: "", from: "", to: "", kind: "hosts", reason: "" };
const KINDS = [
  ["hosts", "Other hosts"],
  ["house", "Nobody (House)"],
  ["team", "The same hosts, in the team that the roster gives them now"],
];

/** The API's body for what is in the form, without id. */
function bodyOf(fields, sellers, zone) {
  const chosen = sellers.filter((seller) => seller.host.trim());
  const to = {
    hosts: chosen.map((seller) => ({ host: seller.host.trim(), weight: Number(seller.weight) || 1 })),
    house: [{ host: "House" }],
    team: [],
  }[fields.kind];
  const text = (name) => fields[name].trim() || undefined;
  const filter = {
    host: text("host"),
    source: text("source"),
    code: text("code"),
    session: text("session"),
    paid_from: instant(fields.from, zone),
    paid_to: instant(fields.to, zone),
  };
  const which = fields.which === "one" ? { orders: [{ source: text("source"), id: text("order") }] } : { filter };
  return { ...which, to, reason: fields.reason.trim() };
}

function missingIn(fields, sellers) {
  if (fields.which === "one" && !(fields.source.trim() && fields.order.trim())) return "Name the source and the order.";
  const given = ["host", "source", "code", "session", "from", "to"].some((name) => fields[name].trim());
  if (fields.which === "many" && !given) return "Say which orders: give at least one of the fields.";
  if (fields.kind === "hosts" && !sellers.some((seller) => seller.host.trim())) return "Name who is to have them.";
  return fields.reason.trim() ? "" : "Give a reason.";
}

export function Reattribute({ event, state, currency, hosts, teams, query, done }) {
  const [fields, set] = useFields({ ...NOTHING, source: query.source ?? "", order: query.order ?? "", reason: query.reason ?? "" });
  const [sellers, sell] = useState([{ host: query.host ?? "", weight: "1" }]);
  const [id, renew] = useState(() => newId("fix"));
  const [shown, show] = useState(null);
  const path = pathOf("v1/events", event, "reattributions");
  const preview = useAction(async () => {
    const body = { id, ...bodyOf(fields, sellers, state.timezone) };
    show({ body, found: await post(path, { ...body, preview: true }) });
  });
  const lacks = whyNot(["finance"]);
  const why = lacks || missingIn(fields, sellers);
  const submitted = (submit) => {
    submit.preventDefault();
    if (!why) preview.run();
  };
  const made = (answer) => {
    show(null);
    toast(answer.state === "waiting" ? "It waits for a second person." : "The correction is made.");
    for (const [name, value] of Object.entries(NOTHING)) if (name !== "source") set(name)(value);
    sell([{ host: "", weight: "1" }]);
    renew(newId("fix"));
    done();
  };
  const error = (name) => complaint(preview.problem, name);
  return html`<section class="card" aria-labelledby="reattribute">
    <header><h2 id="reattribute">Correct who earned orders</h2></header>
    <form class="spaced" onSubmit=${submitted}>
      <${Which} ...${{ fields, set, hosts, error }} zone=${state.timezone} />
      <${ToWhom} ...${{ fields, set, hosts, sellers, sell, error }} />
      <${TextField}
        label="Reason"
        hint="It is written into the journal, beside your name."
        value=${fields.reason}
        onChange=${set("reason")}
        maxLength=${500}
        error=${error("reason")}
      />
      <${ErrorNote} problem=${preview.problem} />
      <div class="actions">
        <span class="muted">Nothing is written before you have seen what it changes.</span>
        <${Button} type="submit" kind="main" isBusy=${preview.isBusy} why=${why}>Preview…<//>
      </div>
    </form>
    ${shown && html`<${Preview} ...${{ path, currency, hosts, teams, shown, close: () => show(null), made, event }} />`}
  </section>`;
}

function Which({ fields, set, hosts, error, zone }) {
  const field = (name, label, more) =>
    html`<${TextField} ...${{ label, value: fields[name], onChange: set(name), error: error(`filter.${name}`), autocomplete: "off", ...more }} />`;
  const choice = (value, label) => html`<label class="radio">
    <input type="radio" name="which" checked=${fields.which === value} onChange=${() => set("which")(value)} />${label}
  </label>`;
  return html`<fieldset>
    <legend>Which orders</legend>
    <div class="radios">${choice("one", "One order")}${choice("many", "All that are like this")}</div>
    ${fields.which === "one"
      ? html`<div class="fields">
          ${field("source", "Source", { hint: "Which shop it came from.", error: error("orders") })}
          ${field("order", "Order", { hint: "The shop's own id of the order." })}
        </div>`
      : html`<div class="fields">
          <${RowField} label="Host who has them now" rows=${hosts.rows} value=${fields.host} onChange=${set("host")} error=${error("filter")} />
          ${field("code", "Discount code")} ${field("session", "Session")} ${field("source", "Source")}
          ${field("from", "Paid from", { type: "datetime-local", hint: zoneHint(zone) })}
          ${field("to", "Paid before", { type: "datetime-local", hint: zoneHint(zone) })}
        </div>
        <p class="hint">An order has to fit all that is given. At most 500 are corrected at once.</p>`}
  </fieldset>`;
}

function ToWhom({ fields, set, hosts, sellers, sell, error }) {
  const change = (index, name) => (value) =>
    sell((now) => now.map((seller, place) => (place === index ? { ...seller, [name]: value } : seller)));
  const host = (seller, index, label) =>
    html`<${RowField} ...${{ label, rows: hosts.rows, value: seller.host, onChange: change(index, "host"), hint: "An id, or begin a name." }} />`;
  const isToHosts = fields.kind === "hosts";
  const isAlone = sellers.length === 1;
  return html`<fieldset>
    <legend>To whom</legend>
    <div class="fields">
      <${SelectField} label="They are credited to" choices=${KINDS} value=${fields.kind} onChange=${set("kind")} error=${error("to")} />
      ${isToHosts && isAlone && host(sellers[0], 0, "Host")}
    </div>
    ${isToHosts &&
    !isAlone &&
    sellers.map(
      (seller, index) => html`<div class="seller" key=${index}>
        ${host(seller, index, `Host ${index + 1}`)}
        <${TextField} label="Weight" type="number" min="1" value=${seller.weight} onChange=${change(index, "weight")} />
        <${Button} kind="quiet" act=${() => sell((now) => now.filter((_, place) => place !== index))}>
          Remove<span class="unseen"> host ${index + 1}</span>
        <//>
      </div>`,
    )}
    ${isToHosts &&
    sellers.length < 20 &&
    html`<div><${Button} act=${() => sell((now) => [...now, { host: "", weight: "1" }])}>Share with another host<//></div>`}
  </fieldset>`;
}
