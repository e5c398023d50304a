// What is shown once: a key or a token, to be kept elsewhere before the dialog is closed.

import { Button, CopyButton } from "../../ui/button.js";
import { Dialog } from "../../ui/dialog.js";
import { html } from "../../ui/html.js";
import { Note } from "../../ui/states.js";

export function Secret({ title, label, text, close, children }) {
  return html`<${Dialog} title=${title} close=${close}>
    <div class="stack">
      <${Note} tone="warn">This is shown now and never again. Keep it where secrets are kept, before you close this.<//>
      <div class="command">
        <pre tabindex="0" aria-label=${label}><code>${text}</code></pre>
        <${CopyButton} text=${text} />
      </div>
      ${children}
      <footer class="actions"><${Button} kind="main" act=${close}>I have kept it<//></footer>
    </div>
  <//>`;
}
