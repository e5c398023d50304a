// What the small components share: a size that follows from their place, a panel to stand on, marks of teams.

import { inkOn, teamColor } from "./colors.js";
import { KosElement, put, setProperty } from "./element.js";
import { decimal } from "./parameters.js";
import { WIDGET_CSS } from "./widget-style.js";

const LEAST_PX = 9;
// In a page that is read, not watched from afar.
const LARGEST_PX = 19;

/**
 * A component that is drawn in em. `static em` is the width and height that it needs; in an overlay (`fill`) it is as large
 * as its place lets it be, in a page as its width does. A subclass gives `show` in place of `draw`.
 */
export class Widget extends KosElement {
  static sizing = ["scale", "align", "valign"];
  static em = [24, 6];
  /** The smallest em in a page, where it may take the height that it needs. */
  static leastPx = LEAST_PX;

  static get parameters() {
    return [...this.sizing, ...(this.own ?? [])];
  }

  static get css() {
    return WIDGET_CSS + (this.style ?? "");
  }

  /** Width and height of what is drawn, in em. */
  get em() {
    return this.constructor.em;
  }

  draw(documents, context) {
    this.#size();
    this.show(documents, context);
  }

  show() {}

  #size() {
    const [width, height] = this.em;
    const scale = decimal(this.getAttribute("scale"), 0.3, 4, 1);
    const fromWidth = this.size.width / width;
    const isPlaced = this.hasAttribute("fill");
    const room = isPlaced ? Math.min(fromWidth, this.size.height / height) : Math.min(fromWidth, LARGEST_PX);
    const least = isPlaced ? LEAST_PX : this.constructor.leastPx;
    const unit = `${Math.max(least, room * scale).toFixed(2)}px`;
    setProperty(this, "--unit", unit);
  }

  /** Fill an element `.mark` with a team's logo, or with a letter on its colour. */
  mark(element, team, initial) {
    const color = teamColor(team, this.colors);
    setProperty(element, "--team", color);
    setProperty(element, "--ink", inkOn(color));
    const url = this.asset(this.look.team_logos[team]);
    const [letter, image] = element.children;
    put(letter, url ? "" : initial);
    picture(image, url);
  }
}

/** Show a picture at this address, or none; one that cannot be loaded is none. */
export function picture(image, url) {
  if (image.dataset.url === url) return;
  image.dataset.url = url;
  image.hidden = true;
  image.onload = () => (image.hidden = false);
  image.onerror = () => (image.hidden = true);
  if (url) image.src = url;
  else image.removeAttribute("src");
}

/** What a team, a host or a session is called when nobody gave it a name: "ruby" is "Ruby". */
export function readable(id, language) {
  return id.charAt(0).toLocaleUpperCase(language) + id.slice(1).replaceAll("_", " ");
}

/** A letter for each name: the first in which it may differ from the others, "R" and "J" of "Team Ruby" and "Team Jade". */
export function initials(names, language) {
  const words = names.map((name) => name.trim().split(/\s+/));
  const isCommon = (at) => names.length > 1 && words.every((own) => own.length > at + 1 && own[at] === words[0][at]);
  let first = 0;
  while (isCommon(first)) first += 1;
  const segmenter = new Intl.Segmenter(language);
  return words.map((own) => {
    const letter = [...segmenter.segment(own[first] ?? "")].find(({ segment }) => /[\p{L}\p{N}]/u.test(segment));
    return (letter?.segment ?? "").toLocaleUpperCase(language);
  });
}

/** A name within a sentence: one from right to left moves nothing around it. */
export const isolated = (text) => `\u2068${text}\u2069`;

/** Have an element say how long its text is, so that its style can make room: `data-long`. */
export function markLong(element, most) {
  element.toggleAttribute("data-long", element.textContent.length > most);
}
