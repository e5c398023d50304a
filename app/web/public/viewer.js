// Who looks at this page, for the count of viewers: a random number of this browser's own, and nothing else about it.

const KEY = "kos.viewer";

/** The same for all pages of this site in this browser; another one each time where nothing may be stored. */
export function viewerId() {
  const made = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  try {
    const held = localStorage.getItem(KEY);
    if (/^[0-9a-f]{24}$/.test(held ?? "")) return held;
    localStorage.setItem(KEY, made);
  } catch {
    // Storage is switched off.
  }
  return made;
}
