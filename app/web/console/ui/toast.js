// Short messages beside the page, said aloud too. An error stays until it is closed; Escape closes the newest message.

import { classes, html, useEffect, useState } from "./html.js";

const SHOWN_MS = 6000;
const MOST = 4;
const changes = new EventTarget();
let messages = [];
let lastId = 0;

function become(next) {
  messages = next.slice(-MOST);
  changes.dispatchEvent(new Event("change"));
}

/** Say something; `tone`: good or bad. */
export function toast(text, tone = "good") {
  const id = (lastId += 1);
  become([...messages, { id, text, tone }]);
  if (tone !== "bad") setTimeout(() => close(id), SHOWN_MS);
}

const close = (id) => become(messages.filter((message) => message.id !== id));

function pressed(event) {
  // What is open above the page has the key for itself.
  if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open], :popover-open")) return;
  become(messages.slice(0, -1));
}

/** Where they appear, what went wrong and the newest on top; the frame has one. Two regions, there from the start: what is said politely and what is not. */
export function Toasts() {
  const [shown, show] = useState(messages);
  useEffect(() => {
    const changed = () => show(messages);
    changes.addEventListener("change", changed);
    addEventListener("keydown", pressed);
    return () => {
      changes.removeEventListener("change", changed);
      removeEventListener("keydown", pressed);
    };
  }, []);
  const region = (tones, live) => html`<div aria-live=${live} role=${live === "polite" ? "status" : "alert"}>
    ${shown
      .filter((message) => tones.includes(message.tone))
      .toReversed()
      .map(
        (message) => html`<div key=${message.id} class=${classes("toast", message.tone)}>
          <span>${message.text}</span>
          <button class="close" aria-label="Close this message" onClick=${() => close(message.id)}>×</button>
        </div>`,
      )}
  </div>`;
  return html`<div class="toasts">${region(["bad"], "assertive")}${region(["good"], "polite")}</div>`;
}
