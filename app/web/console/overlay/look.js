// The brand's look: theme, colours, logos and font of every page of the event.

import { Problem, addressOf, pathOf, post, put } from "../api.js";
import { useData } from "../data.js";
import { useTeams } from "../roster-data.js";
import { Button, useAction } from "../ui/button.js";
import { SelectField } from "../ui/form.js";
import { classes, html, useCallback, useEffect, useId, useRef, useState } from "../ui/html.js";
import { ErrorNote, Loading, Note } from "../ui/states.js";
import { toast } from "../ui/toast.js";
import { THEMES, linkOf, overlayOf } from "./catalog.js";
import { Preview } from "./preview.js";

const BYTES_MAX = 512 * 1024;
const COLORS = [
  ["accent", "Accent"],
  ["text", "Text"],
  ["panel", "Panels"],
  ["live", "Live"],
  ["gold", "First place"],
];
const PICTURES = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", webp: "image/webp", svg: "image/svg+xml" };
const FONTS = { woff2: "font/woff2" };
const NONE = { theme: "", colors: {}, team_colors: {}, logo: null, team_logos: {}, font: null };
const TEAMS_SHOWN = 40;

const lookOf = (answer) => Object.fromEntries(Object.keys(NONE).map((name) => [name, answer[name] ?? NONE[name]]));
const without = (map, key) => Object.fromEntries(Object.entries(map).filter(([name]) => name !== key));
const isAlike = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const changedMap = (map, key, value) => (value === null ? without(map, key) : { ...map, [key]: value });

/** What makes a look another than one before, in sentences; `teams` say what teams are called. */
export function differences(before, after, teams) {
  const nameOf = (id) => teams.find((team) => team.id === id)?.title ?? id;
  const labels = Object.fromEntries(COLORS);
  const themeOf = ({ theme }) => theme && (THEMES.find(([id]) => id === theme)?.[1] ?? theme);
  const told = [];
  const compare = (what, one, other) => {
    if ((one ?? "") !== (other ?? "")) told.push(`${what}: ${one || "none"} → ${other || "none"}`);
  };
  const keys = (name) => Object.keys({ ...before[name], ...after[name] });
  compare("Theme", themeOf(before), themeOf(after));
  for (const key of keys("colors")) compare(labels[key] ?? key, before.colors[key], after.colors[key]);
  for (const key of keys("team_colors")) compare(`Colour of ${nameOf(key)}`, before.team_colors[key], after.team_colors[key]);
  for (const [name, label] of [["logo", "The logo"], ["font", "The font"]]) if (before[name] !== after[name]) told.push(`${label} is ${after[name] ? "another" : "taken away"}`);
  for (const key of keys("team_logos")) if (before.team_logos[key] !== after.team_logos[key]) told.push(`The logo of ${nameOf(key)} is ${after.team_logos[key] ? "another" : "taken away"}`);
  return told;
}

/** Send a file as an asset; its name. Errors: Problem; `file_type` and `file_large` before anything is sent. */
async function uploaded(event, file, types) {
  const type = types[file.name.split(".").at(-1).toLowerCase()];
  if (!type) throw new Problem(422, { code: "file_type", detail: `Choose a file that ends in .${Object.keys(types).join(", .")}` });
  if (file.size > BYTES_MAX) throw new Problem(413, { code: "file_large", detail: `The file has ${Math.ceil(file.size / 1024)} KB; it may have 512.` });
  return (await post(pathOf("v1/events", event, "assets"), await file.arrayBuffer(), { type })).asset;
}

/** Colours that are not saved yet, on the page of a preview: overlays read them from its root. */
function wear(colors, page) {
  // Between two pages a frame has a document without anything in it; the next one is dressed when it is there.
  if (!page.documentElement) return;
  for (const [name] of COLORS) {
    if (colors[name]) page.documentElement.style.setProperty(`--${name}`, colors[name]);
    else page.documentElement.style.removeProperty(`--${name}`);
  }
}

