// Remote control: what the overlays are told, all of them or those of one room. A press holds at once.

import { pathOf, put } from "../api.js";
import { Countdown, serverNow } from "../clock.js";
import { useChannel } from "../live.js";
import { Button, useAction } from "../ui/button.js";
import { CheckField, SelectField, TextField } from "../ui/form.js";
import { Time } from "../ui/format.js";
import { classes, html, useCallback, useState } from "../ui/html.js";
import { Badge, Loading, Note } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { PARTS, SCENES } from "./catalog.js";

const TEXT_MAX = 500;
const TRIES_MAX = 5;
const MINUTES = [
  ["", "Until I take it off"],
  ["1", "For 1 minute"],
  ["5", "For 5 minutes"],
  ["15", "For 15 minutes"],
];
const AS_ALL = "as-all";

/** What a document of the channel says that can be told again. */
export function toldBy({ scene = "", hidden = [], message = null, rooms = {} }) {
  return { scene, hidden, message, rooms };
}

/** What is told with one thing of one room changed; undefined takes it away, and the room has what all have. */
export function withRoom(told, room, change) {
  const ours = Object.fromEntries(Object.entries({ ...told.rooms[room], ...change }).filter(([, value]) => value !== undefined));
  return { ...told, rooms: { ...told.rooms, [room]: ours } };
}

/** Tell one change. What somebody else told since is kept: the change is made to that. */
async function toldAnew(event, change, seen) {
  let [now, tries] = [seen, TRIES_MAX];
  for (;;) {
    try {
      return await put(pathOf("v1/events", event, "overlays"), change(toldBy(now)), { params: { expected_time: now.time } });
    } catch (problem) {
      if (problem.code !== "changed_meanwhile" || (tries -= 1) === 0) throw problem;
      now = problem.document.now;
    }
  }
}

export function Remote({ event, state }) {
  const { document: live, error } = useChannel(`${event}/overlays`);
  const [room, enter] = useState("");
  // Told by this page and not yet heard back: the next press goes on from it, not from what was before.
  const [mine, keep] = useState(null);
  const newest = mine && (!live || mine.time > live.time) ? mine : live;
  const tell = useCallback(
    async (change, said) => {
      try {
        keep(await toldAnew(event, change, newest));
        toast(said);
      } catch (problem) {
        // Beside a press of many there is no place for it.
        toast(problem.message, "bad");
        throw problem;
      }
    },
    [event, newest],
  );
  if (!newest) return error ? html`<${Note} tone="bad">${error.message}<//>` : html`<${Loading} lines=${5} label="Loading what is told" />`;
  const told = toldBy(newest);
  const here = room in told.rooms ? room : "";
  return html`<div class="remote">
    <${Rooms} ...${{ told, here, enter, tell }} />
    <div class="stack">
      <${Scene} ...${{ told, room: here, tell }} />
      <${Parts} ...${{ told, room: here, tell }} />
      ${here ? html`<${Delay} key=${here} ...${{ told, room: here, tell, enter }} />` : html`<${Message} ...${{ told, tell, zone: state.timezone }} />`}
    </div>
  </div>`;
}

function Rooms({ told, here, enter, tell }) {
  const [name, type] = useState("");
  const rooms = Object.keys(told.rooms);
  const wanted = name.trim();
  const why = !/^[a-z0-9_-]{1,40}$/.test(wanted) ? "Small letters, digits, - and _." : rooms.includes(wanted) ? "It is in the list." : "";
  const adding = useAction(
    useCallback(async () => {
      await tell((now) => withRoom(now, wanted, {}), `The room ${wanted} can be told apart.`);
      enter(wanted);
      type("");
    }, [tell, wanted]),
  );
  const summary = (room) => {
    const { scene, hidden, delay_ms: delay } = told.rooms[room];
    return [scene !== undefined && `scene ${scene || "of the link"}`, hidden !== undefined && `${hidden.length} hidden`, delay && `${delay / 1000} s late`].filter(Boolean).join(" · ") || "as all";
  };
  return html`<section class="card" aria-label="Whom to tell">
    <header><h2>Whom to tell</h2></header>
    <div class="rooms">
      <button type="button" aria-pressed=${here === "" ? "true" : "false"} onClick=${() => enter("")}><strong>All overlays</strong><span class="muted">${told.scene ? `scene ${told.scene}` : "the scene of their link"}</span></button>
      ${rooms.map((room) => html`<button key=${room} type="button" aria-pressed=${here === room ? "true" : "false"} onClick=${() => enter(room)}><strong>${room}</strong><span class="muted">${summary(room)}</span></button>`)}
    </div>
    <form class="add" onSubmit=${(event) => (event.preventDefault(), why || adding.run())}>
      <${TextField} label="Another room" hint="As in the link: room=${wanted || "lin"}" value=${name} onChange=${type} maxLength=${40} />
      <${Button} type="submit" isBusy=${adding.isBusy} why=${wanted ? why : "Enter the room's name."}>Add<//>
    </form>
  </section>`;
}

