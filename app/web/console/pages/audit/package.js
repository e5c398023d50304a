// The result package, and how anybody recounts it without this server.

import { addressOf, pathOf } from "../../api.js";
import { useData } from "../../data.js";
import { Command } from "../../ui/command.js";
import { Time, count } from "../../ui/format.js";
import { html } from "../../ui/html.js";
import { ErrorNote, Loading } from "../../ui/states.js";
import { useCheckpoints } from "./checkpoints.js";

export function Package({ event }) {
  const keys = useData(".well-known/kos-keys.json");
  const newest = keys.data?.keys.at(-1);
  const last = useCheckpoints(event).checkpoints?.at(-1);
  const file = `${event}.kos.ndjson`;
  const fingerprint = newest?.fingerprint ?? "FINGERPRINT";
  return html`<div class="stack">
    <section class="card" aria-labelledby="package">
      <header>
        <h2 id="package">Result package</h2>
        <div class="end">
          <a class="button main" href=${addressOf(pathOf("v1/events", event, "package"))} target="_blank" rel="noopener">Download ${file}</a>
        </div>
      </header>
      <p class="muted">
        Everything that the result follows from, as one signed file: each entry with its hash, the signed checkpoints, and the program
        that recounts it. It holds no names and no addresses of buyers.
      </p>
    </section>
    <section class="card" aria-labelledby="recount">
      <header><h2 id="recount">How to recount it</h2></header>
      <${ErrorNote} problem=${keys.problem} retry=${keys.reload} />
      ${!keys.data && keys.isLoading && html`<${Loading} />`}
      <ol class="recount-steps">
        <li>
          <h3>Compare the fingerprint</h3>
          <p>It has to be the one that the organiser published elsewhere: in the terms of the event, read out on air, or printed. Without that, a
            package proves only that it is whole.</p>
          ${newest && html`<${Command}>${newest.fingerprint}<//>`}
          ${keys.data?.keys.length > 1 &&
          html`<details>
            <summary>Earlier keys of this installation</summary>
            <ul class="plain-list">
              ${keys.data.keys.slice(0, -1).map((key) => html`<li key=${key.id}><code class="hash">${key.fingerprint}</code> since <${Time} at=${key.made_at} how="day" /></li>`)}
            </ul>
          </details>`}
        </li>
        <li>
          <h3>Recount with this program</h3>
          <p>No database, no network and no setting is needed. It checks every byte and signature, decides every entry again by the rules, and prints
            the boards.</p>
          <${Command}>kos recount ${file} --key ${fingerprint}<//>
        </li>
        <li>
          <h3>Or with one file of Python, which you can read</h3>
          <p>Take <code>kos_recount.py</code> from where you trust it; it needs Python 3.8 and nothing else.</p>
          <${Command}>python3 kos_recount.py ${file} --key ${fingerprint}<//>
        </li>
        <li>
          <h3>Compare what it prints</h3>
          <p>With the boards that were announced, and with any checkpoint that you kept: the entry at its position must have its hash.</p>
          ${last && html`<${Command}>grep '"position":${last.position},' ${file}<//>
            <p>The newest checkpoint, at entry ${count(last.position)}, says: <code class="hash">${last.hash}</code></p>`}
        </li>
      </ol>
    </section>
  </div>`;
}
