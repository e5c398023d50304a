// A goal and how far it has come; it says so when it is reached. Attributes: docs/overlays.md.

import { teamColor } from "./colors.js";
import { Counter } from "./counter.js";
import { difference, shareOf } from "./decimals.js";
import { put, setProperty } from "./element.js";
import { flash } from "./motion.js";
import { Widget, isolated, markLong } from "./widget.js";

const MONEY = ["gross_sales", "net_sales"];
const SHINE = [{ opacity: 0.9 }, { opacity: 0 }];
const SHINE_MS = 2600;
const POP = [{ transform: "scale(0.6)", opacity: 0 }, { transform: "scale(1.08)", opacity: 1, offset: 0.6 }, { transform: "none" }];

export class KosGoal extends Widget {
  static own = ["goal", "heading"];
  static em = [28, 6.5];
  static style = `
    .goal { width: 100%; padding: 0.85em 1.1em 1em; }
    .head { display: flex; gap: 0.8em; align-items: baseline; justify-content: space-between; }
    .title { font-size: 1.12em; font-weight: 720; }
    .share { flex: none; margin-inline-start: auto; font-size: 1.5em; font-weight: 800; color: var(--k-accent); }
    .figures { display: flex; gap: 0.45em; align-items: baseline; margin-block: 0.28em 0.5em; }
    .value { font-size: 1.75em; font-weight: 800; letter-spacing: -0.01em; }
    .value[data-long] { font-size: 1.3em; }
    .target { font-weight: 600; font-size: 1.05em; }
    .left { flex: none; max-width: 50%; font-weight: 600; }
    .track { position: relative; height: 0.85em; overflow: hidden; contain: strict; background: var(--k-track); border-radius: 99em; }
    .done { height: 100%; min-width: 0.85em; width: 0; background: linear-gradient(90deg, color-mix(in srgb, var(--bar) 70%, #000), var(--bar)); border-radius: 99em; }
    .done:dir(rtl) { background: linear-gradient(270deg, color-mix(in srgb, var(--bar) 70%, #000), var(--bar)); }
    .moves .done { transition: width 900ms cubic-bezier(0.22, 0.9, 0.24, 1); }
    .reached { display: inline-block; flex: none; padding: 0.28em 0.75em; font-size: 0.82em; font-weight: 800; color: var(--k-on-accent); text-shadow: none; background: var(--k-gold); border-radius: 99em; color: #231600; }
    :host([data-theme="light"]) .reached { color: #fff; }
    .is-reached .done { background: linear-gradient(90deg, color-mix(in srgb, var(--k-gold) 72%, #000), var(--k-gold)); }
    :host([data-theme="clear"]) .track { box-shadow: 0 0 0 0.12em rgb(0 0 0 / 70%); }
    :host([data-state="empty"]) .box { display: none; }
  `;
  static template = `
    <div class="box">
      <section class="card goal" id="card" aria-labelledby="title">
        <span class="shine" id="shine" aria-hidden="true"></span>
        <div class="head">
          <h2 class="title line display" id="title" dir="auto"></h2>
          <span class="left figure quiet line" id="left"></span>
          <span class="reached solid" id="reached" role="status"></span>
        </div>
        <p class="figures">
          <span class="value figure display" id="value"></span>
          <span class="target figure quiet line" id="target"></span>
          <span class="share figure" id="share"></span>
        </p>
        <div class="track" id="track" role="progressbar" aria-labelledby="title" aria-valuemin="0" aria-valuemax="100">
          <div class="done" id="done"></div>
        </div>
      </section>
    </div>`;

  #value = new Counter(this.at("value"));
  #last = null;

  channels() {
    return [this.event];
  }

  isEmpty([state]) {
    return this.#goal(state) === undefined;
  }

  demo({ sampleState }) {
    return [sampleState()];
  }

  show([state], { words, format, mayMove }) {
    const goal = this.#goal(state);
    if (!goal) return;
    const isReached = goal.reached_at !== null;
    const unit = MONEY.includes(goal.measure) ? state.unit : "";
    const amount = (value) => format.score(value, unit);
    const share = isReached ? 1 : Math.min(0.9999, shareOf(goal.value, goal.target));
    const isSame = this.#last?.id === goal.id;
    put(this.at("title"), this.getAttribute("heading") ?? (goal.title || words.goal));
    put(this.at("share"), format.percent(share));
    put(this.at("target"), words.ofTarget(isolated(format.round(goal.target, unit))));
    put(this.at("left"), isReached ? "" : words.toGo(isolated(amount(difference(goal.target, goal.value)))));
    this.#value.show(String(goal.value), amount, mayMove && isSame);
    markLong(this.at("value"), 15);
    this.#fill(goal, share, mayMove && isSame);
    this.at("left").hidden = isReached;
    this.at("reached").hidden = !isReached;
    put(this.at("reached"), isReached ? words.reached : "");
    if (mayMove && isSame && isReached && !this.#last.isReached) this.#cheer();
    this.#last = { id: goal.id, isReached };
  }

  #fill(goal, share, mayMove) {
    const card = this.at("card");
    card.classList.toggle("moves", mayMove);
    card.classList.toggle("is-reached", goal.reached_at !== null);
    const color = goal.of === "team" ? teamColor(goal.target_id, this.colors) : "var(--k-accent)";
    setProperty(card, "--bar", color);
    this.at("done").style.width = `${(share * 100).toFixed(2)}%`;
    this.at("track").setAttribute("aria-valuenow", Math.floor(share * 100));
  }

  #cheer() {
    flash(this.at("shine"), SHINE, SHINE_MS);
    this.at("reached").animate(POP, { duration: 700, easing: "ease-out", id: "move" });
  }

  /** The one that was asked for; else the first that is not reached yet, else the one that was reached last. */
  #goal(state) {
    const goals = state.goals ?? [];
    const asked = this.getAttribute("goal");
    if (asked) return goals.find((goal) => goal.id === asked);
    const open = goals.find((goal) => goal.reached_at === null);
    return open ?? [...goals].sort((one, other) => (one.reached_at < other.reached_at ? 1 : -1))[0];
  }
}

customElements.define("kos-goal", KosGoal);
