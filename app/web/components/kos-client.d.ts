/** A channel's document as docs/protocol.md has it; `position` of journal channels, `time` of live ones. */
export interface KosDocument {
  event: string;
  position?: number;
  epoch?: string;
  time?: string;
  rows?: ReadonlyArray<Readonly<Record<string, unknown> & { id: string }>>;
  [member: string]: unknown;
}

export interface KosError {
  code: string;
  message: string;
  retryable?: boolean;
}

/** "refused": the token is not valid, or not any more; only `start()` tries again. */
export type KosState = "connecting" | "live" | "waiting" | "refused" | "stopped";

/** One follower of a channel. Never change a document: others are shown the same object. */
export interface KosFollow {
  /** What to show now; null until there is something to show. The last one stays when the connection is lost. */
  readonly document: KosDocument | null;
  /** The last refusal; null again once the channel was heard. */
  readonly error: KosError | null;
  /** Whether `document` is kept right by the server. False as soon as the connection is lost, whatever the delay. */
  readonly isLive: boolean;
  /** Rises whenever `document` was replaced by anything else than its next step: then show it, but no way to it. */
  readonly jumps: number;
  /** For how many milliseconds each document is held before it is shown, the first too; Infinity holds all back. */
  delay: number;
  stop(): void;
}

export interface KosClientOptions {
  /** Of the stream, as `wss://kos.example/v1/stream`. */
  url: string;
  token?: string | null;
  /** Without a token: follow what everybody may, whoever is signed in to the console in this browser. */
  asNobody?: boolean;
  /** Milliseconds, for every follow that names none. */
  delay?: number;
  /** Starts with its first follower and stops some time after the last. */
  isShared?: boolean;
}

export class KosClient {
  constructor(options: KosClientOptions);
  readonly state: KosState;
  /** When the server was last heard of; null before its first word. */
  readonly heardDate: Date | null;
  /** When the client's own loop last ran, of `performance.now()`. */
  readonly tickedAt: number;
  /** Whether `now()` is the server's time yet. */
  readonly isTimeKnown: boolean;
  /** The server's time in milliseconds since 1970, whatever this machine's clock says. Asked for from the first call on. */
  now(): number;
  start(): void;
  stop(): void;
  /** Make sure of everything now, as when a page is seen again. Done by itself then. */
  resync(): void;
  /** `listener(follow)` is called after every change of its document, its error or the client's state; never at once. */
  follow(channel: string, listener?: (follow: KosFollow) => void, options?: { delay?: number }): KosFollow;
  /** Say again and again that this viewer watches `{event}` or `{event}/sessions/{session}`. */
  heartbeat(channel: string, viewer: string): { stop(): void };
  /** `listener(client)` is called when `state` changes and when the time gets known; the result ends it. */
  watch(listener: (client: KosClient) => void): () => void;
}

/** The one client of this page for a server (its root, as `https://kos.example/`) and token. */
export function clientOf(server: string, token?: string | null): KosClient;

/** Address of the stream of a server. */
export function streamUrl(server: string): string;
