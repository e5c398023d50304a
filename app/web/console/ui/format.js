// Numbers, money and times as the reader's browser writes them. Amounts stay decimal strings: no float holds money.

import { chosenLanguage, isCurrency, madeOnce } from "../../components/format.js";
import { serverNow } from "../live.js";
import { html } from "./html.js";

export const LANGUAGE = chosenLanguage("");
const cached = madeOnce();
const NONE = "–";
const isNone = (value) => value === undefined || value === null || value === "";

/** An amount of money ("8120.50", "GBP"); with `isShort` without its decimals. */
export function money(amount, currency, isShort = false) {
  if (isNone(amount)) return NONE;
  const options = { style: "currency", currency, currencyDisplay: "narrowSymbol" };
  const short = isShort ? { maximumFractionDigits: 0 } : {};
  return cached(`m${currency}${isShort}`, () => new Intl.NumberFormat(LANGUAGE, { ...options, ...short })).format(amount);
}

/** Whatever has a unit: money for a currency's code, per cent for "ratio", else a count. */
export function measured(value, unit, isShort = false) {
  if (isNone(value)) return NONE;
  if (isCurrency(unit)) return money(value, unit, isShort);
  return unit === "ratio" ? share(value) : count(value);
}

export function count(value) {
  if (isNone(value)) return NONE;
  return cached("n", () => new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 2 })).format(value);
}

/** "1 order", "1,240 orders". */
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${Number(number) === 1 ? one : many}`;

/** A fraction ("0.0312") as per cent. */
export function share(value) {
  if (isNone(value)) return NONE;
  return cached("%", () => new Intl.NumberFormat(LANGUAGE, { style: "percent", maximumFractionDigits: 2 })).format(value);
}

/** How a time is shown: "time", "minute", "day", "moment" (day and time) or "full" (with zone). */
const TIMES = {
  time: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
  minute: { hour: "2-digit", minute: "2-digit" },
  day: { day: "numeric", month: "short", year: "numeric" },
  moment: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  full: { dateStyle: "full", timeStyle: "long" },
};

/** The track of a table's column of moments: "Nov 23, 10:05 PM" is longer than "23 Nov, 22:05". */
export const MOMENT_WIDTH = "12rem";

/** A time (RFC 3339 or a Date) in an IANA zone; in the browser's own zone without one. */
export function time(at, how = "moment", zone = undefined) {
  if (isNone(at)) return NONE;
  const options = { ...TIMES[how], timeZone: zone || undefined };
  return cached(`t${how}${zone}`, () => new Intl.DateTimeFormat(LANGUAGE, options)).format(new Date(at));
}

const UNITS = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** How long ago, or in how long: "3 minutes ago". `now` in milliseconds, the server's if left out. */
export function ago(at, now = serverNow()) {
  if (isNone(at)) return NONE;
  const seconds = Math.round((new Date(at).getTime() - now) / 1000);
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  const format = cached("ago", () => new Intl.RelativeTimeFormat(LANGUAGE, { numeric: "auto" }));
  return format.format(Math.trunc(seconds / size), unit);
}

/** A length of time in seconds as "1:05:09", "22 days 3:05:09". */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86400);
  const [hours, minutes, rest] = [Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  if (days) return `${plural(days, "day")} ${hours}:${two(minutes)}:${two(rest)}`;
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** A <time>; the whole of it, with its zone, on hover. */
export function Time({ at, how = "moment", zone }) {
  if (isNone(at)) return NONE;
  return html`<time dateTime=${at} title=${time(at, "full", zone)}>${time(at, how, zone)}</time>`;
}
