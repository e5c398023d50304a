// The live desk: what sells now, who leads, what waits for somebody.

import { useChannel } from "../live.js";
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

export default function LiveDesk({ event, state }) {
  const desk = useChannel(`${event}/desk`);
  const viewers = useChannel(`${event}/viewers`);
  const isOps = may(["ops", "audit"]);
  const ops = useChannel(isOps ? `${event}/ops` : null);
  const isFresh = desk.document && desk.document.orders === 0;
  const showing = { event, state, desk, viewers };
  return html`<${Head} event=${event} state=${state} />
    ${isFresh && may(["ops"]) && html`<${FirstSteps} event=${event} state=${state} hosts=${ops.document?.hosts} />`}
    <${Tiles} ...${showing} />
    <div class="desk">
      <div class="stack">
        ${isOps ? html`<${Minutes} ...${showing} />` : html`<p class="muted">${whyNot(["ops", "audit"])} So the minutes are not shown.</p>`}
        <${Boards} ...${showing} />
        <${Goals} state=${state} />
      </div>
      <div class="stack">
        <${Alerts} event=${event} ops=${ops.document} />
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

function phase(state, now) {
  const starts = `starts ${ago(state.starts_at, now)}`;
  const ends = `ends ${ago(state.ends_at, now)}`;
  return { draft: starts, scheduled: starts, live: ends, paused: ends }[state.status] ?? `ended ${ago(state.ends_at, now)}`;
}
