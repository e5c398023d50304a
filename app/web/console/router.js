// Where in the console the reader is: the part of the address behind #.

import { useEffect, useState } from "./ui/html.js";

/** Shape: `{segments, query}` of "#/events/spring/orders?query=10"; segments are decoded. */
export function parse(hash) {
  const [path, query = ""] = hash.replace(/^#?\/?/, "").split("?", 2);
  const segments = path.split("/").filter(Boolean).map(decoded);
  return { segments, query: Object.fromEntries(new URLSearchParams(query)) };
}

function decoded(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** The parameters of a pattern like "events/:event/live", or null if the segments are others. */
export function match(pattern, segments) {
  const parts = pattern.split("/");
  if (parts.length !== segments.length) return null;
  const params = {};
  for (const [index, part] of parts.entries()) {
    if (part.startsWith(":")) params[part.slice(1)] = segments[index];
    else if (part !== segments[index]) return null;
  }
  return params;
}

/** An address: address("events", "spring", "orders") or with a last object of query parameters. */
export function address(...parts) {
  const query = typeof parts.at(-1) === "object" ? parts.pop() : {};
  const kept = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const search = kept.length ? `?${new URLSearchParams(kept)}` : "";
  return `#/${parts.map((part) => encodeURIComponent(part)).join("/")}${search}`;
}

/** Go there; with `isSame` the step back leads past where the reader was, as for a search that is being typed. */
export function go(hash, isSame = false) {
  if (hash === location.hash) return;
  if (!isSame) {
    location.hash = hash;
    return;
  }
  history.replaceState(null, "", hash);
  dispatchEvent(new Event("hashchange"));
}

export function useRoute() {
  const [route, change] = useState(() => parse(location.hash));
  useEffect(() => {
    const changed = () => change(parse(location.hash));
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return route;
}
