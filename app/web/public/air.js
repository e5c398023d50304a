// What is going on: announcements, who is on air with what is pinned, offers, goals, the last sales.

import { at, list, make, named, put } from "./dom.js";

const SALES = 6;
// What no host earned, in the ticker; app/sales/nobody.py.
const HOUSE = "House";

export function label(words) {
  for (const name of ["air", "goals", "sales"]) put(at(`${name}-title`), words[name]);
  put(at("air-empty"), words.airEmpty);
  put(at("sales-empty"), words.salesEmpty);
  put(at("sales-title"), words.sales);
}

/** `state` is the document of the event's own channel, or null; `viewers` that of its viewers, or null. */
export function showAir(state, viewers, words, format, now) {
  const watched = new Map((viewers?.rows ?? []).map((row) => [row.id, row.viewers]));
  const isOver = state && ["ended", "final"].includes(state.status) && !state.rows.length;
  at("air").hidden = !state || isOver;
  if (!state) return;
  at("air-empty").hidden = state.rows.length > 0;
  const offers = state.offers.filter((offer) => Date.parse(offer.ends_at) > now);
  list(at("sessions"), state.rows, (row) => row.id, makeSession, (element, row) => {
    const names = row.hosts.map((host) => host.name);
    put(element.querySelector(".hosts"), names.length ? format.list(names) : words.somebody);
    put(element.querySelector(".on"), words.onAir);
    const count = watched.get(row.id);
    const parts = [words.since(format.time(row.started_at))];
    if (count) parts.push(words.watching(count, format.count(count)));
    put(element.querySelector(".quiet"), parts.join(" · "));
    const mine = offers.filter((offer) => offer.session === row.id || (!offer.session && isPinned(row, offer)));
    showPins(element.querySelector(".pins"), row.pins, mine, state.unit, words, format, now);
  });
  const general = offers.filter((offer) => !offer.session && !state.rows.some((row) => isPinned(row, offer)));
  showPins(at("offers"), [], general, state.unit, words, format, now);
}

function isPinned(row, offer) {
  return row.pins.some((pin) => pin.sku === offer.sku);
}

function makeSession() {
  const heading = make("h3", "", make("span", "on"), named("span", "hosts", ""));
  return make("li", "session", heading, make("p", "quiet"), make("ul", "pins"));
}

/** Pinned products with the offer for each, then offers for what is not pinned. */
function showPins(parent, pins, offers, unit, words, format, now) {
  const items = pins.map((pin) => ({ ...pin, offer: offers.find((offer) => offer.sku === pin.sku) }));
  const shown = new Set(items.map((item) => item.offer));
  items.push(...offers.filter((offer) => !shown.has(offer)).map((offer) => ({ sku: offer.sku, offer })));
  const keyOf = (item) => `${item.sku}/${item.offer?.id ?? ""}`;
  list(parent, items, keyOf, makePin, (element, { sku, title, price, code, offer }) => {
    const find = (name) => element.querySelector(`.${name}`);
    put(find("sku"), title || sku);
    put(find("was"), offer && price && price !== offer.price ? format.money(price, unit) : "");
    put(find("price"), offer ? format.money(offer.price, unit) : price ? format.money(price, unit) : "");
    put(find("code"), code ? words.code(code) : "");
    const starts = offer ? Date.parse(offer.starts_at) : 0;
    const left = offer ? format.left(Date.parse(offer.ends_at) - now) : "";
    put(find("until"), !offer ? "" : starts > now ? words.offerFrom(format.time(starts)) : words.offerUntil(left));
  });
  parent.hidden = !items.length;
}

function makePin() {
  const prices = make("span", "prices", make("s", "was"), " ", make("span", "price"));
  return make("li", "", named("span", "sku", ""), prices, make("span", "code"), make("span", "until"));
}

export function showGoals(state, words, format) {
  const goals = state?.goals ?? [];
  at("goals").hidden = !goals.length;
  const create = () =>
    make("li", "", make("p", "line", named("span", "", ""), make("span", "")), make("progress", ""), make("p", "quiet"));
  list(at("goals-list"), goals, (goal) => goal.id, create, (element, goal) => {
    const show = (value) => (goal.measure.endsWith("sales") ? format.money(value, state.unit) : format.count(value));
    const [line, bar, text] = element.children;
    const share = Math.max(0, Math.min(1, Number(goal.value) / Number(goal.target)));
    put(line.children[0], goal.title || goal.id);
    // Never rounded up: 100 % is only said of what has been reached.
    put(line.children[1], format.percent(goal.reached_at ? Math.max(1, share) : Math.min(0.99, Math.floor(share * 100) / 100)));
    bar.max = 1;
    bar.value = share;
    bar.setAttribute("aria-label", goal.title || goal.id);
    put(text, goal.reached_at ? words.reached(format.time(goal.reached_at)) : words.goalOf(show(goal.value), show(goal.target)));
    text.className = goal.reached_at ? "reached" : "quiet";
  });
}

export function showAnnouncements(state, now) {
  const shown = (state?.announcements ?? []).filter((one) => !one.until || Date.parse(one.until) > now);
  at("announcements").hidden = !shown.length;
  list(at("announcements"), shown, (one) => one.id, () => named("li", "", ""), (element, one) => put(element, one.text));
}

/** `ticker` is the document of the orders' channel; `isOpen` whether it may be followed at all. */
export function showSales(ticker, isOpen, words, format) {
  at("sales").hidden = !isOpen;
  const rows = (ticker?.rows ?? []).slice(0, SALES);
  at("sales-empty").hidden = !ticker || rows.length > 0;
  const create = () =>
    make(
      "li",
      "",
      make("p", "", named("span", "", ""), named("span", "title", "")),
      make("p", "paid", make("span", "amount"), make("span", "time")),
    );
  list(at("sales-list"), rows, (row) => row.id, create, (element, row) => {
    const [who, title] = element.firstElementChild.children;
    const [amount, time] = element.lastElementChild.children;
    put(who, row.host === HOUSE ? words.nobody : row.name ?? row.host);
    put(title, row.title ?? "");
    put(amount, format.money(row.amount, ticker.unit));
    put(time, format.time(row.at));
  });
}
