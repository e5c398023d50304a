// How far the goals have come, and what is announced; nothing while there are none.

import { count, measured, share, Time } from "../../ui/format.js";
import { html } from "../../ui/html.js";
import { Badge } from "../../ui/states.js";

const UNITS = { net_sales: "money", gross_sales: "money" };

export function Goals({ state }) {
  const goals = state?.goals ?? [];
  const announcements = state?.announcements ?? [];
  if (!goals.length && !announcements.length) return null;
  return html`<section class="card" aria-label="Goals and announcements">
    ${goals.length > 0 && html`<header><h2>Goals</h2></header>`}
    <ul class="on-air">
      ${goals.map((goal) => html`<${Goal} key=${goal.id} goal=${goal} unit=${state.unit} zone=${state.timezone} />`)}
    </ul>
    ${announcements.length > 0 && html`<h2 class="announced">Announced</h2>`}
    <ul class="on-air">
      ${announcements.map(
        (each) => html`<li key=${each.id}>
          <span>${each.text}</span>
          <span class="muted"><${Time} at=${each.made_at} how="minute" zone=${state.timezone} />${each.until && html` until <${Time} at=${each.until} how="minute" zone=${state.timezone} />`}</span>
        </li>`,
      )}
    </ul>
  </section>`;
}

function Goal({ goal, unit, zone }) {
  // Only the bar is drawn with floats.
  const part = Math.max(0, Math.min(1, Number(goal.value) / Number(goal.target)));
  const show = (value) => (UNITS[goal.measure] ? measured(value, unit) : count(value));
  return html`<li>
    <div class="split">
      <strong>${goal.title || goal.id}</strong>
      ${goal.reached_at ? html`<${Badge} tone="good">reached <${Time} at=${goal.reached_at} how="minute" zone=${zone} /><//>` : html`<span>${share(Math.floor(part * 1000) / 1000)}</span>`}
    </div>
    <progress max="1" value=${part} aria-label=${goal.title || goal.id}></progress>
    <span class="muted">${show(goal.value)} of ${show(goal.target)}${goal.target_id && ` · ${goal.of} ${goal.target_id}`}</span>
  </li>`;
}
