// Tabs as the keyboard knows them: one stop, then arrows.

import { html, useEffect, useId, useRef } from "./html.js";

/** `tabs` are `{id, title, badge}`; `chosen` is an id; what belongs to it comes as children. */
export function Tabs({ label, tabs, chosen, onChoose, children }) {
  const id = useId();
  const list = useRef(null);
  // On a phone there may be more of them than fit. The page itself stays where it is.
  useEffect(() => {
    const box = list.current;
    const tab = box.querySelector("[aria-selected=true]");
    if (!tab) return;
    const [inside, around] = [tab.getBoundingClientRect(), box.getBoundingClientRect()];
    // By whole pixels, as browsers scroll: a part of one would stay out of sight.
    box.scrollLeft += Math.ceil(Math.max(0, inside.right - around.right)) + Math.floor(Math.min(0, inside.left - around.left));
  }, [chosen]);
  const pressed = (event) => {
    const now = tabs.findIndex((tab) => tab.id === chosen);
    const last = tabs.length - 1;
    const next = {
      ArrowRight: now === last ? 0 : now + 1,
      ArrowLeft: now === 0 ? last : now - 1,
      Home: 0,
      End: last,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    onChoose(tabs[next].id);
    list.current.children[next].focus();
  };
  return html`<div class="tabs">
      <div role="tablist" aria-label=${label} ref=${list} onKeyDown=${pressed}>
        ${tabs.map(
          (tab) => html`<button
            key=${tab.id}
            type="button"
            role="tab"
            id="${id}-${tab.id}"
            aria-selected=${tab.id === chosen ? "true" : "false"}
            aria-controls="${id}-panel"
            tabindex=${tab.id === chosen ? 0 : -1}
            onClick=${() => onChoose(tab.id)}
          >
            ${tab.title}${tab.badge ? html`<span class="badge">${tab.badge}</span>` : null}
          </button>`,
        )}
      </div>
    </div>
    <div role="tabpanel" id="${id}-panel" aria-labelledby="${id}-${chosen}">${children}</div>`;
}
