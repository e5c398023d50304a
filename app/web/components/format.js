// Numbers and times in the viewer's language. Amounts stay decimal strings: no float ever holds money.

/** A language tag that Intl takes: the one asked for, else the browser's, else English. */
export function chosenLanguage(asked) {
  for (const tag of [asked, navigator.language, "en"]) {
    try {
      if (tag && Intl.NumberFormat.supportedLocalesOf(tag).length) return Intl.getCanonicalLocales(tag)[0];
    } catch {
      // Not a language tag: take the next one.
    }
  }
  return "en";
}

const isCurrency = (unit) => /^[A-Z]{3}$/.test(unit ?? "");

/**
 * How a language writes things; each method gives text. Made once per language, and so is every formatter in it.
 *
 * `score(value, unit)` a decimal string or a count: `unit` is an ISO 4217 code for money, anything else is a count;
 * "–" for none; `round` the same without decimals that are all zero. `gap(value, unit)` the distance to the row above, "−12.50"; "" for none. `number(value)`; `time(date)`
 * of the day, with seconds, `clock(date)` without; `day("YYYY-MM-DD")` in no time zone; `percent(0.5)`; `names([…])` as a list;
 * `span("day", 2)` what two days are called.
 */
export function formatOf(language) {
  if (!formats.has(language)) formats.set(language, makeFormat(language));
  return formats.get(language);
}

const formats = new Map();

function makeFormat(language) {
  const units = new Map();
  const unitFormat = (unit) => {
    if (!units.has(unit)) units.set(unit, new Intl.NumberFormat(language, unitOptions(unit)));
    return units.get(unit);
  };
  const rounds = new Map();
  const roundFormat = (unit) => {
    const options = { ...unitOptions(unit), trailingZeroDisplay: "stripIfInteger" };
    if (!rounds.has(unit)) rounds.set(unit, new Intl.NumberFormat(language, options));
    return rounds.get(unit);
  };
  const score = (value, unit) => (value === undefined || value === null ? "–" : unitFormat(unit).format(value));
  const hasGap = (value) => value !== undefined && value !== null && Number(value) !== 0;
  const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
  const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 0 });
  const names = new Intl.ListFormat(language, { style: "narrow", type: "conjunction" });
  const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "long", timeZone: "UTC" });
  return {
    score,
    gap: (value, unit) => (hasGap(value) ? `−${score(value, unit)}` : ""),
    number: (value) => score(value, ""),
    round: (value, unit) => roundFormat(unit).format(value),
    clock: (date) => clock.format(date),
    // Rounded down: what is nearly reached is not yet.
    percent: (share) => percent.format(Math.floor(share * 100) / 100),
    names: (list) => names.format(list),
    span: (unit, count) => spanWord(language, unit, count),
    time: (date) => time.format(date),
    day: (text) => day.format(new Date(`${text}T00:00:00Z`)),
  };
}

/** What a number of days, hours, minutes or seconds is called, without the number. */
function spanWord(language, unit, count) {
  const options = { style: "unit", unit, unitDisplay: "long" };
  const parts = new Intl.NumberFormat(language, options).formatToParts(count);
  return parts.find((part) => part.type === "unit")?.value ?? "";
}

function unitOptions(unit) {
  if (!isCurrency(unit)) return { maximumFractionDigits: 2 };
  return { style: "currency", currency: unit, currencyDisplay: "narrowSymbol" };
}