export function Look({ event, told }) {
  const { data, problem, reload } = useData(pathOf("v1/events", event, "look"));
  const [look, change] = useState(null);
  const [version, become] = useState("");
  // What somebody else changed since the look was taken that is being changed here.
  const [others, find] = useState([]);
  const people = useTeams(event, TEAMS_SHOWN);
  const base = useRef(null);
  const begun = useRef(null);
  const begin = (answer) => {
    change((begun.current = lookOf(answer)));
    find([]);
  };
  /** Changed by somebody else while nothing is changed here: take it. Else it is said, and kept for the reader to decide. */
  const take = (answer) => {
    const isUntouched = look === null || isAlike(look, base.current);
    if (isUntouched) begin(answer);
    else find(differences(begun.current, lookOf(answer), people.teams));
    base.current = lookOf(answer);
    become(answer.version ?? "");
  };
  useEffect(() => {
    if (data) take(data);
  }, [data]);
  useEffect(() => {
    if (told && told !== version) reload();
  }, [told]);
  const saving = useAction(
    useCallback(async () => {
      // "" is a version too: that of no look.
      const answer = await put(`${pathOf("v1/events", event, "look")}?expected_version=${version}`, look).catch((problem) => {
        if (problem.code === "changed_meanwhile") take(problem.document.now);
        throw problem;
      });
      begin(answer);
      base.current = lookOf(answer);
      become(answer.version ?? "");
      toast("The look is saved. Pages that are open take it now.");
    }, [event, look, version, people.teams]),
  );
  const colors = look?.colors ?? NONE.colors;
  const dress = useCallback((page) => wear(colors, page), [colors]);
  if (problem && !look) return html`<${ErrorNote} problem=${problem} retry=${reload} />`;
  if (!look) return html`<${Loading} lines=${6} label="Loading the look" />`;
  const isSame = isAlike(look, base.current);
  const isRefused = saving.problem?.code === "changed_meanwhile";
  const set = (name) => (value) => change((now) => ({ ...now, [name]: value }));
  const src = linkOf(event, overlayOf("board"), { theme: look.theme }, { demo: "1", preview: "1" });
  return html`<div class="builder">
    <div class="stack">
      <section class="card" aria-label="Theme and colours">
        <header><h2>Theme and colours</h2></header>
        <div class="stack">
          <${SelectField} label="Theme" hint="Where a link names none." value=${look.theme} onChange=${set("theme")} choices=${[["", "Dark, unless a link says otherwise"], ...THEMES.slice(1)]} />
          <div class="colors">
            ${COLORS.map(([id, label]) => html`<${Color} key=${id} label=${label} value=${look.colors[id] ?? null} onChange=${(value) => set("colors")(changedMap(look.colors, id, value))} />`)}
          </div>
        </div>
      </section>
      <section class="card" aria-label="Logo and font">
        <header><h2>Logo and font</h2></header>
        <div class="stack">
          <${Asset} label="Logo" hint="PNG, JPEG, WebP or SVG, 512 KB at most." event=${event} types=${PICTURES} value=${look.logo} onChange=${set("logo")} />
          <${Asset} label="Font" hint="WOFF2, 512 KB at most." event=${event} types=${FONTS} value=${look.font} onChange=${set("font")} />
        </div>
      </section>
      <${Teams} ...${{ event, look, set, people }} />
    </div>
    <div class="stack">
      <${Preview} src=${src} version=${version} dress=${dress}>
        <p class="muted">Made-up sales in the theme and colours chosen here. Logos and the font are seen once they are saved, in a link of the event.</p>
      <//>
      <section class="card save" aria-label="Save">
        ${!isSame && html`<p role="status">Every overlay and the public page of this event take the look as soon as it is saved. It ranks nothing and is in no journal.</p>`}
        ${people.problem && html`<${ErrorNote} problem=${people.problem} retry=${people.reload} />`}
        ${others.length > 0 && !isSame && html`<${Others} changes=${others} isRefused=${isRefused} />`}
        ${!isRefused && html`<${ErrorNote} problem=${saving.problem} />`}
        <footer class="buttons">
          <${Button} kind="main" act=${saving.run} isBusy=${saving.isBusy} why=${isSame ? "Nothing is changed." : ""}>Save the look<//>
          <${Button} act=${() => begin(base.current)} why=${isSame ? "Nothing is changed." : ""}>Put back<//>
        </footer>
      </section>
    </div>
  </div>`;
}

