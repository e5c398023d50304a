// An overlay page: one component or a scene of several, as its address asks and as the console tells it to be. Its script
// holds the components as well (app/web/routes.py).

import { chosenLanguage } from "../components/format.js";
import { clientOf } from "../components/kos-client.js";
import { sheetOf } from "../components/markup.js";
import { PROPERTIES } from "../components/themes.js";
import { pageOf } from "./address.js";
import { ALONE, sceneParts } from "./scenes.js";
import { Stage, nearestShape, shapeOf } from "./stage.js";
import { watchOver } from "./watchdog.js";

const SERVER = new URL("../../", location.href).href;
const FLAGS = ["preview", "demo"];
// The worst that any part says is what the page says.
const STATES = ["unknown", "forbidden", "refused", "ended", "loading", "stale", "live", "empty"];
const FIRST_SCENE = "full";

const page = pageOf(location);
const isScene = page.component === "scene";
const language = chosenLanguage(page.parameters.get("lang"));
const stage = new Stage(document.getElementById("stage"), commonOf(page));
let told = { scene: "", hidden: [] };

// A source's custom CSS sets these on `:root`; components read them under names of their own.
const passedOn = PROPERTIES.map((name) => `--kos-${name}: var(--${name});`).join(" ");
document.adoptedStyleSheets = [sheetOf(`.stage { ${passedOn} }`)];
document.documentElement.lang = language;
document.title = `${page.component} · ${page.event}`;
addEventListener("kos-state", showState);
addEventListener("resize", arrange);
arrange();
if (!page.parameters.has("demo")) listen();

/** Attributes for every part. */
function commonOf({ event, parameters }) {
  const common = new Map([...parameters, ["event", event], ["server", SERVER], ["lang", language]]);
  for (const flag of FLAGS) if (["", "0"].includes(common.get(flag) ?? "0")) common.delete(flag);
  return common;
}

function arrange() {
  if (isScene) {
    const shape = nearestShape(innerWidth, innerHeight);
    const named = (name) => sceneParts(name, shape, page.parameters);
    const parts = named(told.scene) ?? page.show ?? named(page.scene) ?? named(FIRST_SCENE);
    stage.show(withAnnouncement(parts, shape), shape);
  } else {
    const shape = page.at ? nearestShape(innerWidth, innerHeight) : shapeOf(innerWidth, innerHeight);
    const place = page.at ?? ALONE[shape]?.[page.component] ?? null;
    const part = { component: page.component, name: page.component, place, parameters: new Map() };
    stage.show([part], place ? shape : null);
  }
  stage.hide(told.hidden);
}

/** What the console announces is seen in every scene. */
function withAnnouncement(parts, shape) {
  if (parts.some((part) => part.component === "announcement")) return parts;
  const place = ALONE[shape].announcement;
  return [...parts, { component: "announcement", name: "announcement", place, parameters: new Map() }];
}

/** Do as the console says: for this room, else for all. At once, whatever the room's delay. */
function listen() {
  const client = clientOf(SERVER, page.parameters.get("token"));
  const room = page.parameters.get("room");
  const follow = client.follow(
    `${page.event}/overlays`,
    () => {
      const all = follow.document;
      if (!all) return;
      const ours = all.rooms?.[room] ?? {};
      told = { scene: ours.scene ?? all.scene, hidden: ours.hidden ?? all.hidden };
      arrange();
    },
    { delay: 0 },
  );
  watchOver(client);
}

function showState() {
  const states = new Set(stage.elements.map((element) => element.dataset.state));
  document.body.dataset.state = STATES.find((state) => states.has(state)) ?? "loading";
}
