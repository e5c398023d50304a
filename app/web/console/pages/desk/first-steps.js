// An event that has sold nothing yet: what is done, what comes next.

import { useChannel } from "../../live.js";
import { PAGES } from "../../pages.js";
import { address } from "../../router.js";
import { classes, html } from "../../ui/html.js";

export function FirstSteps({ event, state }) {
  const { document: ops } = useChannel(`${event}/ops`);
  if (!state || !ops || ops.orders > 0) return null;
  const { hosts } = ops;
  const steps = [
    { page: "roster", title: "Hosts and teams", text: "Whoever sells stands in the roster, with the codes that are theirs.", isDone: hosts > 0 },
    { page: "show", title: "Schedule the event", text: "From then on it takes orders that are paid inside its time.", isDone: state.status !== "draft" },
    { page: "overlays", title: "An overlay on the picture", text: "One address for OBS shows the board, live.", isDone: false },
    { page: "orders", title: "The first order", text: "The shop posts it with a key of the scope orders; the API's page shows how.", isDone: false },
  ];
  const isThere = (name) => PAGES.some((page) => page.path === `events/:event/${name}`);
  const next = steps.findIndex((step) => !step.isDone);
  return html`<section class="card first-steps" aria-label="First steps">
    <header><h2>First steps</h2></header>
    <ol>
      ${steps.map(
        (step, index) => html`<li key=${step.page} class=${classes(step.isDone && "done", index === next && "next")}>
          <h3>${isThere(step.page) ? html`<a href=${address("events", event, step.page)}>${step.title}</a>` : step.title}${step.isDone && " ✓"}${step.isDone && html`<span class="unseen"> done</span>`}</h3>
          <p class="muted">${step.text}</p>
        </li>`,
      )}
    </ol>
  </section>`;
}
