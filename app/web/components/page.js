// What an overlay page is told by its address and by OBS.

/** A whole number from a parameter, within bounds; `otherwise` when it is none. */
export function integer(text, least, most, otherwise) {
  const number = Number(text);
  return text && Number.isInteger(number) ? Math.min(most, Math.max(least, number)) : otherwise;
}

/** A decimal number from a parameter, within bounds; `otherwise` when it is none. */
export function decimal(text, least, most, otherwise) {
  const number = Number(text);
  return text && Number.isFinite(number) ? Math.min(most, Math.max(least, number)) : otherwise;
}

/** One of a few words; the first when it is none of them. */
export function oneOf(text, choices) {
  return choices.includes(text) ? text : choices[0];
}

/** The event of an address like /overlay/{event}/board, wherever the site's root is. */
export function eventOf(location) {
  const segments = location.pathname.split("/");
  return decodeURIComponent(segments[segments.length - 2]);
}

/** Address of the stream beside this page. */
export function streamUrl(location) {
  const url = new URL("../../v1/stream", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  url.search = url.hash = "";
  return url.href;
}

/** Call `render` in the next frame, once for any number of calls. Nothing queues up while nobody looks. */
export function eachFrame(render) {
  let isPending = false;
  let askedAt = 0;
  let isUnseen = false;
  const run = () => {
    if (!isPending) return;
    isPending = false;
    // Asked for while hidden, or drawn much later: the way there is of no interest any more.
    render(!isUnseen && performance.now() - askedAt < 1000);
  };
  // OBS stops frames of a hidden source and tells when it is shown again.
  for (const name of ["visibilitychange", "obsSourceVisibleChanged"]) {
    addEventListener(name, () => document.hidden || run());
  }
  return () => {
    if (isPending) return;
    isPending = true;
    askedAt = performance.now();
    isUnseen = document.hidden;
    requestAnimationFrame(run);
  };
}