function Scene({ told, room, tell }) {
  const ours = room ? told.rooms[room].scene : told.scene;
  const now = ours ?? AS_ALL;
  const choices = [...(room ? [[AS_ALL, "As all"]] : []), ["", "Of the link"], ...SCENES];
  const who = room ? `In ${room}` : "Everywhere";
  const choose = (scene, title) =>
    tell(
      (held) => (room ? withRoom(held, room, { scene: scene === AS_ALL ? undefined : scene }) : { ...held, scene }),
      `${who}: scene “${title}”.`,
    );
  return html`<section class="card" aria-label="Scene">
    <header><h2>Scene</h2><span class="muted">For links that show a scene</span></header>
    <div class="scenes">
      ${choices.map(
        ([id, title]) => html`<${Button} key=${id} class=${classes("scene", id === now && "on")} aria-pressed=${id === now ? "true" : "false"} act=${() => id === now || choose(id, title)}>${title}<//>`,
      )}
    </div>
  </section>`;
}

function Parts({ told, room, tell }) {
  const ours = room ? told.rooms[room].hidden : told.hidden;
  const hidden = ours ?? told.hidden;
  const who = room ? `In ${room}` : "Everywhere";
  const toggle = ({ id, title }) => {
    const isHidden = hidden.includes(id);
    const next = isHidden ? hidden.filter((name) => name !== id) : [...hidden, id];
    return tell((held) => (room ? withRoom(held, room, { hidden: next }) : { ...held, hidden: next }), `${who}: ${title.toLowerCase()} ${isHidden ? "shown" : "hidden"}.`);
  };
  const known = PARTS.map((part) => part.id);
  const others = hidden.filter((name) => !known.includes(name)).map((name) => ({ id: name, title: name }));
  return html`<section class="card" aria-label="Parts">
    <header>
      <h2>Shown and hidden</h2>
      ${room && html`<span class="muted">${ours ? "Of its own" : "As all"}</span>`}
      ${room && ours && html`<span class="end"><${Button} kind="quiet" act=${() => tell((held) => withRoom(held, room, { hidden: undefined }), `${who}: shown as everywhere.`)}>As all<//></span>`}
    </header>
    <div class="switches">
      ${[...PARTS, ...others].map((part) => {
        const isShown = !hidden.includes(part.id);
        return html`<${Button} key=${part.id} role="switch" class=${classes("switch", isShown && "on")} aria-checked=${isShown ? "true" : "false"} act=${() => toggle(part)}>
          <i aria-hidden="true"></i>${part.title}<span class="muted">${isShown ? "shown" : "hidden"}</span>
        <//>`;
      })}
    </div>
  </section>`;
}

function Message({ told, tell, zone }) {
  const [text, type] = useState("");
  const [minutes, last] = useState("");
  const now = told.message;
  const isOver = now?.until && Date.parse(now.until) <= serverNow();
  const show = async () => {
    const until = minutes ? new Date(serverNow() + Number(minutes) * 60_000).toISOString() : null;
    await tell((held) => ({ ...held, message: { text: text.trim(), until } }), "The message is shown.");
    type("");
  };
  return html`<section class="card" aria-label="Message">
    <header><h2>Message</h2><span class="muted">Shown where announcements are; in no journal</span></header>
    <div class="stack">
      ${now && !isOver &&
      html`<${Note} tone="info">
        <p class="grow" dir="auto">${now.text}</p>
        <${Badge} tone="live">${now.until ? html`<${Countdown} until=${now.until} /> left` : "on air"}<//>
        ${now.until && html`<span class="muted">until <${Time} at=${now.until} how="time" zone=${zone} /></span>`}
        <${Button} act=${() => tell((held) => ({ ...held, message: null }), "The message is taken off.")}>Take it off<//>
      <//>`}
      <div class="message">
        <${TextField} label="New message" dir="auto" lines=${2} value=${text} onChange=${type} maxLength=${TEXT_MAX} />
        <${SelectField} label="For how long" value=${minutes} onChange=${last} choices=${MINUTES} />
        <${Button} kind="main" act=${show} why=${text.trim() ? "" : "Write the message first."}>${now && !isOver ? "Show in its place" : "Show it"}<//>
      </div>
    </div>
  </section>`;
}

function Delay({ told, room, tell, enter }) {
  const held = told.rooms[room].delay_ms;
  const [seconds, type] = useState(held === undefined ? "" : String(held / 1000));
  const [isOwn, own] = useState(held !== undefined);
  const number = Number(seconds);
  const why = isOwn && !(seconds !== "" && number >= 0 && number <= 60) ? "0 to 60 seconds." : "";
  const save = () => tell((now) => withRoom(now, room, { delay_ms: isOwn ? Math.round(number * 1000) : undefined }), `${room}: ${isOwn ? `${seconds} seconds late` : "the delay of its link"}.`);
  const leave = async () => {
    await tell((now) => ({ ...now, rooms: Object.fromEntries(Object.entries(now.rooms).filter(([name]) => name !== room)) }), `${room} shows what all show.`);
    enter("");
  };
  return html`<section class="card" aria-label="Room">
    <header><h2>Room ${room}</h2></header>
    <div class="message">
      <${CheckField} label="A delay of its own" hint="In place of the one in its links." value=${isOwn} onChange=${own} />
      ${isOwn && html`<${TextField} label="Delay in seconds" type="number" min="0" max="60" step="0.5" value=${seconds} onChange=${type} />`}
      <${Button} act=${save} why=${why}>Set the delay<//>
      <${Button} kind="danger" act=${leave}>Forget the room<//>
    </div>
  </section>`;
}
