// The event's public document over HTTP (docs/api.md): asked for again every minute, and at once when something says so.

const EVERY_MS = 60000;
const RETRY_FIRST_MS = 1000;
const RETRY_MAX_MS = 30000;
const ANSWER_MS = 10000;

/**
 * `document` is the last one or null. `problem` is "" or what keeps it from being shown: "closed" (not public, or not
 * there), "refused" (a token that is none any more), "unknown" (another event's token), "gone" (nobody answers).
 */
export class About {
  document = null;
  problem = "";
  #url;
  #onChange;
  #failures = 0;
  #timer = 0;
  #isAsking = false;
  #isDueAgain = false;
  #skewMs = 0;

  constructor(url, onChange) {
    this.#url = url;
    this.#onChange = onChange;
  }

  /** The server's time: a visitor's clock may be wrong by minutes. Right to a second, from the first document on. */
  get now() {
    return Date.now() + this.#skewMs;
  }

  start() {
    addEventListener("online", () => this.look());
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
    return this.look();
  }

  async look() {
    // One at a time; whoever asks meanwhile is answered by another one, not by one that began before.
    this.#isDueAgain = this.#isAsking;
    if (this.#isAsking) return;
    this.#isAsking = true;
    clearTimeout(this.#timer);
    try {
      await this.#ask();
      this.#failures = 0;
    } catch {
      this.problem = "gone";
      this.#failures += 1;
    }
    this.#isAsking = false;
    const retry = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** (this.#failures - 1));
    this.#timer = setTimeout(() => this.look(), (this.#failures ? retry : EVERY_MS) * (0.75 + Math.random() / 2));
    this.#onChange();
    if (this.#isDueAgain) await this.look();
  }

  async #ask() {
    const asked = Date.now();
    // Without cookies: the page shows what everybody may see, to those who are signed in to the console too.
    const answer = await fetch(this.#url, { signal: AbortSignal.timeout(ANSWER_MS), referrerPolicy: "no-referrer", credentials: "omit" });
    if (answer.status >= 500 || answer.status === 429) throw new Error(`${answer.status}`);
    const said = await answer.json();
    const date = Date.parse(answer.headers.get("date") ?? "");
    // The header has whole seconds: half of one more is nearer, and less than two is no difference.
    const skew = date + 500 - (asked + Date.now()) / 2;
    this.#skewMs = Math.abs(skew) > 2000 ? skew : 0;
    this.problem = answer.ok ? "" : answer.status === 404 ? "unknown" : said.code === "key_missing" ? "closed" : "refused";
    if (answer.ok) this.document = said;
  }
}
