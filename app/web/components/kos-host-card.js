// One host: rank, sales, the gap to who is next, and the neighbours on the board. Attributes: docs/overlays.md.

import { teamColor } from "./colors.js";
import { Counter } from "./counter.js";
import { put, setProperty } from "./element.js";
import { flash, moveFrom, places } from "./motion.js";
import { integer } from "./parameters.js";
import { Widget, isolated, markLong, readable } from "./widget.js";

const CLIMB = [
  { transform: "scale(1)" },
  { transform: "scale(1.22)", color: "var(--k-up)", offset: 0.35 },
  { transform: "scale(1)" },
];
const SHINE = [{ opacity: 0.7 }, { opacity: 0 }];
const SHINE_MS = 1600;

export class KosHostCard extends Widget {
  static own = ["host", "rows", "today"];
  static saysEmpty = true;
  static style = `
    .box { justify-content: flex-end; }
    .host { width: 100%; border-inline-start: 0.34em solid var(--team); }
    .top { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; gap: 0.9em; align-items: center; padding: 0.75em 1em 0.7em 0.85em; background: linear-gradient(90deg, color-mix(in srgb, var(--team) var(--k-tint), transparent), transparent 70%); }
    .rank { display: grid; min-width: 1.5em; font-size: 2.5em; font-weight: 850; text-align: center; letter-spacing: -0.03em; line-height: 1; }
    .rank:empty { display: none; }
    .rank[data-rank="1"] { color: var(--k-gold); }
    .rank[data-rank="2"] { color: var(--k-silver); }
    .rank[data-rank="3"] { color: var(--k-bronze); }
    .who { display: grid; gap: 0.16em; min-width: 0; grid-column: 2; }
    .name { font-size: 1.42em; font-weight: 760; }
    .team { font-weight: 600; }
    .money { display: grid; gap: 0.14em; justify-items: end; }
    .sales { font-size: 1.5em; font-weight: 820; }
    .sales[data-long] { font-size: 1.1em; }
    .orders { font-weight: 600; }
    .gap { padding: 0.45em 1em 0.5em 0.95em; font-weight: 680; border-block-start: 1px solid var(--k-edge); }
    .gap[data-leads] { color: var(--k-gold); }
    .rows { list-style: none; border-block-start: 1px solid var(--k-edge); }
    .rows:empty { display: none; }
    .row { position: relative; display: grid; grid-template-columns: 2.2em minmax(0, 1fr) auto; gap: 0.5em; align-items: center; height: 1.95em; padding-inline: 0.7em 1em; font-weight: 620; }
    .row .number { text-align: center; color: var(--k-text-quiet); font-weight: 750; }
    .row[data-mine] { font-weight: 800; background: color-mix(in srgb, var(--team) calc(var(--k-tint) * 1.3), transparent); }
    .row[data-mine] .number { color: inherit; }
  `;
  static template = `
    <div class="box">
      <section class="card host" id="card" aria-labelledby="name">
        <span class="shine" id="shine" aria-hidden="true"></span>
        <div class="top">
          <p class="rank figure display" id="rank"></p>
          <div class="who">
            <h2 class="name line display" id="name" dir="auto"></h2>
            <p class="team line quiet" id="team"></p>
          </div>
          <div class="money">
            <p class="sales figure" id="sales"></p>
            <p class="orders figure quiet" id="orders"></p>
          </div>
        </div>
        <p class="gap line" id="gap"></p>
        <ol class="rows" id="rows" role="list"></ol>
      </section>
    </div>
    <template id="row">
      <li class="row">
        <span class="number figure"></span>
        <span class="neighbour line" dir="auto"></span>
        <span class="score figure"></span>
      </li>
    </template>`;

  #sales = new Counter(this.at("sales"));
  #rows = new Map();
  #last = null;

  get em() {
    return [26, 7.4 + 1.95 * this.#count];
  }

  get #count() {
    return integer(this.getAttribute("rows"), 0, 5, 3);
  }

  channels() {
    const host = this.getAttribute("host");
    return host ? [`${this.event}/hosts/${host}`] : [];
  }

  isEmpty([host]) {
    return !host;
  }

