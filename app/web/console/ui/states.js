// What stands where data will be, cannot be, or is none: loading, error, empty; and badges.

import { Button } from "./button.js";
import { classes, html } from "./html.js";

/** Grey bars in the shape of text, and the word for who cannot see them. */
export function Loading({ lines = 3, label = "Loading" }) {
  return html`<div class="loading" role="status">
    <span class="unseen">${label}…</span>
    ${Array.from({ length: lines }, (_, index) => html`<i key=${index} aria-hidden="true"></i>`)}
  </div>`;
}

/** Nothing there, and what to do about it. */
export function Empty({ title, children }) {
  return html`<div class="empty"><strong>${title}</strong>${children && html`<p>${children}</p>`}</div>`;
}

/** What went wrong in a sentence, the code for whoever is asked, and another try. */
export function ErrorNote({ problem, retry }) {
  if (!problem) return null;
  return html`<div class="note bad" role="alert">
    <p>${problem.message} <code>${problem.code}</code></p>
    ${retry && html`<${Button} act=${retry}>Try again<//>`}
  </div>`;
}

/** A note beside the matter; `tone`: info, good, warn, bad. */
export function Note({ tone = "info", children }) {
  return html`<div class=${classes("note", tone)}>${children}</div>`;
}

/** A short word in a coloured frame. The colour never says more than the word. */
export function Badge({ tone = "plain", children, ...rest }) {
  return html`<span ...${rest} class=${classes("badge", tone, rest.class)}>${children}</span>`;
}

const TONES = {
  draft: "plain",
  scheduled: "info",
  live: "live",
  paused: "warn",
  ended: "plain",
  final: "good",
  paid: "good",
  partly_refunded: "warn",
  refunded: "plain",
  cancelled: "plain",
  unmatched: "bad",
  disputed: "bad",
  provisional: "warn",
};

/** The status of an event or an order, or the finality of a number. */
export function Status({ of }) {
  if (!of) return null;
  return html`<${Badge} tone=${TONES[of] ?? "plain"}>${of.replaceAll("_", " ")}<//>`;
}
