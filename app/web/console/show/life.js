// The life of the event: where it stands, where it may go, and what each step means.

import { pathOf, post } from "../api.js";
import { useData } from "../data.js";
import { useChannel } from "../live.js";
import { Meanwhile } from "../meanwhile.js";
import { Countdown, serverNow } from "../clock.js";
import { Ask } from "../ui/ask.js";
import { Button } from "../ui/button.js";
import { Time, money, time } from "../ui/format.js";
import { classes, html, useState } from "../ui/html.js";
import { Loading, Note, Status } from "../ui/states.js";

const STEPS = ["draft", "scheduled", "live", "ended", "final"];
const NEXT = {
  draft: ["scheduled"],
  scheduled: ["live"],
  live: ["paused", "ended"],
  paused: ["live", "ended"],
  ended: ["final"],
  final: [],
};
const ACTS = {
  scheduled: { action: "Schedule", title: "Schedule the event?" },
  live: { action: "Go live", title: "Go live now?" },
  paused: { action: "Pause", title: "Pause the show?" },
  ended: { action: "End the event", title: "End the event now?", kind: "danger" },
  final: { action: "Make final", title: "Make the result final?", kind: "danger" },
};

/** What a step will change, in sentences. `now` in milliseconds. */
export function consequences(state, to, now) {
  const { starts_at: starts, ends_at: ends, timezone: zone, status } = state;
  const [start, end] = [time(starts, "moment", zone), time(ends, "moment", zone)];
  const [isBefore, isOver] = [now < Date.parse(starts), now >= Date.parse(ends)];
  if (to === "scheduled") {
    return [
      "Orders, refunds and cancellations are taken from now on, if they were paid inside the event.",
      isBefore ? `It goes live by itself at ${start}.` : `Its start, ${start}, has passed: it goes live when you say so.`,
      "Rules that you change from now on hold from then on, and no longer from the beginning.",
    ];
  }
  if (to === "live") {
    return [
      status === "paused" ? "The boards and the public page say that the show goes on." : "The boards and the public page say that the show is on.",
      ...(isBefore ? [`It is early: orders paid before ${start}, its start, are refused all the same.`] : []),
      isOver ? `Its end, ${end}, has passed: it ends when you say so.` : `It ends by itself at ${end}.`,
    ];
  }
  if (to === "paused") {
    return ["The event is shown as paused. You can go live again at any time.", "Money is not paused: orders go on being taken and credited."];
  }
  if (to === "ended") {
    return [
      isOver ? "The event is shown as ended." : `The event ends now and no longer at ${end}. Orders paid after this moment are refused.`,
      "Orders, refunds and corrections of the time before are still taken; results are provisional until you make them final.",
      "An ended event does not go live again.",
    ];
  }
  return [
    "Boards, ranks and the roster stay as they are, for good. This cannot be taken back.",
    "Orders that come later are in the ledger, and on no board.",
    "The package and the statements then tell the final result.",
  ];
}

