// A file of hosts: read, tried out on the server, and written only after everything it would change was seen.

import { call, get, pathOf } from "../api.js";
import { Changed, Meanwhile } from "../meanwhile.js";
import { Button, useAction } from "../ui/button.js";
import { Dialog } from "../ui/dialog.js";
import { count } from "../ui/format.js";
import { classes, html, useCallback, useId, useRef, useState } from "../ui/html.js";
import { Badge, ErrorNote, Note } from "../ui/states.js";
import { Table } from "../ui/table.js";
import { toast } from "../ui/toast.js";
import { normal } from "./csv.js";

const BYTES_MAX = 8_000_000;
const EXAMPLE = "id,name,team,store,codes,commission_bps\nh1,Lin Wei,ruby,london,LIN10,800\nh2,Mei Tanaka,jade,paris,MEI10 MEI20,800\n";
const TONES = { added: "good", changed: "info" };

export function ImportAsk({ event, close, reload }) {
  const [file, choose] = useState(null);
  const path = pathOf("v1/events", event, "roster");
  const send = (body, params) => call("PUT", path, { body, params, type: "text/csv" });
  const trying = useAction(
    useCallback(async (given) => {
      if (given.size > BYTES_MAX) throw Object.assign(new Error("The file is larger than 8 MB; split it."), { code: "too_large" });
      const body = normal(decoded(await given.arrayBuffer()));
      choose({ name: given.name, ...(await tried(body)) });
    }, [path]),
  );
  /** What a file would change, and the position that this is said of. */
  const tried = async (body) => {
    const { position } = await get(pathOf("v1/events", event));
    return { body, position, preview: await send(body, { preview: true }) };
  };
  const writing = useAction(
    useCallback(async () => {
      const answer = await send(file.body, { expected_position: file.position }).catch(async (problem) => {
        if (problem.code !== "changed_meanwhile") throw problem;
        // What was shown is not what it would do now: that has to be seen first.
        choose({ ...file, ...(await tried(file.body)), since: problem });
      });
      if (!answer) return;
      toast(`${count(answer.changed)} hosts are added or changed.`);
      reload();
      close();
    }, [file]),
  );
  const again = () => {
    choose(null);
    trying.clear();
    writing.clear();
  };
  return html`<${Dialog} title="Import a file of hosts" close=${close} isBusy=${writing.isBusy} size="large">
    <div class="import">
      ${file
        ? html`<${Preview} ...${file} />
            ${file.since && html`<${Changed} problem=${file.since} />`}
            <${Meanwhile} event=${event} />
            <${ErrorNote} problem=${writing.problem} />
            <footer>
              <${Button} act=${again}>Choose another file<//>
              <${Button} kind="main" act=${writing.run} isBusy=${writing.isBusy} why=${whyNot(file.preview)}>${actionOf(file.preview)}<//>
            </footer>`
        : html`<${Chooser} take=${trying.run} isBusy=${trying.isBusy} />
            <${ErrorNote} problem=${trying.problem} />
            <${Explained} />`}
    </div>
  <//>`;
}

/** UTF-8, or what an older spreadsheet writes in its place. */
function decoded(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const isWide = new Uint8Array(bytes.slice(0, 2)).join() === "255,254";
    return new TextDecoder(isWide ? "utf-16le" : "windows-1252").decode(bytes);
  }
}

const changed = ({ counts }) => counts.added + counts.changed;

function whyNot(preview) {
  if (preview.errors.length) return "Put the lines right first: a file is taken whole or not at all.";
  return changed(preview) ? "" : "The file changes nothing.";
}

function actionOf(preview) {
  if (preview.errors.length || !changed(preview)) return "Import";
  return `Import ${count(changed(preview))} ${changed(preview) === 1 ? "change" : "changes"}`;
}

function Chooser({ take, isBusy }) {
  const id = useId();
  const field = useRef(null);
  const [isOver, hover] = useState(false);
  const dropped = (event) => {
    event.preventDefault();
    hover(false);
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  };
  return html`<div
    class=${classes("drop", isOver && "over")}
    onDragOver=${(event) => (event.preventDefault(), hover(true))}
    onDragLeave=${() => hover(false)}
    onDrop=${dropped}
  >
    <strong>Drop a CSV file here</strong>
    <input id=${id} class="unseen" type="file" accept=".csv,text/csv,text/plain" tabindex="-1" aria-label="CSV file" ref=${field} onChange=${(event) => event.target.files[0] && take(event.target.files[0])} />
    <${Button} kind="main" act=${() => field.current.click()} isBusy=${isBusy}>${isBusy ? "Trying it out" : "Choose a file"}<//>
    <span class="muted">Nothing is written before you have seen what it changes.</span>
  </div>`;
}

