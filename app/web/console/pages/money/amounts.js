// Sums of decimal strings, exactly: amounts never become floats.

/** An amount ("-12.50") in minor units, and how many decimals it has. */
function parts(amount) {
  const decimals = amount.split(".")[1]?.length ?? 0;
  return { minor: BigInt(amount.replace(".", "")), decimals };
}

function written(minor, decimals) {
  const digits = String(minor < 0n ? -minor : minor).padStart(decimals + 1, "0");
  const whole = decimals ? `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}` : digits;
  return minor < 0n ? `-${whole}` : whole;
}

/** The sum of amounts of one currency; "0" of none. */
export function sum(amounts) {
  let total = 0n;
  let most = 0;
  for (const { minor, decimals } of amounts.map(parts)) {
    total += minor;
    most = Math.max(most, decimals);
  }
  return written(total, most);
}

/** What an account of liabilities owes: credit is negative in the ledger. */
export function negated(amount) {
  const { minor, decimals } = parts(amount);
  return written(-minor, decimals);
}

export const isAbove = (amount, limit = "0") => parts(sum([amount, negated(limit)])).minor > 0n;

/** Whether a text is an amount that can be sent: digits, a sign, a point. */
export const isAmount = (text) => /^-?\d{1,16}(\.\d{1,6})?$/.test(text.trim());
