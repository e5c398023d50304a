// Goals: what the event, a team, a host or a session wants to reach, and how far it has come.

import { pathOf, post } from "../api.js";
import { Meanwhile } from "../meanwhile.js";
import { RosterBox, useExact } from "../roster-data.js";
import { Ask } from "../ui/ask.js";
import { Button } from "../ui/button.js";
import { Combobox } from "../ui/combobox.js";
import { SelectField, TextField, complaint, useFields } from "../ui/form.js";
import { Time, count, money } from "../ui/format.js";
import { html, useState } from "../ui/html.js";
import { Badge, Empty } from "../ui/states.js";
import { amountOf, isAmount } from "./pins.js";

const MEASURES = [
  ["net_sales", "Net sales"],
  ["gross_sales", "Gross sales"],
  ["orders", "Orders"],
  ["units", "Units"],
];
const OF = [
  ["event", "The whole event"],
  ["team", "A team"],
  ["host", "A host"],
  ["session", "A session"],
];
const wordOf = (measure) => MEASURES.find(([id]) => id === measure)[1].toLowerCase();
const isMoney = (measure) => measure.endsWith("_sales");
const shown = (value, measure, unit) => (isMoney(measure) ? money(value, unit) : count(value));

/** How far a goal has come, 0 to 1. */
export const progress = (goal) => Math.max(0, Math.min(1, Number(goal.value) / Number(goal.target)));

export function Goals({ event, state }) {
  const [asked, ask] = useState(null);
  const close = () => ask(null);
  const goals = state.goals ?? [];
  const why = state.status === "final" ? "The event is final." : "";
  return html`<section class="card" aria-label="Goals">
    <header>
      <h2>Goals</h2>
      <${Badge}>${goals.length}<//>
      <span class="end"><${Button} act=${() => ask({ Form: SetGoal })} why=${why}>Set a goal…<//></span>
    </header>
    ${goals.length === 0 && html`<${Empty} title="No goal is set">A goal is shown with how far it has come, and celebrated when it is reached.<//>`}
    <ul class="goals">
      ${goals.map((goal) => html`<${Goal} key=${goal.id} ...${{ goal, state, ask }} />`)}
    </ul>
    ${asked && html`<${asked.Form} ...${{ event, state, close, ...asked }} />`}
  </section>`;
}

function Goal({ goal, state, ask }) {
  const part = progress(goal);
  const whose = goal.of === "event" ? "the event" : `${goal.of} ${goal.target_id}`;
  return html`<li>
    <div class="goal-head">
      <strong dir="auto">${goal.title}</strong>
      ${goal.reached_at && html`<${Badge} tone="good">reached <${Time} at=${goal.reached_at} how="minute" zone=${state.timezone} /><//>`}
    </div>
    <div class="bar" role="img" aria-label=${`${Math.floor(part * 100)} per cent`}><i style=${{ width: `${part * 100}%` }}></i></div>
    <div class="goal-foot">
      <span>${shown(goal.value, goal.measure, state.unit)} <span class="muted">of ${shown(goal.target, goal.measure, state.unit)} ${wordOf(goal.measure)} · ${whose}</span></span>
      <span class="buttons">
        <${Button} kind="quiet" act=${() => ask({ Form: SetGoal, goal })} aria-label=${`Change the goal ${goal.title}`}>Change…<//>
        <${Button} kind="quiet" act=${() => ask({ Form: EndGoal, goal })} aria-label=${`End the goal ${goal.title}`}>End…<//>
      </span>
    </div>
  </li>`;
}

/** A name for a goal: what its title is in small letters, and a moment. */
export function goalId(title, moment) {
  const word = title.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 40);
  return `${word || "goal"}-${moment}`;
}

/** Whose goal it is, for a sentence. */
function useWhose(event, { of, target_id: id }) {
  const { row } = useExact(event, `${of}s`, of === "host" || of === "team" ? id : "");
  return of === "event" ? "everybody" : of === "session" ? `Session ${id}` : (row?.title ?? id);
}

function SetGoal({ event, state, goal, close }) {
  const [values, set] = useFields(
    goal ? { ...goal, target: String(goal.target) } : { title: "", of: "event", target_id: "", measure: "net_sales", target: "" },
  );
  const whose = useWhose(event, values);
  const isOld = Boolean(goal);
  // What was ended keeps its name for good, so a new goal has the moment in its own; one moment, however often it is sent.
  const [moment] = useState(() => Date.now().toString(36).slice(-5));
  const target = amountOf(values.target);
  const isRight = isMoney(values.measure) ? isAmount(values.target) && Number(target) > 0 : /^[1-9]\d{0,8}$/.test(target);
  const missing = !values.title.trim() ? "Give it a title." : values.of !== "event" && !values.target_id ? "Choose whose goal it is." : !isRight ? "Write the target as a number above zero." : "";
  const act = () => {
    const id = goal?.id ?? goalId(values.title, moment);
    const { title, of, measure } = values;
    return post(pathOf("v1/events", event, "goals"), { id, title: title.trim(), of, measure, target, ...(of === "event" ? {} : { target_id: values.target_id }) });
  };
  const changes = missing ? [] : [
    `Overlays show “${values.title.trim()}”, for ${whose}: ${shown(target, values.measure, state.unit)} ${wordOf(values.measure)} over the whole event.`,
    ...(isOld && String(goal.target) !== target ? ["With another target it has to be reached anew."] : []),
    "Viewers see it at once. No rank and no credit depends on it.",
  ];
  return html`<${Ask}
    title=${isOld ? `Change “${goal.title}”` : "Set a goal"}
    action=${isOld ? "Change it" : "Set it"}
    ...${{ close, act, changes, missing }}
    said=${() => `The goal “${values.title.trim()}” is set.`}
    notice=${html`<${Meanwhile} event=${event} />`}
  >
    ${(problem) => html`<div class="fields">
      <${TextField} isWide label="Title" hint="What viewers read." value=${values.title} onChange=${set("title")} maxLength=${120} error=${complaint(problem, "title")} />
      ${!isOld && html`<${Whose} ...${{ event, values, set, state, problem }} />`}
      <${TextField}
        label=${isMoney(values.measure) ? `Target in ${state.unit}` : `Target, number of ${values.measure}`}
        inputmode="decimal"
        value=${values.target}
        onChange=${set("target")}
        error=${complaint(problem, "target")}
      />
    </div>`}
  <//>`;
}

