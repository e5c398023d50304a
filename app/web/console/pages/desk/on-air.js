// Who is on air, for how long, before how many, and with what in the picture.

import { useChannel } from "../../live.js";
import { clock, measured, plural, time } from "../../ui/format.js";
import { html } from "../../ui/html.js";
import { useNow } from "../../ui/now.js";
import { Badge } from "../../ui/states.js";

export function OnAir({ event, state }) {
  const viewers = useChannel(`${event}/viewers`);
  const now = useNow(1000);
  const watched = new Map((viewers.document?.rows ?? []).map((row) => [row.id, row.viewers]));
  const sessions = state?.rows ?? [];
  const offers = (state?.offers ?? []).filter((offer) => Date.parse(offer.ends_at) > now);
  return html`<section class="card" aria-label="On air">
    <header><h2>On air</h2>${sessions.length > 0 && html`<${Badge} tone="live">${plural(sessions.length, "session")}<//>`}</header>
    ${!sessions.length && html`<p class="muted">Nobody is on air.</p>`}
    <ul class="on-air">
      ${sessions.map(
        (session) => html`<li key=${session.id}>
          <div class="split">
            <strong>${session.hosts.map((host) => host.name || host.id).join(", ") || session.id}</strong>
            <span title=${`Since ${time(session.started_at, "full", state.timezone)}`}>${clock((now - Date.parse(session.started_at)) / 1000)}</span>
          </div>
          <div class="split muted">
            <span>${session.id}</span>
            <span>${plural(watched.get(session.id) ?? 0, "viewer")}</span>
          </div>
          ${session.pins.length > 0 && html`<p class="chips">${session.pins.map((pin) => html`<${Badge} key=${pin.sku} tone="info">${pin.sku}<//>`)}</p>`}
        </li>`,
      )}
    </ul>
    ${offers.length > 0 && html`<h3>Offers</h3>`}
    <ul class="on-air">
      ${offers.map((offer) => {
        const isOn = Date.parse(offer.starts_at) <= now;
        const left = (Date.parse(isOn ? offer.ends_at : offer.starts_at) - now) / 1000;
        return html`<li key=${offer.id} class="split">
          <span>${offer.sku} at <strong>${measured(offer.price, state.unit)}</strong></span>
          <span class="muted">${isOn ? "ends" : "begins"} in ${clock(left)}</span>
        </li>`;
      })}
    </ul>
  </section>`;
}
