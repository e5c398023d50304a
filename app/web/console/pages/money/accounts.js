// Balances of commission, host by host, from the accounts of the ledger.

import { get, pathOf } from "../../api.js";
import { useCallback, useEffect, useState } from "../../ui/html.js";
import { negated } from "./amounts.js";

const PAGE = 10_000;
const EXPENSE = /^Expenses:Commission:(.+)$/;
const LIABILITY = /^Liabilities:Commission:(.+):(Held|Available|Paid)$/;

/** Rows `{id, earned, held, available, paid, wasPaid}` by host, from the accounts; amounts as people say them: owed is positive. */
export function balancesOf(accounts) {
  const rows = new Map();
  const row = (host) => {
    if (!rows.has(host)) rows.set(host, { id: host, earned: "0", held: "0", available: "0", paid: "0", wasPaid: false });
    return rows.get(host);
  };
  for (const { account, balance } of accounts) {
    const [, earner] = EXPENSE.exec(account) ?? [];
    const [, owed, bucket] = LIABILITY.exec(account) ?? [];
    if (earner) row(earner).earned = balance;
    else if (owed) Object.assign(row(owed), { [bucket.toLowerCase()]: negated(balance) }, bucket === "Paid" && { wasPaid: true });
  }
  return [...rows.values()];
}

/** Every host that has an account: `{rows, position, problem, isLoading, reload}`. Read whole, at one position. */
export function useBalances(event) {
  const [held, hold] = useState({ rows: null, position: 0, problem: null, isLoading: true });
  const [asked, ask] = useState(0);
  useEffect(() => {
    const aborting = new AbortController();
    hold((now) => ({ ...now, isLoading: true, problem: null }));
    allAccounts(event, aborting.signal).then(
      ({ accounts, position }) => hold({ rows: balancesOf(accounts), position, problem: null, isLoading: false }),
      (problem) => aborting.signal.aborted || hold((now) => ({ ...now, problem, isLoading: false })),
    );
    return () => aborting.abort();
  }, [event, asked]);
  const reload = useCallback(() => ask((count) => count + 1), []);
  return { ...held, reload };
}

async function allAccounts(event, signal) {
  const path = pathOf("v1/events", event, "ledger", "accounts");
  const accounts = [];
  let cursor;
  let position = 0;
  do {
    const page = await get(path, { limit: PAGE, cursor }, { signal });
    accounts.push(...page.accounts);
    ({ cursor, position } = page);
  } while (cursor);
  return { accounts, position };
}
