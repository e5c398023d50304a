// The time as the server has it, so that a countdown is right on a computer whose clock is not.

import { addressOf } from "./api.js";
import { html, useEffect, useState } from "./ui/html.js";
import { clock } from "./ui/format.js";

// Headers tell whole seconds: a difference below this says nothing about either clock.
const DOUBT_MS = 2000;
let ahead = 0;
let asked = null;

async function learn() {
  const before = Date.now();
  try {
    const answer = await fetch(addressOf("console"), { method: "HEAD", cache: "no-store" });
    const told = Date.parse(answer.headers.get("Date"));
    const difference = told + 500 - (before + Date.now()) / 2;
    if (Math.abs(difference) > DOUBT_MS) ahead = difference;
  } catch {
    // Not reachable: this computer's own clock has to do, and the next page asks again.
    asked = null;
  }
}

/** The server's time in milliseconds. */
export const serverNow = () => Date.now() + ahead;

/** The server's time, drawn anew every second. */
export function useNow() {
  const [now, tick] = useState(serverNow);
  useEffect(() => {
    asked ??= learn();
    const timer = setInterval(() => tick(serverNow()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** How long something lasts by now: "1:05:09". */
export function Elapsed({ since }) {
  return html`<time class="ticking" dateTime=${since}>${clock((useNow() - Date.parse(since)) / 1000)}</time>`;
}

/** How long there is still; `over` stands there when the time has come. */
export function Countdown({ until, over = "over" }) {
  const left = (Date.parse(until) - useNow()) / 1000;
  return html`<time class=${left <= 60 ? "ticking soon" : "ticking"} dateTime=${until}>${left > 0 ? clock(left + 0.999) : over}</time>`;
}
