// Keys: who has one, and what each may.

import { remove } from "../../api.js";
import { useData } from "../../data.js";
import { Button } from "../../ui/button.js";
import { confirm } from "../../ui/dialog.js";
import { CheckField } from "../../ui/form.js";
import { MOMENT_WIDTH, Time, plural } from "../../ui/format.js";
import { html, useState } from "../../ui/html.js";
import { Badge, Empty } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { toast } from "../../ui/toast.js";
import { NewKey } from "./new-key.js";
import { Secret } from "./secret.js";

export function Keys({ session }) {
  const list = useData("v1/keys");
  const [isAll, showAll] = useState(false);
  const [isNew, begin] = useState(false);
  const [made, show] = useState(null);
  const keys = [...(list.data?.keys ?? [])].reverse();
  const rows = keys.filter((key) => isAll || !key.revoked_at);
  const created = (key) => {
    begin(false);
    show(key);
    list.reload();
  };
  const hidden = keys.length - keys.filter((key) => !key.revoked_at).length;
  return html`<section class="card flush" aria-labelledby="keys">
      <header>
        <h2 id="keys">${list.data ? plural(keys.length - hidden, "key") : "Keys"}</h2>
        <div class="end actions">
          ${hidden > 0 && html`<${CheckField} label="Show ${hidden} revoked" value=${isAll} onChange=${showAll} />`}
          <${Button} kind="main" act=${() => begin(true)}>New key…<//>
        </div>
      </header>
      <${Table}
        label="Keys, newest first"
        columns=${columnsOf(session, list.reload)}
        rows=${rows}
        isLoading=${list.isLoading && !list.data}
        problem=${list.problem}
        retry=${list.reload}
        empty=${html`<${Empty} title="No key yet">The admin key of the installation works all the same. Give each person a key of their own: the journal
          then says who did what.<//>`}
      />
    </section>
    ${isNew && html`<${NewKey} session=${session} close=${() => begin(false)} created=${created} />`}
    ${made &&
    html`<${Secret} title="The key of ${made.person}" label="Key" text=${made.key} close=${() => show(null)}>
      <p class="muted">People sign in to the console with it. Programs send it as <code>Authorization: Bearer …</code>.</p>
    <//>`}`;
}

function columnsOf(session, reload) {
  return [
    {
      id: "person",
      title: "For",
      width: "minmax(8rem, 2fr)",
      render: (key) => html`${key.person} ${key.id === session.key && html`<${Badge} tone="info">this is you<//>`}`,
    },
    { id: "scopes", title: "May", width: "minmax(8rem, 2fr)", render: (key) => html`<span class="badges">${key.scopes.map((scope) => html`<${Badge} key=${scope}>${scope}<//>`)}</span>` },
    { id: "id", title: "Id", width: "9rem", isMinor: true, render: (key) => html`<code>${key.id}</code>` },
    { id: "created_at", title: "Made", width: MOMENT_WIDTH, isMinor: true, render: (key) => html`<${Time} at=${key.created_at} />` },
    {
      id: "state",
      title: "State",
      width: "9rem",
      align: "end",
      render: (key) =>
        key.revoked_at
          ? html`<${Badge} tone="bad">revoked<//>`
          : html`<${Button} class="small" kind="danger" act=${() => revoked(key, session, reload)}>Revoke<span class="unseen"> the key of ${key.person}</span><//>`,
    },
  ];
}

async function revoked(key, session, reload) {
  const isOwn = key.id === session.key;
  const answer = await confirm({
    title: `Revoke the key of ${key.person}?`,
    changes: [
      "It is refused everywhere within seconds, and whoever signed in with it is signed out.",
      "It cannot be taken back. What was done with it stays.",
      ...(isOwn ? ["It is your own key: you are signed out at once."] : []),
    ],
    action: "Revoke",
    kind: "danger",
    act: async () => {
      await remove(`v1/keys/${encodeURIComponent(key.id)}`);
      return true;
    },
  });
  if (answer) toast(`The key of ${key.person} is revoked.`);
  reload();
}
