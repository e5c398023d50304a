// What is shown on air now: picture, title, price, the time an offer still holds, a code, and a QR code to buy it.
// Attributes: docs/overlays.md.

import { put } from "./element.js";
import { Widget, markLong, picture } from "./widget.js";

const TICK_MS = 200;
const QUIET_ZONE = 2;
const SHOWN = [{ opacity: 0, transform: "translateY(6%)" }, { opacity: 1, transform: "none" }];

export class KosProduct extends Widget {
  static own = ["session", "sku", "link", "heading"];
  static em = [28, 15];
  static style = `
    .box { justify-content: flex-end; }
    .product { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; width: 100%; }
    .image { align-self: stretch; width: 8.6em; min-height: 8.6em; height: 100%; object-fit: cover; background: #fff; }
    .text { display: grid; grid-template-columns: minmax(0, 1fr); gap: 0.42em; align-content: center; overflow: hidden; min-width: 0; padding: 0.95em 1.1em; grid-column: 2; }
    .label { font-size: 0.85em; }
    .title { display: -webkit-box; padding-block-end: 0.12em; overflow: hidden; font-size: 1.5em; font-weight: 740; overflow-wrap: anywhere; line-height: 1.14; -webkit-box-orient: vertical; -webkit-line-clamp: 2; }
    .prices { display: flex; flex-wrap: wrap; gap: 0.1em 0.6em; align-items: baseline; }
    .price { font-size: 2.05em; font-weight: 830; letter-spacing: -0.01em; }
    .price[data-long] { font-size: 1.4em; }
    .was { font-weight: 600; text-decoration: line-through; text-decoration-thickness: 0.1em; font-size: 1.15em; }
    .is-offer .price { color: var(--k-accent); }
    .extras { display: flex; flex-wrap: wrap; gap: 0.5em 0.7em; align-items: center; }
    .code { max-width: 100%; overflow-wrap: anywhere; padding: 0.3em 0.75em; font-weight: 700; border: 0.1em dashed var(--k-gold); border-radius: 0.4em; }
    .code b { font-weight: 820; letter-spacing: 0.05em; color: var(--k-gold); }
    .offer { padding: 0.36em 0.75em; font-weight: 720; color: var(--k-on-accent); text-shadow: none; background: var(--k-accent); border-radius: 0.4em; }
    .qr { display: grid; gap: 0.35em; place-content: center; justify-items: center; padding: 0.8em 0.95em 0.8em 0; font-size: 1em; font-weight: 650; }
    .qr svg { width: 7.4em; height: 7.4em; background: #fff; border-radius: 0.4em; }
    .qr span { max-width: 7.4em; text-align: center; font-size: 0.85em; }
    :host([data-state="empty"]) .box { display: none; }
  `;
  static template = `
    <div class="box">
      <section class="card product" id="card" aria-labelledby="title">
        <img class="image" id="image" alt="" hidden>
        <div class="text">
          <p class="label" id="label"></p>
          <h2 class="title display" id="title" dir="auto"></h2>
          <p class="prices" id="prices">
            <span class="price figure display" id="price"></span>
            <s class="was figure quiet" id="was"></s>
          </p>
          <p class="extras" id="extras">
            <span class="code" id="code"><span id="code-word"></span> <b id="code-text" dir="ltr"></b></span>
            <span class="offer figure solid" id="offer" role="timer"></span>
          </p>
        </div>
        <div class="qr" id="qr" hidden>
          <svg id="qr-code" role="img" shape-rendering="crispEdges"><path id="qr-path" fill="#000"/></svg>
          <span id="qr-word"></span>
        </div>
      </section>
    </div>`;

  #shown = "";
  #link = null;
  #second = 0;

  channels() {
    return [this.event];
  }

  isEmpty([state]) {
    return !this.#pin(state);
  }

  demo({ sampleState }) {
    return [sampleState(this.now())];
  }