function Explained() {
  return html`<details open>
    <summary>What the file looks like</summary>
    <p>
      One line for each host. Only <code>id</code> is needed; an empty cell leaves things as they are, and nobody is removed. Commas, semicolons or tabs
      between the cells, as spreadsheets write them.
    </p>
    <pre>${EXAMPLE}</pre>
    <p class="muted">
      Columns: id, name, team, store, segment, status (active, hidden, guest, banned), codes (separated by spaces), commission_bps (hundredths of a percent),
      from (when the team begins), person, picture, link. Teams and stores that are not there yet come into being.
    </p>
  </details>`;
}

function Preview({ name, preview }) {
  const { counts, errors, changes } = preview;
  const wrong = new Set(errors.map((error) => error.line)).size;
  const groups = [["new_teams", "team"], ["new_stores", "store"]].filter(([list]) => preview[list]?.length);
  const tiles = [["added", "New"], ["changed", "Changed"], ["unchanged", "As before"]];
  return html`<p class="file"><strong>${name}</strong></p>
    <dl class="counts">
      ${tiles.map(([id, label]) => html`<div key=${id}><dt>${label}</dt><dd>${count(counts[id])}</dd></div>`)}
      <div class=${errors.length ? "wrong" : undefined}><dt>Wrong</dt><dd>${count(wrong)}</dd></div>
    </dl>
    ${!errors.length &&
    groups.map(([list, word]) => html`<${Note} key=${list}>New ${preview[list].length > 1 ? `${word}s` : word}: ${preview[list].slice(0, 12).join(", ")}${preview[list].length > 12 ? ` and ${count(preview[list].length - 12)} more` : ""}. A ${word} cannot be removed again.<//>`)}
    ${errors.length > 0
      ? html`<${Note} tone="bad"><span role="alert">${count(wrong)} ${wrong === 1 ? "line is" : "lines are"} wrong, so nothing can be imported. Put them right in the file and choose it again.</span><//>
          <section class="card flush"><${Table} label="Wrong lines" columns=${ERROR_COLUMNS} rows=${numbered(errors)} height="40vh" /></section>`
      : changes.length > 0
        ? html`<section class="card flush"><${Table} label="What it changes" columns=${CHANGE_COLUMNS} rows=${numbered(changes)} height="40vh" /></section>`
        : html`<${Note} tone="good">Everything in the file is so already.<//>`}`;
}

// A line may be wrong in several ways: its number is no key.
const numbered = (rows) => rows.map((row, index) => ({ ...row, id: `${index}`, host: row.id }));

const ERROR_COLUMNS = [
  { id: "line", title: "Line", width: "70px", align: "end" },
  { id: "field", title: "Column", width: "150px", render: (row) => row.field || "–" },
  { id: "detail", title: "What is wrong", width: "minmax(260px, 1fr)", render: (row) => html`<span title=${row.detail}>${row.detail}</span>` },
];

const CHANGE_COLUMNS = [
  { id: "line", title: "Line", width: "70px", align: "end" },
  { id: "host", title: "Host", width: "minmax(110px, 1fr)" },
  { id: "what", title: "Kind", width: "100px", render: (row) => html`<${Badge} tone=${TONES[row.what]}>${row.what === "added" ? "new" : row.what}<//>` },
  { id: "fields", title: "What it changes", width: "minmax(220px, 3fr)", render: (row) => html`<span title=${told(row)}>${told(row)}</span>` },
];

const shown = (value) => (value === null ? "nothing" : Array.isArray(value) ? value.join(" ") : String(value));

/** A change in words: "team: ruby → jade". Of a person only a keyed hash is known, so nothing is shown of it. */
export function told({ what, fields }) {
  return Object.entries(fields)
    .map(([name, { before, after }]) => {
      if (name === "person") return "person";
      return before === null && (what === "added" || after !== null) ? `${name}: ${shown(after)}` : `${name}: ${shown(before)} → ${shown(after)}`;
    })
    .join(" · ");
}
