// The time of day as a value that goes on by itself.

import { serverNow } from "../live.js";
import { useEffect, useState } from "./html.js";

/** The server's time in milliseconds since 1970, drawn anew every `everyMs` while somebody looks. */
export function useNow(everyMs = 1000) {
  const [now, tell] = useState(serverNow);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || tell(serverNow()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
