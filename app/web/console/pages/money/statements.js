// Statements: closed ranges of the journal, and each host's, team's or store's statement of one of them.

import { addressOf, pathOf, post } from "../../api.js";
import { useData } from "../../data.js";
import { download } from "../../download.js";
import { whyNot } from "../../session.js";
import { Button } from "../../ui/button.js";
import { confirm } from "../../ui/dialog.js";
import { SelectField, TextField, useFields } from "../../ui/form.js";
import { count } from "../../ui/format.js";
import { html, useState } from "../../ui/html.js";
import { Badge, ErrorNote, Loading } from "../../ui/states.js";
import { toast } from "../../ui/toast.js";
import { AGAIN, RowField, usePeople } from "./parts.js";

export function Statements({ event, query }) {
  const people = usePeople(event);
  const [whose, set] = useFields({ of: "hosts", id: query.host ?? "" });
  const list = useData(pathOf("v1/events", event, "statements"), {}, AGAIN);
  const { rows } = people[whose.of];
  const path = pathOf("v1/events", event, "statements", ...(whose.of === "hosts" ? [] : [whose.of]), whose.id.trim());
  const name = rows.find((row) => row.id === whose.id.trim())?.name ?? whose.id.trim();
  const closed = list.data?.statements ?? [];
  const from = closed.at(-1)?.to ?? 0;
  return html`<div class="stack">
    <section class="card" aria-labelledby="whose">
      <header><h2 id="whose">Whose statements</h2></header>
      <div class="fields">
        <${SelectField}
          label="Of a"
          choices=${[["hosts", "Host"], ["teams", "Team: everybody who is in it now"], ["stores", "Store: everybody who is in it now"]]}
          value=${whose.of}
          onChange=${set("of")}
        />
        <${RowField} label="Who" rows=${rows} value=${whose.id} onChange=${set("id")} hint="An id, or begin a name." />
      </div>
    </section>
    <section class="card" aria-labelledby="ranges">
      <header>
        <h2 id="ranges">Statements${name && ` of ${name}`}</h2>
        <div class="end">
          <${Button} kind="main" why=${whyNot(["finance"])} act=${() => closeRange(event, from, list.data?.position ?? from, list.reload)}>Close a statement…<//>
        </div>
      </header>
      <${ErrorNote} problem=${list.problem} retry=${list.reload} />
      ${!list.data && list.isLoading && html`<${Loading} />`}
      ${list.data && html`<${Ranges} ...${{ event, closed, from, position: list.data.position, path, who: whose.id.trim() }} />`}
    </section>
  </div>`;
}

function Ranges({ event, closed, from, position, path, who }) {
  const row = (id, first, to) => html`<li key=${id || "open"}>
    <div>
      <strong>${id || "Since the last one"}</strong> <${Badge} tone=${id ? "good" : "warn"}>${id ? "closed" : "open"}<//>
      <p class="muted">${first < to ? `Entries ${count(first + 1)} to ${count(to)}` : "Nothing yet"}</p>
    </div>
    <${Files} ...${{ event, path, who, id }} isEmpty=${first >= to} />
  </li>`;
  return html`<ul class="entries">
      ${row("", from, position)} ${[...closed].reverse().map((range) => row(range.id, range.from, range.to))}
    </ul>
    ${!closed.length && html`<p class="muted below-table">No statement is closed yet. A closed one never changes, nor does its hash.</p>`}`;
}

/** The page to print, and both files. The page is made for whoever navigates to it; the files for whoever asks. */
function Files({ event, path, who, id, isEmpty }) {
  const [problem, fail] = useState(null);
  if (isEmpty) return null;
  if (!who) return html`<span class="muted">Choose whose above</span>`;
  const params = { statement: id };
  const keep = (accept, ending) => async () => {
    fail(null);
    const name = [event, "statement", who, id || "open"].join("-") + ending;
    await download(path, { params, accept, name }).catch(fail);
  };
  return html`<div class="actions">
      <a class="button" href=${addressOf(path, params)} target="_blank" rel="noopener">Page to print</a>
      <${Button} act=${keep("text/csv", ".csv")}>CSV<//>
      <${Button} act=${keep("application/json", ".json")}>JSON<//>
    </div>
    <${ErrorNote} problem=${problem} />`;
}

async function closeRange(event, from, position, reload) {
  const fields = { id: "", to: "" };
  const answer = await confirm({
    title: "Close a statement?",
    changes: [
      `It holds every entry behind ${count(from)}, up to now or to the position that you give.`,
      "What comes later is in the next one. A closed statement never changes.",
    ],
    action: "Close it",
    children: html`<${Range} fields=${fields} from=${from} position=${position} />`,
    act: () => {
      if (!fields.id.trim()) throw Object.assign(new Error("Give the statement a name."), { code: "name_missing" });
      const to = fields.to.trim() ? Number(fields.to) : undefined;
      return post(pathOf("v1/events", event, "statements"), { id: fields.id.trim(), to });
    },
  });
  if (!answer) return;
  toast(`The statement “${answer.id}” is closed: entries ${count(answer.from + 1)} to ${count(answer.to)}.`);
  reload();
}

/** Kept in the object that the question reads when it is answered. */
function Range({ fields, from, position }) {
  const [values, set] = useFields(fields);
  const change = (name) => (value) => {
    fields[name] = value;
    set(name)(value);
  };
  return html`<div class="fields">
    <${TextField} label="Name" hint="Such as april, or 2026-W12." value=${values.id} onChange=${change("id")} maxLength=${64} autocomplete="off" required />
    <${TextField}
      label="Up to position (optional)"
      type="number"
      min=${from + 1}
      max=${position}
      value=${values.to}
      onChange=${change("to")}
      hint="Now, at entry ${count(position)}, if left out."
    />
  </div>`;
}
