// A new token: of which event, for what, until when.

import { post } from "../../api.js";
import { useKey, useList } from "../../data.js";
import { Button, useAction } from "../../ui/button.js";
import { Dialog } from "../../ui/dialog.js";
import { SelectField, TextField, complaint, useFields } from "../../ui/form.js";
import { html } from "../../ui/html.js";
import { ErrorNote } from "../../ui/states.js";
import { RowField } from "../money/parts.js";

const DAY = 86_400;
const ENDS = [
  ["", "When it is revoked"],
  [String(DAY), "After a day"],
  [String(7 * DAY), "After a week"],
  [String(31 * DAY), "After a month"],
  [String(365 * DAY), "After a year"],
];

export function NewToken({ close, created }) {
  const events = useList("v1/events", { limit: 100 }, "events");
  const [fields, set] = useFields({ event: "", kind: "overlay", channels: "", ends: "" });
  const body = {
    event: fields.event.trim(),
    kind: fields.kind,
    channels: fields.channels.split(/[\s,]+/).filter(Boolean),
    expires_in_seconds: fields.ends ? Number(fields.ends) : undefined,
  };
  const key = useKey(body);
  const action = useAction(async () => created(await post("v1/tokens", body, { key })));
  const why = fields.event.trim() ? "" : "Choose an event.";
  const submitted = (submit) => {
    submit.preventDefault();
    if (!why) action.run();
  };
  return html`<${Dialog} title="New token" close=${close} isBusy=${action.isBusy}>
    <form onSubmit=${submitted}>
      <${RowField} label="Event" rows=${events.rows} value=${fields.event} onChange=${set("event")} error=${complaint(action.problem, "event")} hint="An id, or begin a name." />
      <div class="fields">
        <${SelectField} label="For" choices=${[["overlay", "An overlay"], ["viewer", "Viewers of a page"]]} value=${fields.kind} onChange=${set("kind")} />
        <${SelectField} label="Ends" choices=${ENDS} value=${fields.ends} onChange=${set("ends")} />
      </div>
      <${TextField}
        label="Only these channels (optional)"
        lines=${2}
        hint="Such as ${fields.event.trim() || "spring"}/boards/hosts. Left out, it reads everything of the event that is not for ops."
        value=${fields.channels}
        onChange=${set("channels")}
        spellcheck=${false}
        error=${complaint(action.problem, "channels")}
      />
      <${ErrorNote} problem=${action.problem} />
      <footer>
        <${Button} act=${close}>Cancel<//>
        <${Button} type="submit" kind="main" isBusy=${action.isBusy} why=${why}>Make the token<//>
      </footer>
    </form>
  <//>`;
}
