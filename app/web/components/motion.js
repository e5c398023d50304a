// Movement of rows that change places: where each one was, then from there to where it is now (FLIP).

const MOVE = { duration: 700, easing: "cubic-bezier(0.22, 0.9, 0.24, 1)", id: "move" };
const APPEAR = { duration: 450, easing: "ease-out", id: "move" };

const isStill = matchMedia("(prefers-reduced-motion: reduce)");

/** Whether to move anything now: not for who asked for stillness, not while nobody looks. */
export function mayMove() {
  return !isStill.matches && !document.hidden;
}

/** Where the elements (an array) are, running movements included. */
export function places(elements) {
  return new Map(elements.map((element) => [element, element.getBoundingClientRect().top]));
}

/** Let the elements, already in their new places, come from their old ones. New ones fade in. */
export function moveFrom(before, elements) {
  for (const element of elements) stopMoving(element);
  const moves = elements.map((element) => [element, element.getBoundingClientRect().top]);
  for (const [element, top] of moves) {
    const from = before.get(element);
    if (from === undefined) {
      element.animate([{ opacity: 0, transform: "translateX(-4%)" }, { opacity: 1, transform: "none" }], APPEAR);
    } else if (Math.abs(from - top) > 0.5) {
      // Who climbs passes in front of who falls, and hides it: panels let some light through.
      const front = from > top ? { zIndex: 2, backgroundColor: "var(--k-solid, transparent)" } : { zIndex: 0 };
      const start = { transform: `translateY(${from - top}px)`, ...front };
      element.animate([start, { transform: "none", ...front }], MOVE);
    }
  }
}

/** Put an element where it belongs at once. */
export function stopMoving(element) {
  for (const animation of element.getAnimations()) if (animation.id === "move") animation.cancel();
}

/** Show a mark and let it fade; a mark shown again starts anew, so none pile up. */
export function flash(element, keyframes, duration) {
  for (const animation of element.getAnimations()) animation.cancel();
  if (mayMove()) element.animate(keyframes, { duration, easing: "ease-out" });
}
