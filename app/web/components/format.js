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

/** Whether figures of this unit are money: it is an ISO 4217 code. */
export const isCurrency = (unit) => /^[A-Z]{3}$/.test(unit ?? "");

/** A function `(key, make)` that gives what `make()` made for the key the first time: an Intl format is dear to make. */
export function madeOnce() {
  const made = new Map();
  return (key, make) => {
    if (!made.has(key)) made.set(key, make());
    return made.get(key);
  };
}

const formats = madeOnce();

/**
 * How a language writes things; each method gives text. Made once per language, and so is every formatter in it.
 *
 * `score(value, unit)` a decimal string or a count: `unit` is an ISO 4217 code for money, anything else is a count;
 * "–" for none; `round` the same without decimals that are all zero. `gap(value, unit)` the distance to the row above,
 * "−12.50"; "" for none. `number(value)`; `time(date)` of the day, with seconds, `clock(date)` without;
 * `day("YYYY-MM-DD")` in no time zone; `percent(0.5)`; `names([…])` as a list; `span("day", 2)` what two days are called.
 */
export const formatOf = (language) => formats(language, () => makeFormat(language));

function makeFormat(language) {
  const numbers = madeOnce();
  const numberFormat = (unit, zeros = "auto") => {
    const options = { ...unitOptions(unit), trailingZeroDisplay: zeros };
    return numbers(unit + zeros, () => new Intl.NumberFormat(language, options));
  };
  const score = (value, unit) => (value === undefined || value === null ? "–" : numberFormat(unit).format(value));
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
    round: (value, unit) => numberFormat(unit, "stripIfInteger").format(value),
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
