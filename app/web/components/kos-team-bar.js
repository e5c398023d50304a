// Teams against each other: one bar, each team's part as long as what it sold. Attributes: docs/overlays.md.

import { teamColor } from "./colors.js";
import { Counter } from "./counter.js";
import { isMore, shareOf } from "./decimals.js";
import { put, setProperty } from "./element.js";
import { move, stopMoving } from "./motion.js";
import { integer } from "./parameters.js";
import { Widget, initials, readable } from "./widget.js";

// Part of the bar that even a team with nothing has, so that it can be seen.
const LEAST_PART = 0.04;
const SLIDE = { duration: 700, easing: "cubic-bezier(0.22, 0.9, 0.24, 1)", id: "move" };

export class KosTeamBar extends Widget {
  static own = ["board", "limit", "heading"];
  static em = [64, 6.5];
  static saysEmpty = true;
  static style = `
    .bar-card { width: 100%; padding: 0.75em 1em 0.9em; }
    .teams { display: flex; gap: 1.2em; list-style: none; }
    .team { display: grid; flex: 1; grid-template-columns: auto minmax(0, 1fr); gap: 0 0.75em; align-items: center; min-width: 0; }
    .team .mark { font-size: 1.3em; grid-row: 1 / 3; }
    .team .name { font-weight: 680; }
    .team .rank { margin-inline-end: 0.45em; font-weight: 800; color: var(--k-text-quiet); }
    .team[data-rank="1"] .rank { color: var(--k-gold); }
    .team .score { min-width: 0; overflow: hidden; font-size: 1.4em; font-weight: 800; }
    .teams[data-count="2"] .team:last-child { grid-template-columns: minmax(0, 1fr) auto; text-align: end; }
    .teams[data-count="2"] .team:last-child .mark { grid-column: 2; }
    .teams[data-count="2"] .team:last-child :is(.name, .score) { grid-column: 1; }
    .teams[data-count="2"] .team:last-child .name { grid-row: 1; text-align: end; }
    .bar { display: flex; gap: 0.22em; height: 0.9em; margin-block-start: 0.7em; overflow: hidden; background: var(--k-track); border-radius: 99em; }
    .part { flex: 1 1 0; min-width: 0; background: linear-gradient(180deg, color-mix(in srgb, var(--team) 82%, #fff), var(--team)); }
    .moves .part { transition: flex-grow 900ms cubic-bezier(0.22, 0.9, 0.24, 1); }
    :host([data-theme="clear"]) .bar { box-shadow: 0 0 0 0.12em rgb(0 0 0 / 70%); }
  `;
  static template = `
    <div class="box">
      <section class="card bar-card" id="card">
        <ol class="teams" id="teams" role="list"></ol>
        <div class="bar" id="bar" aria-hidden="true"></div>
      </section>
    </div>
    <template id="team">
      <li class="team">
        <span class="mark solid" aria-hidden="true"><span></span><img alt="" hidden></span>
        <span class="name line"><span class="rank figure"></span><bdi></bdi></span>
        <span class="score figure"></span>
      </li>
    </template>`;

  #teams = new Map();
  #order = [];

  channels() {
    return [`${this.event}/boards/${this.getAttribute("board") || "teams"}`];
  }

  isEmpty([board]) {
    return board.rows.length === 0;
  }

  demo({ sampleTeams }) {
    return [sampleTeams()];
  }

  show([board], context) {
    const rows = board.rows.slice(0, integer(this.getAttribute("limit"), 2, 8, 4));
    this.at("card").setAttribute("aria-label", this.getAttribute("heading") ?? context.words.of.team);
    this.at("card").classList.toggle("moves", context.mayMove);
    const isInOrder = rows.length === this.#order.length && rows.every((row, place) => row.id === this.#order[place]);
    const before = context.mayMove && !isInOrder ? this.#places() : null;
    this.#order = rows.map((row) => row.id);
    this.#drop(new Set(rows.map((row) => row.id)));
    // A bar that changed its order at every lead would tell nothing: parts stay where they are, names stand in order.
    const names = rows.map((row) => row.name ?? readable(row.id, context.language));
    const letters = initials(names, context.language);
    rows.forEach((row, place) => this.#fill({ ...row, name: names[place], letter: letters[place] }, place, board, context));
    this.at("teams").dataset.count = rows.length;
    this.#divide(rows);
    if (before) this.#slide(before);
  }

  #places() {
    return new Map([...this.#teams.values()].map(({ item }) => [item, item.getBoundingClientRect()]));
  }

  #drop(wanted) {
    for (const [id, { item, part }] of this.#teams) {
      if (wanted.has(id)) continue;
      item.remove();
      part.remove();
      this.#teams.delete(id);
    }
  }

  #fill(row, place, board, { format, mayMove }) {
    const made = this.#teams.get(row.id) ?? this.#make(row.id);
    const { item, part, counter } = made;
    item.dataset.rank = row.rank;
    for (const element of [item, part]) setProperty(element, "--team", teamColor(row.id, this.colors));
    put(item.querySelector(".rank"), row.rank);
    put(item.querySelector("bdi"), row.name);
    this.mark(item.querySelector(".mark"), row.id, row.letter);
    counter.show(row.score, (score) => format.score(score, board.unit), mayMove);
    for (const [list, element] of [["teams", item], ["bar", part]]) {
      const at = this.at(list).children[place];
      if (at !== element) this.at(list).insertBefore(element, at ?? null);
    }
  }

  #make(id) {
    const item = this.at("team").content.firstElementChild.cloneNode(true);
    const part = document.createElement("span");
    part.className = "part";
    item.dataset.id = part.dataset.id = id;
    const made = { item, part, counter: new Counter(item.querySelector(".score")) };
    this.#teams.set(id, made);
    return made;
  }

  /** Parts are in proportion to each other, and those that sold nothing, or less, are seen as well. */
  #divide(rows) {
    const most = rows.reduce((score, row) => (isMore(row.score, score) ? row.score : score), "0");
    for (const row of rows) {
      const share = most === "0" ? 1 : Math.max(LEAST_PART, shareOf(row.score, most));
      this.#teams.get(row.id).part.style.flexGrow = share.toFixed(5);
    }
  }

  #slide(before) {
    const items = [...this.#teams.values()].map(({ item }) => item);
    items.forEach(stopMoving);
    const moves = items.map((item) => [item, before.get(item)?.left - item.getBoundingClientRect().left]);
    for (const [item, way] of moves) {
      if (Math.abs(way) > 0.5) move(item, [{ transform: `translateX(${way}px)` }, { transform: "none" }], SLIDE);
    }
  }
}

customElements.define("kos-team-bar", KosTeamBar);
