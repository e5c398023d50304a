// Headline figures. Each says how fresh and how final it is, and what exactly it is when asked.

import { pathOf } from "../../api.js";
import { useData } from "../../data.js";
import { useChannel, useConnection } from "../../live.js";
import { Dialog } from "../../ui/dialog.js";
import { count, measured, time } from "../../ui/format.js";
import { classes, html, useState } from "../../ui/html.js";
import { ErrorNote, Loading } from "../../ui/states.js";

// What is shown, in this order: id of the measure, word, unit ("money" stands for the event's currency).
const TILES = [
  ["gross_sales", "Gross sales", "money"],
  ["net_sales", "Net sales", "money"],
  ["orders", "Orders", "count"],
  ["units", "Units", "count"],
  ["aov", "Average order", "money"],
  ["refund_rate", "Refund rate", "ratio"],
  ["house", "House", "money"],
  ["viewers", "Viewers now", "count"],
];

export function Tiles({ event }) {
  const [asked, ask] = useState("");
  const desk = useChannel(`${event}/desk`);
  const viewers = useChannel(`${event}/viewers`);
  const connection = useConnection();
  const sales = desk.document;
  const values = { ...sales, viewers: viewers.document?.viewers };
  const peak = Math.max(sales?.viewers_peak ?? 0, viewers.document?.peak ?? 0);
  const isNow = connection.state === "live" && desk.isLive;
  const freshness = isNow ? "now" : connection.heardDate ? `as of ${time(connection.heardDate, "time")}` : "–";
  if (desk.error) return html`<${ErrorNote} problem=${desk.error} />`;
  return html`<section aria-label="Headline figures" class="tiles">
    ${TILES.map(([id, title, unit]) => {
      const isViewers = id === "viewers";
      return html`<div key=${id} class=${classes("tile", !isNow && "old")}>
        <div class="tile-head">
          <h2>${title}</h2>
          <button type="button" class="ask" aria-label=${`What is “${title}”?`} onClick=${() => ask(id)}>?</button>
        </div>
        <${Value} text=${sales ? measured(values[id], unit === "money" ? sales.unit : unit) : "–"} />
        <p class="tile-foot">
          ${isViewers ? html`<span>peak ${count(peak)}</span>` : sales && html`<span class=${classes("finality", sales.finality)}>${sales.finality}</span>`}
          <span>${freshness}</span>
        </p>
      </div>`;
    })}
    ${asked && html`<${Definition} event=${event} id=${asked} close=${() => ask("")} />`}
  </section>`;
}

/** A number that lights up for a moment when it becomes another one. Long ones are set smaller, so that they fit. */
function Value({ text }) {
  const [first] = useState(text);
  const isChanged = text !== first && first !== "–";
  return html`<p class="tile-value" style=${{ "--letters": text.length }}>
    <span key=${text} class=${isChanged ? "changed" : ""}>${text}</span>
  </p>`;
}

const ROWS = [
  ["formula", "Formula"],
  ["unit", "Unit"],
  ["basis", "Counted by"],
  ["includes", "Includes"],
  ["excludes", "Leaves out"],
  ["freshness", "How fresh"],
];

/** What a measure is, from the dictionary of the server that computes it. */
function Definition({ event, id, close }) {
  const { data, problem, reload } = useData(pathOf("v1/events", event, "metrics", "dictionary"));
  const measure = data?.measures.find((each) => each.id === id);
  const title = measure?.name ?? TILES.find(([each]) => each === id)[1];
  return html`<${Dialog} title=${title} close=${close}>
    <${ErrorNote} problem=${problem} retry=${reload} />
    ${!data && !problem && html`<${Loading} lines=${5} />`}
    ${measure &&
    html`<dl class="facts">
        ${ROWS.filter(([name]) => measure[name]).map(
          ([name, word]) => html`<dt>${word}</dt><dd>${name === "formula" ? html`<code>${measure[name]}</code>` : measure[name]}</dd>`,
        )}
      </dl>
      <p class="muted">Version ${data.version} of the dictionary; this measure is <code>${measure.id}</code> in the API.</p>`}
    ${data && !measure && html`<p>The dictionary of this server does not name it.</p>`}
  <//>`;
}
