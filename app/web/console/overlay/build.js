// The overlay builder: choose a part or a scene, see it, take its link into the broadcast software.

import { post } from "../api.js";
import { useKey } from "../data.js";
import { serverNow } from "../clock.js";
import { RosterBox } from "../roster-data.js";
import { Ask } from "../ui/ask.js";
import { Button, CopyButton } from "../ui/button.js";
import { CheckField, SelectField, TextField } from "../ui/form.js";
import { time } from "../ui/format.js";
import { html, useId, useState } from "../ui/html.js";
import { Note } from "../ui/states.js";
import { LANGUAGES, OVERLAYS, THEMES, linkOf, overlayOf, wrongIn } from "./catalog.js";
import { Preview } from "./preview.js";

const DAY = 86_400;
const NEVER = "";

export function Build({ event, state, look }) {
  const [chosen, choose] = useState("scene");
  const [values, change] = useState({ delay: "0" });
  const [token, keep] = useState(null);
  const [isAsking, ask] = useState(false);
  const overlay = overlayOf(chosen);
  const set = (name) => (value) => change((now) => ({ ...now, [name]: value }));
  const wrong = wrongIn(overlay, values);
  const shown = wrong && overlay.id !== "host-card" ? {} : values;
  // With a link of its own the preview shows the event; without one, made-up sales.
  const more = token ? { token: token.token, preview: "1" } : { demo: "1", preview: "1" };
  return html`<div class="builder">
    <div class="stack">
      <section class="card" aria-label="What it shows">
        <header><h2>What it shows</h2></header>
        <${Kinds} chosen=${chosen} choose=${choose} />
      </section>
      <section class="card" aria-label="Options">
        <header><h2>${overlay.title}</h2></header>
        <div class="stack">
          <p class="muted">${overlay.says}</p>
          <${Options} ...${{ event, state, overlay, values, set }} />
        </div>
      </section>
    </div>
    <div class="stack">
      <${Preview} src=${linkOf(event, overlay, { ...shown, delay: 0, room: "" }, more)} version=${look}>
        <p class="muted">${token ? "This is the event as it stands." : "These are made-up sales. With a link of its own the preview shows the event."}</p>
      <//>
      <section class="card" aria-label="Link">
        <header><h2>Link</h2></header>
        ${token
          ? html`<${Made} ...${{ token, wrong, zone: state.timezone }} link=${linkOf(event, overlay, values, { token: token.token })} again=${() => ask(true)} />`
          : html`<div class="make">
              <p>The link goes into OBS, vMix or Streamlabs as a browser source of 1920 × 1080. It opens the public view of this event and nothing else.</p>
              <${Button} kind="main" act=${() => ask(true)} why=${wrong}>Make a link…<//>
            </div>`}
      </section>
    </div>
    ${isAsking && html`<${MakeLink} ...${{ event, state, keep }} close=${() => ask(false)} />`}
  </div>`;
}

function Kinds({ chosen, choose }) {
  const name = useId();
  return html`<div class="kinds" role="radiogroup" aria-label="What it shows">
    ${OVERLAYS.map(
      ({ id, title }) => html`<label key=${id} class=${id === chosen ? "chosen" : undefined}>
        <input type="radio" name=${name} value=${id} checked=${id === chosen} onChange=${() => choose(id)} />${title}
      </label>`,
    )}
  </div>`;
}

function Options({ event, state, overlay, values, set }) {
  return html`<div class="fields">
      ${overlay.options.map((option) => html`<${Option} key=${`${overlay.id} ${option.name}`} ...${{ event, state, option }} value=${values[option.name] ?? option.first} onChange=${set(option.name)} />`)}
    </div>
    <div class="fields">
      <${SelectField} label="Theme" value=${values.theme ?? ""} onChange=${set("theme")} choices=${THEMES} />
      <${SelectField} label="Language" value=${values.lang ?? ""} onChange=${set("lang")} choices=${LANGUAGES} />
      <${TextField} label="Room (optional)" hint="Steer this source by itself." value=${values.room ?? ""} onChange=${set("room")} maxLength=${40} />
      <${TextField} label="Delay in seconds" hint="As late as the picture is, so that nothing is told before it is seen." type="number" min="0" max="60" step="0.5" value=${values.delay} onChange=${set("delay")} />
    </div>`;
}

