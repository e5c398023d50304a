// The standings: which board is chosen, its rows, who moved, and what a screen reader is told of it.

import { teamColor } from "../components/colors.js";
import { mayMove, moveFrom, places } from "../components/motion.js";
import { at, list, make, named, put } from "./dom.js";

const FIRST_ROWS = 10;
const MOVED_MS = 20000;
const SPOKEN_EVERY_MS = 10000;
const NO_COLORS = new Map();

export class Board {
  of = "teams";
  window = "event";
  #words;
  #isWhole = false;
  // Of the board that is shown: ranks of its last document, and who moved when.
  #ranks = { board: "", of: new Map() };
  #moved = new Map();
  #jumps = -1;
  #spokenAt = -SPOKEN_EVERY_MS;

  /** `redraw` is called when another board is wanted, or the same one otherwise. */
  constructor(words, redraw) {
    this.#words = words;
    this.#label();
    const tabs = [at("tab-teams"), at("tab-hosts")];
    for (const tab of tabs) tab.addEventListener("click", () => this.#choose(tab.dataset.of, redraw));
    at("tabs").addEventListener("keydown", (event) => {
      const places = { ArrowLeft: 0, ArrowRight: 1, Home: 0, End: 1 };
      if (!(event.key in places)) return;
      event.preventDefault();
      const tab = tabs[places[event.key]];
      tab.focus();
      this.#choose(tab.dataset.of, redraw);
    });
    at("windows").addEventListener("change", (event) => {
      this.window = event.target.value;
      this.#isWhole = false;
      redraw();
    });
    at("more").addEventListener("click", () => {
      this.#isWhole = !this.#isWhole;
      redraw();
    });
    this.#select();
  }

  /** What comes behind the event's id in the channel of the board that is chosen. */
  get channel() {
    return this.window === "event" ? `/boards/${this.of}` : `/boards/${this.of}.net_sales.day`;
  }

  #label() {
    const words = this.#words;
    put(at("boards-title"), words.boards);
    put(at("head-rank"), words.rank);
    put(at("head-score"), words.measure);
    put(at("windows-legend"), words.window);
    for (const of of ["teams", "hosts"]) put(at(`tab-${of}`), words.of[of]);
    for (const name of ["event", "day"]) put(at(`window-${name}`), words.windows[name]);
  }

  #choose(of, redraw) {
    if (of === this.of) return;
    this.of = of;
    this.#isWhole = false;
    this.#select();
    redraw();
  }

  #select() {
    for (const of of ["teams", "hosts"]) {
      const tab = at(`tab-${of}`);
      tab.setAttribute("aria-selected", String(of === this.of));
      tab.tabIndex = of === this.of ? 0 : -1;
    }
    at("panel").setAttribute("aria-labelledby", `tab-${this.of}`);
    put(at("head-name"), this.#words.one[this.of]);
  }

  /** `follow` is what follows the board that is chosen, perhaps without a document yet; `format` shows money and numbers. */
  show(follow, format, isSeen) {
    const words = this.#words;
    const document = follow?.document ?? null;
    // Caught up by a leap, as after a lost network: nobody climbed just now.
    const isLively = isSeen && this.#jumps === follow?.jumps;
    this.#jumps = follow?.jumps;
    const rows = document?.rows ?? [];
    const shown = this.#isWhole ? rows : rows.slice(0, FIRST_ROWS);
    at("table").hidden = !rows.length;
    at("board-empty").hidden = rows.length > 0;
    put(at("board-empty"), document ? words.boardEmpty[this.window] : words.boardLoading);
    put(at("board-total"), document ? words.total(format.money(document.total, document.unit)) : "");
    const rest = rows.length - FIRST_ROWS;
    at("more").hidden = rest <= 0;
    put(at("more"), this.#isWhole ? words.less : words.more(format.count(rest)));
    const isCut = this.#isWhole && document.rows_total > rows.length;
    at("board-note").hidden = !isCut;
    if (isCut) put(at("board-note"), words.first(format.count(rows.length), format.count(document.rows_total)));
    if (!document) return;
    this.#notice(document, isLively);
    this.#rows(document, shown, format, isLively);
  }

  /** Remember who has another rank than before, and say who came first. */
  #notice(document, isLively) {
    const name = `${document.epoch} ${this.channel}`;
    const isSame = this.#ranks.board === name;
    if (!isSame) this.#moved.clear();
    const now = performance.now();
    for (const row of document.rows) {
      const before = isSame ? this.#ranks.of.get(row.id) : undefined;
      if (before === undefined || before === row.rank || !isLively) continue;
      this.#moved.set(row.id, { by: before - row.rank, at: now });
      if (row.rank === 1 && now - this.#spokenAt > SPOKEN_EVERY_MS) {
        put(at("spoken"), this.#words.ranks(row.name ?? row.id, 1));
        this.#spokenAt = now;
      }
    }
    this.#ranks = { board: name, of: new Map(document.rows.map((row) => [row.id, row.rank])) };
  }

  #rows(document, shown, format, isLively) {
    const body = at("rows");
    const isMoving = isLively && mayMove();
    const before = isMoving ? places([...body.children]) : null;
    const most = Math.max(...shown.map((row) => Number(row.score)), 0);
    list(body, shown, (row) => row.id, makeRow, (element, row) => this.#fill(element, row, document, format, most));
    if (isMoving && before.size) moveFrom(before, [...body.children]);
  }

  #fill(element, row, document, format, most) {
    const find = (name) => element.querySelector(`.${name}`);
    element.dataset.rank = row.rank;
    put(find("rank"), format.count(row.rank));
    put(find("who"), row.name ?? row.id);
    const team = this.of === "teams" ? row.id : row.team;
    put(find("team"), this.of === "teams" ? "" : row.team_name ?? row.team ?? "");
    element.style.setProperty("--team", team ? teamColor(team, NO_COLORS) : "var(--quiet)");
    const score = Number(row.score);
    element.style.setProperty("--share", `${most > 0 && score > 0 ? (100 * score) / most : 0}%`);
    put(find("score"), format.money(row.score, document.unit));
    put(find("gap"), Number(row.gap) ? this.#words.behind(format.money(row.gap, document.unit)) : "");
    this.#mark(find("move"), this.#moved.get(row.id), format);
  }

  #mark(element, moved, format) {
    const isShown = moved && performance.now() - moved.at < MOVED_MS;
    const way = isShown ? (moved.by > 0 ? "up" : "down") : "";
    element.dataset.way = way;
    const places = format.count(Math.abs(moved?.by ?? 0));
    put(element.firstElementChild, way ? `${way === "up" ? "▲" : "▼"}${places}` : "");
    put(element.lastElementChild, way ? this.#words[way](places) : "");
  }
}

function makeRow() {
  const arrow = make("span", "");
  arrow.ariaHidden = "true";
  const move = make("span", "move", arrow, make("span", "unseen"));
  return make(
    "tr",
    "",
    make("td", "", make("span", "rank"), move),
    make("td", "", named("span", "who", ""), named("span", "team", ""), make("span", "bar")),
    make("td", "figure", make("span", "score"), make("span", "gap")),
  );
}
