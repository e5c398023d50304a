// Buttons that are busy until what they began is over, so that a double click does nothing twice.

import { classes, html, useCallback, useEffect, useRef, useState } from "./html.js";

/**
 * An action that runs once at a time: `{run, isBusy, problem, clear}`.
 *
 * `run(...)` while it runs does nothing and answers undefined; what it throws becomes `problem`.
 */
export function useAction(act) {
  const [state, change] = useState({ isBusy: false, problem: null });
  const running = useRef(false);
  const isThere = useRef(true);
  useEffect(() => {
    isThere.current = true;
    return () => (isThere.current = false);
  }, []);
  const run = useCallback(
    async (...given) => {
      // A ref, not the state: the second click of two comes before anything was drawn again.
      if (running.current) return undefined;
      running.current = true;
      change({ isBusy: true, problem: null });
      try {
        const answer = await act(...given);
        if (isThere.current) change({ isBusy: false, problem: null });
        return answer;
      } catch (problem) {
        if (!problem.code) console.error(problem);
        if (isThere.current) change({ isBusy: false, problem });
        return undefined;
      } finally {
        running.current = false;
      }
    },
    [act],
  );
  return { ...state, run, clear: () => change({ isBusy: false, problem: null }) };
}

/**
 * A button. `act` may be asynchronous: until it is over the button is busy and takes no click.
 *
 * `kind`: "plain", "main", "danger" or "quiet". `why` is the reason why it cannot be used now: it is shown, and the
 * button stays reachable for the keyboard so that the reason can be read.
 */
export function Button({ act, kind = "plain", isBusy = false, why = "", type = "button", children, ...rest }) {
  const action = useAction(act ?? (() => undefined));
  const busy = isBusy || action.isBusy;
  const clicked = (event) => {
    if (why || busy) {
      event.preventDefault();
      return undefined;
    }
    return act ? action.run(event) : undefined;
  };
  return html`<button
    ...${rest}
    type=${type}
    class=${classes("button", kind, rest.class)}
    aria-busy=${busy ? "true" : undefined}
    aria-disabled=${why || busy ? "true" : undefined}
    title=${why || rest.title}
    onClick=${clicked}
  >
    ${busy && html`<span class="spinner" aria-hidden="true"></span>`}${children}${why &&
    html`<span class="unseen"> (${why})</span>`}
  </button>`;
}

/** A button that copies a text and says that it did. */
export function CopyButton({ text, children = "Copy" }) {
  const [isDone, done] = useState(false);
  const copy = async () => {
    await copied(text);
    done(true);
    setTimeout(() => done(false), 2000);
  };
  return html`<${Button} act=${copy} aria-live="polite">${isDone ? "Copied" : children}<//>`;
}

async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Plain http of a house: the clipboard's own interface is for secure origins only.
  const field = document.createElement("textarea");
  field.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
  return undefined;
}
