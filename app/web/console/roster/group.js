// A team or a store: its name and picture.

import { pathOf, put } from "../api.js";
import { Meanwhile } from "../meanwhile.js";
import { useExact } from "../roster-data.js";
import { Ask } from "../ui/ask.js";
import { TextField, complaint, useFields } from "../ui/form.js";
import { html, useState } from "../ui/html.js";

const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** `kind` is "team" or "store"; `position` that of what the reader saw. */
export function GroupAsk({ event, kind, group, position, close, reload }) {
  const isNew = !group;
  const [values, set] = useFields({ id: group?.id ?? "", name: group?.name ?? "", picture: group?.picture ?? "", link: group?.link ?? "" });
  const changed = Object.fromEntries(
    ["name", "picture", "link"].filter((field) => values[field].trim() !== (group?.[field] ?? "")).map((field) => [field, values[field].trim()]),
  );
  const id = values.id.trim();
  const taken = useExact(event, `${kind}s`, isNew && ID.test(id) ? id : "");
  const missing = isNew && !ID.test(id) ? "Give an id: letters, digits, dots, - and _, at most 64."
    : taken.row ? "This id is taken."
    : taken.problem ? taken.problem.message
    : taken.isLoading ? "Whether the id is free is being looked up."
    : !isNew && !Object.keys(changed).length ? "Nothing is changed yet." : "";
  const [seen] = useState(position);
  const act = async ({ expected }) => {
    await put(pathOf("v1/events", event, "roster"), { [`${kind}s`]: [{ id, ...changed }] }, { params: { expected_position: expected } });
    reload();
  };
  const name = values.name.trim() || id;
  const changes = missing ? [] : isNew
    ? [`${name} is a ${kind} of this event. Hosts come into it one by one, or with a file.`]
    : [`Boards, overlays and pages say “${name}” at once.`];
  return html`<${Ask}
    title=${isNew ? `Add a ${kind}` : `Change ${group.name ?? group.id}`}
    action=${isNew ? "Add" : "Save"}
    ...${{ close, act, changes, missing }}
    expected=${seen}
    said=${() => `${name} is ${isNew ? "added" : "changed"}.`}
    notice=${html`<${Meanwhile} event=${event} />`}
  >
    ${(problem) => {
      const error = (field) => complaint(problem, `${kind}s[0].${field}`);
      return html`<div class="fields">
        ${isNew && html`<${TextField} label="Id" hint="Stays for good." value=${values.id} onChange=${set("id")} maxLength=${64} error=${error("id")} autofocus />`}
        <${TextField} label="Name" dir="auto" value=${values.name} onChange=${set("name")} maxLength=${120} error=${error("name")} />
        <${TextField} label="Picture" hint="Address of a logo, https://…" type="url" value=${values.picture} onChange=${set("picture")} error=${error("picture")} />
        <${TextField} label="Link" type="url" value=${values.link} onChange=${set("link")} error=${error("link")} />
      </div>`;
    }}
  <//>`;
}