function Whose({ event, values, set, state, problem }) {
  const choose = (of) => {
    set("of")(of);
    set("target_id")("");
    // A session has no net sales: refunds do not say which session sold.
    if (of === "session" && values.measure === "net_sales") set("measure")("gross_sales");
  };
  const field = {
    label: { team: "Team", host: "Host", session: "Session" }[values.of],
    value: values.target_id,
    keeps: true,
    onPick: (option) => set("target_id")(option.id),
    error: complaint(problem, "target_id"),
  };
  const measures = MEASURES.filter(([id]) => values.of !== "session" || id !== "net_sales");
  return html`<${SelectField} label="Of" value=${values.of} onChange=${choose} choices=${OF} error=${complaint(problem, "of")} />
    ${values.of === "event" && html`<span aria-hidden="true"></span>`}
    ${values.of === "session" && html`<${Combobox} ...${field} options=${state.rows.map(({ id }) => ({ id, name: id }))} />`}
    ${(values.of === "team" || values.of === "host") && html`<${RosterBox} key=${values.of} ...${field} event=${event} list=${`${values.of}s`} />`}
    <${SelectField} label="What is counted" value=${values.measure} onChange=${set("measure")} choices=${measures} error=${complaint(problem, "measure")} />`;
}

function EndGoal({ event, state, goal, close }) {
  return html`<${Ask}
    title=${`End the goal “${goal.title}”?`}
    action="End it"
    kind="danger"
    close=${close}
    act=${() => post(pathOf("v1/events", event, "goals", goal.id, "end"), {})}
    changes=${[`Overlays show it no more. It stands at ${shown(goal.value, goal.measure, state.unit)} of ${shown(goal.target, goal.measure, state.unit)}.`, "It does not come back; another goal takes its place."]}
    said=${() => `The goal “${goal.title}” is ended.`}
    notice=${html`<${Meanwhile} event=${event} />`}
  />`;
}
