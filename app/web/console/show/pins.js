// Products that a session shows: pinned, taken off.

import { pathOf, post } from "../api.js";
import { Meanwhile } from "../meanwhile.js";
import { Ask } from "../ui/ask.js";
import { TextField, complaint, useFields } from "../ui/form.js";
import { Time, money } from "../ui/format.js";
import { html, useId, useState } from "../ui/html.js";

const PRICE = /^\d{1,12}([.]\d{1,3})?$/;

/** An amount as the server takes it, from what somebody typed: "17", "17,50" or "17.50". "" for nothing. */
export const amountOf = (text) => text.trim().replace(",", ".");
export const isAmount = (text) => PRICE.test(amountOf(text));

/** The products of a session, the latest first, each with a way to take it off. */
export function Pins({ event, state, session }) {
  const [off, ask] = useState(null);
  if (!session.pins.length) return html`<p class="muted">No product is pinned.</p>`;
  return html`<ul class="pins" aria-label=${`Pinned in ${session.id}`}>
      ${session.pins.map(
        (pin, index) => html`<li key=${pin.sku} class=${index === 0 ? "first" : undefined}>
          <span class="product"><strong dir="auto">${pin.title ?? pin.sku}</strong>${pin.title && html`<span class="muted">${pin.sku}</span>`}</span>
          <span class="muted">${pin.price && money(pin.price, state.unit)} · <${Time} at=${pin.pinned_at} how="minute" zone=${state.timezone} /></span>
          <button type="button" class="close" aria-label=${`Take ${pin.title ?? pin.sku} off`} onClick=${() => ask(pin)}>×</button>
        </li>`,
      )}
    </ul>
    ${off && html`<${Unpin} ...${{ event, session, pin: off, close: () => ask(null) }} />`}`;
}

function Unpin({ event, session, pin, close }) {
  return html`<${Ask}
    title=${`Take “${pin.title ?? pin.sku}” off?`}
    action="Take it off"
    close=${close}
    act=${() => post(`${pathOf("v1/events", event, "pins", pin.sku)}/unpin`, { session: session.id })}
    changes=${[
      `Overlays of “${session.id}” show it no more.`,
      `Orders of ${pin.sku} that name nobody are no longer credited to “${session.id}”, if paid from now on.`,
    ]}
    said=${() => `${pin.sku} is taken off.`}
    notice=${html`<${Meanwhile} event=${event} />`}
  />`;
}

/** Products that were named before, to choose from. */
export function SkuField({ state, ...rest }) {
  const id = useId();
  const known = new Set([...state.rows.flatMap((row) => row.pins.map((pin) => pin.sku)), ...state.offers.map((offer) => offer.sku)]);
  return html`<${TextField} label="SKU" hint="As the shop names the product." maxLength=${100} list=${id} autocomplete="off" ...${rest} />
    <datalist id=${id}>${[...known].map((sku) => html`<option key=${sku} value=${sku}></option>`)}</datalist>`;
}

export function PinAsk({ event, state, session, close }) {
  const [values, set] = useFields({ sku: "", title: "", price: "", code: "" });
  const sku = values.sku.trim();
  const isPinned = session.pins.some((pin) => pin.sku === sku);
  const others = state.rows.filter((row) => row.id !== session.id && row.pins.some((pin) => pin.sku === sku));
  const act = () => {
    const shown = { title: values.title.trim(), price: amountOf(values.price), code: values.code.trim() };
    const given = Object.fromEntries(Object.entries(shown).filter(([, text]) => text));
    return post(pathOf("v1/events", event, "pins"), { session: session.id, sku, ...given });
  };
  const missing = !sku ? "Enter the SKU."
    : isPinned ? "It is pinned already. Take it off first to show it in another way."
    : values.price && !isAmount(values.price) ? "Write the price as a number, such as 17.50." : "";
  const changes = sku && !missing ? [
    `Overlays of “${session.id}” show ${values.title.trim() || sku} as its product.`,
    `Orders of ${sku} that name no host, code or session are credited to “${session.id}” from now on.`,
    ...others.map((row) => `It is pinned in “${row.id}” too; the latest pin gets such an order.`),
  ] : [];
  return html`<${Ask}
    title=${`Pin a product in “${session.id}”`}
    action="Pin it"
    ...${{ close, act, changes, missing }}
    said=${() => `${sku} is pinned in “${session.id}”.`}
    notice=${html`<${Meanwhile} event=${event} />`}
  >
    ${(problem) => html`<div class="fields">
      <${SkuField} state=${state} value=${values.sku} onChange=${set("sku")} error=${complaint(problem, "sku")} autofocus />
      <${TextField} label="Title (optional)" hint="What viewers read." value=${values.title} onChange=${set("title")} maxLength=${120} error=${complaint(problem, "title")} />
      <${TextField} label=${`Price in ${state.unit} (optional)`} hint="Shown beside it; the shop says what is paid." inputmode="decimal" value=${values.price} onChange=${set("price")} error=${complaint(problem, "price")} />
      <${TextField} label="Code (optional)" hint="Shown with its QR code." value=${values.code} onChange=${set("code")} maxLength=${40} error=${complaint(problem, "code")} />
    </div>`}
  <//>`;
}
