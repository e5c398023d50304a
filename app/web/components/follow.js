// What one follower of a channel is shown: each document as soon as the picture has caught up with it.
//
// What a room sees on video is seconds old; a board that is not would tell how it ends. Times are of `performance.now()`.

// One document may wait for each so many milliseconds: less than anybody sees, and it bounds what is kept.
const STEP_MS = 50;
const WAITING_MAX = 1300;

/** Documents in the order in which they were heard, each held for some time. */
class Held {
  /** The document to show; null before the first is due. */
  document = null;
  /** How often what is shown was replaced by something else than the next publication. */
  jumps = 0;
  #waiting = [];

  /** A document, heard at this time. `isJump`: it is no step from the one before. */
  push(document, heardAt, isJump) {
    const [before, last] = this.#waiting.slice(-2);
    const entry = { document, heardAt, isJump };
    if (last && last.heardAt - before.heardAt < STEP_MS) {
      entry.isJump ||= last.isJump;
      this.#waiting[this.#waiting.length - 1] = entry;
    } else {
      this.#waiting.push(entry);
    }
    // Only while nobody knows yet how long to wait. Nothing is shown earlier by it.
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
  }

  /** Show what is due at `now` after `delay` milliseconds; whether that is something else than before. */
  release(now, delay) {
    let due = 0;
    while (due < this.#waiting.length && this.#waiting[due].heardAt + delay <= now) due += 1;
    if (due === 0) return false;
    const released = this.#waiting.splice(0, due);
    this.document = released[due - 1].document;
    if (released.some((entry) => entry.isJump)) this.jumps += 1;
    return true;
  }

  /** When the next one is due; Infinity for none. */
  dueAt(delay) {
    return this.#waiting.length ? this.#waiting[0].heardAt + delay : Infinity;
  }
}

/** Given by `KosClient.follow`, see kos-client.d.ts. `client` = {stopped, delayed}, to be called when that happens. */
export class Follow {
  held = new Held();
  #channel;
  #listener;
  #delay;
  #client;

  constructor(channel, listener, delay, client) {
    this.#channel = channel;
    this.#listener = listener;
    this.#delay = delay;
    this.#client = client;
  }

  get document() {
    return this.held.document;
  }

  get jumps() {
    return this.held.jumps;
  }

  get error() {
    return this.#channel.error;
  }

  get isLive() {
    return this.#channel.isLive;
  }

  get delay() {
    return this.#delay;
  }

  set delay(milliseconds) {
    if (milliseconds === this.#delay) return;
    this.#delay = milliseconds;
    this.#client.delayed();
  }

  stop() {
    this.#listener = null;
    this.#client.stopped();
  }

  tell() {
    guarded(() => this.#listener?.(this));
  }
}

/** A listener that fails is told to the page, and to nobody else who listens. */
export function guarded(call) {
  try {
    call();
  } catch (error) {
    reportError(error);
  }
}
