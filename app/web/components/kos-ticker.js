// The last sales, newest first: a line along the edge of the picture, or a stack. Attributes: docs/overlays.md.

import { teamColor } from "./colors.js";
import { put, setProperty } from "./element.js";
import { flash, move, stopMoving } from "./motion.js";
import { integer, oneOf } from "./parameters.js";
import { Widget, readable } from "./widget.js";

const ENTER = { duration: 650, easing: "cubic-bezier(0.22, 0.9, 0.24, 1)", id: "move" };
// A line that was pushed along stands still for so long before the next sales push it: who sells that fast is read in bunches.
const REST_MS = 600;
const SHINE = [{ opacity: 0.75 }, { opacity: 0 }];
const SHINE_MS = 1800;
const PARTS = { name: ".name", units: ".units", title: ".title bdi", amount: ".amount", shine: ".shine" };
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
    .window { flex: 1; min-width: 0; height: var(--row); overflow: hidden; contain: strict; mask-image: linear-gradient(to right, #000 calc(100% - 3em), transparent); }
    .window:dir(rtl) { mask-image: linear-gradient(to left, #000 calc(100% - 3em), transparent); }
    .sales { display: flex; height: 100%; list-style: none; will-change: transform; }
    .sale { position: relative; display: flex; flex: none; gap: 0.55em; align-items: center; max-width: 26em; padding: 0 1.15em; overflow: hidden; }
    .sale + .sale { border-inline-start: 1px solid var(--k-edge); }
    .dot { flex: none; width: 0.62em; height: 0.62em; background: var(--team); border-radius: 50%; box-shadow: 0 0 0 0.14em var(--k-edge); }
    /* What was sold gives way to who sold it and for how much. */
    .name { flex: none; font-weight: 700; max-width: 11em; }
    .title { flex: 0 1 auto; color: var(--k-text-quiet); font-weight: 550; }
    .amount { flex: none; font-weight: 800; }
    :host([layout="stack"]) .strip { display: block; }
    :host([layout="stack"]) .label { justify-content: start; padding: 0.5em 1.2em; }
    :host([layout="stack"]) .window { height: auto; contain: none; mask-image: none; }
    :host([layout="stack"]) .sales { display: block; height: auto; }
    :host([layout="stack"]) .sale { max-width: none; height: 2.7em; }
    :host([layout="stack"]) .sale + .sale { border-inline-start: 0; border-block-start: 1px solid var(--k-edge); }
    :host([layout="stack"]) .name { flex: 0 1 auto; }
    :host([layout="stack"]) .title { flex: 1; }
    :host([layout="stack"]) .amount { margin-inline-start: auto; }
    :host([data-state="empty"]) .box { display: none; }
  `;
  static template = `
    <div class="box">
      <section class="card strip" aria-labelledby="label">
        <h2 class="label solid" id="label"></h2>
        <div class="window" id="window"><ol class="sales" id="sales" role="list"></ol></div>
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
  #order = [];
  #pushedAt = -Infinity;
  #waiting = 0;

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

  disconnected() {
    clearTimeout(this.#waiting);
  }

  show([ticker], context) {
    clearTimeout(this.#waiting);
    const rest = this.#pushedAt + ENTER.duration + REST_MS - performance.now();
    if (context.mayMove && rest > 0) {
      this.#waiting = setTimeout(() => this.changed(), rest);
      return;
    }
    put(this.at("label"), this.getAttribute("heading") ?? context.words.latest);
    const rows = this.#wanted(ticker);
    const isFirst = this.#elements.size === 0;
    const moves = context.mayMove && !isFirst && rows.some((row, place) => row.id !== this.#order[place]);
    const before = moves ? this.#places() : null;
    this.#fill(ticker, rows, context);
    this.#order = rows.map((row) => row.id);
    if (before) this.#move(before);
    else stopMoving(this.at("sales"));
  }

  #wanted(ticker) {
    const [host, team] = [this.getAttribute("only-host"), this.getAttribute("only-team")];
    const limit = integer(this.getAttribute("limit"), 1, 50, 12);
    return ticker.rows.filter((row) => (!host || row.host === host) && (!team || row.team === team)).slice(0, limit);
  }

  #fill(ticker, rows, { format, words, language }) {
    const wanted = new Set(rows.map((row) => row.id));
    for (const [id, { element }] of this.#elements) {
      if (wanted.has(id)) continue;
      element.remove();
      this.#elements.delete(id);
    }
    const list = this.at("sales");
    rows.forEach((row, place) => {
      const sale = this.#elements.get(row.id) ?? this.#make(row);
      const isHouse = row.host === "House";
      setProperty(sale.element, "--team", row.team ? teamColor(row.team, this.colors) : "var(--k-silver)");
      put(sale.name, isHouse ? words.direct : row.name ?? readable(row.host, language));
      put(sale.units, row.units > 1 ? `${format.number(row.units)} × ` : "");
      put(sale.title, row.title);
      put(sale.amount, format.score(row.amount, ticker.unit));
      if (list.children[place] !== sale.element) list.insertBefore(sale.element, list.children[place] ?? null);
    });
  }

  #make(row) {
    const element = this.at("sale").content.firstElementChild.cloneNode(true);
    element.dataset.id = row.id;
    const sale = { element };
    for (const [part, selector] of Object.entries(PARTS)) sale[part] = element.querySelector(selector);
    this.#elements.set(row.id, sale);
    return sale;
  }

  /** Where the line of sales is, and each of them in it, in pixels along its way. */
  #places() {
    const isStack = this.layout === "stack";
    const [line, window] = [this.at("sales"), this.at("window")].map((element) => element.getBoundingClientRect());
    const all = [...this.#elements].map(([id, { element }]) => [id, isStack ? element.offsetTop : element.offsetLeft]);
    return { line: isStack ? line.top - window.top : line.left - window.left, of: new Map(all) };
  }

  /** New sales push the line along, all of it as one, and shine for a moment. */
  #move(before) {
    const line = this.at("sales");
    stopMoving(line);
    const now = this.#places();
    const ids = this.#order;
    const stayed = ids.find((id) => before.of.has(id));
    // Of a line that is all new the first one comes in.
    const [from, to] = stayed ? [before.of.get(stayed), now.of.get(stayed)] : [now.of.get(ids[0]), now.of.get(ids[1] ?? ids[0])];
    const way = before.line - now.line + from - to;
    const axis = this.layout === "stack" ? "Y" : "X";
    if (Math.abs(way) > 0.5) move(line, [{ transform: `translate${axis}(${way}px)` }, { transform: "none" }], ENTER);
    this.#pushedAt = performance.now();
    for (const id of ids) if (!before.of.has(id)) flash(this.#elements.get(id).shine, SHINE, SHINE_MS);
  }
}

customElements.define("kos-ticker", KosTicker);
