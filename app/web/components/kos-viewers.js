// How many are watching, the event or one session of it. Attributes: docs/overlays.md.

import { Counter } from "./counter.js";
import { put } from "./element.js";
import { Widget } from "./widget.js";

export class KosViewers extends Widget {
  static own = ["session", "peak"];
  static style = `
    .box { align-items: flex-end; }
    .pill { display: flex; gap: 0.55em; align-items: center; padding: 0.55em 1.1em 0.55em 0.95em; border-radius: 99em; }
    .eye { flex: none; width: 1.55em; height: 1.55em; color: var(--k-accent); overflow: visible; }
    :host([data-theme="clear"]) .eye { filter: drop-shadow(0 0 0.09em #000) drop-shadow(0 0 0.09em #000); }
    .number { font-size: 1.6em; font-weight: 800; }
    .words { font-weight: 600; }
    .both { display: grid; min-width: 0; gap: 0.1em; }
    .both .words { font-size: 0.82em; }
  `;
  static template = `
    <div class="box">
      <p class="card pill">
        <svg class="eye" viewBox="0 0 24 24" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linejoin="round">
          <path d="M1.5 12S5.3 5 12 5s10.5 7 10.5 7-3.8 7-10.5 7S1.5 12 1.5 12Z"/>
          <circle cx="12" cy="12" r="3.3" fill="currentColor" stroke="none"/>
        </svg>
        <span class="both">
          <span class="number figure display" id="number"></span>
          <span class="words line quiet" id="words"></span>
        </span>
      </p>
    </div>`;

  #number = new Counter(this.at("number"));

  get em() {
    return [this.#hasPeak ? 18 : 13.5, 4.2];
  }

  /** The peak is the event's, not a session's. */
  get #hasPeak() {
    return this.getAttribute("peak") === "1" && !this.getAttribute("session");
  }

  channels() {
    return [`${this.event}/viewers`];
  }

  demo({ sampleViewers }) {
    return [sampleViewers()];
  }

  show([viewers], { words, format, mayMove }) {
    const session = this.getAttribute("session");
    const count = session ? viewers.rows.find((row) => row.id === session)?.viewers ?? 0 : viewers.viewers;
    this.#number.show(String(count), format.number, mayMove);
    const peak = this.#hasPeak ? ` · ${words.peak(format.number(viewers.peak))}` : "";
    put(this.at("words"), words.watching + peak);
  }
}

customElements.define("kos-viewers", KosViewers);
