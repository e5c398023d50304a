// Movement of rows that change places: where each one was, then from there to where it is now (FLIP).
//
// Running animations are remembered here and not asked of the browser: `getAnimations()` has it work out every style of the
// page anew, at each call. Only transforms and opacity are animated; anything else would be drawn anew for each frame.

const MOVE = { duration: 700, easing: "cubic-bezier(0.22, 0.9, 0.24, 1)", id: "move" };
const APPEAR = { duration: 450, easing: "ease-out", id: "move" };

const isStill = matchMedia("(prefers-reduced-motion: reduce)");
const moving = new WeakMap();
const flashing = new WeakMap();

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
      move(element, [{ opacity: 0, transform: "translateX(-4%)" }, { opacity: 1, transform: "none" }], APPEAR);
    } else if (Math.abs(from - top) > 0.5) {
      // Who climbs passes in front of who falls, and hides it: panels let some light through.
      element.style.zIndex = from > top ? "2" : "0";
      if (from > top) element.style.backgroundColor = "var(--k-solid, transparent)";
      move(element, [{ transform: `translateY(${from - top}px)` }, { transform: "none" }], MOVE);
    }
  }
}

/** Animate an element. Whatever else moves it has to be stopped before. */
export function move(element, keyframes, timing) {
  const animation = element.animate(keyframes, timing);
  moving.set(element, animation);
  animation.onfinish = () => moving.get(element) === animation && stopMoving(element);
}

/** Put an element where it belongs at once. */
export function stopMoving(element) {
  const animation = moving.get(element);
  if (!animation) return;
  moving.delete(element);
  animation.cancel();
  element.style.zIndex = element.style.backgroundColor = "";
}

/** Show a mark and let it fade; a mark shown again starts anew, so none pile up. */
export function flash(element, keyframes, duration) {
  flashing.get(element)?.cancel();
  if (mayMove()) flashing.set(element, element.animate(keyframes, { duration, easing: "ease-out" }));
}
