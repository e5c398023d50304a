// A sentence across the picture: what the console tells the overlays, else the newest announcement of the event.
// Attributes: docs/overlays.md.

import { put } from "./element.js";
import { mayMove as maybeMoves } from "./motion.js";
import { Widget } from "./widget.js";

const LOOK_MS = 500;
const ENTER = [
  { opacity: 0, transform: "translateY(24%)" },
  { opacity: 1, transform: "none" },
];
const LEAVE_MS = 400;

export class KosAnnouncement extends Widget {
  static own = ["source", "heading"];
  static em = [58, 8.4];
  static leastPx = 14;
  static style = `
    .box { justify-content: flex-end; align-items: center; }
    /* It may come to lie over other parts, and is read all the same. */
    .banner { display: flex; align-items: stretch; max-width: 100%; background: linear-gradient(100deg, var(--k-panel), var(--k-panel-end)), var(--k-solid); }
    .side { flex: none; width: 0.5em; background: var(--k-accent); }
    .text { padding: 0.75em 1.3em 0.8em; }
    .label { font-size: 0.8em; }
    .words { display: -webkit-box; padding-block-end: 0.1em; overflow: hidden; margin-block-start: 0.12em; font-size: 1.55em; font-weight: 700; line-height: 1.22; overflow-wrap: anywhere; white-space: pre-line; -webkit-box-orient: vertical; -webkit-line-clamp: 3; }
    .words[data-size="long"] { font-size: 1.2em; -webkit-line-clamp: 4; }
    .words[data-size="longest"] { font-size: 0.96em; -webkit-line-clamp: 5; }
    .box[data-gone] { visibility: hidden; }
  `;
  static template = `
    <div class="box" id="box" data-gone>
      <section class="card banner" id="card" role="status" aria-live="polite">
        <span class="side solid" aria-hidden="true"></span>
        <div class="text">
          <p class="label" id="label"></p>
          <p class="words display" id="words" dir="auto"></p>
        </div>
      </section>
    </div>`;

  #shown = null;
  #leaving = 0;

  channels() {
    return [this.event, `${this.event}/overlays`];
  }

  demo({ sampleState }) {
    return [sampleState(this.now()), null];
  }

  connected() {
    // What is over is taken off without a word from the server.
    this.every(LOOK_MS, () => {
      if (this.#shown?.until && Date.parse(this.#shown.until) <= this.now()) this.changed();
    });
  }

  disconnected() {
    clearTimeout(this.#leaving);
  }

  show([state, overlays], { words, mayMove, isLively }) {
    const told = this.#told(state, overlays);
    const isNew = told?.text !== this.#shown?.text;
    this.#shown = told;
    put(this.at("label"), this.getAttribute("heading") ?? words.news);
    if (!isNew) return;
    clearTimeout(this.#leaving);
    if (!told) {
      this.#leave(isLively && maybeMoves());
      return;
    }
    put(this.at("words"), told.text);
    this.at("words").dataset.size = sizeOf(told.text);
    this.at("box").removeAttribute("data-gone");
    for (const animation of this.at("card").getAnimations()) animation.cancel();
    if (mayMove) this.at("card").animate(ENTER, { duration: 600, easing: "cubic-bezier(0.22, 0.9, 0.24, 1)", id: "move" });
  }

  #leave(moves) {
    const gone = () => {
      this.at("box").setAttribute("data-gone", "");
      put(this.at("words"), "");
    };
    if (!moves) return gone();
    this.at("card").animate([...ENTER].reverse(), { duration: LEAVE_MS, easing: "ease-in", id: "move", fill: "forwards" });
    this.#leaving = setTimeout(gone, LEAVE_MS);
  }

  #told(state, overlays) {
    const now = this.now();
    const holds = (one) => one && (!one.until || now < Date.parse(one.until));
    const source = this.getAttribute("source");
    if (source !== "event" && holds(overlays?.message)) return overlays.message;
    if (source === "console") return null;
    return (state?.announcements ?? []).find(holds) ?? null;
  }
}

/** "", "long" or "longest", by how wide the text is: Chinese, Japanese and Korean letters take the place of two. */
function sizeOf(text) {
  const width = [...text].reduce((sum, letter) => sum + (/[\u1100-\u11ff\u2e80-\uffdc]|[\ud840-\udfff]/.test(letter) ? 2 : 1), 0);
  return width > 260 ? "longest" : width > 100 ? "long" : "";
}

customElements.define("kos-announcement", KosAnnouncement);
