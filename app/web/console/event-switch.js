// Which event the console is at, and the way to another one (Ctrl+K).

import { useList } from "./data.js";
import { address } from "./router.js";
import { may } from "./session.js";
import { Dialog } from "./ui/dialog.js";
import { time } from "./ui/format.js";
import { html, useEffect, useMemo, useState } from "./ui/html.js";
import { Icon } from "./ui/icons.js";
import { Empty, ErrorNote, Loading, Status } from "./ui/states.js";

const SHOWN_MAX = 50;
const ORDER = ["live", "paused", "scheduled", "draft", "ended", "final"];

export function EventSwitch({ event, state }) {
  const [isOpen, open] = useState(false);
  const mayList = may(["ops"]);
  useEffect(() => {
    if (!mayList) return undefined;
    const pressed = (key) => {
      if (key.key.toLowerCase() !== "k" || !(key.ctrlKey || key.metaKey) || document.querySelector("dialog[open]")) return;
      key.preventDefault();
      open(true);
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [mayList]);
  const name = event ? state?.event_name || event : "Choose an event";
  const inside = html`<span class="event-name">${name}</span><${Status} of=${state?.status} />`;
  if (!mayList) return html`<div class="event-switch">${inside}</div>`;
  return html`<button type="button" class="event-switch" aria-haspopup="dialog" title="Choose an event (Ctrl+K)" onClick=${() => open(true)}>
      ${inside}<${Icon} name="down" />
    </button>
    ${isOpen && html`<${Choice} close=${() => open(false)} here=${event} />`}`;
}

/** Events whose id or name holds the text; those that run first, then the newest. */
export function chosenEvents(events, text) {
  const wanted = text.trim().toLowerCase();
  const fitting = events.filter((event) => `${event.id} ${event.name}`.toLowerCase().includes(wanted));
  const place = (event) => ORDER.indexOf(event.status);
  return fitting.sort((a, b) => place(a) - place(b) || b.starts_at.localeCompare(a.starts_at));
}

function Choice({ close, here }) {
  const { rows, isLoading, problem, hasMore, more, reload } = useList("v1/events", { limit: 100 }, "events");
  const [text, type] = useState("");
  useEffect(() => {
    if (hasMore && !isLoading) more();
  });
  const found = useMemo(() => chosenEvents(rows, text), [rows, text]);
  const submitted = (event) => {
    event.preventDefault();
    if (!found.length) return;
    location.hash = address("events", found[0].id, "live");
    close();
  };
  return html`<${Dialog} title="Choose an event" close=${close}>
    <form onSubmit=${submitted}>
      <input
        class="search"
        type="search"
        autofocus
        aria-label="Name or id of an event"
        placeholder="Name or id"
        value=${text}
        onInput=${(event) => type(event.target.value)}
      />
    </form>
    <${ErrorNote} problem=${problem} retry=${reload} />
    <ul class="choices">
      ${found.slice(0, SHOWN_MAX).map(
        (event) => html`<li key=${event.id}>
          <a href=${address("events", event.id, "live")} onClick=${close} aria-current=${event.id === here ? "true" : undefined}>
            <span><strong>${event.name}</strong><span class="muted">${event.id} · ${time(event.starts_at, "day", event.timezone)}</span></span>
            <${Status} of=${event.status} />
          </a>
        </li>`,
      )}
    </ul>
    ${isLoading && html`<${Loading} label="Loading events" />`}
    ${!isLoading && !problem && !found.length && html`<${Empty} title=${rows.length ? "No event has this name" : "There is no event yet"} />`}
    ${found.length > SHOWN_MAX && html`<p class="muted">${found.length - SHOWN_MAX} more: type a part of the name.</p>`}
  <//>`;
}
