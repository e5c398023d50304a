// The client of the stream (docs/protocol.md) that every page of ours uses: one socket, any number of channels, back by
// itself after anything. Types: kos-client.d.ts.
//
// Its timers are one interval, one reconnect timeout and one for what waits, however long it runs and whatever happens.

import { accept, apply } from "./document.js";
import { Follow, guarded } from "./follow.js";
import { ServerClock } from "./server-clock.js";

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
// Being seen again is told by several events at once.
const RESYNC_MS = 500;
// The loop stood still for so long, by the calendar: the machine slept, which its other clock may not count.
const SLEPT_MS = 30000;
const HEARTBEAT_LEAST_MS = 20000;
const HEARTBEAT_SPREAD_MS = 8000;
// Elements move about in a page: a shared client waits so long for the next follower before it leaves.
const LINGER_MS = 2000;
const SEEN_AGAIN = ["visibilitychange", "obsSourceVisibleChanged", "obsSourceActiveChanged", "pageshow", "resume"];

const clients = new Map();

/** The one client of this page for a server (the address of its root) and token; it starts when followed. */
export function clientOf(server, token) {
  const name = `${server} ${token ?? ""}`;
  if (!clients.has(name)) clients.set(name, new KosClient({ url: streamUrl(server), token, asNobody: true, isShared: true }));
  return clients.get(name);
}

/** Address of the stream of a server. */
export function streamUrl(server) {
  const url = new URL("v1/stream", server);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = url.hash = "";
  return url.href;
}

/** States: "connecting", "live", "waiting" (between two attempts), "refused" (for good), "stopped". */
export class KosClient {
  #url;
  #token;
  #delay;
  #asNobody;
  #isShared;
  #channels = new Map();
  #watchers = new Set();
  #beats = new Set();
  #clock = new ServerClock((id) => this.#send({ type: "ping", id }));
  #socket = null;
  #state = "stopped";
  #lastId = 0;
  #failures = 0;
  #connectedAt = 0;
  #startedAt = 0;
  #heardAt = 0;
  #heardDate = null;
  #askedAt = 0;
  #tickedAt = 0;
  #tickedDate = 0;
  #resyncedAt = -RESYNC_MS;
  #ticking = 0;
  #reconnecting = 0;
  #releasing = 0;
  #lingering = 0;

  constructor({ url, token = null, asNobody = false, delay = 0, isShared = false }) {
    this.#url = url;
    this.#token = token;
    this.#delay = delay;
    this.#asNobody = asNobody;
    this.#isShared = isShared;
  }

  get state() {
    return this.#state;
  }

  /** When the server was last heard of: what is shown was true then. Null before the first word. */
  get heardDate() {
    return this.#heardDate;
  }

  /** When the loop of this client last ran, of `performance.now()`; while it is started, never long ago. */
  get tickedAt() {
    return this.#tickedAt;
  }

  /** The server's time in milliseconds since 1970; this machine's until the server was asked, see `isTimeKnown`. */
  now() {
    return this.#clock.now();
  }

  get isTimeKnown() {
    return this.#clock.isKnown;
  }

  /** Call `listener` after every change of `state`, and when the server's time gets known; returns what ends it. */
  watch(listener) {
    this.#watchers.add(listener);
    return () => this.#watchers.delete(listener);
  }

