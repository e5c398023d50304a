// What time it is at the server. A streaming machine's clock may be wrong by minutes, and a countdown must not be.

const ASK_MS = 300000;
// Learnt long ago, the best answer is worth no more than a new one: clocks drift, machines sleep.
const FORGET_MS = 600000;

/** Asks by `ping` as soon as somebody wants to know. Only answers with a `time` teach it anything. */
export class ServerClock {
  isKnown = false;
  #send;
  #isWanted = false;
  #asked = null;
  #askedAt = 0;
  #offset = 0;
  #width = Infinity;
  #learntAt = 0;
  #lastId = 0;

  /** `send(id)` sends a ping. */
  constructor(send) {
    this.#send = send;
  }

  /** Milliseconds since 1970. */
  now() {
    if (!this.#isWanted) {
      this.#isWanted = true;
      this.ask();
    }
    return this.isKnown ? performance.now() + this.#offset : Date.now();
  }

  /** Ask, if anybody ever wanted to know. */
  ask() {
    if (!this.#isWanted) return;
    this.#asked = `clock-${(this.#lastId += 1)}`;
    this.#askedAt = performance.now();
    this.#send(this.#asked);
  }

  tick(now, isLive) {
    if (isLive && now - this.#askedAt > ASK_MS) this.ask();
  }

  /** A `pong`; true if the time is known only now. */
  heard({ id, time }) {
    if (id !== this.#asked || time === undefined) return false;
    this.#asked = null;
    const now = performance.now();
    const width = now - this.#askedAt;
    // The answer was written somewhere between question and arrival: the shorter that is, the better it is known.
    if (width > this.#width && now - this.#learntAt < FORGET_MS) return false;
    const wasKnown = this.isKnown;
    this.#offset = Date.parse(time) - (this.#askedAt + now) / 2;
    this.#width = width;
    this.#learntAt = now;
    this.isKnown = true;
    return !wasKnown;
  }
}