  connected() {
    this.every(TICK_MS, () => {
      if (Math.floor(this.now() / 1000) !== this.#second) this.changed();
    });
  }

  show([state], context) {
    this.#second = Math.floor(this.now() / 1000);
    const pin = this.#pin(state);
    if (!pin) {
      this.#shown = "";
      return;
    }
    const { words, mayMove } = context;
    put(this.at("label"), this.getAttribute("heading") ?? words.onAir);
    put(this.at("title"), pin.title || pin.sku);
    picture(this.at("image"), this.asset(pin.image));
    this.at("code").hidden = !pin.code;
    put(this.at("code-word"), words.code);
    put(this.at("code-text"), pin.code ?? "");
    const offer = this.#offer(state, pin);
    this.#prices(state, pin, offer, context);
    this.#countdown(offer, words);
    this.at("extras").hidden = !pin.code && !offer;
    this.#qr(this.getAttribute("link") ?? "", words);
    const key = `${pin.session} ${pin.sku} ${pin.pinned_at}`;
    if (mayMove && this.#shown !== key) this.at("card").animate(SHOWN, { duration: 550, easing: "ease-out", id: "move" });
    this.#shown = key;
  }

  #prices(state, pin, offer, { format, words }) {
    const price = offer?.price ?? pin.price;
    const was = offer && pin.price !== undefined && pin.price !== offer.price ? pin.price : null;
    const amount = (value) => format.score(value, state.unit);
    this.at("prices").hidden = price === undefined;
    put(this.at("price"), price === undefined ? "" : amount(price));
    markLong(this.at("price"), 12);
    this.at("was").hidden = was === null;
    put(this.at("was"), was === null ? "" : amount(was));
    this.at("was").setAttribute("aria-label", was === null ? "" : words.was(amount(was)));
    this.at("card").classList.toggle("is-offer", Boolean(offer));
  }

  #countdown(offer, words) {
    this.at("offer").hidden = !offer;
    if (!offer) return;
    const left = Math.max(0, Math.ceil((Date.parse(offer.ends_at) - this.now()) / 1000));
    put(this.at("offer"), `${words.offerEndsIn} ${clockOf(left)}`);
  }

  /** The pin that was asked for; else the latest one of the session, or of all sessions on air. */
  #pin(state) {
    const [session, sku] = [this.getAttribute("session"), this.getAttribute("sku")];
    const sessions = state.rows.filter((row) => !session || row.id === session);
    const pins = sessions.flatMap((row) => row.pins.map((pin) => ({ ...pin, session: row.id })));
    const wanted = pins.filter((pin) => !sku || pin.sku === sku);
    return wanted.sort((one, other) => (one.pinned_at < other.pinned_at ? 1 : -1))[0];
  }

  /** The offer that holds now for this product, its session's before the event's. */
  #offer(state, pin) {
    const now = this.now();
    const holds = state.offers.filter(
      (offer) =>
        offer.sku === pin.sku &&
        (offer.session === "" || offer.session === pin.session) &&
        Date.parse(offer.starts_at) <= now &&
        now < Date.parse(offer.ends_at),
    );
    return holds.find((offer) => offer.session) ?? holds[0];
  }

  async #qr(link, words) {
    put(this.at("qr-word"), words.scan);
    this.at("qr-code").setAttribute("aria-label", words.scan);
    if (link === this.#link) return;
    this.#link = link;
    this.at("qr").hidden = true;
    if (!isLink(link)) return;
    // Loaded only where somebody wants a code.
    const { encodeQR } = await import("./vendor/qr.js");
    if (link !== this.#link) return;
    const modules = encodeQR(link, "raw", { ecc: "medium", border: QUIET_ZONE });
    const path = modules.flatMap((row, y) => row.map((isDark, x) => (isDark ? `M${x} ${y}h1v1h-1z` : ""))).join("");
    this.at("qr-code").setAttribute("viewBox", `0 0 ${modules.length} ${modules.length}`);
    this.at("qr-path").setAttribute("d", path);
    this.at("qr").hidden = false;
  }
}

function isLink(text) {
  try {
    return ["http:", "https:"].includes(new URL(text).protocol);
  } catch {
    return false;
  }
}

/** Seconds as minutes and seconds, with hours where there are any. */
function clockOf(left) {
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(left / 3600), Math.floor(left / 60) % 60, left % 60];
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${two(minutes)}:${two(seconds)}`;
}

customElements.define("kos-product", KosProduct);
