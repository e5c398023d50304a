// The time until something begins or ends, by the server's clock. Attributes: docs/overlays.md.

import { put } from "./element.js";
import { Widget } from "./widget.js";

const TICK_MS = 200;
const PARTS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
// From here on every second counts.
const LAST_SECONDS = 10;

export class KosCountdown extends Widget {
  static own = ["to", "heading", "done"];
  static em = [22, 7.4];
  static style = `
    .box { align-items: center; }
    .clock { padding: 0.75em 1.4em 0.85em; text-align: center; }
    .label { font-size: 0.95em; }
    .parts { display: flex; gap: 0.95em; justify-content: center; margin-block-start: 0.3em; }
    .part { display: grid; min-width: 2.9em; }
    .part + .part { position: relative; }
    .part + .part::before { position: absolute; inset-inline-start: -0.36em; inset-block-start: 0.1em; font-size: 1.9em; font-weight: 700; content: ":"; color: var(--k-text-quiet); }
    .count { font-size: 2.7em; font-weight: 800; line-height: 1; letter-spacing: -0.01em; }
    .unit { margin-block-start: 0.25em; font-size: 0.74em; font-weight: 600; }
    .done { margin-block: 0.2em 0.1em; font-size: 1.9em; font-weight: 800; overflow-wrap: anywhere; }
    .is-last .count { color: var(--k-accent); }
    :host([data-state="empty"]) .box { display: none; }
  `;
  static template = `
    <div class="box">
      <div class="card clock" id="clock" role="timer" aria-labelledby="label">
        <h2 class="label" id="label" dir="auto"></h2>
        <p class="done display" id="done" dir="auto"></p>
        <p class="parts" id="parts"></p>
      </div>
    </div>
    <template id="part"><span class="part"><span class="count figure display"></span><span class="unit quiet"></span></span></template>`;

  #drawn = "";

  channels() {
    return [this.event];
  }

  isEmpty([state]) {
    return this.#aim(state) === null;
  }

  demo({ sampleState }) {
    return [sampleState(this.now())];
  }

  connected() {
    this.every(TICK_MS, () => this.#tick());
  }

  /** Draw again when another second shows, not five times a second. */
  #tick() {
    const second = Math.floor(this.now() / 1000);
    if (second !== this.#drawn) this.changed();
  }

  show([state], { words, format, language }) {
    const now = this.now();
    this.#drawn = Math.floor(now / 1000);
    const aim = this.#aim(state);
    if (!aim) return;
    const left = Math.max(0, Math.ceil((aim.at - now) / 1000));
    put(this.at("label"), this.getAttribute("heading") ?? (left ? words[aim.before] ?? "" : ""));
    put(this.at("done"), left ? "" : this.getAttribute("done") ?? words[aim.after] ?? "");
    this.at("done").hidden = left > 0;
    this.at("parts").hidden = left === 0;
    this.at("clock").classList.toggle("is-last", left > 0 && left <= LAST_SECONDS);
    this.#fill(left, format, language);
  }

  #fill(left, format, language) {
    const hasDays = left >= 86400;
    const hasHours = left >= 3600;
    const shown = PARTS.filter(([unit]) => (hasDays ? unit !== "second" : unit !== "day") && (hasHours || unit !== "hour"));
    const parts = this.at("parts");
    while (parts.children.length > shown.length) parts.lastElementChild.remove();
    while (parts.children.length < shown.length) parts.append(this.at("part").content.cloneNode(true));
    const digits = new Intl.NumberFormat(language, { minimumIntegerDigits: 2, useGrouping: false });
    shown.forEach(([unit, seconds], place) => {
      const above = unit === "day" ? Infinity : unit === "hour" ? 24 : 60;
      const whole = Math.floor(left / seconds);
      const count = above === Infinity ? whole : whole % above;
      const [number, word] = parts.children[place].children;
      put(number, unit === "day" ? format.number(count) : digits.format(count));
      put(word, format.span(unit, count));
    });
  }

  /** What is counted down to: {at (ms), before, after (words)}; null if there is nothing to count to. */
  #aim(state) {
    const to = this.getAttribute("to") ?? "";
    const start = { at: Date.parse(state.starts_at), before: "startsIn", after: "started" };
    const end = { at: Date.parse(state.ends_at), before: "endsIn", after: "over" };
    const hasBegun = !["draft", "scheduled"].includes(state.status);
    const hasEnded = ["ended", "final"].includes(state.status);
    if (to === "start") return hasBegun ? { ...start, at: 0 } : start;
    if (to === "end" || (to === "" && hasBegun)) return hasEnded ? { ...end, at: 0 } : end;
    if (to === "") return start;
    if (to === "offer" || to.startsWith("offer:")) return this.#offer(state, to.slice("offer:".length));
    const at = Date.parse(to);
    return Number.isNaN(at) ? null : { at, before: "", after: "" };
  }

  /** The offer of this id, else the one that ends first of those that hold now. */
  #offer(state, id) {
    const now = this.now();
    const holds = (offer) => Date.parse(offer.starts_at) <= now && now < Date.parse(offer.ends_at);
    const offer = state.offers.find(id ? (offer) => offer.id === id : holds);
    return offer ? { at: Date.parse(offer.ends_at), before: "offerEndsIn", after: "offerOver" } : null;
  }
}

customElements.define("kos-countdown", KosCountdown);
