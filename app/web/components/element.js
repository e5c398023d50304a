// What every component of ours is made on: it follows channels, keeps the last good picture, and says how true it is.

import { askedColors } from "./colors.js";
import { chosenLanguage, formatOf } from "./format.js";
import { eachFrame } from "./frames.js";
import { clientOf } from "./kos-client.js";
import { NO_LOOK, assetUrl, dress, lookOf } from "./look.js";
import { markupOf, sheetOf } from "./markup.js";
import { mayMove } from "./motion.js";
import { decimal } from "./parameters.js";
import { themeCss } from "./themes.js";
import { wordsOf } from "./words.js";

const ATTRIBUTES = ["server", "event", "token", "lang", "theme", "colors", "delay-ms", "room", "preview", "demo", "fill"];
const DELAY_MAX_MS = 60000;
// Of a module under /static/{digest}/components or /components/v1/{digest}.
const HOME = new URL("../../../", import.meta.url).href;

const CSS = `
  :host {
    position: relative;
    display: block;
    box-sizing: border-box;
    font-family: var(--k-font);
    line-height: 1.15;
    color: var(--k-text);
    text-shadow: 0 0 0.12em var(--k-outline), 0 0.04em 0.1em var(--k-outline);
    -webkit-font-smoothing: antialiased;
  }
  :host([hidden]) { display: none; }
  :host([fill]) { overflow: hidden; user-select: none; }
  :host([fill]) .content { height: 100%; }
  :host(:is(:not([data-state]), [data-state="loading"], [data-state="refused"], [data-state="forbidden"],
    [data-state="unknown"])) .content { display: none; }
  /* Browsers take an attribute align of any element as an alignment of its text. */
  .content { text-align: start; }
  *, *::before, *::after { box-sizing: border-box; }
  * { margin: 0; padding: 0; }
  .notice {
    margin: 12px;
    padding: 0.6em 0.9em;
    font-size: 20px;
    font-weight: 600;
    background: linear-gradient(90deg, var(--k-panel), var(--k-panel-end));
    border-radius: 8px;
    box-shadow: inset 0 0 0 1px var(--k-edge);
  }
  .stale-badge {
    position: absolute;
    inset-block-start: 4px;
    inset-inline-end: 4px;
    z-index: 9;
    padding: 0.3em 0.7em;
    font-size: 15px;
    font-weight: 700;
    color: var(--k-warn-text);
    text-shadow: none;
    background: var(--k-warn);
    border-radius: 99em;
  }
  /* A name from right to left still stands where names stand. */
  [dir="auto"] { text-align: -webkit-match-parent; text-align: match-parent; }
  .notice:empty, .stale-badge:empty { display: none; }
`;

/**
 * A subclass gives `static css`, `static template` (markup without data), `static parameters` (its own attributes),
 * `channels()` and `draw(documents, context)`; if it likes `connected()`, `disconnected()`, `isEmpty(documents)` and
 * `demo(samples)`, the documents to show with the attribute `demo`.
 *
 * `draw` is called in a frame after anything changed, once the first channel's document is here; other documents may be
 * null. They come in the order of `channels()`. Data only ever goes into `textContent`. `context`:
 *   isLively  whether the change was seen to happen: not the first time, not after catching up, not while hidden
 *   mayMove   isLively, and nobody asked for stillness
 *   state     as in `data-state`: live, empty, stale or ended here
 *   asOf      when what is stale was true, in words; "" otherwise
 *   words, format, language   of the element's language; see words.js and format.js
 */
export class KosElement extends HTMLElement {
  static css = "";
  static template = "";
  static parameters = [];
  /** Whether to say in place of the content that there is nothing yet. */
  static saysEmpty = false;

