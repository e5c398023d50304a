// Fields with a label, a hint and the server's complaint about exactly them.

import { classes, html, useEffect, useId, useRef, useState } from "./html.js";

/** The complaint about a field, if a Problem names it: "lines[0].unit_price" is about `lines` too. */
export function complaint(problem, name) {
  const field = problem?.field ?? "";
  return name && (field === name || field.startsWith(`${name}.`) || field.startsWith(`${name}[`)) ? problem.message : "";
}

function Field({ id, label, hint, error, children, isWide }) {
  return html`<div class=${classes("field", error && "wrong", isWide && "wide")}>
    <label for=${id}>${label}</label>
    ${children}
    ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
    ${error && html`<p class="error" id="${id}-error">${error}</p>`}
  </div>`;
}

function described(id, hint, error) {
  const ids = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return { id, "aria-describedby": ids || undefined, "aria-invalid": error ? "true" : undefined };
}

/** A line of text; `type` as of <input>. `lines` above 1 makes it a text area. `onChange` gets the text. */
export function TextField({ label, hint, error, value, onChange, lines = 1, isWide, type = "text", ...rest }) {
  const id = useId();
  const given = { ...rest, ...described(id, hint, error), value, onInput: (event) => onChange(event.target.value) };
  return html`<${Field} ...${{ id, label, hint, error, isWide }}>
    ${lines > 1 ? html`<textarea rows=${lines} ...${given}></textarea>` : html`<input type=${type} ...${given} />`}
  <//>`;
}

/** One of several; `choices` are `[value, label]` or plain words. */
export function SelectField({ label, hint, error, value, onChange, choices, isWide, ...rest }) {
  const id = useId();
  return html`<${Field} ...${{ id, label, hint, error, isWide }}>
    <select ...${rest} ...${described(id, hint, error)} value=${value} onChange=${(event) => onChange(event.target.value)}>
      ${choices.map((choice) => {
        const [word, text] = Array.isArray(choice) ? choice : [choice, choice];
        return html`<option key=${word} value=${word}>${text}</option>`;
      })}
    </select>
  <//>`;
}

/** A box to tick. */
export function CheckField({ label, hint, value, onChange, ...rest }) {
  const id = useId();
  return html`<div class="field check">
    <input
      ...${rest}
      ...${described(id, hint, "")}
      type="checkbox"
      checked=${value}
      onChange=${(event) => onChange(event.target.checked)}
    />
    <label for=${id}>${label}</label>
    ${hint && html`<p class="hint" id="${id}-hint">${hint}</p>`}
  </div>`;
}

const TYPING_MS = 200;

/** A field to search with. `onSearch` gets the text when the typing rests, or at once on Enter. */
export function SearchField({ label, value = "", onSearch, placeholder }) {
  const [typed, type] = useState(value);
  const timer = useRef(0);
  const told = useRef(value);
  // The newest one: what else is searched by may have changed while this was typed.
  const search = useRef(onSearch);
  search.current = onSearch;
  useEffect(() => {
    // Changed from elsewhere (a step back): show that. What this field told itself comes back and changes nothing.
    if (value !== told.current) type((told.current = value));
  }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const tell = (text) => {
    clearTimeout(timer.current);
    if (text !== told.current) search.current((told.current = text));
  };
  const changed = (event) => {
    const text = event.target.value;
    type(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => tell(text.trim()), TYPING_MS);
  };
  return html`<input
    class="search"
    type="search"
    aria-label=${label}
    placeholder=${placeholder ?? label}
    value=${typed}
    onInput=${changed}
    onKeyDown=${(event) => event.key === "Enter" && tell(typed.trim())}
  />`;
}

/** State of a form: `[values, set]`; `set(name)` gives the onChange of a field. */
export function useFields(initial) {
  const [values, change] = useState(initial);
  const set = (name) => (value) => change((now) => ({ ...now, [name]: value }));
  return [values, set];
}