function Option({ event, state, option, value, onChange }) {
  const { kind, label, choices, least, most, step } = option;
  if (kind === "select") return html`<${SelectField} ...${{ label, choices, value, onChange }} />`;
  if (kind === "check") return html`<${CheckField} label=${label} value=${value === "1"} onChange=${(is) => onChange(is ? "1" : "")} />`;
  if (kind === "host") return html`<${HostOption} ...${{ event, label, value, onChange }} />`;
  if (kind === "session") return html`<${SelectField} ...${{ label, value, onChange }} choices=${[["", "The latest on air"], ...state.rows.map((row) => row.id)]} />`;
  if (kind === "goal") return html`<${SelectField} ...${{ label, value, onChange }} choices=${[["", "The first that is open"], ...(state.goals ?? []).map((goal) => [goal.id, goal.title])]} />`;
  return html`<${TextField} ...${{ label, value, onChange }} type=${kind} min=${least} max=${most} step=${step} maxLength=${120} />`;
}

function HostOption({ event, label, value, onChange }) {
  return html`<${RosterBox} ...${{ event, label, value }} list="hosts" hint="Type a name or an id." keeps onPick=${(host) => onChange(host.id)} />`;
}

function Made({ token, link, wrong, zone, again }) {
  const id = useId();
  if (wrong) return html`<${Note} tone="warn"><span role="status">${wrong}</span><//>`;
  return html`<div class="stack">
    <div class="copy">
      <label class="unseen" for=${id}>Link of the overlay</label>
      <input id=${id} class="search" readonly value=${link} onFocus=${(event) => event.target.select()} />
      <${CopyButton} key=${link} text=${link}>Copy<//>
      <a class="button" href=${link} target="_blank" rel="noopener noreferrer">Open</a>
    </div>
    <${Note} tone="info"><span>Copy it now: it holds a token that is shown this once. Change what is chosen above and copy again; it stays one token. ${token.expires_at ? `It ends ${time(token.expires_at, "moment", zone)}.` : "It holds until it is revoked."}</span><//>
    <div><${Button} act=${again}>Make another token…<//></div>
  </div>`;
}

/** How long a link may hold, [seconds, words]; the first is the one that most need. */
function terms(state, now) {
  const after = Date.parse(state.ends_at) + DAY * 1000;
  const left = Math.ceil((after - now) / 1000);
  const day = time(new Date(after), "day", state.timezone);
  return [
    ...(left > DAY && left < 366 * DAY ? [[String(left), `Until a day after the end: ${day}`]] : []),
    [String(DAY / 2), "12 hours"],
    [String(7 * DAY), "A week"],
    [String(31 * DAY), "A month"],
    [NEVER, "Until it is revoked"],
  ];
}

function MakeLink({ event, state, keep, close }) {
  const [times] = useState(() => terms(state, serverNow()));
  const [seconds, choose] = useState(times[0][0]);
  const given = { event, kind: "overlay", ...(seconds === NEVER ? {} : { expires_in_seconds: Number(seconds) }) };
  const key = useKey(given);
  const act = async () => keep(await post("v1/tokens", given, { key }));
  return html`<${Ask}
    title="Make a link"
    action="Make it"
    ...${{ close, act }}
    changes=${[
      `Whoever has the link sees the public view of “${state.event_name}”: boards, ticker, sessions, viewers. Never orders, people's data or money owed.`,
      seconds === NEVER ? "It holds until you revoke it." : `It ends by itself: ${time(new Date(serverNow() + Number(seconds) * 1000), "moment", state.timezone)}.`,
      "You can revoke it at any time under “Links”; overlays that are open stop within seconds.",
    ]}
    said=${() => "The link is made."}
  >
    <${SelectField} label="How long it holds" value=${seconds} onChange=${choose} choices=${times} />
  <//>`;
}