  #client = null;
  #follows = [];
  #told = null;
  #followed = "";
  #look = null;
  #unwatch = () => {};
  #server = HOME;
  #frames = null;
  #size = null;
  #sizes = new ResizeObserver(() => {
    this.#measure();
    this.changed();
  });
  #timers = new Set();
  #samples = null;
  #isChanging = false;
  #jumps = -1;
  #lastState = "";
  #notice;
  #staleBadge;

  static get observedAttributes() {
    return [...ATTRIBUTES, ...this.parameters];
  }

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [themeCss(), CSS, this.constructor.css].map(sheetOf);
    const content = document.createElement("div");
    content.className = "content";
    content.append(markupOf(this.constructor));
    this.#notice = made("notice");
    this.#notice.id = "notice";
    this.#staleBadge = made("stale-badge");
    root.append(content, this.#notice, this.#staleBadge);
  }

  /** Names of the channels to follow, whole; the first decides the state. */
  channels() {
    return [];
  }

  draw() {}

  /** Whether these documents hold nothing to show. */
  isEmpty() {
    return false;
  }

  /** `samples` is demo.js. */
  demo(samples) {
    return [];
  }

  connected() {}

  disconnected() {}

  /** The event's id, "" for none. */
  get event() {
    return this.getAttribute("event") ?? "";
  }

  get language() {
    return chosenLanguage(this.closest("[lang]")?.getAttribute("lang"));
  }

  get words() {
    return wordsOf(this.language);
  }

  /** Colours of teams by id: those asked for here, else those of the event's look. */
  get colors() {
    return new Map([...Object.entries(this.look.team_colors), ...askedColors(this.getAttribute("colors"))]);
  }

  /** How the event looks, as in GET /v1/events/{event}/look. */
  get look() {
    return this.#look?.now ?? NO_LOOK;
  }

  /** Address of an asset, "" for none. */
  asset(name) {
    return name ? assetUrl(this.#server, name) : "";
  }

  /** An element of the markup, by its id. */
  at(id) {
    return this.shadowRoot.getElementById(id);
  }

  /** The server's time in milliseconds as the room's picture has it; this machine's until the server was asked. */
  now() {
    const delay = this.#delay();
    return (this.#client?.now() ?? Date.now()) - (Number.isFinite(delay) ? delay : 0);
  }

  /**
   * {width, height} of the element's inside in pixels. Kept, because to ask in the middle of drawing has the browser lay out
   * the whole page, once for each component on it.
   */
  get size() {
    return this.#size ?? this.#measure();
  }

  #measure() {
    this.#size = { width: this.clientWidth, height: this.clientHeight };
    return this.#size;
  }

  /** Have `draw` called in the next frame. */
  changed() {
    this.#frames?.ask();
  }

  /** Call again and again until the element leaves the page. */
  every(milliseconds, call) {
    this.#timers.add(setInterval(call, milliseconds));
  }

  connectedCallback() {
    this.#frames = eachFrame((isSeen) => this.#render(isSeen));
    this.#sizes.observe(this);
    this.#jumps = -1;
    this.#follow();
    this.connected();
    this.changed();
  }

  disconnectedCallback() {
    this.#frames.stop();
    this.#frames = null;
    this.#sizes.disconnect();
    this.#size = null;
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers.clear();
    this.#unfollow();
    this.disconnected();
  }

  attributeChangedCallback(name, before, after) {
    if (before === after || !this.isConnected || this.#isChanging) return;
    this.#isChanging = true;
    // Attributes are set one by one; what they say together holds.
    queueMicrotask(() => {
      this.#isChanging = false;
      if (this.isConnected) this.#follow();
      this.changed();
    });
  }

  #follow() {
    const isDemo = this.hasAttribute("demo");
    const server = new URL(this.getAttribute("server") ?? HOME, document.baseURI).href;
    const token = this.getAttribute("token");
    const names = isDemo || !this.event ? [] : this.channels();
    const room = this.getAttribute("room");
    const followed = JSON.stringify([server, token, names, room, isDemo]);
    if (followed !== this.#followed) {
      this.#unfollow();
      this.#followed = followed;
      this.#server = server;
      this.#client = isDemo ? null : clientOf(server, token);
      this.#look = isDemo || !this.event ? null : lookOf(server, token, this.event, this.#client);
      this.#unwatch = this.#look?.watch(() => this.changed()) ?? this.#unwatch;
      // Until it is known for how long, everything is held back: a board shown early cannot be taken back.
      const delay = room ? Infinity : this.#delay();
      if (room && names.length) this.#told = this.#client.follow(`${this.event}/overlays`, () => this.#pace());
      this.#follows = names.map((name) => this.#client.follow(name, () => this.changed(), { delay }));
    }
    this.#pace();
  }

  #unfollow() {
    for (const follow of this.#follows) follow.stop();
    this.#told?.stop();
    this.#unwatch();
    this.#unwatch = () => {};
    this.#told = null;
    this.#follows = [];
    this.#followed = "";
    this.#jumps = -1;
  }

  #pace() {
    const delay = this.#delay();
    for (const follow of this.#follows) follow.delay = delay;
    this.changed();
  }

  /** Milliseconds by which the room's picture is late; Infinity until that is known. */
  #delay() {
    const own = decimal(this.getAttribute("delay-ms"), 0, DELAY_MAX_MS, 0);
    if (!this.#told) return own;
    const told = this.#told.document;
    if (told) return told.rooms?.[this.getAttribute("room")]?.delay_ms ?? own;
    return this.#told.error && !this.#told.error.retryable ? own : Infinity;
  }

  #render(isSeen) {
    const isDemo = this.hasAttribute("demo");
    if (isDemo && !this.#samples) return this.#askSamples();
    const documents = isDemo ? this.demo(this.#samples) : this.#follows.map((follow) => follow.document);
    const state = this.#state(documents);
    const { words, language } = this;
    const format = formatOf(language);
    dress(this, this.look);
    const jumps = this.#follows.reduce((sum, follow) => sum + follow.jumps, 0);
    const isLively = isSeen && jumps === this.#jumps && !document.hidden;
    const heard = this.#client?.heardDate;
    const asOf = (state === "stale" || state === "ended") && heard ? words.asOf(format.time(heard)) : "";
    this.#say(state, words, asOf);
    if (["loading", "refused", "forbidden", "unknown"].includes(state)) return;
    this.draw(documents, { isLively, mayMove: isLively && mayMove(), state, asOf, words, format, language });
    this.#jumps = jumps;
  }

  async #askSamples() {
    this.#samples = await import("./demo.js");
    this.changed();
  }

  #state(documents) {
    if (this.hasAttribute("demo")) return this.isEmpty(documents) ? "empty" : "live";
    if (!this.event) return "unknown";
    const isRefused = this.#client.state === "refused";
    const errors = this.#follows.map((follow) => follow.error).filter((error) => error && !error.retryable);
    const isForbidden = errors.some((error) => error.code === "channel_forbidden");
    if (this.#follows.length && !documents[0]) {
      if (isRefused) return "refused";
      const first = this.#follows[0].error;
      if (!first || first.retryable) return "loading";
      return first.code === "channel_forbidden" ? "forbidden" : "unknown";
    }
    if (isRefused || (this.#follows[0] && !this.#follows[0].isLive && isForbidden)) return "ended";
    if (this.#follows.some((follow) => !follow.isLive && !(follow.error && !follow.error.retryable))) return "stale";
    return this.isEmpty(documents) ? "empty" : "live";
  }

  /** Show the state. Why there is nothing to see is told where a link is tried out, never on air. */
  #say(state, words, asOf) {
    const hasNothing = ["loading", "refused", "forbidden", "unknown"].includes(state);
    const saysIt = hasNothing ? this.hasAttribute("preview") : state === "empty" && this.constructor.saysEmpty;
    put(this.#notice, saysIt ? words[state] ?? "" : "");
    const hasOwnBadge = this.at("badge") !== null;
    put(this.#staleBadge, asOf && !hasOwnBadge ? `${words[state]} ${asOf}` : "");
    if (state === this.#lastState) return;
    this.#lastState = state;
    this.dataset.state = state;
    this.dispatchEvent(new CustomEvent("kos-state", { bubbles: true, composed: true, detail: { state } }));
  }
}

/** Set an element's text, if it is another. */
export function put(element, text) {
  const shown = String(text);
  const { firstChild } = element;
  // Changed, a text stays the same node: nothing has to be built anew, nothing thrown away.
  if (shown && firstChild?.nodeType === Node.TEXT_NODE && !firstChild.nextSibling) {
    if (firstChild.data !== shown) firstChild.data = shown;
  } else if (element.textContent !== shown) element.textContent = shown;
}

/** Set a custom property of an element, if it is another: all that inherit it get their styles anew. */
export function setProperty(element, name, value) {
  if (element.style.getPropertyValue(name) !== value) element.style.setProperty(name, value);
}

function made(name) {
  const element = document.createElement("p");
  element.className = name;
  element.setAttribute("role", "status");
  return element;
}
