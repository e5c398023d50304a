// A new event, with what most events need filled in.

import { post } from "../api.js";
import { serverNow } from "../live.js";
import { address, go } from "../router.js";
import { Button, useAction } from "../ui/button.js";
import { Dialog } from "../ui/dialog.js";
import { CheckField, complaint, SelectField, TextField, useFields } from "../ui/form.js";
import { html, useMemo, useState } from "../ui/html.js";
import { ErrorNote } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { allZones, isZone, momentOf, ownZone, wallOf } from "../ui/zones.js";

const HOUR_MS = 3600 * 1000;
const LENGTHS = [
  [4, "One evening (4 hours)"],
  [24, "One day"],
  [24 * 7, "One week"],
  [24 * 30, "30 days"],
  [0, "Until…"],
];

/** An id made of a name: "Spring challenge!" is "spring-challenge". "" if nothing of it can be in an id. */
export function idOf(name) {
  const plain = name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  return plain.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "").slice(0, 64);
}

function usual(like) {
  const zone = like?.timezone ?? ownZone();
  // Already begun: what is tried at once is inside the event. A show that is planned gets its own time anyway.
  const start = Math.floor(serverNow() / HOUR_MS) * HOUR_MS;
  const times = { starts: wallOf(start, zone), ends: wallOf(start + 4 * HOUR_MS, zone), hours: "4" };
  return { name: "", id: "", currency: like?.currency ?? "EUR", zone, ...times, isPublic: false };
}

export function NewEvent({ close, like }) {
  const [values, set] = useFields(() => usual(like));
  const [isIdOwn, own] = useState(false);
  const id = isIdOwn ? values.id : idOf(values.name);
  const isRightZone = isZone(values.zone);
  const starts = isRightZone ? momentOf(values.starts, values.zone) : "";
  const hours = Number(values.hours);
  const ends = hours ? starts && new Date(Date.parse(starts) + hours * HOUR_MS).toISOString() : isRightZone && momentOf(values.ends, values.zone);
  const action = useAction(async () => {
    const { name, currency, zone, isPublic } = values;
    const times = { timezone: zone, starts_at: starts, ends_at: ends };
    const event = await post("v1/events", { id, name: name.trim(), currency, ...times, rules: { public_boards: isPublic } });
    toast(`${event.name} is there, as a draft.`);
    close();
    go(address("events", event.id, "live"));
  });
  const missing = !values.name.trim() ? "Give it a name first." : !id ? "Give it an id first." : !starts || !ends ? "Say when it starts and ends." : "";
  const submitted = (event) => {
    event.preventDefault();
    if (!missing) action.run();
  };
  const error = (name) => complaint(action.problem, name);
  const isElsewhere = action.problem && !["id", "name", "currency", "timezone", "starts_at", "ends_at"].some(error);
  return html`<${Dialog} title="New event" close=${close} isBusy=${action.isBusy}>
    <form onSubmit=${submitted}>
      <div class="fields">
        <${TextField} label="Name" value=${values.name} onChange=${set("name")} error=${error("name")} maxLength=${120} required autofocus isWide />
        <${TextField}
          label="Id"
          hint="In addresses and for the shop. It stays as it is."
          value=${id}
          onChange=${(text) => (own(true), set("id")(text))}
          error=${error("id")}
          pattern="[A-Za-z0-9][A-Za-z0-9_.\\-]*"
          maxLength=${64}
          required
          isWide
        />
        <${When} ...${{ values, set, error, isRightZone }} />
        <${TextField}
          label="Currency"
          hint="ISO 4217. All results are in it."
          value=${values.currency}
          onChange=${(text) => set("currency")(text.toUpperCase())}
          error=${error("currency")}
          maxLength=${3}
          required
        />
      </div>
      <${CheckField}
        label="Everybody may see the boards"
        hint="Without it, a page needs a token or a key. It can be changed later."
        value=${values.isPublic}
        onChange=${set("isPublic")}
      />
      ${isElsewhere && html`<${ErrorNote} problem=${action.problem} />`}
      <footer>
        <${Button} act=${close}>Cancel<//>
        <${Button} type="submit" kind="main" isBusy=${action.isBusy} why=${missing}>Make the event<//>
      </footer>
    </form>
  <//>`;
}

function When({ values, set, error, isRightZone }) {
  const zones = useMemo(allZones, []);
  return html`<${TextField}
      label="Time zone"
      hint="Its days are those of the boards."
      value=${values.zone}
      onChange=${set("zone")}
      error=${error("timezone") || (isRightZone ? "" : "There is no such time zone.")}
      list="zones"
      required
    />
    <datalist id="zones">${zones.map((zone) => html`<option key=${zone} value=${zone} />`)}</datalist>
    <${TextField} label="Starts" type="datetime-local" value=${values.starts} onChange=${set("starts")} error=${error("starts_at")} required />
    <${SelectField} label="Length" value=${values.hours} onChange=${set("hours")} choices=${LENGTHS.map(([hours, text]) => [String(hours), text])} />
    ${values.hours === "0" &&
    html`<${TextField} label="Ends" type="datetime-local" value=${values.ends} onChange=${set("ends")} error=${error("ends_at")} required />`}`;
}
