// Overlays: build a link, steer what is on air, see who is connected, give the brand its look.

import { useChannel } from "../live.js";
import { Build } from "../overlay/build.js";
import { Links } from "../overlay/links.js";
import { Look } from "../overlay/look.js";
import { Remote } from "../overlay/remote.js";
import { address, go } from "../router.js";
import { html } from "../ui/html.js";
import { Loading } from "../ui/states.js";
import { Tabs } from "../ui/tabs.js";

const TABS = [
  { id: "build", title: "Build a link" },
  { id: "remote", title: "Remote control" },
  { id: "links", title: "Links" },
  { id: "look", title: "Look" },
];

export default function Overlays({ event, state, query }) {
  const { document: told } = useChannel(`${event}/overlays`);
  if (!state) return html`<${Loading} lines=${8} label="Loading the overlays" />`;
  const chosen = TABS.some((tab) => tab.id === query.tab) ? query.tab : "build";
  const look = told?.look_version ?? "";
  return html`<div class="page-head"><h1>Overlays</h1></div>
    <${Tabs} label="What to do" tabs=${TABS} chosen=${chosen} onChoose=${(tab) => go(address("events", event, "overlays", { tab }), true)}>
      <div hidden=${chosen !== "build"}><${Build} ...${{ event, state, look }} /></div>
      ${chosen === "remote" && html`<${Remote} ...${{ event, state }} />`}
      ${chosen === "links" && html`<${Links} ...${{ event, state }} />`}
      ${chosen === "look" && html`<${Look} event=${event} told=${look} />`}
    <//>`;
}
