// The last sales, newest first: a line along the edge of the picture, or a stack. Attributes: docs/overlays.md.

import { teamColor } from "./colors.js";
import { put } from "./element.js";
import { flash } from "./motion.js";
import { integer, oneOf } from "./parameters.js";
import { Widget, readable } from "./widget.js";

const ENTER = { duration: 650, easing: "cubic-bezier(0.22, 0.9, 0.24, 1)", id: "move" };
const SHINE = [{ opacity: 0.75 }, { opacity: 0 }];
const SHINE_MS = 1800;
const LAYOUTS = ["line", "stack"];

export class KosTicker extends Widget {
  static own = ["limit", "layout", "only-host", "only-team", "heading"];
  static em = [84, 3.2];
  static leastPx = 14;
  static style = `
    :host { --row: 2.9em; }
    .box { justify-content: flex-end; }
    .strip { display: flex; align-items: stretch; width: 100%; }
    .label { display: grid; flex: none; place-items: center; padding: 0 1.2em; color: var(--k-on-accent); background: var(--k-accent); text-shadow: none; font-size: 0.95em; }
    .label:empty { display: none; }
    .sales { display: flex; flex: 1; min-width: 0; height: var(--row); overflow: hidden; list-style: none; mask-image: linear-gradient(to right, #000 calc(100% - 3em), transparent); }
    .sales:dir(rtl) { mask-image: linear-gradient(to left, #000 calc(100% - 3em), transparent); }
    .sale { position: relative; display: flex; flex: none; gap: 0.55em; align-items: center; max-width: 26em; padding: 0 1.15em; overflow: hidden; }
    .sale + .sale { border-inline-start: 1px solid var(--k-edge); }
    .dot { flex: none; width: 0.62em; height: 0.62em; background: var(--team); border-radius: 50%; box-shadow: 0 0 0 0.14em var(--k-edge); }
    .name { font-weight: 700; max-width: 11em; }
    .title { flex: 0 1 auto; color: var(--k-text-quiet); font-weight: 550; }
    .amount { flex: none; font-weight: 800; }
    :host([layout="stack"]) .strip { display: block; }
    :host([layout="stack"]) .label { justify-content: start; padding: 0.5em 1.2em; }
    :host([layout="stack"]) .sales { display: block; height: auto; mask-image: none; }
    :host([layout="stack"]) .sale { max-width: none; height: 2.7em; }
    :host([layout="stack"]) .sale + .sale { border-inline-start: 0; border-block-start: 1px solid var(--k-edge); }
    :host([layout="stack"]) .title { flex: 1; }
    :host([layout="stack"]) .amount { margin-inline-start: auto; }
    :host([data-state="empty"]) .box { display: none; }
  `;
  static template = `
    <div class="box">
      <section class="card strip" aria-labelledby="label">
        <h2 class="label solid" id="label"></h2>
        <ol class="sales" id="sales" role="list"></ol>
      </section>
    </div>
    <template id="sale">
      <li class="sale">
        <span class="shine" aria-hidden="true"></span>
        <span class="dot solid" aria-hidden="true"></span>
        <span class="name line" dir="auto"></span>
        <span class="title line"><span class="units"></span><bdi></bdi></span>
        <span class="amount figure"></span>
      </li>
    </template>`;

  #elements = new Map();

  get layout() {
    return oneOf(this.getAttribute("layout"), LAYOUTS);
  }

  static get sizing() {
    return ["scale", "valign"];
  }

  channels() {
    return [`${this.event}/orders`];
  }

  isEmpty([ticker]) {
    return this.#wanted(ticker).length === 0;
  }

  demo({ sampleTicker }) {
    return [sampleTicker()];
  }

  show([ticker], context) {
    put(this.at("label"), this.getAttribute("heading") ?? context.words.latest);
    const rows = this.#wanted(ticker);
    const isStack = this.layout === "stack";
    const before = new Map([...this.#elements].map(([id, element]) => [id, element.getBoundingClientRect()]));
    const isFirst = this.#elements.size === 0;
    this.#fill(ticker, rows, context);
    if (!context.mayMove || isFirst) return;
    for (const element of this.#elements.values()) this.#move(element, before.get(element.dataset.id), isStack);
  }

  #wanted(ticker) {
    const [host, team] = [this.getAttribute("only-host"), this.getAttribute("only-team")];
    const limit = integer(this.getAttribute("limit"), 1, 50, 12);
    return ticker.rows.filter((row) => (!host || row.host === host) && (!team || row.team === team)).slice(0, limit);
  }

  #fill(ticker, rows, { format, words, language }) {
    const wanted = new Set(rows.map((row) => row.id));
    for (const [id, element] of this.#elements) {
      if (wanted.has(id)) continue;
      element.remove();
      this.#elements.delete(id);
    }
    const list = this.at("sales");
    rows.forEach((row, place) => {
      const element = this.#elements.get(row.id) ?? this.#make(row);
      const isHouse = row.host === "House";
      element.style.setProperty("--team", row.team ? teamColor(row.team, this.colors) : "var(--k-silver)");
      put(element.querySelector(".name"), isHouse ? words.direct : row.name ?? readable(row.host, language));
      put(element.querySelector(".units"), row.units > 1 ? `${format.number(row.units)} × ` : "");
      put(element.querySelector(".title bdi"), row.title);
      put(element.querySelector(".amount"), format.score(row.amount, ticker.unit));
      if (list.children[place] !== element) list.insertBefore(element, list.children[place] ?? null);
    });
  }

  #make(row) {
    const element = this.at("sale").content.firstElementChild.cloneNode(true);
    element.dataset.id = row.id;
    this.#elements.set(row.id, element);
    return element;
  }

  /** The new sale pushes the others along, and shines for a moment. */
  #move(element, before, isStack) {
    const now = element.getBoundingClientRect();
    const axis = isStack ? "Y" : "X";
    if (!before) {
      const size = isStack ? -now.height : -now.width * (getComputedStyle(this).direction === "rtl" ? -1 : 1);
      element.animate([{ transform: `translate${axis}(${size}px)`, opacity: 0 }, { transform: "none", opacity: 1 }], ENTER);
      flash(element.querySelector(".shine"), SHINE, SHINE_MS);
      return;
    }
    const from = isStack ? before.top - now.top : before.left - now.left;
    if (Math.abs(from) > 0.5) element.animate([{ transform: `translate${axis}(${from}px)` }, { transform: "none" }], ENTER);
  }
}

customElements.define("kos-ticker", KosTicker);
