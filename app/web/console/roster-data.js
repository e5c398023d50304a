// The roster as pages need it: read once, kept until it changes, with names to find people by.

import { pathOf } from "./api.js";
import { useData } from "./data.js";
import { useDeeds } from "./meanwhile.js";
import { useEffect, useMemo, useRef } from "./ui/html.js";

/**
 * `{roster, problem, isLoading, reload, hosts, teams, nameOf}`; `hosts` and `teams` are options of a Combobox.
 *
 * It is read again when somebody changes it, by this page or another one.
 */
export function useRoster(event) {
  const { data, problem, isLoading, reload } = useData(pathOf("v1/events", event, "roster"));
  const { deeds } = useDeeds(event);
  const changed = deeds.find((row) => row.kind === "roster.changed")?.position ?? 0;
  const seen = useRef(0);
  useEffect(() => {
    if (data && changed > data.position && seen.current !== changed) reload();
    seen.current = changed;
  }, [changed, data]);
  return useMemo(() => ({ roster: data, problem, isLoading, reload, ...indexed(data) }), [data, problem, isLoading, reload]);
}

function indexed(roster) {
  const teams = (roster?.teams ?? []).map(({ id, name }) => ({ id, name: name ?? id }));
  const teamNames = new Map(teams.map((team) => [team.id, team.name]));
  const hosts = (roster?.hosts ?? []).map(({ id, name, team, status }) => {
    const note = [id, teamNames.get(team) ?? team, status === "active" ? "" : status].filter(Boolean).join(" · ");
    return { id, name: name ?? id, note };
  });
  const names = new Map(hosts.map((host) => [host.id, host.name]));
  return { hosts, teams, nameOf: (id) => names.get(id) ?? id, teamName: (id) => teamNames.get(id) ?? id };
}
