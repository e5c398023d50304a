// Announcements: a sentence to those who watch, in the journal because they have seen it.

import { newKey, pathOf, post } from "../api.js";
import { Countdown, serverNow } from "../clock.js";
import { Meanwhile } from "../meanwhile.js";
import { Ask } from "../ui/ask.js";
import { Button } from "../ui/button.js";
import { SelectField, TextField, complaint, useFields } from "../ui/form.js";
import { Time, time } from "../ui/format.js";
import { html, useState } from "../ui/html.js";
import { Badge, Empty } from "../ui/states.js";

const TEXT_MAX = 280;
const SHOWN_MAX = 5;
const MINUTES = [
  ["1", "1 minute"],
  ["5", "5 minutes"],
  ["15", "15 minutes"],
  ["60", "1 hour"],
  ["", "Until it is withdrawn"],
];

export function Announcements({ event, state }) {
  const [asked, ask] = useState(null);
  const close = () => ask(null);
  const told = state.announcements ?? [];
  return html`<section class="card" aria-label="Announcements">
    <header>
      <h2>Announcements</h2>
      <${Badge}>${told.length}<//>
      <span class="end"><${Button} act=${() => ask({ Form: Announce })} why=${state.status === "final" ? "The event is final." : ""}>Announce…<//></span>
    </header>
    ${told.length === 0 && html`<${Empty} title="Nothing is announced">An announcement is shown on overlays and on the public page.<//>`}
    <ul class="told">
      ${told.map(
        (one) => html`<li key=${one.id}>
          <p dir="auto">${one.text}</p>
          <span class="muted"><${Time} at=${one.made_at} how="minute" zone=${state.timezone} />${one.until ? html` · <${Countdown} until=${one.until} /> left` : " · until it is withdrawn"}</span>
          <${Button} kind="quiet" act=${() => ask({ Form: Withdraw, one })} aria-label=${`Withdraw “${one.text}”`}>Withdraw…<//>
        </li>`,
      )}
    </ul>
    ${asked && html`<${asked.Form} ...${{ event, state, close, ...asked }} />`}
  </section>`;
}

function Announce({ event, state, close }) {
  const [values, set] = useFields({ text: "", minutes: "5" });
  // Made once, so that a second press after a lost answer says the same thing and not another.
  const [id] = useState(() => `told-${newKey().slice(0, 12)}`);
  const text = values.text.trim();
  const [until, fix] = useState(null);
  const act = () => {
    const end = values.minutes ? (until ?? new Date(serverNow() + Number(values.minutes) * 60_000).toISOString()) : null;
    fix(end);
    return post(pathOf("v1/events", event, "announcements"), { id, text, ...(end ? { until: end } : {}) });
  };
  const oldest = (state.announcements ?? [])[SHOWN_MAX - 1];
  const changes = text ? [
    `Everybody who watches reads it now, ${values.minutes ? `for ${MINUTES.find(([id]) => id === values.minutes)[1]}` : "until you withdraw it"}.`,
    "It is written into the journal, and stays there when it is withdrawn.",
    ...(oldest ? [`Five are shown at most: “${oldest.text}” gives way.`] : []),
  ] : [];
  return html`<${Ask}
    title="Announce"
    action="Announce it"
    ...${{ close, act, changes }}
    missing=${!text ? "Write what to announce." : [...text].length > TEXT_MAX ? `It is longer than ${TEXT_MAX} characters.` : ""}
    said=${() => "It is announced."}
    notice=${html`<${Meanwhile} event=${event} />`}
  >
    ${(problem) => html`<${TextField}
        label="What viewers read"
        lines=${3}
        dir="auto"
        value=${values.text}
        onChange=${set("text")}
        hint=${`${TEXT_MAX - [...text].length} characters left.`}
        error=${complaint(problem, "text")}
      />
      <${SelectField} label="For how long" value=${values.minutes} onChange=${(minutes) => (fix(null), set("minutes")(minutes))} choices=${MINUTES} error=${complaint(problem, "until")} />`}
  <//>`;
}

function Withdraw({ event, state, one, close }) {
  return html`<${Ask}
    title="Withdraw this announcement?"
    action="Withdraw it"
    kind="danger"
    close=${close}
    act=${() => post(pathOf("v1/events", event, "announcements", one.id, "withdraw"), {})}
    changes=${[`Nobody is shown “${one.text}” any more${one.until ? `, instead of until ${time(one.until, "minute", state.timezone)}` : ""}.`, "The journal keeps that it was said, and that it was withdrawn."]}
    said=${() => "It is withdrawn."}
    notice=${html`<${Meanwhile} event=${event} />`}
  />`;
}
