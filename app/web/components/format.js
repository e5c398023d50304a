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

/** A function that shows scores of this unit: an ISO 4217 code for money, anything else is a count. */
export function scoreFormat(language, unit) {
  const options = isCurrency(unit)
    ? { style: "currency", currency: unit, currencyDisplay: "narrowSymbol" }
    : { maximumFractionDigits: 2 };
  const format = new Intl.NumberFormat(language, options);
  return (score) => (score === undefined || score === null ? "–" : format.format(score));
}

/** A function that shows the distance to the row above: "−12.50", nothing for none. */
export function gapFormat(language, unit) {
  const show = scoreFormat(language, unit);
  return (gap) => (gap === undefined || gap === null || Number(gap) === 0 ? "" : `−${show(gap)}`);
}

/** Time of day, with seconds. */
export function timeFormat(language) {
  const format = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return (date) => format.format(date);
}

/** A calendar day given as "YYYY-MM-DD", in no time zone. */
export function dayFormat(language) {
  const format = new Intl.DateTimeFormat(language, { day: "numeric", month: "long", timeZone: "UTC" });
  return (day) => format.format(new Date(`${day}T00:00:00Z`));
}
