// The list of rows: makes, fills, orders and moves their elements.

import { teamColor } from "./colors.js";
import { put } from "./element.js";
import { flash, mayMove, moveFrom, places, stopMoving } from "./motion.js";

const GLOW = [{ opacity: 0.85 }, { opacity: 0 }];
const GLOW_MS = 1600;
const MOVED = [{ opacity: 0 }, { opacity: 1, offset: 0.04 }, { opacity: 1, offset: 0.75 }, { opacity: 0 }];
const MOVED_MS = 6000;

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
    const moves = isLively && this.#elements.size > 0;
    const before = moves && mayMove() ? places([...this.#elements.values()]) : null;
    const climbed = [];
    for (const row of rows) {
      const element = this.#elements.get(row.id) ?? this.#make(row);
      const last = this.#shown.get(row.id);
      this.#fill(element, row, format);
      if (moves && last) {
        if (last.score !== row.score) flash(element.querySelector(".glow"), GLOW, GLOW_MS);
        if (row.rank < last.rank) climbed.push(row);
        this.#markMove(element, last.rank - row.rank);
      }
    }
    this.#order(rows);
    const elements = [...this.#elements.values()];
    if (before) moveFrom(before, elements);
    else elements.forEach(stopMoving);
    this.#shown = new Map(rows.map((row) => [row.id, row]));
    return climbed;
  }

  #make(row) {
    const element = this.#template.content.firstElementChild.cloneNode(true);
    element.dataset.id = row.id;
    this.#elements.set(row.id, element);
    return element;
  }

  #fill(element, row, format) {
    const team = row.team ?? row.id;
    const text = (selector, shown) => put(element.querySelector(selector), shown);
    element.dataset.rank = row.rank;
    element.style.setProperty("--team", teamColor(team, this.colors, row.color));
    text(".rank", row.rank);
    text(".name", row.name ?? row.id);
    text(".team", row.team === undefined ? "" : format.team(row));
    text(".score", format.score(row));
    text(".gap", format.gap(row));
  }

  #markMove(element, places) {
    // Who is passed by one other falls one place: true of half the board at every climb, and no news.
    if (places === 0 || places === -1) return;
    const mark = element.querySelector(".move");
    mark.textContent = `${places > 0 ? "▲" : "▼"}${Math.abs(places)}`;
    mark.dataset.direction = places > 0 ? "up" : "down";
    flash(mark, MOVED, MOVED_MS);
  }

  /** Bring the elements into the rows' order, touching only those that stand wrong, and drop the others. */
  #order(rows) {
    const wanted = new Set(rows.map((row) => row.id));
    for (const [id, element] of this.#elements) {
      if (wanted.has(id)) continue;
      element.remove();
      this.#elements.delete(id);
    }
    let next = this.#list.firstElementChild;
    for (const row of rows) {
      const element = this.#elements.get(row.id);
      if (element === next) next = next.nextElementSibling;
      else this.#list.insertBefore(element, next);
    }
  }
}
