// The live desk: what sells now, who leads, what waits for somebody.

import { PAGES } from "../pages.js";
import { address } from "../router.js";
import { may, whyNot } from "../session.js";
import { ago } from "../ui/format.js";
import { html } from "../ui/html.js";
import { useNow } from "../ui/now.js";
import { Loading, Status } from "../ui/states.js";
import { Alerts } from "./desk/alerts.js";
import { Boards } from "./desk/boards.js";
import { Feed } from "./desk/feed.js";
import { FirstSteps } from "./desk/first-steps.js";
import { Goals } from "./desk/goals.js";
import { Minutes } from "./desk/minutes.js";
import { OnAir } from "./desk/on-air.js";
import { Tiles } from "./desk/tiles.js";

// Each part follows what it shows: a sale draws the parts that it changes, and not the whole desk.
export default function LiveDesk({ event, state }) {
  const isOps = may(["ops", "audit"]);
  const showing = { event, state };
  return html`<${Head} ...${showing} />
    ${may(["ops"]) && html`<${FirstSteps} ...${showing} />`}
    <${Tiles} event=${event} />
    <div class="desk">
      <div class="stack">
        ${isOps ? html`<${Minutes} ...${showing} />` : html`<p class="muted">${whyNot(["ops", "audit"])} So the minutes are not shown.</p>`}
        <${Boards} event=${event} />
        <${Goals} state=${state} />
      </div>
      <div class="stack">
        <${Alerts} event=${event} />
        <${OnAir} ...${showing} />
        <${Feed} ...${showing} />
      </div>
    </div>`;
}

function Head({ event, state }) {
  const now = useNow(1000);
  if (!state) return html`<div class="page-head"><h1>${event}</h1><${Loading} lines=${1} /></div>`;
  const shows = PAGES.some((page) => page.path === "events/:event/show");
  return html`<div class="page-head">
    <h1>${state.event_name}</h1>
    <${Status} of=${state.status} />
    <span class="muted">${phase(state, now)}</span>
    ${shows && html`<div class="end"><a class="button" href=${address("events", event, "show")}>Run of show</a></div>`}
  </div>`;
}

/** What comes next, by its time; an event that nobody moved on in time is behind it. */
function phase(state, now) {
  const told = (at, word) => `${Date.parse(at) > now ? word : `was to ${word.slice(0, -1)}`} ${ago(at, now)}`;
  if (state.status === "draft" || state.status === "scheduled") return told(state.starts_at, "starts");
  if (state.status === "live" || state.status === "paused") return told(state.ends_at, "ends");
  return `ended ${ago(state.ends_at, now)}`;
}
