// What the tabs of the money page share: who there is to choose from, ids of what is made, differences.

import { pathOf } from "../../api.js";
import { useData } from "../../data.js";
import { TextField } from "../../ui/form.js";
import { classes, html, useId, useMemo } from "../../ui/html.js";
import { momentOf } from "../../ui/zones.js";

const CHOICES_MAX = 30;

/** Who is in the roster, guests too: `{hosts, teams, stores}`, each `{rows, names}`; `names` by id. */
export function usePeople(event) {
  const { data } = useData(pathOf("v1/events", event, "roster"));
  return useMemo(() => {
    const teams = listed(data?.teams);
    const hosts = (data?.hosts ?? []).map((host) => ({ ...host, team_name: teams.names.get(host.team) }));
    return { hosts: listed(hosts), teams, stores: listed(data?.stores) };
  }, [data]);
}

const listed = (rows = []) => ({ rows, names: new Map(rows.map((row) => [row.id, row.name || row.id])) });

const described = (row) => [row.name || row.id, row.team_name || row.team].filter(Boolean).join(" · ");

/** A host's (or team's) id, found by its name too; says whose id it is. */
export function RowField({ rows, hint, ...rest }) {
  const id = useId();
  const typed = rest.value.trim().toLowerCase();
  const known = rows.find((row) => row.id === rest.value.trim());
  const fitting = [];
  for (const row of rows) {
    if (fitting.length === CHOICES_MAX) break;
    if (`${row.id} ${row.name ?? ""}`.toLowerCase().includes(typed)) fitting.push(row);
  }
  return html`<${TextField} ...${rest} hint=${known ? described(known) : hint} list=${id} autocomplete="off" spellcheck=${false} />
    <datalist id=${id}>
      ${fitting.map((row) => html`<option key=${row.id} value=${row.id}>${described(row)}</option>`)}
    </datalist>`;
}

/** How often lists that others change too are read again. No channel that every key may follow tells of each entry. */
export const AGAIN = { everyMs: 4000 };

/** An id for something new: the word, the day, and what makes it unique. */
export function newId(word) {
  const day = new Date().toISOString().slice(0, 10).replaceAll("-", "");
  const random = Array.from(crypto.getRandomValues(new Uint8Array(3)), (byte) => byte.toString(16).padStart(2, "0"));
  return `${word}-${day}-${random.join("")}`;
}

/** A link to an order's page. */
export const orderAddress = (event, order) =>
  `#/${["events", event, "orders", order.source, order.id].map(encodeURIComponent).join("/")}`;

/** Before, after, and which way; `words` for who does not see arrows. */
export function Change({ before, after, isUp, isDown }) {
  return html`<span class="change">
    <span>${before} <span aria-hidden="true">→</span><span class="unseen"> becomes </span></span> <strong class=${classes(isUp && "gained", isDown && "lost")}>${after}</strong>
  </span>`;
}

/** A time of a `datetime-local` field, on the clock of the event, as the API takes it; undefined for an empty one. */
export const instant = (text, zone) => (text ? momentOf(text, zone) : undefined);

export const zoneHint = (zone) => `On the clock of the event, ${zone}.`;
