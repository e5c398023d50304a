// What other currencies are worth: the table in force, every version, and the next one.

import { pathOf, put } from "../../api.js";
import { useData } from "../../data.js";
import { whyNot } from "../../session.js";
import { Button } from "../../ui/button.js";
import { confirm } from "../../ui/dialog.js";
import { TextField } from "../../ui/form.js";
import { Time, count } from "../../ui/format.js";
import { html, useState } from "../../ui/html.js";
import { Badge, Empty, ErrorNote, Loading } from "../../ui/states.js";
import { toast } from "../../ui/toast.js";
import { AGAIN } from "./parts.js";

const LINE = /^([A-Za-z]{3})[\s=:,;]+(\d+(?:\.\d+)?)$/;

/** A table from lines like "EUR 7.8123": `{rates, wrong}`, `wrong` is the first line that is none, or "". */
export function ratesOf(text) {
  const rates = {};
  for (const line of text.split("\n").map((each) => each.trim()).filter(Boolean)) {
    const [, name, rate] = LINE.exec(line) ?? [];
    if (!name || rates[name.toUpperCase()]) return { rates, wrong: line };
    rates[name.toUpperCase()] = rate;
  }
  return { rates, wrong: "" };
}

/** Sentences of what a new table changes against the one in force. */
export function differences(before, after, currency) {
  const lines = [];
  for (const [name, rate] of Object.entries(after)) {
    if (!(name in before)) lines.push(`${name} is taken from now on: 1 ${name} is worth ${rate} ${currency}.`);
    else if (before[name] !== rate) lines.push(`1 ${name} is worth ${rate} ${currency}, ${before[name]} until now.`);
  }
  const gone = Object.keys(before).filter((name) => !(name in after));
  if (gone.length) lines.push(`Orders in ${gone.join(", ")} are refused from now on.`);
  return lines;
}

export function Rates({ event, currency, state }) {
  const list = useData(pathOf("v1/events", event, "rates"), {}, AGAIN);
  if (list.problem) return html`<${ErrorNote} problem=${list.problem} retry=${list.reload} />`;
  if (!list.data) return html`<${Loading} lines=${4} />`;
  const { rates, version, versions } = list.data;
  const names = Object.keys(rates).sort();
  return html`<div class="stack">
    <section class="card" aria-labelledby="in-force">
      <header>
        <h2 id="in-force">In force</h2>
        ${version && html`<${Badge} tone="info">version ${version}<//>`}
      </header>
      ${names.length
        ? html`<dl class="rates">
            ${names.map((name) => html`<div key=${name}><dt>1 ${name}</dt><dd>${rates[name]} <span class="muted">${currency}</span></dd></div>`)}
          </dl>`
        : html`<${Empty} title="Orders in ${currency} only">An order in another currency is refused until that has a rate.<//>`}
    </section>
    <${Declare} ...${{ event, currency, rates, done: list.reload }} key=${version} />
    ${versions.length > 0 &&
    html`<section class="card" aria-labelledby="versions">
      <header><h2 id="versions">Versions</h2></header>
      <div class="scrolls"><table>
        <thead><tr><th scope="col">Version</th><th scope="col">Since</th><th scope="col" class="end">From entry</th></tr></thead>
        <tbody>
          ${[...versions].reverse().map(
            (each) => html`<tr key=${each.version}>
              <th scope="row">${each.version}</th>
              <td><${Time} at=${each.recorded_at} zone=${state.timezone} /></td>
              <td class="end">${count(each.position)}</td>
            </tr>`,
          )}
        </tbody>
      </table></div>
    </section>`}
  </div>`;
}

function Declare({ event, currency, rates, done }) {
  const written = Object.keys(rates).sort().map((name) => `${name} ${rates[name]}`).join("\n");
  const [text, change] = useState(written);
  const [version, name] = useState(() => new Date().toISOString().slice(0, 10));
  const found = ratesOf(text);
  const changes = differences(rates, found.rates, currency);
  const why =
    whyNot(["ops"]) ||
    (found.wrong && `“${found.wrong}” is no line like EUR 7.8123, or comes twice.`) ||
    (!changes.length && "This is the table in force.") ||
    (!version.trim() && "Give the version a name.");
  const submitted = async (submit) => {
    submit.preventDefault();
    if (why) return;
    const answer = await confirm({
      title: "Declare these rates?",
      changes: [...changes, "What is booked already keeps its rate."],
      reason: "needed",
      action: "Declare",
      act: ({ reason }) => put(pathOf("v1/events", event, "rates"), { version: version.trim(), rates: found.rates, reason }),
    });
    if (!answer) return;
    toast("The rates hold from now on.");
    done();
  };
  return html`<section class="card" aria-labelledby="declare">
    <header><h2 id="declare">Declare a new table</h2></header>
    <form class="spaced" onSubmit=${submitted}>
      <${TextField}
        label="Rates"
        lines=${Math.min(12, Math.max(4, text.split("\n").length + 1))}
        value=${text}
        onChange=${change}
        spellcheck=${false}
        placeholder=${"EUR 7.8123\nJPY 0.0467"}
        error=${found.wrong && why}
        hint="The whole table, one currency a line: what 1 of it is worth in ${currency}. One that is missing is not taken any more."
      />
      <${TextField} label="Version" value=${version} onChange=${name} maxLength=${64} autocomplete="off" hint="A name that is used once." />
      <div class="actions"><${Button} type="submit" kind="main" why=${why || ""}>Declare…<//></div>
    </form>
  </section>`;
}
