// Decimal strings compared and divided as whole numbers: no float ever holds money.

const DECIMAL = /^([-−]?)(\d+)(?:\.(\d+))?$/;

function parsed(value) {
  const [, sign, whole, part = ""] = DECIMAL.exec(String(value)) ?? [null, "", "0"];
  const minor = BigInt(whole + part);
  return { minor: sign ? -minor : minor, places: part.length };
}

function aligned(one, other) {
  const [a, b] = [parsed(one), parsed(other)];
  const places = Math.max(a.places, b.places);
  const raised = ({ minor, places: own }) => minor * 10n ** BigInt(places - own);
  return [raised(a), raised(b), places];
}

function written(minor, places) {
  const digits = String(minor < 0n ? -minor : minor).padStart(places + 1, "0");
  const split = digits.length - places;
  return `${minor < 0n ? "-" : ""}${digits.slice(0, split)}${places ? `.${digits.slice(split)}` : ""}`;
}

/** The value a part (0 to 1) of the way from one decimal string to another, with as many decimals as they have. */
export function between(from, to, part) {
  const [start, end, places] = aligned(from, to);
  return written(start + ((end - start) * BigInt(Math.round(part * 10000))) / 10000n, places);
}

/** How much of a target a value is, 0 to 1 as a float, for drawing; 0 if there is no target above zero. */
export function shareOf(value, target) {
  const [done, whole] = aligned(value, target);
  if (whole <= 0n || done <= 0n) return 0;
  return done >= whole ? 1 : Number((done * 1000000n) / whole) / 1000000;
}

/** `one - other`, as a decimal string. */
export function difference(one, other) {
  const [a, b, places] = aligned(one, other);
  return written(a - b, places);
}

/** Whether `one` is more than `other`. */
export function isMore(one, other) {
  const [a, b] = aligned(one, other);
  return a > b;
}
