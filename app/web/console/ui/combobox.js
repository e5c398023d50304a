// A field with a list to choose from that may be long: type a part of it, arrows move, Enter takes.

import { html, useEffect, useId, useLayoutEffect, useMemo, useRef, useState } from "./html.js";

export const SHOWN_MAX = 8;

/** The options that hold every word of a text, those that begin with it first. Options are `{id, name, note}`. */
export function fitting(options, text, most = SHOWN_MAX) {
  const words = text.trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return options.slice(0, most);
  const [first] = words;
  const found = [[], []];
  for (const option of options) {
    const said = `${option.id} ${option.name ?? ""}`.toLowerCase();
    if (!words.every((word) => said.includes(word))) continue;
    const isBest = option.id.toLowerCase().startsWith(first) || option.name?.toLowerCase().startsWith(first);
    found[isBest ? 0 : 1].push(option);
    if (found[0].length >= most) break;
  }
  return [...found[0], ...found[1]].slice(0, most);
}

/**
 * `onSearch(text)`, if given, has somebody else find the `options` that fit a text; null when the list is closed. They are
 * shown as they are, once `answers` says that it is this text that they fit; Enter waits for that, wherever one goes on meanwhile.
 * `onPick(option)` when one is taken; the field is then empty again, unless `keeps` makes it show its name.
 * `creates` is a word for what comes into being with a text that is no option yet.
 */
export function Combobox({ label, hint, error, options, isLoading, onPick, onSearch, answers, problem, value = "", keeps = false, creates = "", ...rest }) {
  const id = useId();
  const [text, type] = useState(value);
  const [isOpen, open] = useState(false);
  const [active, activate] = useState(0);
  const field = useRef(null);
  // Its name may come while somebody types over it.
  useEffect(() => {
    if (!isOpen) type(value);
  }, [value]);
  const isWaiting = useRef(false);
  const typed = keeps && text === value ? "" : text.trim();
  const isAway = onSearch ? answers !== typed : isLoading;
  useLayoutEffect(() => onSearch?.(isOpen ? typed : null), [isOpen, typed]);
  const found = useMemo(() => {
    if (!isOpen || (onSearch && isAway)) return [];
    const known = onSearch ? options.slice(0, SHOWN_MAX) : fitting(options, typed);
    const isNew = creates && typed && !options.some((option) => option.id === typed || option.name === typed);
    return isNew ? [...known, { id: typed, name: typed, note: `new ${creates}` }] : known;
  }, [options, typed, isOpen, isAway]);
  const here = Math.min(active, Math.max(0, found.length - 1));
  const leave = () => (open(false), keeps && type(value));
  const pick = (option) => {
    isWaiting.current = false;
    onPick(option);
    type(keeps ? (option.name ?? option.id) : "");
    open(false);
  };
  useEffect(() => {
    // Enter came before what was found.
    if (!isWaiting.current || isAway) return;
    isWaiting.current = false;
    if (found.length) pick(found[0]);
    else if (document.activeElement !== field.current) leave();
  });
  const pressed = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      if (isOpen) activate(Math.min(found.length - 1, Math.max(0, here + step)));
      open(true);
    } else if (event.key === "Enter" && isOpen && found[here]) {
      event.preventDefault();
      pick(found[here]);
    } else if (event.key === "Enter" && isOpen && onSearch && isAway) {
      event.preventDefault();
      isWaiting.current = true;
    } else if (event.key === "Escape" && isOpen) {
      // The first Escape closes the list, the next one the dialog that it may be in.
      event.preventDefault();
      event.stopPropagation();
      isWaiting.current = false;
      open(false);
    }
  };
  const said = problem ? problem.message : isAway ? "Loading…" : text.trim() ? "Nothing fits." : "Nothing is in the list yet.";
  return html`<div class="field combobox">
    <label for=${id}>${label}</label>
    <input
      ...${rest}
      id=${id}
      ref=${field}
      type="text"
      role="combobox"
      autocomplete="off"
      aria-expanded=${isOpen ? "true" : "false"}
      aria-controls="${id}-list"
      aria-autocomplete="list"
      aria-activedescendant=${isOpen && found.length ? `${id}-${here}` : undefined}
      aria-describedby=${hint || error ? `${id}-hint` : undefined}
      aria-invalid=${error ? "true" : undefined}
      value=${text}
      onInput=${(event) => ((isWaiting.current = false), type(event.target.value), activate(0), open(true))}
      onClick=${() => open(true)}
      onBlur=${() => isWaiting.current || leave()}
      onKeyDown=${pressed}
    />
    <div class="options" hidden=${!isOpen}>
      <ul role="listbox" id="${id}-list" aria-label="What fits">
        ${found.map(
          (option, place) => html`<li
            key=${option.id}
            id="${id}-${place}"
            role="option"
            aria-selected=${place === here ? "true" : "false"}
            onPointerDown=${(event) => (event.preventDefault(), pick(option))}
            onPointerMove=${() => activate(place)}
          >
            <span dir="auto">${option.name ?? option.id}</span><span class="muted">${option.note ?? option.id}</span>
          </li>`,
        )}
      </ul>
      ${isOpen && !found.length && html`<p class="muted" role="status">${said}</p>`}
    </div>
    ${(hint || error) && html`<p class=${error ? "error" : "hint"} id="${id}-hint">${error || hint}</p>`}
  </div>`;
}
