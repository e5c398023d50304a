// The door: a key, and what to do without one.

import { signIn } from "./session.js";
import { Button, useAction } from "./ui/button.js";
import { TextField } from "./ui/form.js";
import { html, useState } from "./ui/html.js";
import { ErrorNote, Note } from "./ui/states.js";

export function SignIn({ notice }) {
  const [key, change] = useState("");
  const action = useAction(() => signIn(key.trim()));
  const submitted = (event) => {
    event.preventDefault();
    if (key.trim()) action.run();
  };
  return html`<main class="gate">
    <form class="card sign-in" onSubmit=${submitted}>
      <p class="brand"><span class="mark" aria-hidden="true"></span>KOS Live</p>
      <h1>Sign in to the console</h1>
      ${notice && html`<${Note} tone="info"><span role="status">${notice}</span><//>`}
      <input type="text" name="username" autocomplete="username" value="KOS Live key" readonly hidden />
      <${TextField}
        label="Key"
        type="password"
        name="key"
        autocomplete="current-password"
        spellcheck="false"
        autofocus
        required
        value=${key}
        onChange=${change}
        hint="The key that was made for you. It begins with kos_."
      />
      <${ErrorNote} problem=${action.problem} />
      <${Button} type="submit" kind="main" isBusy=${action.isBusy} why=${key.trim() ? "" : "Enter your key first."}>Sign in<//>
      <details>
        <summary>I have no key</summary>
        <p>Somebody who runs events makes one under “Keys & tokens”. On the server itself <code>kos keys create</code> does the same.</p>
      </details>
    </form>
  </main>`;
}
