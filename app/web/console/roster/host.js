// One host, added or changed: only what is changed is sent, and what it means is said before.

import { pathOf, put } from "../api.js";
import { Meanwhile } from "../meanwhile.js";
import { RosterBox, useExact } from "../roster-data.js";
import { Ask } from "../ui/ask.js";
import { SelectField, TextField, complaint, useFields } from "../ui/form.js";
import { time } from "../ui/format.js";
import { html, useState } from "../ui/html.js";

const STATUSES = [
  ["active", "Active: has a row on boards"],
  ["guest", "Guest: sells without a row"],
  ["hidden", "Hidden: sells without a row"],
  ["banned", "Banned: sells without a row"],
];
const FIELDS = ["name", "team", "store", "segment", "status", "codes", "commission", "picture", "link"];
const NOBODY = { id: "", name: "", team: "", store: "", segment: "", status: "active", codes: [], commission_bps: 0, memberships: [] };
const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** Hundredths of a percent from what somebody typed ("8", "8,25"); null if it is none. */
export function bpsOf(text) {
  const given = text.trim().replace(",", ".");
  if (!/^\d{1,3}([.]\d{1,2})?$/.test(given)) return null;
  const [whole, rest = ""] = given.split(".");
  const bps = Number(whole) * 100 + Number(rest.padEnd(2, "0"));
  return bps <= 10_000 ? bps : null;
}

const percentOf = (bps) => String((bps ?? 0) / 100);

function formOf(host) {
  const { name = "", team, store, segment, status, picture = "", link = "" } = host;
  return { id: host.id, name, team: team ?? "", store: store ?? "", segment: segment ?? "", status, codes: host.codes.join(" "), commission: percentOf(host.commission_bps), picture, link };
}

/** What is sent: the members that are another than before. */
export function changesOf(before, values) {
  const changed = {};
  for (const field of FIELDS) {
    if (values[field].trim() === before[field]) continue;
    if (field === "codes") changed.codes = values.codes.split(/\s+/).filter(Boolean);
    else if (field === "commission") changed.commission_bps = bpsOf(values.commission);
    else changed[field] = values[field].trim();
  }
  return changed;
}

/** `position` is that of what the reader saw. */
export function HostAsk({ event, state, position, host, close, reload }) {
  const isNew = !host;
  const before = formOf(host ?? NOBODY);
  const [values, set] = useFields(before);
  const id = values.id.trim();
  const changed = changesOf(before, values);
  const named = values.name.trim() || id;
  // What comes into being with this host, and whether its id is free: the server knows.
  const known = { host: useExact(event, "hosts", isNew && ID.test(id) ? id : ""), team: useExact(event, "teams", changed.team ?? ""), store: useExact(event, "stores", changed.store ?? "") };
  const missing = whyNot({ isNew, id, values, changed, known });
  const [seen] = useState(position);
  const act = async ({ expected }) => {
    const teams = changed.team && !known.team.row ? [{ id: changed.team }] : [];
    const stores = changed.store && !known.store.row ? [{ id: changed.store }] : [];
    await put(pathOf("v1/events", event, "roster"), { teams, stores, hosts: [{ id, ...changed }] }, { params: { expected_position: expected } });
    reload();
  };
  return html`<${Ask}
    title=${isNew ? "Add a host" : `Change ${host.name ?? host.id}`}
    action=${isNew ? "Add" : "Save"}
    size="large"
    ...${{ close, act, missing }}
    expected=${seen}
    changes=${missing ? [] : sentences({ isNew, id, named, changed, before, known, state })}
    said=${() => (isNew ? `${named} is in the roster.` : `${named} is changed.`)}
    notice=${html`<${Meanwhile} event=${event} />`}
  >
    ${(problem) => html`<${Fields} ...${{ event, isNew, values, set, host, zone: state.timezone }} error=${(name) => complaint(problem, `hosts[0].${name}`)} />`}
  <//>`;
}

