// Channels of the stream as hooks. One connection for the whole console, by the cookie of its session.

import { Stream } from "../components/stream.js";
import { useEffect, useState } from "./ui/html.js";

const changes = new EventTarget();
let stream = null;
let followed = new Map();

function connect() {
  const url = new URL("v1/stream", new URL("./", location.href));
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  stream = new Stream(url.href, "", (channel) => changes.dispatchEvent(new CustomEvent("change", { detail: channel })));
  stream.start();
}

/** Close the connection, as when its reader signs out. */
export function disconnect() {
  stream?.stop();
  stream = null;
  followed = new Map();
}

/** `{state, heardDate}`; states: connecting, live, waiting, refused, stopped. */
export function useConnection() {
  const [, redraw] = useState("");
  useEffect(() => {
    const changed = () => redraw(stream?.state ?? "stopped");
    changes.addEventListener("change", changed);
    return () => changes.removeEventListener("change", changed);
  }, []);
  return { state: stream?.state ?? "stopped", heardDate: stream?.heardDate ?? null };
}

/** A channel's `{document, error, isLive}`, drawn at most once a frame; `name` null follows nothing. */
export function useChannel(name) {
  const [shown, show] = useState(NOTHING);
  useEffect(() => {
    if (name === null) return show(NOTHING);
    if (!stream) connect();
    if (!followed.has(name)) followed.set(name, stream.follow(name));
    const channel = followed.get(name);
    let frame = 0;
    const take = () => {
      frame = 0;
      show({ document: channel.document, error: channel.error, isLive: channel.isLive });
    };
    const changed = (event) => {
      if (event.detail && event.detail !== channel) return;
      // A hidden page gets no frames: the last of what it missed is drawn when it is seen again.
      frame ||= requestAnimationFrame(take);
    };
    take();
    changes.addEventListener("change", changed);
    return () => {
      cancelAnimationFrame(frame);
      changes.removeEventListener("change", changed);
    };
  }, [name]);
  return shown;
}

const NOTHING = { document: null, error: null, isLive: false };
