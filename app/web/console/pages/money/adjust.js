// An amount that no order explains: a bonus, a penalty.

import { pathOf, post } from "../../api.js";
import { whyNot } from "../../session.js";
import { Button } from "../../ui/button.js";
import { confirm } from "../../ui/dialog.js";
import { TextField, useFields } from "../../ui/form.js";
import { money } from "../../ui/format.js";
import { html, useState } from "../../ui/html.js";
import { toast } from "../../ui/toast.js";
import { isAmount } from "./amounts.js";
import { RowField, newId } from "./parts.js";

export function Adjust({ event, currency, hosts, done }) {
  const [fields, set] = useFields({ host: "", amount: "" });
  // One intent, one id: whatever is sent again under it is taken once.
  const [id, renew] = useState(() => newId("adjust"));
  const [host, amount] = [fields.host.trim(), fields.amount.trim()];
  const lacks = whyNot(["finance"]);
  const missing = !host ? "Name a host." : !isAmount(amount) || !Number(amount) ? "Give an amount, such as 50.00 or -50.00." : "";
  const submitted = async (submit) => {
    submit.preventDefault();
    if (missing || lacks) return;
    const answer = await confirm(question({ event, id, host, amount, currency, name: hosts.names.get(host) ?? host }));
    if (!answer) return;
    toast(answer.state === "waiting" ? "It waits for a second person." : "The adjustment is made.");
    set("host")("");
    set("amount")("");
    renew(newId("adjust"));
    done();
  };
  return html`<section class="card" aria-labelledby="adjust">
    <header><h2 id="adjust">Adjust what a host is paid</h2></header>
    <p class="muted">A bonus or a penalty that no order explains. It moves what the host is paid, and no board.</p>
    <form class="spaced" onSubmit=${submitted}>
      <div class="fields">
        <${RowField} label="Host" rows=${hosts.rows} value=${fields.host} onChange=${set("host")} hint="An id, or begin a name." />
        <${TextField}
          label="Amount in ${currency}"
          value=${fields.amount}
          onChange=${set("amount")}
          inputmode="text"
          autocomplete="off"
          hint="With a minus to take."
        />
      </div>
      <div class="actions"><${Button} type="submit" why=${lacks || missing}>Adjust…<//></div>
    </form>
  </section>`;
}

function question({ event, id, host, amount, currency, name }) {
  const isTaken = amount.startsWith("-");
  const shown = money(amount.replace("-", ""), currency);
  return {
    title: isTaken ? `Take ${shown} from ${name}?` : `Give ${name} ${shown}?`,
    changes: [
      `What ${name} can be paid goes ${isTaken ? "down" : "up"} by ${shown} at once.`,
      "No board moves. It stands in the host's next statement, with your reason in the journal.",
      "Above the rule approval_above it waits for a second person.",
    ],
    reason: "needed",
    action: "Adjust",
    act: ({ reason }) => post(pathOf("v1/events", event, "adjustments"), { id, host, amount, reason }),
  };
}
