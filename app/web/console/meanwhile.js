// What others did to an event while a question was being read, so that nobody confirms what is no longer so.

import { useData } from "./data.js";
import { useChannel } from "./live.js";
import { html, useEffect, useMemo, useRef, useState } from "./ui/html.js";
import { Time } from "./ui/format.js";
import { Note } from "./ui/states.js";

const DONE = {
  "event.moved": () => "moved the event on",
  "rules.changed": () => "changed the rules",
  "roster.changed": () => "changed the roster",
  "session.started": (session) => `started the session ${session}`,
  "session.changed": (session) => `changed who is in the session ${session}`,
  "session.ended": (session) => `ended the session ${session}`,
  "product.pinned": (session, _, sku) => `pinned ${sku} in ${session}`,
  "product.unpinned": (session, _, sku) => `took ${sku} off ${session}`,
  "offer.started": (offer) => `started the offer ${offer}`,
  "offer.ended": (offer) => `ended the offer ${offer}`,
  "goal.set": (goal, what) => (what === "ended" ? `ended the goal ${goal}` : `set the goal ${goal}`),
  "announcement.made": (told, what) => (what === "withdrawn" ? `withdrew the announcement ${told}` : `announced ${told}`),
  "correction.opened": (correction) => `asked for the correction ${correction}`,
  "correction.closed": (correction) => `decided the correction ${correction}`,
};

/** What an entry did in words, "" for one that nobody did by hand. Its key names what it is about. */
export function deed(entry) {
  const say = DONE[entry.kind];
  if (!say) return "";
  const [, first = "", second = "", ...rest] = entry.key.split(":");
  return say(first, second, rest.join(":")).trim();
}

/** What the server says was done since: a refusal that is about nothing but that. */
export function Changed({ problem }) {
  const actor = useActors();
  return html`<div class="note bad" role="alert">
    <div>
      <strong>Something was done meanwhile, so nothing is written yet. Look at it, and press again if you still want to.</strong>
      <ul class="listed">
        ${(problem.document.changes ?? []).map((row) => {
          const [from, to] = row.kind === "event.moved" ? [row.from, row.to] : [];
          return html`<li key=${row.position}>
            <${Time} at=${row.recorded_at} how="time" /> ${row.person || actor(row.actor)} ${to ? `moved the event from ${from} to ${to}` : deed({ key: "", ...row })}${row.reason ? `: ${row.reason}` : "."}
          </li>`;
        })}
      </ul>
    </div>
  </div>`;
}

/** Names of who acts, by what the journal calls them; a key's is the person that it was made for. */
export function useActors() {
  const { data } = useData("v1/keys");
  return useMemo(() => {
    const names = new Map((data?.keys ?? []).map((key) => [`key:${key.id}`, key.person]));
    names.set("key:admin", "The administrator").set("schedule", "The schedule");
    return (actor) => names.get(actor) ?? actor;
  }, [data]);
}

/** Deeds of the event as they come, the newest first; as many as `most` are kept. */
export function useDeeds(event, most = 30) {
  const { document } = useChannel(`${event}/ops`);
  const kept = useRef(new Map());
  const [deeds, change] = useState([]);
  useEffect(() => {
    if (!document) return;
    // The channel tells the last entries only, and orders push the deeds out of it.
    for (const row of document.rows) if (deed(row)) kept.current.set(row.position, row);
    const newest = [...kept.current.values()].sort((a, b) => b.position - a.position).slice(0, most);
    kept.current = new Map(newest.map((row) => [row.position, row]));
    change(newest);
  }, [document]);
  return { deeds, position: document?.position ?? null };
}

/** What was done since this came onto the screen; nothing where nothing was. */
export function Meanwhile({ event }) {
  const { deeds, position } = useDeeds(event);
  const actor = useActors();
  const since = useRef(null);
  since.current ??= position;
  const done = deeds.filter((row) => row.position > since.current);
  return html`<div role="status">
    ${done.length > 0 &&
    html`<${Note} tone="warn">
      <div>
        <strong>Meanwhile</strong>
        <ul class="listed">
          ${done.map((row) => html`<li key=${row.position}><${Time} at=${row.recorded_at} how="time" /> ${actor(row.actor)} ${deed(row)}.</li>`)}
        </ul>
      </div>
    <//>`}
  </div>`;
}
