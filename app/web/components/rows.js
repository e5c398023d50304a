// The list of rows: makes, fills, orders and moves their elements.

import { teamColor } from "./colors.js";
import { put, setProperty } from "./element.js";
import { flash, mayMove, moveFrom, places, stopMoving } from "./motion.js";

const GLOW = [{ opacity: 0.85 }, { opacity: 0 }];
const GLOW_MS = 1600;
const MOVED = [{ opacity: 0 }, { opacity: 1, offset: 0.04 }, { opacity: 1, offset: 0.75 }, { opacity: 0 }];
const MOVED_MS = 6000;
const PARTS = ["rank", "name", "team", "move", "score", "gap", "glow"];

/** The elements of one board. `colors` are those that were asked for; may be set anew. */
export class Rows {
  #list;
  #template;
  #elements = new Map();
  #shown = new Map();

  constructor(list, template, colors) {
    this.#list = list;
    this.#template = template;
    this.colors = colors;
  }

  /**
   * Show these rows, in this order. `format` = {score, gap, team} gives a row's texts; `isLively`: show what changed.
   * Returns the rows that rank higher than when they were last shown.
   */
  show(rows, format, isLively) {
    const moves = isLively && this.#shown.size > 0;
    const ids = [...this.#shown.keys()];
    const isInOrder = rows.length === ids.length && rows.every((row, place) => row.id === ids[place]);
    // Asking where they are costs a layout, and most sales change no order.
    const before = moves && !isInOrder && mayMove() ? places(this.#all) : null;
    const climbed = [];
    for (const row of rows) {
      const parts = this.#elements.get(row.id) ?? this.#make(row);
      const last = this.#shown.get(row.id);
      this.#fill(parts, row, format);
      if (moves && last) {
        if (last.score !== row.score) flash(parts.glow, GLOW, GLOW_MS);
        if (row.rank < last.rank) climbed.push(row);
        this.#markMove(parts.move, last.rank - row.rank);
      }
    }
    if (!isInOrder) this.#order(rows);
    if (before) moveFrom(before, this.#all);
    else if (!moves || !mayMove()) this.#all.forEach(stopMoving);
    this.#shown = new Map(rows.map((row) => [row.id, row]));
    return climbed;
  }

  get #all() {
    return [...this.#elements.values()].map(({ element }) => element);
  }

  #make(row) {
    const element = this.#template.content.firstElementChild.cloneNode(true);
    element.dataset.id = row.id;
    const parts = { element };
    for (const name of PARTS) parts[name] = element.querySelector(`.${name}`);
    this.#elements.set(row.id, parts);
    return parts;
  }

  #fill(parts, row, format) {
    setProperty(parts.element, "--team", teamColor(row.team ?? row.id, this.colors, row.color));
    if (parts.element.dataset.rank !== String(row.rank)) parts.element.dataset.rank = row.rank;
    put(parts.rank, row.rank);
    put(parts.name, row.name ?? row.id);
    put(parts.team, row.team === undefined ? "" : format.team(row));
    put(parts.score, format.score(row));
    put(parts.gap, format.gap(row));
  }

  #markMove(mark, places) {
    // Who is passed by one other falls one place: true of half the board at every climb, and no news.
    if (places === 0 || places === -1) return;
    put(mark, `${places > 0 ? "▲" : "▼"}${Math.abs(places)}`);
    mark.dataset.direction = places > 0 ? "up" : "down";
    flash(mark, MOVED, MOVED_MS);
  }

  /** Bring the elements into the rows' order, touching only those that stand wrong, and drop the others. */
  #order(rows) {
    const wanted = new Set(rows.map((row) => row.id));
    for (const [id, { element }] of this.#elements) {
      if (wanted.has(id)) continue;
      element.remove();
      this.#elements.delete(id);
    }
    let next = this.#list.firstElementChild;
    for (const row of rows) {
      const { element } = this.#elements.get(row.id);
      if (element === next) next = next.nextElementSibling;
      else this.#list.insertBefore(element, next);
    }
  }
}
