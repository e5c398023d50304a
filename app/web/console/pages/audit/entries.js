// Entries of the journal as the server sends them, with their bodies as the very text that was hashed.

import { get, pathOf } from "../../api.js";

const BODY = '"body":';
// ,"prev_hash":"…","hash":"…"} behind the body: two hashes of 64 digits.
const TAIL = `,"prev_hash":"${"0".repeat(64)}","hash":"${"0".repeat(64)}"}`.length;

/** One line of NDJSON; `raw` is the canonical text of the body. A quote inside a text is escaped, so BODY is found once. */
export function entryOf(line) {
  const raw = line.slice(line.indexOf(BODY) + BODY.length, line.length - TAIL);
  return { ...JSON.parse(line), raw };
}

/** Entries behind a position, ascending. Errors: Problem. */
export async function entriesBehind(event, after, limit, signal) {
  const path = pathOf("v1/events", event, "journal");
  const text = await get(path, { after, limit }, { accept: "application/x-ndjson", signal });
  return text.split("\n").filter(Boolean).map(entryOf);
}

/** The newest position. */
export async function headOf(event, signal) {
  return (await get(pathOf("v1/events", event, "journal"), { after: Number.MAX_SAFE_INTEGER, limit: 1 }, { signal })).head;
}

/** Canonical JSON on lines of its own, to read. Not parsed: its integers may be larger than a float holds. */
export function indented(raw) {
  let depth = 0;
  const parts = raw.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g) ?? [];
  const line = () => `\n${"  ".repeat(depth)}`;
  return parts
    .map((part, index) => {
      const isEmpty = "}]".includes(parts[index + 1]);
      if ("{[".includes(part)) {
        if (isEmpty) return part;
        depth += 1;
        return part + line();
      }
      if ("}]".includes(part)) {
        if ("{[".includes(parts[index - 1])) return part;
        depth -= 1;
        return line() + part;
      }
      if (part === ",") return part + line();
      return part === ":" ? ": " : part;
    })
    .join("");
}
