// Offers: a price for a product until a time, counted down.

import { pathOf, post } from "../api.js";
import { Countdown, serverNow, useNow } from "../clock.js";
import { Meanwhile } from "../meanwhile.js";
import { Ask } from "../ui/ask.js";
import { Button } from "../ui/button.js";
import { SelectField, TextField, complaint, useFields } from "../ui/form.js";
import { money, time } from "../ui/format.js";
import { html, useRef, useState } from "../ui/html.js";
import { Badge, Empty } from "../ui/states.js";
import { SkuField, amountOf, isAmount } from "./pins.js";

const MINUTES = [5, 10, 15, 30, 60, 120];

export function Offers({ event, state, starting, start }) {
  const [ended, end] = useState(null);
  return html`<section class="card" aria-label="Offers">
    <header>
      <h2>Offers</h2>
      <${Badge}>${state.offers.length}<//>
      <span class="end"><${Button} act=${() => start({})} why=${whyNot(state)}>Start an offer…<//></span>
    </header>
    ${state.offers.length === 0
      ? html`<${Empty} title="No offer runs">An offer shows a price and counts it down. The shop says what is paid.<//>`
      : html`<ul class="lines">
          ${state.offers.map(
            (offer) => html`<li key=${offer.id}>
              <span class="grow"><strong dir="auto">${offer.sku}</strong> <span class="muted">${offer.id} · ${offer.session ? `in ${offer.session}` : "in the whole event"}</span></span>
              <strong>${money(offer.price, state.unit)}</strong>
              <${Left} offer=${offer} zone=${state.timezone} />
              <${Button} act=${() => end(offer)} aria-label=${`End the offer ${offer.id}`}>End…<//>
            </li>`,
          )}
        </ul>`}
    ${starting && html`<${StartOffer} ...${{ event, state, session: starting, close: () => start(null) }} />`}
    ${ended && html`<${EndOffer} ...${{ event, state, offer: ended, close: () => end(null) }} />`}
  </section>`;
}

/** How long an offer still runs, or when it begins. */
function Left({ offer, zone }) {
  if (Date.parse(offer.starts_at) > useNow()) return html`<span class="muted">from ${time(offer.starts_at, "minute", zone)}</span>`;
  return html`<span class="left"><${Countdown} until=${offer.ends_at} /></span>`;
}

function whyNot(state) {
  if (state.status === "draft") return "The event is a draft: schedule it first.";
  return state.status === "final" ? "The event is final." : "";
}

/** A name for an offer from its product and its end; another end is another offer. */
function nameOf(sku, endsAt) {
  const word = sku.replace(/[^A-Za-z0-9_.-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "").slice(0, 40) || "offer";
  return `${word}-${endsAt.toISOString().slice(5, 19).replace(/[-:T]/g, "")}`;
}

function StartOffer({ event, state, session, close }) {
  const [values, set] = useFields({ sku: session.pins?.[0]?.sku ?? "", session: session.id ?? "", price: "", minutes: "15" });
  const sku = values.sku.trim();
  const endsAt = () => new Date(serverNow() + Number(values.minutes) * 60_000);
  // An offer is known by its end, so that a second press after a lost answer means the same one.
  const said = useRef({ what: "", end: null });
  const act = () => {
    const what = JSON.stringify(values);
    if (said.current.what !== what) said.current = { what, end: endsAt() };
    const { end } = said.current;
    const given = { id: nameOf(sku, end), sku, price: amountOf(values.price), ends_at: end.toISOString() };
    return post(pathOf("v1/events", event, "offers"), values.session ? { ...given, session: values.session } : given);
  };
  const missing = !sku ? "Enter the SKU." : !isAmount(values.price) ? "Write the price as a number, such as 14.00." : "";
  const running = state.offers.filter((offer) => offer.sku === sku);
  const changes = missing ? [] : [
    `Overlays ${values.session ? `of “${values.session}” ` : "of every session "}show ${sku} for ${money(amountOf(values.price), state.unit)}, counted down to ${time(endsAt(), "minute", state.timezone)}.`,
    "No order changes by it: the shop has to sell at this price.",
    ...running.map((offer) => `The offer ${offer.id} of the same product goes on beside it, for ${money(offer.price, state.unit)}.`),
  ];
  return html`<${Ask}
    title="Start an offer"
    action="Start it"
    ...${{ close, act, changes, missing }}
    said=${() => `The offer of ${sku} runs.`}
    notice=${html`<${Meanwhile} event=${event} />`}
  >
    ${(problem) => html`<div class="fields">
      <${SkuField} state=${state} value=${values.sku} onChange=${set("sku")} error=${complaint(problem, "sku")} />
      <${TextField} label=${`Price in ${state.unit}`} inputmode="decimal" value=${values.price} onChange=${set("price")} error=${complaint(problem, "price")} />
      <${SelectField} label="Where" value=${values.session} onChange=${set("session")} choices=${[["", "The whole event"], ...state.rows.map((row) => [row.id, `Session ${row.id}`])]} />
      <${SelectField} label="For how long" value=${values.minutes} onChange=${set("minutes")} choices=${MINUTES.map((minutes) => [String(minutes), minutes < 60 ? `${minutes} minutes` : minutes === 60 ? "1 hour" : `${minutes / 60} hours`])} error=${complaint(problem, "ends_at")} />
    </div>`}
  <//>`;
}

function EndOffer({ event, state, offer, close }) {
  return html`<${Ask}
    title=${`End the offer of ${offer.sku}?`}
    action="End it now"
    kind="danger"
    close=${close}
    act=${() => post(pathOf("v1/events", event, "offers", offer.id, "end"), {})}
    changes=${[
      `Overlays stop showing ${offer.sku} for ${money(offer.price, state.unit)} now, and no longer at ${time(offer.ends_at, "minute", state.timezone)}.`,
      "It does not begin again. Another offer takes its place.",
    ]}
    said=${() => `The offer of ${offer.sku} is over.`}
    notice=${html`<${Meanwhile} event=${event} />`}
  />`;
}
