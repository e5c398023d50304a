// Dialogs over the page, and the question before anything is written: what will change, and why.

import { Button, useAction } from "./button.js";
import { TextField } from "./form.js";
import { classes, html, useEffect, useId, useLayoutEffect, useRef, useState } from "./html.js";
import { ErrorNote } from "./states.js";

/** A modal dialog; the browser keeps the focus in it and gives it back. `close` is called for Escape too. */
export function Dialog({ title, close, isBusy = false, size = "", children }) {
  const element = useRef(null);
  const id = useId();
  useLayoutEffect(() => {
    const dialog = element.current;
    dialog.showModal();
    return () => dialog.close();
  }, []);
  const cancelled = (event) => {
    event.preventDefault();
    if (!isBusy) close();
  };
  return html`<dialog ref=${element} class=${classes("dialog", size)} aria-labelledby=${id} onCancel=${cancelled}>
    <div class="dialog-head">
      <h2 id=${id}>${title}</h2>
      <button type="button" class="close" aria-label="Close" onClick=${() => isBusy || close()}>×</button>
    </div>
    ${children}
  </dialog>`;
}

const changes = new EventTarget();
let asked = null;

function become(next) {
  asked = next;
  changes.dispatchEvent(new Event("change"));
}

/**
 * Ask before acting. Answers what `act` answered, or undefined if the reader thought better of it.
 *
 * - `title`: the act as a question or a sentence; `action`: the word on the button; `kind`: "main" or "danger".
 * - `changes`: sentences of what will change; a function gives them anew when something changed meanwhile.
 * - `reason`: "needed", "optional" or "none".
 * - `act({reason})`: does it. A Problem that it throws is shown in the dialog, which stays open.
 * - `children`: more to see or fill in.
 */
export function confirm(question) {
  return new Promise((answer) => become({ reason: "none", kind: "main", action: "Confirm", ...question, answer }));
}

/** Where questions appear; the shell has one. */
export function Questions() {
  const [question, show] = useState(asked);
  useEffect(() => {
    const changed = () => show(asked);
    changes.addEventListener("change", changed);
    return () => changes.removeEventListener("change", changed);
  }, []);
  return question && html`<${Question} key=${question} question=${question} />`;
}

function Question({ question }) {
  const [reason, change] = useState("");
  const action = useAction(async () => {
    const answer = await question.act({ reason: reason.trim() });
    finish(answer ?? null);
  });
  const finish = (answer) => {
    become(null);
    question.answer(answer);
  };
  const isMissing = question.reason === "needed" && !reason.trim();
  const list = typeof question.changes === "function" ? question.changes() : question.changes ?? [];
  const submitted = (event) => {
    event.preventDefault();
    if (!isMissing) action.run();
  };
  return html`<${Dialog} title=${question.title} close=${() => finish(undefined)} isBusy=${action.isBusy}>
    <form onSubmit=${submitted}>
      ${list.length > 0 && html`<ul class="changes">${list.map((line) => html`<li key=${line}>${line}</li>`)}</ul>`}
      ${question.children}
      ${question.reason !== "none" &&
      html`<${TextField}
        label=${question.reason === "needed" ? "Reason" : "Reason (optional)"}
        hint="It is written into the journal, beside your name."
        value=${reason}
        onChange=${change}
        maxLength=${500}
        required=${question.reason === "needed"}
      />`}
      <${ErrorNote} problem=${action.problem} />
      <footer>
        <${Button} act=${() => finish(undefined)} why=${action.isBusy ? "Wait for the answer." : ""}>Cancel<//>
        <${Button}
          type="submit"
          kind=${question.kind}
          isBusy=${action.isBusy}
          why=${isMissing ? "Give a reason first." : ""}
          >${question.action}<//
        >
      </footer>
    </form>
  <//>`;
}
