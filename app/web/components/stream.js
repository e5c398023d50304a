// A client of the stream (docs/protocol.md): one socket, any number of channels, back by itself after anything.
//
// Its timers are one interval and one reconnect timeout, however long it runs and whatever happens.

import { accept, apply } from "./document.js";

const SUBPROTOCOL = "kos.v1";
const TICK_MS = 1000;
// Nothing heard for so long: ask. Asked, and nothing for so long again: the socket is dead.
const QUIET_MS = 10000;
const ANSWER_MS = 8000;
const CONNECT_MS = 10000;
const BACKOFF_FIRST_MS = 500;
const BACKOFF_MAX_MS = 30000;
// A connection that held this long was a good one: the next failure starts from the shortest wait again.
const GOOD_MS = 15000;
// An unknown event or board may be created later, a source that fails may recover.
const ASK_AGAIN_MS = 15000;

/**
 * States: "connecting", "live", "waiting" (between two attempts), "refused" (for good), "stopped".
 * `onChange(channel)` is called after every change of a state, a document or an error.
 */
export class Stream {
  #url;
  #token;
  #onChange;
  #channels = new Map();
  #socket = null;
  #state = "stopped";
  #lastId = 0;
  #failures = 0;
  #connectedAt = 0;
  #startedAt = 0;
  #heardAt = 0;
  #heardDate = null;
  #askedAt = 0;
  #ticking = 0;
  #reconnecting = 0;

  constructor(url, token, onChange) {
    this.#url = url;
    this.#token = token;
    this.#onChange = onChange;
  }

  get state() {
    return this.#state;
  }

  /** When the server was last heard of: what is shown was true then. Null before the first word. */
  get heardDate() {
    return this.#heardDate;
  }

  /** Follow a channel; `document` is null until the first snapshot, `error` is the last refusal or null. */
  follow(name) {
    const channel = { name, document: null, epoch: "", error: null, isLive: false, asked: 0, askAgainAt: 0 };
    this.#channels.set(name, channel);
    if (this.#state === "live") this.#subscribe(channel);
    return channel;
  }

  start() {
    this.#ticking = setInterval(() => this.#tick(), TICK_MS);
    addEventListener("online", this.#wake);
    document.addEventListener("visibilitychange", this.#wake);
    this.#connect();
  }

  stop() {
    clearInterval(this.#ticking);
    removeEventListener("online", this.#wake);
    document.removeEventListener("visibilitychange", this.#wake);
    this.#leave("stopped");
  }

  #wake = () => {
    if (this.#state === "waiting" && !document.hidden) this.#connect();
    else this.#tick();
  };

  #connect() {
    this.#leave("connecting");
    this.#startedAt = performance.now();
    const url = new URL(this.#url);
    if (this.#token) url.searchParams.set("token", this.#token);
    const socket = new WebSocket(url, SUBPROTOCOL);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#heard(event.data);
    socket.onclose = (event) => this.#closed(event.code);
    this.#onChange();
  }

  #leave(state) {
    clearTimeout(this.#reconnecting);
    this.#state = state;
    for (const channel of this.#channels.values()) channel.isLive = false;
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  #opened() {
    this.#state = "live";
    this.#connectedAt = this.#heardAt = performance.now();
    this.#askedAt = 0;
    for (const channel of this.#channels.values()) this.#subscribe(channel);
    this.#onChange();
  }

  #closed(code) {
    const isFinal = code >= 4500 && code <= 4999;
    if (this.#state === "live" && performance.now() - this.#connectedAt > GOOD_MS) this.#failures = 0;
    this.#leave(isFinal ? "refused" : "waiting");
    if (!isFinal) {
      // Between half and all of the wait, so that a server's clients do not all come back in one instant.
      const wait = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(this.#failures, 10));
      this.#failures += 1;
      this.#reconnecting = setTimeout(() => this.#connect(), wait * (0.5 + Math.random() / 2));
    }
    this.#onChange();
  }

  #tick() {
    const now = performance.now();
    if (this.#state === "connecting" && now - this.#startedAt > CONNECT_MS) this.#closed(0);
    if (this.#state !== "live") return;
    if (this.#askedAt > this.#heardAt) {
      if (now - this.#askedAt > ANSWER_MS) this.#closed(0);
    } else if (now - this.#heardAt > QUIET_MS) {
      this.#askedAt = now;
      this.#send({ type: "ping" });
    }
    for (const channel of this.#channels.values()) {
      if (channel.askAgainAt && now > channel.askAgainAt) this.#subscribe(channel);
    }
  }

  #subscribe(channel) {
    channel.asked = this.#lastId += 1;
    channel.askAgainAt = 0;
    const message = { type: "subscribe", id: channel.asked, channel: channel.name };
    if (channel.document) {
      message.position = channel.document.position;
      message.epoch = channel.epoch;
    }
    this.#send(message);
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #heard(text) {
    this.#heardAt = performance.now();
    this.#heardDate = new Date();
    const message = JSON.parse(text);
    if (message.type === "publication") this.#published(message);
    else if (message.type === "subscribed") this.#answered(message);
    else if (message.type === "error") this.#failed(message);
  }

  #answered(message) {
    const channel = this.#channels.get(message.channel);
    if (!channel || message.id !== channel.asked) return;
    channel.asked = 0;
    channel.error = null;
    channel.isLive = true;
    if (message.snapshot) this.#replace(channel, message);
    else if (message.position > channel.document.position) this.#apply(channel, message);
    this.#onChange(channel);
  }

  #published(message) {
    const channel = this.#channels.get(message.channel);
    // Until the answer to a subscribe is here, what is published does not start where this client stands.
    if (!channel || channel.asked || !channel.document) return;
    if (message.snapshot) {
      this.#replace(channel, message);
      this.#onChange(channel);
      return;
    }
    const decision = accept(channel.document.position, message.previous, message.position);
    if (decision === "gap") this.#subscribe(channel);
    if (decision !== "apply") return;
    this.#apply(channel, message);
    this.#onChange(channel);
  }

  #replace(channel, message) {
    channel.epoch = message.epoch;
    channel.document = message.snapshot;
  }

  #apply(channel, message) {
    channel.document = apply(channel.document, message.delta, message.position);
  }

  #failed(message) {
    for (const channel of this.#channels.values()) {
      if (message.id === undefined || message.id !== channel.asked) continue;
      channel.asked = 0;
      channel.isLive = false;
      channel.error = message;
      const mayChange = message.retryable || message.code.endsWith("_unknown");
      channel.askAgainAt = mayChange ? performance.now() + ASK_AGAIN_MS * (0.5 + Math.random() / 2) : 0;
      this.#onChange(channel);
    }
  }
}
