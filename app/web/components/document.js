// A channel's document and the one rule by which deltas change it; the same as app/realtime/channels.py.

/** Where a row stands: by rank, or newest position first; then by id. */
export function compareRows(a, b) {
  if (a.rank !== undefined && a.rank !== b.rank) return a.rank - b.rank;
  if (a.rank === undefined && a.position !== b.position) return b.position - a.position;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

/** The document at `position`, from one at the delta's start or anywhere later before `position`. */
export function apply(held, delta, position) {
  const { rows: changed, gone, ...fields } = delta;
  const rows = new Map(held.rows.map((row) => [row.id, row]));
  for (const id of gone) rows.delete(id);
  for (const row of changed) rows.set(row.id, row);
  return { ...held, ...fields, position, rows: [...rows.values()].sort(compareRows) };
}

/** What a client at `mine` does with a delta: "apply", "ignore" or "gap" (subscribe again). */
export function accept(mine, previous, position) {
  if (position <= mine) return "ignore";
  return previous <= mine ? "apply" : "gap";
}
