// Sessions on air: who is in them, what they show, what they have sold.

import { pathOf, post } from "../api.js";
import { Elapsed } from "../clock.js";
import { useChannel } from "../live.js";
import { Meanwhile } from "../meanwhile.js";
import { RosterBox } from "../roster-data.js";
import { Ask } from "../ui/ask.js";
import { Button } from "../ui/button.js";
import { TextField, complaint } from "../ui/form.js";
import { Time, count, money } from "../ui/format.js";
import { html, useState } from "../ui/html.js";
import { Badge, Empty } from "../ui/states.js";
import { PinAsk, Pins } from "./pins.js";

const HOSTS_MAX = 20;

export function Sessions({ event, state, startOffer }) {
  const [asked, ask] = useState(null);
  const close = () => ask(null);
  return html`<section class="card" aria-label="On air">
    <header>
      <h2>On air</h2>
      <${Badge} tone=${state.rows.length ? "live" : "plain"}>${state.rows.length}<//>
      <span class="end"><${Button} kind="main" act=${() => ask({ Form: StartSession })} why=${whyNoStart(state)}>Start a session…<//></span>
    </header>
    ${state.rows.length === 0 && html`<${Empty} title="Nobody is on air">Start a session when somebody goes on air: orders that name it are shared by its hosts.<//>`}
    <div class="airing">
      ${state.rows.map((session) => html`<${OnAir} key=${session.id} ...${{ event, state, session, ask, startOffer }} />`)}
    </div>
    ${asked && html`<${asked.Form} ...${{ event, state, close, ...asked }} />`}
  </section>`;
}

/** Why no session can be started now; "" if one can. */
function whyNoStart(state) {
  if (state.status === "draft") return "The event is a draft: schedule it first.";
  return state.status === "final" ? "The event is final." : "";
}

function OnAir({ event, state, session, ask, startOffer }) {
  const { document: sales } = useChannel(`${event}/sessions/${session.id}`);
  const weights = new Map((sales?.rows ?? []).map((row) => [row.id, row.weight]));
  const total = session.hosts.reduce((sum, host) => sum + (weights.get(host.id) ?? 1), 0);
  const open = (Form, more = {}) => () => ask({ Form, session, weights, ...more });
  return html`<article class="session" aria-label=${`Session ${session.id}`}>
    <header>
      <h3>${session.id}</h3>
      <span class="airtime"><i aria-hidden="true"></i><${Elapsed} since=${session.started_at} /></span>
      <span class="muted">since <${Time} at=${session.started_at} how="minute" zone=${state.timezone} /></span>
    </header>
    <ul class="people">
      ${session.hosts.map((host) => {
        const weight = weights.get(host.id) ?? 1;
        const part = sales && session.hosts.length > 1 && html`<span class="muted">${Math.round((weight / total) * 100)} %</span>`;
        return html`<li key=${host.id}><span dir="auto">${host.name}</span>${part}</li>`;
      })}
    </ul>
    <dl class="sold">
      <div><dt>Gross sales</dt><dd>${money(sales?.gross_sales, state.unit)}</dd></div>
      <div><dt>Orders</dt><dd>${count(sales?.orders)}</dd></div>
      <div><dt>Units</dt><dd>${count(sales?.units)}</dd></div>
    </dl>
    <${Pins} ...${{ event, state, session }} />
    <footer>
      <${Button} act=${open(PinAsk)}>Pin a product…<//>
      <${Button} act=${() => startOffer(session)}>Start an offer…<//>
      <${Button} act=${open(ChangeHosts)} why=${sales ? "" : "Its weights are being read."}>Change hosts…<//>
      <${Button} kind="danger" act=${open(EndSession)}>End…<//>
    </footer>
  </article>`;
}

/** A new name beside those that are there: "session-3". */
export function freeName(word, taken) {
  for (let number = taken.length + 1; ; number += 1) if (!taken.includes(`${word}-${number}`)) return `${word}-${number}`;
}

function StartSession({ event, state, close }) {
  const [id, name] = useState(() => freeName("session", state.rows.map((row) => row.id)));
  const [hosts, choose] = useState([]);
  const act = () => post(pathOf("v1/events", event, "sessions"), { id, hosts: hosts.map(({ id, weight }) => ({ id, weight: Number(weight) })) });
  const names = hosts.map((host) => host.name).join(", ");
  const busy = state.rows.filter((row) => row.hosts.some((host) => hosts.some((one) => one.id === host.id)));
  const changes = [
    hosts.length ? `${names} ${hosts.length > 1 ? "are" : "is"} on air in “${id}” from now on.` : "",
    hosts.length > 1 ? `Orders that name this session are shared: ${sharesOf(hosts)}.` : hosts.length ? "Orders that name this session and nobody else are credited in full." : "",
    ...busy.map((row) => `“${row.id}” stays on air: ${row.hosts.map((host) => host.name).join(", ")}.`),
  ].filter(Boolean);
  return html`<${Ask}
    title="Start a session"
    action="Go on air"
    ...${{ close, act, changes }}
    missing=${hosts.length ? weightsWrong(hosts) : "Choose who is on air."}
    said=${() => `“${id}” is on air.`}
    notice=${html`<${Meanwhile} event=${event} />`}
  >
    ${(problem) => html`<${TextField}
        label="Name of the session"
        hint="Shops send it with an order. Letters, digits, dots, - and _."
        value=${id}
        onChange=${name}
        maxLength=${64}
        error=${complaint(problem, "id")}
      />
      <${Lineup} ...${{ event, hosts, choose }} error=${complaint(problem, "hosts")} />`}
  <//>`;
}

