// Commands to copy into a terminal.

import { CopyButton } from "./button.js";
import { html } from "./html.js";

export function Command({ children }) {
  const text = [children].flat().join("");
  return html`<div class="command"><pre tabindex="0"><code>${text}</code></pre><${CopyButton} text=${text} /></div>`;
}