/** What saving would undo, before it does. */
function Others({ changes, isRefused }) {
  return html`<${Note} tone=${isRefused ? "bad" : "warn"}>
    <div role="alert">
      <strong>Somebody else saved another look meanwhile${isRefused ? ", so yours is not saved yet" : ""}. To save replaces theirs; “Put back” takes it.</strong>
      <ul class="listed">
        ${changes.map((line) => html`<li key=${line} dir="auto">${line}</li>`)}
      </ul>
    </div>
  <//>`;
}

/** A colour, or none: then the theme's holds. */
function Color({ label, value, onChange }) {
  const id = useId();
  return html`<div class="color">
    <input id=${id} type="color" value=${value ?? "#808080"} class=${value ? undefined : "none"} onInput=${(event) => onChange(event.target.value)} />
    <label for=${id}>${label}</label>
    ${value
      ? html`<code>${value}</code><button type="button" class="close" aria-label=${`No colour for ${label}`} onClick=${() => onChange(null)}>×</button>`
      : html`<span class="muted">of the theme</span>`}
  </div>`;
}

/** A file of the brand: shown if it is a picture, changed, taken away. */
function Asset({ label, hint, event, types, value, onChange }) {
  const field = useRef(null);
  const sending = useAction(useCallback(async (file) => onChange(await uploaded(event, file, types)), [event, onChange]));
  const isPicture = types === PICTURES;
  return html`<div class="asset">
      <div class=${classes("asset-shown", !value && "none")}>
        ${value && isPicture ? html`<img src=${addressOf(`assets/${value}`)} alt=${label} />` : html`<span class="muted">${value ? "Aa" : "none"}</span>`}
      </div>
      <div>
        <strong>${label}</strong>
        ${hint && html`<p class="hint">${hint}</p>`}
        <div class="buttons">
          <input class="unseen" type="file" tabindex="-1" aria-label=${`File of: ${label}`} accept=${Object.keys(types).map((ending) => `.${ending}`).join(",")} ref=${field} onChange=${(event) => event.target.files[0] && sending.run(event.target.files[0])} />
          <${Button} act=${() => field.current.click()} isBusy=${sending.isBusy}>${value ? "Change…" : "Choose a file…"}<span class="unseen"> ${label}</span><//>
          ${value && html`<${Button} kind="quiet" act=${() => onChange(null)}>Take away<span class="unseen"> ${label}</span><//>`}
        </div>
      </div>
    </div>
    <${ErrorNote} problem=${sending.problem} />`;
}

function Teams({ event, look, set, people }) {
  const { teams, total } = people;
  return html`<section class="card" aria-label="Teams">
    <header><h2>Teams</h2></header>
    ${people.isLoading && !teams.length && html`<${Loading} />`}
    ${!people.isLoading && !teams.length && html`<${Note}>There is no team in the roster yet.<//>`}
    <div class="stack">
      ${teams.map(
        (team) => html`<details key=${team.id} class="team">
          <summary><i class="dot" style=${{ background: look.team_colors[team.id] ?? "transparent" }}></i><span dir="auto">${team.title}</span></summary>
          <${Color} label="Colour" value=${look.team_colors[team.id] ?? null} onChange=${(value) => set("team_colors")(changedMap(look.team_colors, team.id, value))} />
          <${Asset} label=${`Logo of ${team.title}`} event=${event} types=${PICTURES} value=${look.team_logos[team.id] ?? null} onChange=${(value) => set("team_logos")(changedMap(look.team_logos, team.id, value))} />
        </details>`,
      )}
    </div>
    ${total > teams.length && html`<p class="muted">The first ${teams.length} of ${total}; the others by the API.</p>`}
  </section>`;
}
