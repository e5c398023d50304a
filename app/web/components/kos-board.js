// A board as a ranked list over video: rows climb, scores glow when they change. Attributes: docs/overlays.md.

import { BOARD_CSS } from "./board-style.js";
import { KosElement, put, setProperty } from "./element.js";
import { fit, fitWidth } from "./fit.js";
import { decimal, integer } from "./parameters.js";
import { Rows } from "./rows.js";

const SPOKEN_EVERY_MS = 10000;

export class KosBoard extends KosElement {
  static parameters = ["board", "limit", "scale", "align", "gap", "heading"];
  static saysEmpty = true;
  static css = BOARD_CSS;
  static template = `
    <section class="board" aria-labelledby="title">
      <header class="head">
        <div class="head-names">
          <h1 id="title"></h1>
          <p class="head-event" id="event"></p>
        </div>
        <p class="badge" id="badge" role="status">
          <span class="badge-dot" aria-hidden="true"></span>
          <span class="badge-words"><span id="badge-word"></span> <span class="badge-time" id="badge-time"></span></span>
        </p>
      </header>
      <ol class="rows" id="rows" role="list" aria-labelledby="title"></ol>
      <p class="spoken" id="spoken" aria-live="polite"></p>
    </section>
    <template id="row">
      <li class="row">
        <span class="rank"></span>
        <span class="who">
          <span class="name" dir="auto"></span>
          <span class="team" dir="auto"></span>
        </span>
        <span class="move" aria-hidden="true"></span>
        <span class="figures">
          <span class="score"></span>
          <span class="gap"></span>
        </span>
        <span class="glow" aria-hidden="true"></span>
      </li>
    </template>`;

  #rows = new Rows(this.at("rows"), this.at("row"), new Map());
  #spoken = { last: -SPOKEN_EVERY_MS, next: "" };

  get board() {
    return this.getAttribute("board") || "hosts";
  }

  get limit() {
    return integer(this.getAttribute("limit"), 1, 100, 10);
  }

  channels() {
    return [`${this.event}/boards/${this.board}`];
  }

  isEmpty([board]) {
    return board.rows.length === 0;
  }

  demo({ sampleHosts, sampleTeams }) {
    return [sampleHosts(), sampleTeams()].filter((board) => board.board === this.board.split(".")[0]).slice(0, 1);
  }

  connected() {
    this.every(1000, () => this.#speak());
  }

  draw([board], context) {
    this.#rows.colors = this.colors;
    this.#drawHead(board, context);
    const wanted = board.rows.slice(0, this.limit);
    const { unit, rows } = this.#fit(wanted.length);
    setProperty(this, "--unit", `${unit}px`);
    const climbed = this.#rows.show(wanted.slice(0, rows), this.#texts(board, context), context.isLively);
    if (climbed.length) this.#spoken.next = context.words.ranks(climbed[0].name ?? climbed[0].id, climbed[0].rank);
  }

  #fit(rows) {
    const scale = decimal(this.getAttribute("scale"), 0.3, 4, 1);
    const { width, height } = this.size;
    return this.hasAttribute("fill") ? fit(width, height, rows, scale) : fitWidth(width, rows, scale);
  }

  #drawHead(board, { state, asOf, words, format }) {
    put(this.at("title"), this.getAttribute("heading") ?? board.title ?? titleOf(board, words));
    put(this.at("event"), contextOf(board, this.limit, words, format));
    put(this.at("badge-word"), badgeOf(board, state, words));
    put(this.at("badge-time"), asOf);
    const isOld = state === "stale" || state === "ended";
    const kind = isOld ? "stale" : board.finality === "final" || board.frozen ? "still" : "live";
    if (this.at("badge").dataset.kind !== kind) this.at("badge").dataset.kind = kind;
  }

  #texts(board, { format, language }) {
    return {
      score: (row) => format.score(row.score, board.unit),
      gap: (row) => (this.getAttribute("gap") === "1" ? format.gap(row.gap, board.unit) : ""),
      team: (row) => row.team_name ?? readable(row.team, language),
    };
  }

  /** Tell a screen reader of the newest climb, but not of each one. */
  #speak() {
    const spoken = this.#spoken;
    if (!spoken.next || document.hidden || performance.now() - spoken.last < SPOKEN_EVERY_MS) return;
    put(this.at("spoken"), spoken.next);
    spoken.last = performance.now();
    spoken.next = "";
  }
}

/** A built-in board says what it ranks, and by what. */
function titleOf(board, words) {
  const of = words.of[board.of];
  return of ? `${of} · ${words.measure[board.measure] ?? board.measure}` : board.board;
}

function contextOf(board, limit, words, format) {
  const parts = [board.event_name ?? board.event];
  if (board.window?.startsWith("day:")) parts.push(format.day(board.window.slice(4)));
  const shown = Math.min(limit, board.rows.length);
  if (board.rows_total > shown) parts.push(words.top(shown, board.rows_total));
  return parts.join(" · ");
}

function badgeOf(board, state, words) {
  if (state === "stale" || state === "ended") return words[state];
  if (board.frozen) return words.frozen;
  return words[board.finality] ?? words.live;
}

/** A team's id as a name: "ruby" is "Ruby". */
function readable(id, language) {
  return id.charAt(0).toLocaleUpperCase(language) + id.slice(1).replaceAll("_", " ");
}

customElements.define("kos-board", KosBoard);
