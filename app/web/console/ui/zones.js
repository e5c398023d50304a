// Wall clocks of IANA zones: what stands in a date field, and the moment that it means there.

/** "2026-11-22T20:15" of a moment (Date or milliseconds) on a clock of the zone. */
export function wallOf(moment, zone) {
  const parts = new Intl.DateTimeFormat("en-US", {
    ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" },
    hourCycle: "h23",
    timeZone: zone,
  }).formatToParts(moment);
  const { year, month, day, hour, minute } = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  return `${year.padStart(4, "0")}-${month}-${day}T${hour}:${minute}`;
}

/** The moment (RFC 3339, UTC) of a wall clock of the zone; "" if the text is none. */
export function momentOf(wall, zone) {
  const asUtc = Date.parse(`${wall}Z`);
  if (Number.isNaN(asUtc)) return "";
  const offset = (at) => Date.parse(`${wallOf(at, zone)}Z`) - Math.floor(at / 60000) * 60000;
  // The offset of a moment that is off by one offset at most; once more, for the day on which clocks change.
  const near = asUtc - offset(asUtc);
  return new Date(asUtc - offset(near)).toISOString();
}

/** The browser's own zone. */
export const ownZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** Every zone that the browser knows. */
export const allZones = () => Intl.supportedValuesOf("timeZone");

export function isZone(name) {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}
