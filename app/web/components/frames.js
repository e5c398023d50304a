// Drawing, paced by the screen.

/**
 * A pair {ask, stop}: `ask` has `render` called in the next frame, once for any number of calls, with whether somebody
 * could see the way there. Nothing queues up while nobody looks.
 */
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
  const seen = () => document.hidden || run();
  const names = ["visibilitychange", "obsSourceVisibleChanged", "obsSourceActiveChanged"];
  for (const name of names) addEventListener(name, seen);
  const ask = () => {
    if (isPending) return;
    isPending = true;
    askedAt = performance.now();
    isUnseen = document.hidden;
    requestAnimationFrame(run);
  };
  const stop = () => {
    isPending = false;
    for (const name of names) removeEventListener(name, seen);
  };
  return { ask, stop };
}