function whyNot({ isNew, id, values, changed, known }) {
  if (isNew && !ID.test(id)) return "Give an id: letters, digits, dots, - and _, at most 64.";
  if (known.host.row) return "This id is in the roster already.";
  if (bpsOf(values.commission) === null) return "Commission is a number of per cent, 0 to 100, with two decimals at most.";
  if (changed.team && !ID.test(changed.team)) return "A team has an id: letters, digits, dots, - and _.";
  if (changed.store && !ID.test(changed.store)) return "A store has an id: letters, digits, dots, - and _.";
  const asked = Object.values(known);
  const problem = asked.find((one) => one.problem)?.problem;
  if (problem) return problem.message;
  if (asked.some((one) => one.isLoading)) return "What the roster has of this is being looked up.";
  return !isNew && !Object.keys(changed).length ? "Nothing is changed yet." : "";
}

function sentences({ isNew, id, named, changed, before, known, state }) {
  const told = [];
  if (isNew) told.push(`${named} is a host of this event from its start on, under the id ${id}.`);
  if (changed.team !== undefined) {
    const where = changed.team ? `in ${known.team.row?.title ?? changed.team}` : "in no team";
    const since = isNew || state.status === "draft" || state.status === "scheduled" ? "from the start of the event" : "for what is paid from now on";
    told.push(`${named} sells ${where} ${since}.`);
    if (!isNew) told.push("What was credited before stays with the team it was credited to.");
    if (changed.team && !known.team.row) told.push(`The team ${changed.team} is new.`);
  }
  if (changed.store && !known.store.row) told.push(`The store ${changed.store} is new.`);
  if (changed.name !== undefined && !isNew) told.push(`Boards, overlays and pages say “${changed.name || id}” in place of “${before.name || id}” at once.`);
  if (changed.codes) told.push(changed.codes.length ? `Orders with ${changed.codes.join(", ")} are credited to ${named} from now on.` : `No code leads to ${named} any more.`);
  if (changed.status) told.push(changed.status === "active" ? `${named} has a row on the host boards.` : `${named} sells on, without a row on the host boards; viewers do not see the name.`);
  if (changed.commission_bps !== undefined) told.push(`Commission is ${percentOf(changed.commission_bps)} %.`);
  if (["store", "segment", "picture", "link"].some((field) => changed[field] !== undefined)) told.push("What else is filled in holds from now on.");
  return told;
}

function Fields({ event, isNew, values, set, host, zone, error }) {
  const memberships = host?.memberships ?? [];
  return html`<div class="fields">
      ${isNew && html`<${TextField} label="Id" hint="Stays for good; shops name the host by it." value=${values.id} onChange=${set("id")} maxLength=${64} error=${error("id")} autofocus />`}
      <${TextField} label="Name" dir="auto" value=${values.name} onChange=${set("name")} maxLength=${120} error=${error("name")} />
      <${Choice} event=${event} label="Team" list="teams" name=${host?.teamName} value=${values.team} onChange=${set("team")} error=${error("team")} />
      <${Choice} event=${event} label="Store" list="stores" name=${host?.storeName} value=${values.store} onChange=${set("store")} error=${error("store")} />
      <${TextField} label="Codes" hint="Discount codes, separated by spaces." value=${values.codes} onChange=${set("codes")} error=${error("codes")} />
      <${TextField} label="Commission in %" inputmode="decimal" value=${values.commission} onChange=${set("commission")} error=${error("commission_bps")} />
      <${SelectField} label="Status" value=${values.status} onChange=${set("status")} choices=${STATUSES} error=${error("status")} />
      <${TextField} label="Segment" hint="Any word to group hosts by." value=${values.segment} onChange=${set("segment")} maxLength=${64} error=${error("segment")} />
      <${TextField} label="Picture" hint="Address of a picture, https://…" type="url" value=${values.picture} onChange=${set("picture")} error=${error("picture")} />
      <${TextField} label="Link" hint="Where the host can be found." type="url" value=${values.link} onChange=${set("link")} error=${error("link")} />
    </div>
    ${memberships.length > 1 &&
    html`<details class="history">
      <summary>Teams over time</summary>
      <ul class="listed">
        ${memberships.map((one) => html`<li key=${one.from}>${one.team ? one.teamName : "no team"} from ${time(one.from, "moment", zone)}</li>`)}
      </ul>
    </details>`}`;
}

/** A team or store by name; an id that is not there yet makes a new one. */
function Choice({ event, list, label, name, value, onChange, error }) {
  const none = [{ id: "", name: `No ${label.toLowerCase()}`, note: " " }];
  return html`<${RosterBox} ...${{ event, list, label, name, value, error }} options=${none} keeps creates=${label.toLowerCase()} onPick=${(option) => onChange(option.id)} />`;
}
