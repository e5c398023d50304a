// What can be laid over a picture, with its options, and the address that shows it so.

import { addressOf } from "../api.js";

const BOARDS = [
  ["hosts", "Hosts by net sales"],
  ["hosts.orders", "Hosts by orders"],
  ["hosts.units", "Hosts by units"],
  ["hosts.net_sales.day", "Hosts by net sales today"],
  ["teams", "Teams by net sales"],
  ["teams.orders", "Teams by orders"],
  ["teams.net_sales.day", "Teams by net sales today"],
];

const TEAM_BOARDS = BOARDS.filter(([id]) => id.startsWith("teams"));
const HEADING = { name: "title", label: "Title (optional)", kind: "text", first: "" };
const SESSION = { name: "session", label: "Session", kind: "session", first: "" };

export const SCENES = [
  ["full", "Everything"],
  ["board", "Board"],
  ["lower-third", "Lower third"],
  ["product", "Product"],
  ["intro", "Intro"],
  ["finale", "Finale"],
];

/**
 * Fields of an option: `name` in the address, `label`, `kind` (select, number, text, check, host, session, goal), and
 * `first`, what holds without a word and is left out of the address.
 */
export const OVERLAYS = [
  {
    id: "scene",
    title: "Scene",
    says: "Several parts at once. The control room switches between scenes.",
    options: [{ name: "scene", label: "First scene", kind: "select", choices: SCENES, first: "full" }],
  },
  {
    id: "board",
    title: "Board",
    says: "The ranking, with rows that climb.",
    options: [
      { name: "board", label: "Which board", kind: "select", choices: BOARDS, first: "hosts" },
      { name: "limit", label: "Rows", kind: "number", least: 1, most: 100, first: "10" },
      HEADING,
      { name: "align", label: "Side", kind: "select", choices: [["left", "Left"], ["center", "Centre"], ["right", "Right"]], first: "left" },
      { name: "scale", label: "Size", kind: "number", least: 0.3, most: 4, step: 0.1, first: "1" },
      { name: "gap", label: "Show the distance to the row above", kind: "check", first: "" },
    ],
  },
  {
    id: "ticker",
    title: "Ticker",
    says: "The last sales, one after the other.",
    options: [{ name: "host", label: "Sales of (optional)", kind: "host", first: "" }],
  },
  {
    id: "team-bar",
    title: "Team bar",
    says: "The teams against each other, in one bar.",
    options: [{ name: "board", label: "What counts", kind: "select", choices: TEAM_BOARDS, first: "teams" }, HEADING],
  },
  {
    id: "host-card",
    title: "Host card",
    says: "One host: rank, distance, neighbours.",
    options: [
      { name: "host", label: "Host", kind: "host", first: "" },
      { name: "today", label: "Numbers of today only", kind: "check", first: "" },
    ],
  },
  {
    id: "goal",
    title: "Goal",
    says: "How far a goal has come.",
    options: [{ name: "goal", label: "Goal", kind: "goal", first: "" }, HEADING],
  },
  {
    id: "viewers",
    title: "Viewers",
    says: "How many watch now.",
    options: [SESSION, { name: "peak", label: "The most so far beside it", kind: "check", first: "" }],
  },
  {
    id: "countdown",
    title: "Countdown",
    says: "To the start or the end of the event.",
    options: [{ name: "label", label: "Words above it (optional)", kind: "text", first: "" }],
  },
  { id: "product", title: "Product", says: "What is pinned, with price, offer and QR code.", options: [SESSION] },
  { id: "announcement", title: "Announcement", says: "What is announced, and the message of the control room.", options: [] },
];

/** Names by which parts of a picture are hidden and shown. */
export const PARTS = OVERLAYS.filter((overlay) => overlay.id !== "scene").map(({ id, title }) => ({ id, title }));

export const THEMES = [
  ["", "The brand's"],
  ["dark", "Dark"],
  ["light", "Light"],
  ["clear", "Clear: no panels"],
  ["gala", "Gala"],
];

export const LANGUAGES = [
  ["", "The computer's"],
  ["en", "English"],
  ["fr", "Français"],
  ["zh", "中文"],
  ["de", "Deutsch"],
  ["es", "Español"],
];

/** The overlay of an id; the first one for an unknown id. */
export const overlayOf = (id) => OVERLAYS.find((overlay) => overlay.id === id) ?? OVERLAYS[0];

/** The address of an overlay as it was built; `more` are the token, or what a preview needs. */
export function linkOf(event, overlay, values, more = {}) {
  const chosen = {};
  for (const { name, first } of overlay.options) {
    const value = String(values[name] ?? first).trim();
    if (value !== "" && value !== first) chosen[name] = value;
  }
  const { theme, lang, room } = values;
  const delay = Math.round(Number(values.delay) * 1000);
  const common = { theme, lang, room: room?.trim(), delay_ms: delay > 0 ? String(delay) : "" };
  return addressOf(`overlay/${encodeURIComponent(event)}/${overlay.id}`, { ...more, ...chosen, ...common });
}

/** Why a link cannot be as it was filled in; "" if it can. */
export function wrongIn(overlay, values) {
  if (values.room?.trim() && !/^[a-z0-9_-]{1,40}$/.test(values.room.trim())) return "A room has a name of small letters, digits, - and _.";
  const delay = Number(values.delay);
  if (!(delay >= 0 && delay <= 60)) return "The delay is 0 to 60 seconds.";
  for (const { kind, name, label, least, most, first } of overlay.options) {
    const number = Number(values[name] ?? first);
    if (kind === "number" && !(number >= least && number <= most)) return `${label}: ${least} to ${most}.`;
  }
  return overlay.id === "host-card" && !values.host ? "Choose the host of the card." : "";
}
