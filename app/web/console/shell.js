// What stands around every page: event, connection, who is signed in, and where one can go.

import { EventSwitch } from "./event-switch.js";
import { useConnection } from "./live.js";
import { PAGES } from "./pages.js";
import { address } from "./router.js";
import { signOut, whyNot } from "./session.js";
import { Button } from "./ui/button.js";
import { time } from "./ui/format.js";
import { classes, html, useLayoutEffect, useState } from "./ui/html.js";
import { Icon } from "./ui/icons.js";

export function TopBar({ session, state, event, isOpen, open }) {
  return html`<header class="top">
    <button
      type="button"
      class="icon menu"
      aria-label="Menu"
      aria-expanded=${isOpen ? "true" : "false"}
      aria-controls="side"
      onClick=${() => open(!isOpen)}
    >
      <${Icon} name="menu" />
    </button>
    <a class="brand" href=${address("events")}><span class="mark" aria-hidden="true"></span><span>KOS Live</span></a>
    <${EventSwitch} event=${event} state=${state} />
    <div class="top-end">
      <${Connection} />
      <${Scheme} />
      <${Person} session=${session} />
    </div>
  </header>`;
}

const WORDS = {
  live: "Live",
  connecting: "Connecting",
  waiting: "Reconnecting",
  refused: "Not connected",
};

/** Whether what is shown is true now. Said aloud when it changes. */
function Connection() {
  const { state, heardDate } = useConnection();
  if (!WORDS[state]) return html`<span class="connection" role="status"></span>`;
  const asOf = state !== "live" && heardDate ? ` · as of ${time(heardDate, "time")}` : "";
  return html`<span class=${classes("connection", state)} role="status" title="Connection to the server">
    <i aria-hidden="true"></i><span>${WORDS[state]}${asOf}</span>
  </span>`;
}

const SCHEMES = [
  ["", "As the device"],
  ["light", "Light"],
  ["dark", "Dark"],
];

function heldScheme() {
  try {
    return localStorage.getItem("kos-scheme") ?? "";
  } catch {
    return "";
  }
}

/** Light, dark, or what the device says; remembered in this browser. */
function Scheme() {
  const [scheme, change] = useState(heldScheme);
  useLayoutEffect(() => {
    if (scheme) document.documentElement.dataset.scheme = scheme;
    else delete document.documentElement.dataset.scheme;
    try {
      localStorage.setItem("kos-scheme", scheme);
    } catch {
      // A browser that keeps nothing: it holds until the page is closed.
    }
    dispatchEvent(new Event("schemechange"));
  }, [scheme]);
  const place = SCHEMES.findIndex(([name]) => name === scheme);
  const [next] = SCHEMES[(place + 1) % SCHEMES.length];
  const label = `Colours: ${SCHEMES[place][1].toLowerCase()}`;
  return html`<button type="button" class="icon" aria-label=${label} title=${label} onClick=${() => change(next)}>
    <${Icon} name=${{ "": "half", light: "sun", dark: "moon" }[scheme]} />
  </button>`;
}

function Person({ session }) {
  return html`<button type="button" class="person" popovertarget="person">
      <span class="initial" data-initial=${[...(session.person || "?")][0].toUpperCase()}></span>
      <span class="person-name">${session.person}</span>
    </button>
    <div id="person" popover class="popover">
      <p><strong>${session.person}</strong><br /><span class="muted">Brand ${session.brand}</span></p>
      <p class="muted">This key may: ${session.scopes.join(", ") || "nothing"}</p>
      <p class="muted">Signed in until ${time(session.expires_at, "moment")}</p>
      <${Button} act=${signOut}>Sign out<//>
    </div>`;
}

/** The pages: those of the event, then those of the brand. What a key may not see is there, and says why. */
export function Side({ event, page, isOpen }) {
  const group = (name) => PAGES.filter((each) => each.group === name);
  return html`<nav id="side" class=${classes("side", isOpen && "open")} aria-label="Pages">
    ${event && html`<${Group} title="This event" pages=${group("event")} ...${{ event, page }} />`}
    <${Group} title="All events" pages=${group("all")} ...${{ event, page }} />
  </nav>`;
}

function Group({ title, pages, event, page }) {
  return html`<h2>${title}</h2>
    <ul>
      ${pages.map((each) => {
        const why = whyNot(each.scopes);
        const inside = html`<${Icon} name=${why ? "lock" : each.icon} />${each.title}`;
        // A page below another one (an order of the orders) marks that one; the events are not what all is below of.
        const isBelow = page && !page.group && each.group === "event" && page.path.startsWith(`${each.path}/`);
        const isHere = page === each || isBelow;
        return html`<li key=${each.path}>
          ${why
            ? html`<span class="off" title=${why}>${inside}<span class="unseen"> (${why})</span></span>`
            : html`<a href=${address(...each.path.replace(":event", event).split("/"))} aria-current=${isHere ? "page" : undefined}
                >${inside}</a
              >`}
        </li>`;
      })}
    </ul>`;
}
