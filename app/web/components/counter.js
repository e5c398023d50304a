// A figure that counts to its new value, so that one sees by how much it moved.

import { between } from "./decimals.js";
import { put } from "./element.js";

const COUNT_MS = 900;
// Digits that run by are not read: thirty a second count as well as sixty, for half the work.
const STEP_MS = 30;
// What changes again so soon runs by itself.
const RUSH_MS = 250;
const easeOut = (part) => 1 - (1 - part) ** 3;

/** One element's figure. */
export class Counter {
  #element;
  #shown = null;
  #frame = 0;
  #changedAt = -Infinity;

  constructor(element) {
    this.#element = element;
  }

  /** Show a decimal string or a whole number as `format(value)`; on the way there only if it may move. */
  show(value, format, mayMove) {
    const from = this.#shown;
    if (from === value && this.#frame) return;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    this.#shown = value;
    const startedAt = performance.now();
    const isRushed = startedAt - this.#changedAt < RUSH_MS;
    if (from !== null && from !== value) this.#changedAt = startedAt;
    if (from === null || from === value || value === null || !mayMove || isRushed) {
      put(this.#element, format(value));
      return;
    }
    let shownAt = 0;
    const step = (now) => {
      const part = Math.min(1, Math.max(0, (now - startedAt) / COUNT_MS));
      if (part < 1 && now - shownAt < STEP_MS) {
        this.#frame = requestAnimationFrame(step);
        return;
      }
      shownAt = now;
      put(this.#element, format(part < 1 ? between(from, value, easeOut(part)) : value));
      this.#frame = part < 1 ? requestAnimationFrame(step) : 0;
    };
    this.#frame = requestAnimationFrame(step);
  }
}
