// How a brand wants an event to look: theme, colours, logos, a font. Asked for once for all components of a page, again
// when the server says that it changed, and kept for the next load, so that no overlay begins in another dress.

import { inkOn } from "./colors.js";
import { PROPERTIES, THEMES } from "./themes.js";

export const NO_LOOK = { version: "", theme: "", colors: {}, team_colors: {}, logo: null, team_logos: {}, font: null };

const AGAIN_MS = 5000;

const looks = new Map();
const fonts = new Map();
const dressed = new WeakMap();

/** The one look of this page for an event: `{now, watch(listener)}`; the result of `watch` ends it. */
export function lookOf(server, token, event, client) {
  const key = JSON.stringify([server, token, event]);
  if (!looks.has(key)) looks.set(key, new Look(server, token, event, client));
  return looks.get(key);
}

class Look {
  now = NO_LOOK;
  #server;
  #token;
  #event;
  #client;
  #follow = null;
  #isAsking = false;
  #hasAsked = false;
  #listeners = new Set();

  constructor(server, token, event, client) {
    this.#server = server;
    this.#token = token;
    this.#event = event;
    this.#client = client;
    const kept = recalled(this.#place);
    if (kept) this.#take(kept);
  }

  get #place() {
    return `kos-look ${this.#server} ${this.#event}`;
  }

  watch(listener) {
    this.#listeners.add(listener);
    if (!this.#follow) {
      this.#follow = this.#client.follow(`${this.#event}/overlays`, () => this.#heard(), { delay: 0 });
      // The page itself may have heard it before us.
      this.#heard();
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size) return;
      this.#follow?.stop();
      this.#follow = null;
    };
  }

  #heard() {
    const follow = this.#follow;
    if (!follow || this.#isAsking) return;
    const told = follow.document?.look_version;
    if (told === this.now.version) return;
    if (told === "") return this.#keep(NO_LOOK);
    // Who may not follow what overlays are told may still read boards, and their look: once, for nobody says when it changes.
    const isUntold = follow.error?.code === "channel_forbidden" && !this.#hasAsked;
    if (told !== undefined || isUntold) this.#ask();
  }

  async #ask() {
    this.#isAsking = this.#hasAsked = true;
    const url = new URL(`v1/events/${encodeURIComponent(this.#event)}/look`, this.#server);
    if (this.#token) url.searchParams.set("token", this.#token);
    let isAnswered = false;
    try {
      const answer = await fetch(url, { credentials: "omit", cache: "no-store" });
      if (answer.ok) this.#keep(await answer.json());
      isAnswered = answer.ok;
    } catch {
      // Not now.
    }
    // It may have changed once more meanwhile.
    setTimeout(
      () => {
        this.#isAsking = false;
        this.#heard();
      },
      isAnswered ? 0 : AGAIN_MS,
    );
  }

  #keep(look) {
    this.#take(look);
    try {
      localStorage.setItem(this.#place, JSON.stringify(look));
    } catch {
      // A page that may keep nothing asks at every load.
    }
  }

  #take(look) {
    this.now = { ...NO_LOOK, ...look };
    if (this.now.font) loadFont(this.now.font, assetUrl(this.#server, this.now.font));
    for (const listener of this.#listeners) listener();
  }
}

function recalled(place) {
  try {
    return JSON.parse(localStorage.getItem(place));
  } catch {
    return null;
  }
}

/** Where an asset of this name is served. */
export function assetUrl(server, name) {
  return new URL(`assets/${encodeURIComponent(name)}`, server).href;
}

function loadFont(name, url) {
  if (fonts.has(name)) return;
  const face = new FontFace(familyOf(name), `url("${url}")`, { display: "swap" });
  fonts.set(name, face);
  document.fonts.add(face);
  face.load().catch(() => {});
}

const familyOf = (name) => `kos-${name.slice(0, 16)}`;

/** Put a look's properties onto an element; a page's own `--kos-…` go before them. */
export function dress(element, look) {
  const theme = element.getAttribute("theme") || look.theme || "dark";
  if (element.dataset.theme !== theme) element.dataset.theme = theme;
  if (dressed.get(element) === look) return;
  dressed.set(element, look);
  for (const name of PROPERTIES) setOrClear(element, `--look-${name}`, look.colors[name]);
  const { accent } = look.colors;
  if (accent && !look.colors["on-accent"]) setOrClear(element, "--look-on-accent", inkOn(accent));
  // Behind it the theme's own, for letters that it does not have.
  const family = look.font && `${familyOf(look.font)}, ${THEMES.dark.font}`;
  for (const name of ["font", "font-display"]) setOrClear(element, `--look-${name}`, family);
}

function setOrClear(element, name, value) {
  if (value) element.style.setProperty(name, value);
  else element.style.removeProperty(name);
}
