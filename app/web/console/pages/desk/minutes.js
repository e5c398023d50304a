// What was sold minute by minute, with what happened in between; as a picture or as a table.

import { pathOf } from "../../api.js";
import { useData } from "../../data.js";
import { Button } from "../../ui/button.js";
import { SelectField } from "../../ui/form.js";
import { measured, plural, time } from "../../ui/format.js";
import { classes, html, useMemo, useState } from "../../ui/html.js";
import { Empty, ErrorNote, Loading } from "../../ui/states.js";
import { Table } from "../../ui/table.js";
import { Chart } from "./chart.js";

const REFRESH_MS = 5000;
const MARKS_SHOWN = 8;
const MEASURES = [
  ["gross_sales", "Gross sales"],
  ["orders", "Orders"],
  ["units", "Units"],
  ["refunds", "Refunds"],
];
const LENGTHS = [
  ["30", "30 minutes"],
  ["120", "2 hours"],
  ["360", "6 hours"],
];
const MONEY = new Set(["gross_sales", "refunds"]);

export function Minutes({ event, state }) {
  const [measure, measureBy] = useState("gross_sales");
  const [last, look] = useState("120");
  const [isTable, tabulate] = useState(false);
  const path = pathOf("v1/events", event, "metrics", "minutes");
  const { data, problem, reload } = useData(path, { last }, { everyMs: REFRESH_MS });
  const unit = MONEY.has(measure) ? data?.unit : "count";
  const label = MEASURES.find(([id]) => id === measure)[1];
  return html`<section class="card" aria-label="Minute by minute">
    <header>
      <h2>Minute by minute</h2>
      <div class="end pickers">
        <${SelectField} label="Figure" value=${measure} onChange=${measureBy} choices=${MEASURES} />
        <${SelectField} label="Time" value=${last} onChange=${look} choices=${LENGTHS} />
        <${Button} act=${() => tabulate(!isTable)} aria-pressed=${isTable ? "true" : "false"}>Table<//>
      </div>
    </header>
    <${ErrorNote} problem=${problem} retry=${reload} />
    ${!data && !problem && html`<${Loading} lines=${7} />`}
    ${data && !data.minutes.length && html`<${Empty} title="Nothing was sold in this time" />`}
    ${data?.minutes.length > 0 && html`<${Shown} ...${{ data, measure, unit, label, isTable, zone: state?.timezone }} />`}
  </section>`;
}

function Shown({ data, measure, unit, label, isTable, zone }) {
  // Only the picture is drawn with floats; the table shows the decimals as they came.
  const series = useMemo(() => {
    const seconds = data.minutes.map((minute) => Date.parse(minute.at) / 1000);
    const values = data.minutes.map((minute) => Number(minute[measure]));
    const viewers = data.minutes.map((minute) => minute.viewers ?? null);
    return viewers.some((count) => count) ? [seconds, values, viewers] : [seconds, values];
  }, [data, measure]);
  const marks = useMemo(() => (data.markers ?? []).map((mark) => ({ ...mark, at: Date.parse(mark.at) / 1000 })), [data]);
  const highest = data.minutes.reduce((best, minute) => (Number(minute[measure]) > Number(best[measure]) ? minute : best));
  const summary = `${label} by minute from ${time(data.minutes[0].at, "minute", zone)} to ${time(data.minutes.at(-1).at, "minute", zone)}; the highest ${measured(highest[measure], unit)} at ${time(highest.at, "minute", zone)}; ${plural(marks.length, "mark")}.`;
  return html`${isTable
      ? html`<${MinuteTable} minutes=${data.minutes} unit=${data.unit} zone=${zone} />`
      : html`<figure><${Chart} ...${{ label, unit, zone, data: series, marks }} /><figcaption class="unseen">${summary} The button “Table” shows it in numbers.</figcaption></figure>`}
    <${Marks} marks=${data.markers ?? []} zone=${zone} />`;
}

function MinuteTable({ minutes, unit, zone }) {
  const money = (name) => (row) => measured(row[name], unit);
  const columns = [
    { id: "at", title: "Minute", width: "minmax(5rem, 1fr)", render: (row) => time(row.at, "minute", zone) },
    { id: "gross_sales", title: "Gross sales", width: "minmax(9rem, 1fr)", align: "end", render: money("gross_sales") },
    { id: "orders", title: "Orders", width: "6rem", align: "end" },
    { id: "units", title: "Units", width: "6rem", align: "end" },
    { id: "refunds", title: "Refunds", width: "minmax(8rem, 1fr)", align: "end", isMinor: true, render: money("refunds") },
    { id: "viewers", title: "Viewers", width: "6rem", align: "end", isMinor: true, render: (row) => measured(row.viewers, "count") },
  ];
  return html`<${Table} label="Minute by minute, the newest first" columns=${columns} rows=${minutes.toReversed()} keyOf=${(row) => row.at} height="280px" />`;
}

const WORDS = { pin: "Pinned", unpin: "Unpinned", offer: "Offer", transition: "Event", announcement: "Announcement", goal: "Goal" };

function Marks({ marks, zone }) {
  const [isAll, all] = useState(false);
  if (!marks.length) return null;
  const newest = marks.toReversed();
  const shown = isAll ? newest : newest.slice(0, MARKS_SHOWN);
  return html`<ul class="marks" aria-label="What happened">
    ${shown.map(
      (mark) => html`<li key=${`${mark.position}/${mark.kind}/${mark.label}`}>
        <i class=${classes("mark-dot", mark.kind)} aria-hidden="true"></i>${time(mark.at, "minute", zone)} <span>${WORDS[mark.kind] ?? mark.kind}: ${mark.label}</span>
      </li>`,
    )}
    ${newest.length > MARKS_SHOWN && html`<li><${Button} kind="quiet" act=${() => all(!isAll)}>${isAll ? "Fewer" : `${newest.length - MARKS_SHOWN} more`}<//></li>`}
  </ul>`;
}