  demo({ sampleHost }) {
    return [sampleHost()];
  }

  show([host], context) {
    if (!host) return;
    const { format, words, language, mayMove } = context;
    const isToday = this.getAttribute("today") === "1";
    const numbers = isToday ? host.today : host;
    setProperty(this.at("card"), "--team", host.team ? teamColor(host.team, this.colors) : "var(--k-accent)");
    put(this.at("rank"), host.rank ?? "");
    this.at("rank").dataset.rank = host.rank ?? "";
    put(this.at("name"), host.name || readable(host.host, language));
    put(this.at("team"), teamLine(host, words));
    this.#sales.show(numbers.net_sales, (value) => format.score(value, host.unit), mayMove);
    markLong(this.at("sales"), 13);
    put(this.at("orders"), `${format.number(numbers.orders)} ${words.measure.orders}`);
    this.#gap(host, context);
    this.#neighbours(host, context);
    if (mayMove && this.#last) this.#celebrate(host);
    this.#last = { rank: host.rank, sales: host.net_sales };
  }

  #celebrate(host) {
    if (host.net_sales !== this.#last.sales) flash(this.at("shine"), SHINE, SHINE_MS);
    if (host.rank !== null && this.#last.rank !== null && host.rank < this.#last.rank) {
      this.at("rank").animate(CLIMB, { duration: 1200, easing: "ease-out", id: "move" });
    }
  }

  /** How far it is to the one above, or how far ahead the first is of the second. */
  #gap(host, { format, words, language }) {
    const at = host.rows.findIndex((row) => row.id === host.host);
    const nameOf = (row) => isolated(row.name ?? readable(row.id, language));
    const amount = (row) => isolated(format.score(row.gap, host.unit));
    const [above, mine, below] = [host.rows[at - 1], host.rows[at], host.rows[at + 1]];
    let text = words.unranked;
    if (mine && above) text = words.behind(amount(mine), nameOf(above));
    else if (mine) text = below ? words.ahead(amount(below), nameOf(below)) : words.leads;
    put(this.at("gap"), text);
    this.at("gap").toggleAttribute("data-leads", host.rank === 1);
  }

  #neighbours(host, { format, language, mayMove }) {
    const rows = aroundMine(host, this.#count);
    const ids = [...this.#rows.keys()];
    const isInOrder = rows.length === ids.length && rows.every((row, place) => row.id === ids[place]);
    const before = mayMove && this.#last && !isInOrder ? places([...this.#rows.values()]) : null;
    const wanted = new Set(rows.map((row) => row.id));
    for (const [id, element] of this.#rows) {
      if (wanted.has(id)) continue;
      element.remove();
      this.#rows.delete(id);
    }
    const list = this.at("rows");
    rows.forEach((row, place) => {
      const element = this.#rows.get(row.id) ?? this.#make(row.id);
      const [number, name, score] = element.children;
      put(number, row.rank);
      put(name, row.name ?? readable(row.id, language));
      put(score, format.score(row.score, host.unit));
      element.toggleAttribute("data-mine", row.id === host.host);
      if (list.children[place] !== element) list.insertBefore(element, list.children[place] ?? null);
    });
    // In the order in which they stand, to know the next time whether that has changed.
    this.#rows = new Map(rows.map((row) => [row.id, this.#rows.get(row.id)]));
    if (before) moveFrom(before, [...this.#rows.values()]);
  }

  #make(id) {
    const element = this.at("row").content.firstElementChild.cloneNode(true);
    element.dataset.id = id;
    this.#rows.set(id, element);
    return element;
  }
}

function teamLine(host, words) {
  if (!host.team) return "";
  const name = host.team_name || host.team;
  return host.team_rank === null ? name : `${isolated(name)} · ${words.rank(host.team_rank)}`;
}

/** So many of the rows, with the host's own among them and as near to its middle as there are rows on both sides. */
function aroundMine(host, count) {
  const at = host.rows.findIndex((row) => row.id === host.host);
  const first = Math.max(0, Math.min(at - Math.floor((count - 1) / 2), host.rows.length - count));
  return host.rows.slice(first, first + count);
}

customElements.define("kos-host-card", KosHostCard);