/** Who shares a session, in per cent of each line. */
export function sharesOf(hosts) {
  const total = hosts.reduce((sum, host) => sum + Number(host.weight), 0);
  return hosts.map((host) => `${host.name} ${Math.round((Number(host.weight) / total) * 1000) / 10} %`).join(", ");
}

function weightsWrong(hosts) {
  const isWrong = hosts.some(({ weight }) => !/^[1-9]\d{0,6}$/.test(String(weight)) || Number(weight) > 1_000_000);
  return isWrong ? "A weight is a whole number from 1 to 1,000,000." : "";
}

/** People with their weights; the field finds any of ten thousand. */
function Lineup({ event, hosts, choose, error }) {
  const set = (id, weight) => choose(hosts.map((host) => (host.id === id ? { ...host, weight } : host)));
  return html`<${RosterBox}
      event=${event}
      list="hosts"
      label="Add a host"
      hint="Type a name or an id."
      error=${error}
      without=${hosts.map((host) => host.id)}
      disabled=${hosts.length >= HOSTS_MAX}
      onPick=${(host) => choose([...hosts, { ...host, weight: 1 }])}
    />
    ${hosts.length > 0 &&
    html`<table class="lineup">
      <thead><tr><th>Host</th><th>Weight</th><th><span class="unseen">Take out</span></th></tr></thead>
      <tbody>
        ${hosts.map(
          (host) => html`<tr key=${host.id}>
            <td dir="auto">${host.name}</td>
            <td><span class="field"><input aria-label=${`Weight of ${host.name}`} inputmode="numeric" value=${host.weight} onInput=${(event) => set(host.id, event.target.value)} /></span></td>
            <td><button type="button" class="close" aria-label=${`Take ${host.name} out`} onClick=${() => choose(hosts.filter((one) => one.id !== host.id))}>×</button></td>
          </tr>`,
        )}
      </tbody>
    </table>`}`;
}

function ChangeHosts({ event, session, weights, close }) {
  const before = session.hosts.map((host) => ({ ...host, weight: weights.get(host.id) ?? 1 }));
  const [hosts, choose] = useState(before);
  const act = () =>
    post(pathOf("v1/events", event, "sessions", session.id, "hosts"), { hosts: hosts.map(({ id, weight }) => ({ id, weight: Number(weight) })) });
  const named = (list) => list.map((host) => host.name).join(", ");
  const joining = hosts.filter((host) => !before.some((one) => one.id === host.id));
  const leaving = before.filter((host) => !hosts.some((one) => one.id === host.id));
  const isSame = JSON.stringify(before.map(({ id, weight }) => [id, Number(weight)])) === JSON.stringify(hosts.map(({ id, weight }) => [id, Number(weight)]));
  const changes = isSame || !hosts.length ? [] : [
    ...(joining.length ? [`Joins: ${named(joining)}.`] : []),
    ...(leaving.length ? [`Leaves: ${named(leaving)}.`] : []),
    `From now on its sales are shared: ${sharesOf(hosts)}.`,
    "What was sold before stays with those who were in it then.",
  ];
  return html`<${Ask}
    title=${`Who is in “${session.id}”`}
    action="Change hosts"
    ...${{ close, act, changes }}
    missing=${!hosts.length ? "Somebody has to be in it. To take all out, end the session." : weightsWrong(hosts) || (isSame ? "Nothing is changed yet." : "")}
    said=${() => `The hosts of “${session.id}” are changed.`}
    notice=${html`<${Meanwhile} event=${event} />`}
  >
    ${(problem) => html`<${Lineup} ...${{ event, hosts, choose }} error=${complaint(problem, "hosts")} />`}
  <//>`;
}

function EndSession({ event, state, session, close }) {
  const offers = state.offers.filter((offer) => offer.session === session.id);
  const pins = session.pins.length;
  return html`<${Ask}
    title=${`End the session “${session.id}”?`}
    action="End the session"
    kind="danger"
    close=${close}
    act=${() => post(pathOf("v1/events", event, "sessions", session.id, "end"), {})}
    changes=${[
      `${session.hosts.map((host) => host.name).join(", ")} ${session.hosts.length > 1 ? "go" : "goes"} off air now.`,
      ...(pins ? [`${pins > 1 ? `${pins} pinned products are` : "The pinned product is"} taken off.`] : []),
      ...(offers.length ? [`${offers.length > 1 ? `Its ${offers.length} offers are` : "Its offer is"} shown no more.`] : []),
      "Orders that name it are still credited to its hosts: a buyer may pay after the show.",
      "It does not go on air again. The next one has another name.",
    ]}
    said=${() => `“${session.id}” is off air.`}
    notice=${html`<${Meanwhile} event=${event} />`}
  />`;
}
