// The public page of an event. It asks /v1/events/{event}/public what the event is, and follows on the stream what that opens.

import { chosenLanguage, formatOf } from "../components/format.js";
import { eachFrame } from "../components/frames.js";
import { KosClient, streamUrl } from "../components/kos-client.js";
import { About } from "./about.js";
import { label, showAir, showAnnouncements, showGoals, showSales } from "./air.js";
import { Board } from "./board.js";
import { at, make, put } from "./dom.js";
import { formats } from "./show.js";
import { showTexts } from "./texts.js";
import { viewerId } from "./viewer.js";
import { LANGUAGES, wordsOf } from "./words.js";

const asked = new URLSearchParams(location.search);
const token = asked.get("token");
// The page is /e/{event}, wherever the site's root is.
const root = new URL("../", location.href);
const event = eventOf(location.pathname);
const language = chosenLanguage(asked.get("lang"));
const words = wordsOf(language);

const draw = eachFrame(render).ask;
const about = new About(aboutUrl(), draw);
const client = new KosClient({ url: streamUrl(root.href), token, asNobody: true });
const board = new Board(words, draw);
const channels = new Map();
const watched = { channel: "", beat: null };
let format = null;
let told = "";
let statusSeen = "";

document.documentElement.lang = language;
offerLanguages();
label(words);
put(at("foot"), words.foot);
put(at("notice-again"), words.again);
at("notice-again").addEventListener("click", () => about.look());
setInterval(() => document.hidden || draw(), 1000);
client.watch(draw);
about.start();
draw();

function eventOf(pathname) {
  const last = pathname.split("/").pop();
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function aboutUrl() {
  const url = new URL(`v1/events/${encodeURIComponent(event)}/public`, root);
  if (token) url.searchParams.set("token", token);
  return url;
}

function offerLanguages() {
  const select = at("language");
  put(at("language-label"), words.language);
  for (const [tag, name] of LANGUAGES) {
    const option = make("option", "", name);
    option.value = option.lang = tag;
    option.selected = wordsOf(tag) === words;
    select.append(option);
  }
  select.addEventListener("change", () => {
    asked.set("lang", select.value);
    location.search = asked;
  });
}

const opens = (word) => about.document.opened.includes(word);

/** Follow what the event opens and what is chosen of it, if it is not followed yet. */
function follow() {
  const wanted = { state: "", viewers: "/viewers", orders: "/orders", boards: board.channel };
  for (const [word, rest] of Object.entries(wanted)) {
    const name = event + rest;
    if (opens(word) && !channels.has(name)) channels.set(name, client.follow(name, draw));
  }
  if (client.state === "stopped") client.start();
}

const documentOf = (rest) => channels.get(event + rest)?.document ?? null;

function render(isLively) {
  if (about.document && !about.problem) follow();
  const state = stateOf();
  document.body.dataset.state = state;
  const isShown = about.document && !["closed", "refused", "unknown"].includes(about.problem);
  at("content").hidden = !isShown;
  showNotice(state);
  if (!isShown) return showNothing();
  format ??= formats(language, about.document.timezone);
  const shown = documentOf("");
  const now = { ...about.document, ...pick(shown) };
  lookAgain(shown);
  watch(shown);
  showHead(now, state);
  showAnnouncements(shown, about.now);
  showAir(shown, documentOf("/viewers"), words, format, about.now);
  showGoals(shown, words, format);
  at("boards").hidden = !opens("boards");
  if (opens("boards")) board.show(channels.get(event + board.channel), format, isLively);
  showSales(documentOf("/orders"), opens("orders"), words, format);
  if (told !== JSON.stringify(about.document)) {
    told = JSON.stringify(about.document);
    showTexts(about.document, words, format, root, event);
  }
}

/** What the event's own channel knows newer than the public document. */
function pick(shown) {
  if (!shown) return {};
  const { status, finality, frozen, starts_at, ends_at, entered_at, event_name: name } = shown;
  return { status, finality, frozen, starts_at, ends_at, entered_at, name };
}

/** A status that the document does not know yet: it may have a result by now, or other rules. */
function lookAgain(shown) {
  const status = shown ? `${shown.epoch} ${shown.status}` : "";
  const isNew = status && status !== statusSeen && status !== `${about.document.epoch} ${about.document.status}`;
  const isClosed = [...channels.values()].some((channel) => channel.error?.code === "channel_forbidden");
  if (isNew || (isClosed && statusSeen !== "closed")) about.look();
  statusSeen = isClosed ? "closed" : status;
}

/** One of: loading, closed, refused, unknown, gone (nothing to show, and why); live, stale, ended. */
function stateOf() {
  if (about.problem && about.problem !== "gone") return about.problem;
  if (!about.document) return about.problem || "loading";
  if (client.state === "refused") return "ended";
  const isBehind = [...channels.values()].some((channel) => channel.document && !channel.isLive);
  return isBehind || (about.problem === "gone" && client.state !== "live") ? "stale" : "live";
}

function showNotice(state) {
  const [title, text] = words.notices[state] ?? (state === "loading" ? [words.loading, ""] : []);
  at("notice").hidden = !title;
  at("notice-again").hidden = state !== "gone";
  put(at("notice-title"), title ?? "");
  put(at("notice-text"), text ?? "");
  const heard = client.heardDate ? formatOf(language).time(client.heardDate) : "…";
  put(at("stale"), state === "stale" ? words.stale(heard) : state === "ended" ? words.ended(heard) : "");
}

function showNothing() {
  if (client.state !== "stopped") client.stop();
  for (const id of ["status", "viewers", "countdown", "when"]) at(id).hidden = true;
  put(at("name"), about.document ? "" : event);
}

function showHead(now, state) {
  put(at("name"), now.name);
  document.title = `${now.name} · ${words.boards}`;
  at("status").hidden = false;
  at("status").dataset.kind = now.status === "live" && state === "live" ? "live" : "still";
  put(at("status-word"), now.frozen ? words.pending : words.status[now.status] ?? now.status);
  const viewers = documentOf("/viewers");
  at("viewers").hidden = !viewers?.viewers;
  if (viewers?.viewers) put(at("viewers-text"), words.watching(viewers.viewers, format.count(viewers.viewers)));
  const text = countdownOf(now);
  at("countdown").hidden = !text;
  put(at("countdown"), text);
  at("when").hidden = false;
  put(at("when"), words.from(format.moment(now.starts_at), format.moment(now.ends_at), now.timezone));
}

function countdownOf({ status, starts_at: starts, ends_at: ends, entered_at: entered }) {
  const untilStart = Date.parse(starts) - about.now;
  const untilEnd = Date.parse(ends) - about.now;
  if (status === "final") return words.finalSince(format.moment(entered));
  if (status === "ended") return words.endedAt(format.moment(ends));
  if (status !== "live" && status !== "paused" && untilStart > 0) return words.startsIn(format.left(untilStart));
  return untilEnd > 0 && status !== "draft" && status !== "scheduled" ? words.endsIn(format.left(untilEnd)) : "";
}

/** Whoever sees the page is a viewer: of the session that a brand's page names, else of the event. */
function watch(shown) {
  const session = asked.get("session");
  const isOnAir = session && opens("sessions") && shown?.rows.some((row) => row.id === session);
  const channel = isOnAir ? `${event}/sessions/${session}` : opens("state") ? event : "";
  if (channel === watched.channel) return;
  watched.beat?.stop();
  watched.channel = channel;
  watched.beat = channel ? client.heartbeat(channel, viewerId()) : null;
}