  /** Follow a channel: kos-client.d.ts. One subscription serves all who follow the same. */
  follow(name, listener = () => {}, { delay = this.#delay } = {}) {
    clearTimeout(this.#lingering);
    // Before anybody listens: a listener is never called from within `follow`.
    if (this.#isShared && this.#state === "stopped") this.start();
    const channel = this.#channels.get(name) ?? this.#open(name);
    const follow = new Follow(channel, listener, delay, {
      stopped: () => this.#closeFollow(follow, channel),
      delayed: () => this.#release(),
    });
    channel.follows.add(follow);
    if (channel.document) follow.held.push(channel.document, channel.heardAt, true);
    follow.held.release(performance.now(), delay);
    this.#release();
    return follow;
  }

  /** Say every 20 to 28 seconds, as long as the page is seen, that this viewer watches; `stop()` of the result ends it. */
  heartbeat(channel, viewer) {
    const beat = { channel, viewer, id: 0, dueAt: 0 };
    this.#beats.add(beat);
    this.#beat(beat, performance.now());
    return { stop: () => void this.#beats.delete(beat) };
  }

  /** Connect, also after the server refused for good (another session may be there by now). */
  start() {
    if (!this.#ticking) {
      this.#tickedAt = performance.now();
      this.#tickedDate = Date.now();
      this.#ticking = setInterval(() => this.#tick(), TICK_MS);
      addEventListener("online", this.#wake);
      for (const name of SEEN_AGAIN) addEventListener(name, this.#wake);
    }
    if (this.#state === "stopped" || this.#state === "refused") this.#connect();
  }

  stop() {
    clearInterval(this.#ticking);
    clearTimeout(this.#releasing);
    this.#ticking = 0;
    removeEventListener("online", this.#wake);
    for (const name of SEEN_AGAIN) removeEventListener(name, this.#wake);
    this.#leave("stopped");
  }

  /** Make sure of everything at once: connect now if there is no connection, or none that can be trusted, else ask. */
  resync() {
    const now = performance.now();
    if (this.#state === "waiting") this.#connect();
    if (this.#state !== "live" || now - this.#resyncedAt < RESYNC_MS) return;
    this.#resyncedAt = now;
    // The loop stood still, or it would have asked: nobody knows whether the other end is still there.
    const silence = Math.max(now - this.#heardAt, Date.now() - this.#heardDate);
    if (silence > QUIET_MS + ANSWER_MS) {
      this.#connect();
      return;
    }
    for (const channel of this.#channels.values()) this.#subscribe(channel);
    this.#clock.ask();
    this.#release();
  }

  #wake = (event) => {
    // Told of every page as it opens; of interest when it comes back from the browser's history.
    if (event.type === "pageshow" && !event.persisted) return;
    if (!document.hidden) this.resync();
    this.#tick();
  };

  #open(name) {
    const channel = { name, document: null, epoch: "", error: null, isLive: false, asked: 0, askAgainAt: 0, heardAt: 0 };
    channel.follows = new Set();
    this.#channels.set(name, channel);
    if (this.#state === "live") this.#subscribe(channel);
    return channel;
  }

  #closeFollow(follow, channel) {
    channel.follows.delete(follow);
    if (channel.follows.size || this.#channels.get(channel.name) !== channel) return;
    this.#channels.delete(channel.name);
    this.#send({ type: "unsubscribe", channel: channel.name });
    clearTimeout(this.#lingering);
    const leave = () => this.#channels.size || this.#beats.size || this.stop();
    if (this.#isShared && !this.#channels.size) this.#lingering = setTimeout(leave, LINGER_MS);
  }

  #connect() {
    this.#leave("connecting");
    this.#startedAt = performance.now();
    const url = new URL(this.#url);
    if (this.#token) url.searchParams.set("token", this.#token);
    // A browser sends its cookies with every socket, and this is not for whoever is signed in to the console.
    else if (this.#asNobody) url.searchParams.set("as", "nobody");
    const socket = new WebSocket(url, SUBPROTOCOL);
    this.#socket = socket;
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#heard(event.data);
    socket.onclose = (event) => this.#closed(event.code);
    this.#tellAll();
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
    this.#heardDate = new Date();
    this.#askedAt = 0;
    for (const channel of this.#channels.values()) this.#subscribe(channel);
    for (const beat of this.#beats) this.#beat(beat, this.#connectedAt);
    this.#clock.ask();
    this.#tellAll();
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
    this.#tellAll();
  }

  #tick() {
    const now = performance.now();
    const slept = Date.now() - this.#tickedDate > SLEPT_MS;
    this.#tickedAt = now;
    this.#tickedDate = Date.now();
    if (slept && !document.hidden) this.resync();
    this.#clock.tick(now, this.#state === "live");
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
    for (const beat of this.#beats) if (now >= beat.dueAt) this.#beat(beat, now);
  }

  #beat(beat, now) {
    if (this.#state !== "live" || document.hidden) return;
    beat.dueAt = now + HEARTBEAT_LEAST_MS + Math.random() * HEARTBEAT_SPREAD_MS;
    beat.id = this.#lastId += 1;
    this.#send({ type: "heartbeat", id: beat.id, channel: beat.channel, viewer: beat.viewer });
  }

  #subscribe(channel) {
    channel.asked = this.#lastId += 1;
    channel.askAgainAt = 0;
    const message = { type: "subscribe", id: channel.asked, channel: channel.name };
    if (channel.document?.position !== undefined) {
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
    else if (message.type === "unsubscribed") this.#closedToUs(message);
    else if (message.type === "error") this.#failed(message);
    else if (message.type === "pong" && this.#clock.heard(message)) this.#tellAll();
  }

  #answered(message) {
    const channel = this.#channels.get(message.channel);
    if (!channel || message.id !== channel.asked) return;
    channel.asked = 0;
    channel.error = null;
    channel.isLive = true;
    if (message.snapshot) this.#replace(channel, message, true);
    else if (message.position > channel.document.position) this.#apply(channel, message, true);
    this.#tell(channel);
  }

  #published(message) {
    const channel = this.#channels.get(message.channel);
    // Until the answer to a subscribe is here, what is published does not start where this client stands.
    if (!channel || channel.asked || !channel.document) return;
    if (message.snapshot) {
      this.#replace(channel, message, message.time === undefined);
      return;
    }
    const decision = accept(channel.document.position, message.previous, message.position);
    if (decision === "gap") this.#subscribe(channel);
    if (decision === "apply") this.#apply(channel, message, false);
  }

  /** Of a live channel only what is newer; of any other whatever comes. */
  #replace(channel, message, isJump) {
    if (message.time !== undefined && message.time <= channel.document?.time) return;
    channel.epoch = message.epoch;
    this.#hold(channel, message.snapshot, isJump);
  }

  #apply(channel, message, isJump) {
    this.#hold(channel, apply(channel.document, message.delta, message.position), isJump);
  }

  #hold(channel, document, isJump) {
    channel.document = document;
    channel.heardAt = this.#heardAt;
    for (const follow of channel.follows) follow.held.push(document, channel.heardAt, isJump);
    this.#release();
  }

  /** Show what is due to those who wait for it, and come back when the next is. */
  #release() {
    clearTimeout(this.#releasing);
    const now = performance.now();
    const all = [...this.#channels.values()].flatMap((channel) => [...channel.follows]);
    const changed = all.filter((follow) => follow.held.release(now, follow.delay));
    const next = Math.min(...all.map((follow) => follow.held.dueAt(follow.delay)));
    if (next < Infinity) this.#releasing = setTimeout(() => this.#release(), next - now);
    for (const follow of changed) follow.tell();
  }

  #closedToUs(message) {
    const channel = this.#channels.get(message.channel);
    if (!channel || message.id !== undefined) return;
    channel.isLive = false;
    channel.error = { code: "channel_forbidden", message: "This channel is public no longer.", retryable: false };
    this.#tell(channel);
  }

  #failed(message) {
    for (const beat of this.#beats) if (message.id === beat.id && !message.retryable) this.#beats.delete(beat);
    for (const channel of this.#channels.values()) {
      if (message.id === undefined || message.id !== channel.asked) continue;
      channel.asked = 0;
      channel.isLive = false;
      channel.error = message;
      const mayChange = message.retryable || message.code.endsWith("_unknown");
      channel.askAgainAt = mayChange ? performance.now() + ASK_AGAIN_MS * (0.5 + Math.random() / 2) : 0;
      this.#tell(channel);
    }
  }

  #tell(channel) {
    for (const follow of [...channel.follows]) follow.tell();
  }

  #tellAll() {
    for (const listener of [...this.#watchers]) guarded(() => listener(this));
    for (const channel of [...this.#channels.values()]) this.#tell(channel);
  }
}
