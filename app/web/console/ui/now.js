// The time of day as a value that goes on by itself.

import { useEffect, useState } from "./html.js";

/** Milliseconds since the epoch, drawn anew every `everyMs` while somebody looks. */
export function useNow(everyMs = 1000) {
  const [now, tell] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => document.hidden || tell(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}
