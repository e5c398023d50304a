// The board overlay: one channel of the stream as a ranked list over video. Parameters: docs/overlays.md.

import { askedColors } from "../../components/colors.js";
import { chosenLanguage, dayFormat, gapFormat, scoreFormat, timeFormat } from "../../components/format.js";
import { decimal, eachFrame, eventOf, integer, oneOf, streamUrl } from "../../components/page.js";
import { Stream } from "../../components/stream.js";
import { wordsOf } from "../../components/words.js";
import { fit } from "./fit.js";
import { Rows } from "./rows.js";

const SPOKEN_EVERY_MS = 10000;

const asked = new URLSearchParams(location.search);
const settings = {
  event: eventOf(location),
  board: asked.get("board") || "hosts",
  limit: integer(asked.get("limit"), 1, 100, 10),
  scale: decimal(asked.get("scale"), 0.3, 4, 1),
  theme: oneOf(asked.get("theme"), ["dark", "light", "clear"]),
  align: oneOf(asked.get("align"), ["left", "center", "right"]),
  hasGap: asked.get("gap") === "1",
  title: asked.get("title"),
  language: chosenLanguage(asked.get("lang")),
};
const words = wordsOf(settings.language);
const showTime = timeFormat(settings.language);
const showDay = dayFormat(settings.language);

const at = (id) => document.getElementById(id);
const rows = new Rows(at("rows"), at("row"), askedColors(asked.get("colors")));
const draw = eachFrame(render);
const stream = new Stream(streamUrl(location), asked.get("token"), draw);
const channel = stream.follow(`${settings.event}/boards/${settings.board}`);
const spoken = { last: -SPOKEN_EVERY_MS, next: "" };

document.documentElement.lang = settings.language;
Object.assign(document.documentElement.dataset, { theme: settings.theme, align: settings.align });
addEventListener("resize", draw);
setInterval(speak, 1000);
stream.start();

function render(isLively) {
  const state = stateOf();
  document.body.dataset.state = state;
  renderHead(channel.document, state);
  at("notice").textContent = channel.document && state !== "empty" ? "" : words[state] ?? "";
  renderRows(channel.document, isLively);
}

/** One of: loading, refused, forbidden, unknown (nothing to show, and why); empty, live, stale, ended. */
function stateOf() {
  if (!channel.document) {
    if (stream.state === "refused") return "refused";
    if (!channel.error || channel.error.retryable) return "loading";
    return channel.error.code === "channel_forbidden" ? "forbidden" : "unknown";
  }
  if (stream.state === "refused") return "ended";
  if (!channel.isLive) return "stale";
  return channel.document.rows.length ? "live" : "empty";
}

function renderHead(board, state) {
  const title = settings.title ?? board?.title ?? titleOf(board);
  put("title", title);
  put("event", board ? contextOf(board) : settings.event);
  document.title = `${title} · ${settings.event}`;
  const isOld = state === "stale" || state === "ended";
  put("badge-word", badgeOf(board, state));
  put("badge-time", isOld && stream.heardDate ? words.asOf(showTime(stream.heardDate)) : "");
  at("badge").dataset.kind = isOld ? "stale" : board?.finality === "final" || board?.frozen ? "still" : "live";
}

/** A built-in board is called {of}s[.{measure}[.{window}]], so it has a title before its document is here. */
function titleOf(board) {
  const [plural, measure = "net_sales"] = settings.board.split(".");
  const of = words.of[board?.of ?? plural.replace(/s$/, "")];
  return of ? `${of} · ${words.measure[board?.measure ?? measure] ?? measure}` : settings.board;
}

function contextOf(board) {
  const parts = [board.event_name ?? board.event];
  if (board.window?.startsWith("day:")) parts.push(showDay(board.window.slice(4)));
  const shown = Math.min(settings.limit, board.rows.length);
  if (board.rows_total > shown) parts.push(words.top(shown, board.rows_total));
  return parts.join(" · ");
}

function badgeOf(board, state) {
  if (state === "stale" || state === "ended") return words[state];
  if (!board) return "";
  if (board.frozen) return words.frozen;
  return words[board.finality] ?? words.live;
}

function renderRows(board, isLively) {
  const wanted = board ? board.rows.slice(0, settings.limit) : [];
  const { unit, rows: places } = fit(innerWidth, innerHeight, wanted.length, settings.scale);
  document.documentElement.style.setProperty("--unit", `${unit}px`);
  const climbed = rows.show(wanted.slice(0, places), formatOf(board), isLively);
  if (climbed.length) spoken.next = words.ranks(climbed[0].name ?? climbed[0].id, climbed[0].rank);
}

let format = { unit: null };

function formatOf(board) {
  if (board && board.unit !== format.unit) {
    format = {
      unit: board.unit,
      score: scoreFormat(settings.language, board.unit),
      gap: settings.hasGap ? gapFormat(settings.language, board.unit) : () => "",
      team: (row) => row.team_name ?? readable(row.team),
    };
  }
  return format;
}

/** A team's id as a name: "ruby" is "Ruby". */
function readable(id) {
  return id.charAt(0).toLocaleUpperCase(settings.language) + id.slice(1).replaceAll("_", " ");
}

/** Tell a screen reader of the newest climb, but not of each one. */
function speak() {
  if (!spoken.next || document.hidden || performance.now() - spoken.last < SPOKEN_EVERY_MS) return;
  at("spoken").textContent = spoken.next;
  spoken.last = performance.now();
  spoken.next = "";
}

function put(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}
