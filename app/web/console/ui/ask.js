// A form in a dialog that says what it will change before its button does it.

import { Changed } from "../meanwhile.js";
import { Button, useAction } from "./button.js";
import { Dialog } from "./dialog.js";
import { TextField } from "./form.js";
import { html, useCallback, useRef, useState } from "./html.js";
import { ErrorNote } from "./states.js";
import { toast } from "./toast.js";

/**
 * - `title`, `action` (the word on the button), `kind` ("main" or "danger"), `size` of the dialog.
 * - `changes`: sentences of what the button will do, in the words of who reads them; they follow what is filled in.
 * - `missing`: why the button cannot be pressed yet, "" if it can.
 * - `act({reason, expected})`: does it; a Problem that it throws is shown, and the dialog stays. `said(answer)` is the toast.
 * - `expected`: the position of what the reader saw. When the server refuses because something was done since, that is
 *   shown, and the next press is about it.
 * - `reason`: "needed", "optional" or "none"; `reasonLabel` and `reasonHint` where it is more than a reason.
 * - `children`: the fields; a function is given the Problem, so that a field can show its complaint.
 */
export function Ask({ title, action, kind = "main", size, close, changes = [], missing = "", act, said, children, ...rest }) {
  const [reason, change] = useState("");
  const expected = useRef(rest.expected);
  const wanted = rest.reason ?? "none";
  const run = useCallback(async () => {
    try {
      const answer = await act({ reason: reason.trim(), expected: expected.current });
      if (said) toast(said(answer));
      close();
    } catch (problem) {
      for (const { position } of problem.document?.changes ?? []) expected.current = Math.max(expected.current, position);
      throw problem;
    }
  }, [act, reason, close, said]);
  const acting = useAction(run);
  const why = missing || (wanted === "needed" && !reason.trim() ? `Fill in “${rest.reasonLabel ?? "Reason"}” first.` : "");
  const submitted = (event) => {
    event.preventDefault();
    if (!why) acting.run();
  };
  const problem = acting.problem;
  return html`<${Dialog} title=${title} close=${close} isBusy=${acting.isBusy} size=${size}>
    <form onSubmit=${submitted} novalidate>
      ${typeof children === "function" ? children(problem) : children}
      ${wanted !== "none" &&
      html`<${TextField}
        label=${rest.reasonLabel ?? (wanted === "needed" ? "Reason" : "Reason (optional)")}
        hint=${rest.reasonHint ?? "It is written into the journal, beside your name."}
        value=${reason}
        onChange=${change}
        maxLength=${500}
        required=${wanted === "needed"}
      />`}
      ${changes.length > 0 &&
      html`<section class="will" aria-live="polite">
        <h3>What this does</h3>
        <ul class="changes">
          ${changes.map((line) => html`<li key=${line}>${line}</li>`)}
        </ul>
      </section>`}
      ${rest.notice}
      ${problem?.code === "changed_meanwhile" ? html`<${Changed} problem=${problem} />` : html`<${ErrorNote} problem=${problem} />`}
      <footer>
        <${Button} act=${close} why=${acting.isBusy ? "Wait for the answer." : ""}>Cancel<//>
        <${Button} type="submit" kind=${kind} isBusy=${acting.isBusy} why=${why}>${action}<//>
      </footer>
    </form>
  <//>`;
}
