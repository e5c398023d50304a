// The roster as pages need it. The server searches: nobody needs ten thousand hosts to choose one.

import { get, pathOf } from "./api.js";
import { useData, useList } from "./data.js";
import { useDeeds } from "./meanwhile.js";
import { Combobox, SHOWN_MAX, fitting } from "./ui/combobox.js";
import { html, useCallback, useEffect, useMemo, useRef, useState } from "./ui/html.js";

const PAGE = 200;
const TYPING_MS = 150;

const pathTo = (event) => pathOf("v1/events", event, "roster");

/** The position at which somebody changed the roster last, 0 if nobody has of late. */
function useChanged(event) {
  const { deeds } = useDeeds(event);
  return deeds.find((row) => row.kind === "roster.changed")?.position ?? 0;
}

/** Rows of a page: hosts say the names of their teams and store too. `title` is what to call a row. */
function hostRows(answer) {
  const names = { teams: new Map(), stores: new Map() };
  for (const [list, known] of Object.entries(names)) for (const { id, name } of answer[list]) known.set(id, name ?? id);
  const nameOf = (team) => names.teams.get(team) ?? team;
  return answer.hosts.map((host) => ({
    ...host,
    list: "hosts",
    title: host.name ?? host.id,
    teamName: nameOf(host.team),
    storeName: names.stores.get(host.store) ?? host.store,
    memberships: host.memberships.map((one) => ({ ...one, teamName: nameOf(one.team) })),
  }));
}

const groupRows = (list) => (answer) => answer[list].map((row) => ({ ...row, list, title: row.name ?? row.id }));
const ROWS = { hosts: hostRows, teams: groupRows("teams"), stores: groupRows("stores") };

/**
 * Page after page of the roster's `hosts`, `teams` or `stores`, as `useList` has them; `sort` is as a Table has it.
 *
 * Rows do not move under who reads them: `isChanged` says that somebody has changed the roster since they were read.
 */
export function useRosterList(event, list, { query, sort }) {
  const params = { list, query, sort: `${sort.isDown ? "-" : ""}${sort.id}`, limit: PAGE };
  const found = useList(pathTo(event), params, ROWS[list]);
  const changed = useChanged(event);
  // Until the first page of another list is there, the rows are of the one before.
  const rows = found.rows[0]?.list === list ? found.rows : [];
  return { ...found, rows, isChanged: !found.isLoading && found.first !== null && changed > found.first.position };
}

/** All of it, for a file. */
export const wholeRoster = (event) => get(pathTo(event));

/** So many teams by name: `{teams, total, problem, isLoading, reload}`, read again when somebody changes the roster. */
export function useTeams(event, most) {
  const { data, problem, isLoading, reload } = useData(pathTo(event), { list: "teams", sort: "name", limit: most });
  const changed = useChanged(event);
  const seen = useRef(0);
  useEffect(() => {
    if (data && changed > data.position && seen.current !== changed) reload();
    seen.current = changed;
  }, [changed, data]);
  return { teams: data ? ROWS.teams(data) : [], total: data?.totals.teams ?? 0, problem, isLoading, reload };
}

/** What fits a text best: `{of, rows, problem}`, where `of` is the text that was answered last. null asks nothing. */
function useFound(event, list, text, most) {
  const [held, hold] = useState({ of: null, rows: [], problem: null });
  useEffect(() => {
    if (text === null) return undefined;
    const aborting = new AbortController();
    const timer = setTimeout(async () => {
      const answer = { of: text, rows: [], problem: null };
      try {
        answer.rows = ROWS[list](await get(pathTo(event), { list, query: text, limit: most }, { signal: aborting.signal }));
      } catch (problem) {
        answer.problem = problem;
      }
      if (!aborting.signal.aborted) hold(answer);
    }, text ? TYPING_MS : 0);
    return () => {
      clearTimeout(timer);
      aborting.abort();
    };
  }, [event, list, text, most]);
  return held;
}

/** The one with an id: `{row, isLoading, problem}`; `row` is null if the roster has none, "" asks nothing. */
export function useExact(event, list, id) {
  const { of, rows, problem } = useFound(event, list, id || null, 1);
  const isLoading = Boolean(id) && of !== id;
  return { row: (!isLoading && id && rows.find((row) => row.id === id)) || null, isLoading, problem: isLoading ? null : problem };
}

/**
 * A field that finds a host, team or store, of any number, as one types; `value` is an id, `name` what it is called if
 * that is known.
 *
 * `options` stand before what is found, ids of `without` are left out.
 */
export function RosterBox({ event, list, value = "", name = "", options = [], without = [], onPick, ...rest }) {
  const [text, search] = useState(null);
  const [picked, pick] = useState({ id: name && value, name });
  const { of, rows, problem } = useFound(event, list, text, SHOWN_MAX + without.length);
  const isPicked = value !== "" && picked.id === value;
  const { row } = useExact(event, list, isPicked || options.some(({ id }) => id === value) ? "" : value);
  const left = without.join(" ");
  const fits = useMemo(
    () => [...fitting(options, of ?? ""), ...rows.filter(({ id }) => !without.includes(id)).map(optionOf)],
    [of, rows, left],
  );
  const chosen = useCallback((option) => (pick(option), onPick(option)), [onPick]);
  return html`<${Combobox}
    ...${rest}
    options=${fits}
    value=${(isPicked ? picked.name : row?.title) ?? value}
    onSearch=${search}
    onPick=${chosen}
    answers=${of}
    problem=${problem}
  />`;
}

function optionOf({ id, title, teamName, status }) {
  return { id, name: title, note: [id, teamName, status === "active" ? "" : status].filter(Boolean).join(" · ") };
}
