// How numbers and times are shown on the public page: in the reader's language, in the event's time zone.

import { formatOf } from "../components/format.js";

const DAY_MS = 86400000;

/** `zone` is an IANA time zone of the event. Amounts stay decimal strings up to Intl. */
export function formats(language, zone) {
  const timeZone = known(zone);
  const own = formatOf(language);
  const time = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", timeZone });
  const moment = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short", timeZone });
  const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 2 });
  const days = new Intl.NumberFormat(language, { style: "unit", unit: "day", unitDisplay: "long" });
  const names = new Intl.ListFormat(language, { type: "conjunction" });
  return {
    money: own.score,
    count: own.number,
    percent: (share) => percent.format(share),
    list: (texts) => names.format(texts),
    time: (when) => time.format(new Date(when)),
    moment: (when) => moment.format(new Date(when)),
    left: (ms) => leftOf(Math.max(0, ms), days),
  };
}

/** 3 days 04:05:06; without days when there is none. Rounded up, so that it never says 0 before it is. */
function leftOf(ms, days) {
  const seconds = Math.ceil(ms / 1000);
  const two = (number) => String(number).padStart(2, "0");
  const clock = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
  const whole = Math.floor((seconds * 1000) / DAY_MS);
  return whole ? `${days.format(whole)} ${clock}` : clock;
}

/** A zone that this browser knows: its own data may be older than the server's. */
function known(zone) {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return "UTC";
  }
}
