// Channels of the stream as hooks. One connection for the whole console, by the cookie of its session.

import { KosClient, streamUrl } from "../components/kos-client.js";
import { Problem, get, signals } from "./api.js";
import { useEffect, useRef, useState } from "./ui/html.js";

// Nobody reads faster, and a shop may sell twenty times a second.
const DRAW_MS = 200;
const NOTHING = { document: null, error: null, isLive: false };
const client = new KosClient({ url: streamUrl(new URL("./", location.href).href) });

/** Begin to follow, as somebody who has just signed in. */
export const connect = () => client.start();
/** Follow nothing more, as when they sign out. */
export const disconnect = () => client.stop();
/** The server's time in milliseconds since 1970, whatever this machine's clock says. */
export const serverNow = () => client.now();

let before = client.state;
client.watch(() => {
  if (client.state === before) return;
  before = client.state;
  if (client.state === "refused") lookAtSession();
  else if (client.state === "live") signals.dispatchEvent(new Event("reconnected"));
});

/** The server ends the connection for good when the session does: this call then leads to the door. */
async function lookAtSession() {
  try {
    await get("console/session");
    client.start();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
  }
}

/** `{state, heardDate}`; states: connecting, live, waiting, refused, stopped. */
export function useConnection() {
  const [state, change] = useState(client.state);
  useEffect(() => {
    const changed = () => change(client.state);
    changed();
    return client.watch(changed);
  }, []);
  return { state, heardDate: client.heardDate };
}

/**
 * A document that becomes another one only when something in it does besides its position.
 *
 * Every entry moves the position of an event's own document; whatever is drawn from it is drawn anew only for a reason.
 */
export function useSettled(document) {
  const kept = useRef({ text: "", document: null });
  const text = document && JSON.stringify({ ...document, position: 0 });
  if (text !== kept.current.text) kept.current = { text, document };
  return kept.current.document;
}

/** A channel's `{document, error, isLive}`, drawn a few times a second at most; `name` null follows nothing. */
export function useChannel(name) {
  const [shown, show] = useState(NOTHING);
  useEffect(() => {
    show(NOTHING);
    if (name === null) return undefined;
    let [timer, frame, drawnAt] = [0, 0, -DRAW_MS];
    const take = ({ document, error, isLive }) => {
      [timer, frame, drawnAt] = [0, 0, performance.now()];
      show({ document, error, isLive });
    };
    // A hidden page gets no frames: the last of what it missed is drawn when it is seen again.
    const draw = () => (frame = requestAnimationFrame(() => take(follow)));
    const follow = client.follow(name, () => {
      if (timer || frame) return;
      timer = setTimeout(draw, Math.max(0, drawnAt + DRAW_MS - performance.now()));
    });
    take(follow);
    return () => {
      clearTimeout(timer);
      cancelAnimationFrame(frame);
      follow.stop();
    };
  }, [name]);
  return shown;
}