export function Life({ event, state }) {
  const [to, ask] = useState("");
  const here = state.status === "paused" ? "live" : state.status;
  const place = STEPS.indexOf(here);
  return html`<section class="card life" aria-label="Life of the event">
    <ol class="steps">
      ${STEPS.map((step, index) => {
        const isHere = index === place;
        return html`<li key=${step} class=${classes(index < place && "past", isHere && "here")} aria-current=${isHere ? "step" : undefined}>
          ${isHere ? html`<${Status} of=${state.status} />` : step}
          ${isHere && html`<span class="muted">since <${Time} at=${state.entered_at} how="minute" zone=${state.timezone} /></span>`}
        </li>`;
      })}
    </ol>
    <div class="life-moves">
      <${Due} state=${state} />
      ${NEXT[state.status].map(
        (next) => html`<${Button} key=${next} kind=${next === "live" || next === "scheduled" ? "main" : "plain"} act=${() => ask(next)}>
          ${state.status === "paused" && next === "live" ? "Go on" : ACTS[next].action}…
        <//>`,
      )}
    </div>
    ${to && html`<${Move} ...${{ event, state, to, close: () => ask("") }} />`}
  </section>`;
}

/** What the passing of time will do next. */
function Due({ state }) {
  const due = { scheduled: ["Goes live", state.starts_at], live: ["Ends", state.ends_at], paused: ["Ends", state.ends_at] }[state.status];
  if (!due || Date.parse(due[1]) <= Date.parse(state.entered_at)) return null;
  return html`<span class="muted">${due[0]} by itself in <${Countdown} until=${due[1]} over="a moment" /></span>`;
}

function Move({ event, state, to, close }) {
  // What was true when the question was asked: the answer is about that, and the server says if it is no more.
  const [asked] = useState({ status: state.status, position: state.position });
  const isOther = state.status !== asked.status;
  const waits = useWaiting(event, to === "final");
  const { action, title, kind } = ACTS[to];
  const act = ({ reason, expected }) => {
    const params = { expected_position: expected };
    return post(pathOf("v1/events", event, "transitions"), { to, ...(waits.isOpen ? { waive: reason } : { reason }) }, { params });
  };
  const missing = isOther
    ? `The event is ${state.status} now, and no longer ${asked.status}. Close this and look again.`
    : waits.isLoading ? "Reading what is still open." : waits.blocking ? "Decide these first." : "";
  return html`<${Ask}
    ...${{ title, action, kind, close, act, missing }}
    expected=${asked.position}
    changes=${consequences(state, to, serverNow())}
    reason=${waits.isOpen ? "needed" : "optional"}
    reasonLabel=${waits.isOpen ? "Why the result does not depend on them" : undefined}
    reasonHint=${waits.isOpen ? "They are waived with this reason; it is written into the journal and the package." : undefined}
    said=${() => `The event is ${to}.`}
    notice=${html`<${Meanwhile} event=${event} />${isOther && html`<${Note} tone="bad"><span role="alert">${missing}</span><//>`}`}
  >
    ${to === "final" && html`<${Waiting} ...${waits} unit=${state.unit} />`}
  <//>`;
}

/** What an event still waits for before it is final: what blocks it, and what may be waived. */
function useWaiting(event, isWanted) {
  const path = (list) => (isWanted ? pathOf("v1/events", event, list) : null);
  const [claims, corrections] = [useData(path("claims")), useData(path("corrections"))];
  const { document: ops } = useChannel(isWanted ? `${event}/ops` : null);
  if (!isWanted) return { isLoading: false, isOpen: false, blocking: 0 };
  const open = ops?.open_items ?? [];
  return {
    isLoading: !ops || !claims.data || !corrections.data,
    problem: claims.problem ?? corrections.problem,
    claims: claims.data?.claims ?? [],
    corrections: corrections.data?.corrections ?? [],
    blocking: (claims.data?.claims.length ?? 0) + (corrections.data?.corrections.length ?? 0),
    open,
    isOpen: open.length > 0,
    unmatched: ops?.unmatched_refunds,
  };
}

const orderOf = (key) => key.split(":").slice(2).join(":");

function Waiting({ isLoading, claims, corrections, open, unmatched, unit }) {
  if (isLoading) return html`<${Loading} label="Reading what is still open" />`;
  if (!claims.length && !corrections.length && !open.length) return html`<${Note} tone="good">Nothing is open: every refund met its order, and no claim or correction waits.<//>`;
  return html`<div class="waits">
    ${claims.length + corrections.length > 0 &&
    html`<${Note} tone="bad">
      <div>
        <strong>It cannot become final before these are decided</strong>
        <ul class="listed">
          ${corrections.map((one) => html`<li key=${one.id}>Correction ${one.id} waits for a second person: ${one.reason}</li>`)}
          ${claims.map((one) => html`<li key=${one.id}>Claim ${one.id} of host ${one.host}${one.overdue ? ", overdue" : ""}</li>`)}
        </ul>
      </div>
    <//>`}
    ${open.length > 0 &&
    html`<${Note} tone="warn">
      <div>
        <strong>Still open</strong>
        ${unmatched?.count > 0 && html`<p>${unmatched.count === 1 ? "One refund" : `${unmatched.count} refunds`} of ${money(unmatched.amount, unit)} without ${unmatched.count === 1 ? "its order" : "their orders"}.</p>`}
        <ul class="listed">
          ${open.map(({ key, order }) => html`<li key=${key}>${key.split(":")[0]} ${orderOf(key)}${order && ` waits for order ${orderOf(order)}`}</li>`)}
        </ul>
        <p>Post their orders, or say below why the result does not depend on them.</p>
      </div>
    <//>`}
  </div>`;
}
