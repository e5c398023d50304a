// Before anything is drawn: the colours that were chosen in this browser, so that a dark page never begins white.
"use strict";

try {
  const scheme = localStorage.getItem("kos-scheme");
  if (scheme) document.documentElement.dataset.scheme = scheme;
} catch {
  // A browser that keeps nothing: the device's colours.
}
