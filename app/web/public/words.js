// What the public page says itself, by language. Names and numbers come from the event.

import { FRENCH } from "./words-fr.js";
import { CHINESE } from "./words-zh.js";

const ENGLISH = {
  language: "Language",
  loading: "Loading…",
  status: {
    draft: "In preparation",
    scheduled: "Not started",
    live: "Live",
    paused: "Paused",
    ended: "Ended · provisional result",
    final: "Final result",
  },
  pending: "Results pending",
  startsIn: (left) => `Starts in ${left}`,
  endsIn: (left) => `Ends in ${left}`,
  endedAt: (time) => `Ended ${time}`,
  finalSince: (time) => `Final since ${time}`,
  from: (start, end, zone) => `${start} – ${end} (${zone})`,
  watching: (count, shown) => `${shown} ${count === 1 ? "person" : "people"} watching`,
  stale: (time) => `Connection lost. These numbers were right at ${time}; trying again…`,
  ended: (time) => `Access ended. These numbers were right at ${time}.`,
  again: "Try again",
  notices: {
    closed: ["This event is not public", "There is no event here, or its organiser has not opened it to everybody."],
    refused: ["This link is no longer valid", "It has expired or was withdrawn. Ask whoever gave it to you for a new one."],
    unknown: ["This link is for another event", "Check the address, or ask whoever gave it to you for the right one."],
    gone: ["The server cannot be reached", "Nothing is lost. This page tries again by itself."],
  },
  air: "On air now",
  airEmpty: "Nobody is on air at the moment.",
  onAir: "On air",
  since: (time) => `since ${time}`,
  somebody: "On air",
  code: (code) => `Code ${code}`,
  offerUntil: (left) => `Offer ends in ${left}`,
  offerFrom: (time) => `Offer from ${time}`,
  goals: "Goals",
  goalOf: (value, target) => `${value} of ${target}`,
  reached: (time) => `Reached at ${time}`,
  boards: "Standings",
  of: { teams: "Teams", hosts: "Hosts" },
  one: { teams: "Team", hosts: "Host" },
  measure: "Net sales",
  window: "Period",
  windows: { event: "Whole event", day: "Today" },
  rank: "Rank",
  total: (amount) => `${amount} in all`,
  behind: (gap) => `${gap} behind`,
  up: (places) => `up ${places}`,
  down: (places) => `down ${places}`,
  boardEmpty: { event: "Nobody is on this board yet.", day: "Nothing has been sold today yet." },
  boardLoading: "Loading the board…",
  more: (count) => `Show ${count} more`,
  less: "Show the first 10 only",
  first: (shown, total) => `The first ${shown} of ${total}.`,
  ranks: (name, rank) => `${name} is now number ${rank}`,
  sales: "Just sold",
  nobody: "No host",
  salesEmpty: "Nothing has been sold yet.",
  foot: "Every number on this page is computed from one journal that anybody can recount.",

  scoring: "How scoring works",
  scoringMeasure:
    "Hosts and teams are ranked by net sales: what their orders sold for after discounts, without shipping and tax, " +
    "less refunds, cancellations and disputes.",
  scoringTeam: "A team has the sum of what its hosts sold while they belonged to it.",
  scoringWhen: "When an order counts",
  scoringWindow: (start, end) =>
    `An order counts if it was paid from ${start} until ${end}, however late the shop reports it, as long as the result is ` +
    "not final.",
  scoringDay: (zone) => `A day begins and ends at midnight in ${zone}.`,
  scoringRefunds:
    "What is refunded, cancelled or disputed is taken off the day on which the order was paid, until the result is final. " +
    "A dispute that the shop wins is as if it had never been.",
  scoringTies: "Equal scores",
  ties: {
    distinct: "Whoever reached the score first is ahead.",
    shared: "They share a rank, and the next one is left out: 1, 2, 2, 4.",
  },
  scoringWho: "Who earns a sale",
  scoringFirst: "Every line of an order goes to the first of these that there is:",
  touch: {
    host: () => "the host whom the shop names in the order",
    code: () => "the host whose discount code was used",
    click: (days) => `the host whose link the buyer followed at most ${days} days before paying`,
    session: () => "the hosts of the live session that the order names",
    pin: (days) =>
      "the hosts of the live session that had the product pinned when it was put into the cart, at most " +
      `${days} days before, or else when it was paid`,
  },
  scoringNobody: "If there is none, the sale counts for the event and for no host or team.",
  split: {
    weights: "Hosts of one session share by the weights that it was given, to the cent.",
    equal: "Hosts of one session share equally, to the cent.",
    air_time: "Hosts of one session share by the time each was on air, to the cent.",
  },
  selfExcluded: "What hosts buy from themselves is credited to nobody.",
  staffExcluded: "What any host of the event buys is credited to nobody.",
  purchasesCount: "What hosts buy counts like any other order.",
  store: (share) => `The store of a host gets ${share} of what the host sells, if it takes part.`,
  scoringClaims: (days, answer) =>
    `A host may claim a sale for ${days} days after it was paid, and is answered within ${answer} days. ` +
    "A correction is an entry of its own, with its reason; nothing is ever edited or deleted.",
  version: (number) => `Version ${number} of the rules.`,

  verify: "Check this result yourself",
  verifyWhy:
    "Whatever can change a number here is an entry of one journal. Each entry carries the hash of the one before, so " +
    "none can be changed, left out or added later without changing every hash after it.",
  verifySigned: "The newest signed hash",
  verifySignedWhy:
    "Write it down now, with the fingerprint: a journal that comes to another result later cannot contain it.",
  verifyUnsigned: "No hash has been signed yet. The first one is, about a minute after something happened.",
  verifyResult: "The final result",
  verifyResultWhy: (position) =>
    `All boards stop at entry ${position}. Its hash stands for everything that the result was counted from:`,
  hash: "Hash",
  signedAt: "Signed",
  fingerprint: "Fingerprint of the key",
  keys: "all public keys",
  verifyHow: "How to recount it",
  verifyPackage: "Get the result package, one file with the whole journal, from the organiser.",
  verifyRun: "With nothing but Python, and without this server:",
  verifyCompare: "It checks every hash and signature, adds up every sale, and prints the boards: compare them with this page.",
};

const WORDS = { en: ENGLISH, fr: FRENCH, zh: CHINESE };

/** Languages with their own names, in the order in which they are offered. */
export const LANGUAGES = [
  ["en", "English"],
  ["fr", "Français"],
  ["zh", "中文"],
];

/** The words of a language tag; English where there is no translation. */
export function wordsOf(language) {
  return WORDS[new Intl.Locale(language).language] ?? ENGLISH;
}
