// Run of show: what is on air, and everything that is done to it, each with what it will change.

import { serverNow, useNow } from "../clock.js";
import { useActors, useDeeds, deed } from "../meanwhile.js";
import { Announcements } from "../show/announcements.js";
import { Goals } from "../show/goals.js";
import { Life } from "../show/life.js";
import { Offers } from "../show/offers.js";
import { Sessions } from "../show/sessions.js";
import { Time, time } from "../ui/format.js";
import { html, useState } from "../ui/html.js";
import { Empty, Loading } from "../ui/states.js";

const DEEDS_SHOWN = 12;

export default function Show({ event, state }) {
  const [offer, startOffer] = useState(null);
  if (!state) return html`<${Loading} lines=${8} label="Loading the run of show" />`;
  return html`<div class="page-head">
      <h1>Run of show</h1>
      <span class="end muted"><${Clock} zone=${state.timezone} /></span>
    </div>
    <div class="stack">
      <${Life} ...${{ event, state }} />
      <div class="show-columns">
        <div class="stack">
          <${Sessions} ...${{ event, state, startOffer }} />
          <${Offers} ...${{ event, state, starting: offer, start: startOffer }} />
        </div>
        <div class="stack">
          <${Goals} ...${{ event, state }} />
          <${Announcements} ...${{ event, state }} />
          <${Done} ...${{ event, zone: state.timezone }} />
        </div>
      </div>
    </div>`;
}

/** The time where the event is: what every time on this page is in. */
function Clock({ zone }) {
  useNow();
  return html`<span title="All times here are in this zone">${time(new Date(serverNow()), "time", zone)} · ${zone}</span>`;
}

/** What was done last and by whom, so that two people see each other work. */
function Done({ event, zone }) {
  const { deeds } = useDeeds(event, DEEDS_SHOWN);
  const actor = useActors();
  return html`<section class="card" aria-label="What was done">
    <header><h2>What was done</h2></header>
    ${deeds.length === 0
      ? html`<${Empty} title="Nothing yet">Whoever does something here is named, with the time.<//>`
      : html`<ol class="done">
          ${deeds.map((row) => html`<li key=${row.position}><${Time} at=${row.recorded_at} how="time" zone=${zone} /><span><strong>${actor(row.actor)}</strong> ${deed(row)}</span></li>`)}
        </ol>`}
  </section>`;
}
