// A new key: for whom, and what it may.

import { post } from "../../api.js";
import { useKey } from "../../data.js";
import { SCOPES } from "../../session.js";
import { Button, useAction } from "../../ui/button.js";
import { Dialog } from "../../ui/dialog.js";
import { CheckField, TextField, complaint } from "../../ui/form.js";
import { html, useState } from "../../ui/html.js";
import { ErrorNote } from "../../ui/states.js";

export function NewKey({ session, close, created }) {
  const [person, name] = useState("");
  const [chosen, choose] = useState({});
  const [host, limit] = useState("");
  const scopes = [...Object.keys(SCOPES).filter((scope) => chosen[scope]), ...(host.trim() ? [`host:${host.trim()}`] : [])];
  const body = { person: person.trim(), scopes };
  const key = useKey(body);
  const action = useAction(async () => created(await post("v1/keys", body, { key })));
  const why = !person.trim() ? "Say whose key it is." : scopes.length ? "" : "Choose what it may.";
  const submitted = (submit) => {
    submit.preventDefault();
    if (!why) action.run();
  };
  return html`<${Dialog} title="New key" close=${close} isBusy=${action.isBusy}>
    <form onSubmit=${submitted}>
      <${TextField}
        label="For whom"
        hint="A person or a program. The journal names the key, and a second person is told by this name: one name for each person."
        value=${person}
        onChange=${name}
        maxLength=${120}
        autocomplete="off"
        error=${complaint(action.problem, "person")}
      />
      <fieldset>
        <legend>What it may</legend>
        ${Object.entries(SCOPES).map(([scope, what]) => {
          const isHeld = session.scopes.includes(scope);
          return html`<${CheckField}
            key=${scope}
            label=${`${scope}: ${what}`}
            hint=${isHeld ? "" : "Your own key lacks it, so you cannot give it."}
            disabled=${!isHeld}
            value=${Boolean(chosen[scope])}
            onChange=${(is) => choose((now) => ({ ...now, [scope]: is }))}
          />`;
        })}
        <${TextField}
          label="One host's own numbers (optional)"
          hint="A host's id: the key then reads that host's figures and statements, and claims for it."
          value=${host}
          onChange=${limit}
          maxLength=${64}
          autocomplete="off"
          error=${complaint(action.problem, "scopes")}
        />
      </fieldset>
      <${ErrorNote} problem=${action.problem} />
      <footer>
        <${Button} act=${close}>Cancel<//>
        <${Button} type="submit" kind="main" isBusy=${action.isBusy} why=${why}>Make the key<//>
      </footer>
    </form>
  <//>`;
}
