// The console: signed in or not, its frame around every page, and which page it is.

import { signals } from "./api.js";
import { connect, disconnect, useChannel, useSettled } from "./live.js";
import { PAGES } from "./pages.js";
import { address, go, match, useRoute } from "./router.js";
import { resume, useSession, whyNot } from "./session.js";
import { Side, TopBar } from "./shell.js";
import { SignIn } from "./sign-in.js";
import { Questions } from "./ui/dialog.js";
import { html, render, useEffect, useErrorBoundary, useMemo, useRef, useState } from "./ui/html.js";
import { Empty, ErrorNote, Loading, Note } from "./ui/states.js";
import { Toasts } from "./ui/toast.js";

// Long enough for the page that is asked for to be drawn first.
const PREFETCH_MS = 1500;

function Console() {
  const { state, session, notice, problem } = useSession();
  useEffect(() => {
    if (state === "in") connect();
    else if (state === "out") disconnect();
  }, [state]);
  if (state === "in") return html`<${Frame} session=${session} />`;
  if (state === "out") return html`<${SignIn} notice=${notice} />`;
  return html`<main class="gate">
    ${problem ? html`<${ErrorNote} problem=${problem} retry=${resume} />` : html`<${Loading} label="Opening the console" />`}
  </main>`;
}

function found(segments) {
  for (const page of PAGES) {
    const params = match(page.path, segments);
    if (params) return { page, params };
  }
  return { page: null, params: {} };
}

/** Have every page that this key may see here before it is wanted, so that none depends on the network then. */
function fetchPages() {
  const timer = setTimeout(() => {
    for (const page of PAGES) if (!whyNot(page.scopes)) page.load().catch(() => {});
  }, PREFETCH_MS);
  return () => clearTimeout(timer);
}

function heldEvent() {
  try {
    return sessionStorage.getItem("kos-event") ?? "";
  } catch {
    return "";
  }
}

function holdEvent(event) {
  try {
    sessionStorage.setItem("kos-event", event);
  } catch {
    // A browser that keeps nothing: there is no last event after a reload.
  }
}

function Frame({ session }) {
  const { segments, query } = useRoute();
  const { page, params } = found(segments);
  // What is not an event's page still has the last event beside it, after a reload of the tab too.
  const last = useRef(heldEvent());
  const event = params.event ?? "";
  if (event) last.current = event;
  const followed = event || last.current;
  useEffect(() => holdEvent(followed), [followed]);
  const channel = useChannel(followed || null);
  const state = useSettled(channel.document?.event === followed ? channel.document : null);
  useEffect(() => {
    if (segments.length === 0) go(address("events"), true);
    else if (segments.length === 2 && segments[0] === "events") go(address("events", segments[1], "live"), true);
  }, [segments.join("/")]);
  const title = page?.title ?? "Not found";
  useEffect(() => {
    document.title = [title, event && (state?.event_name ?? event), "KOS Live"].filter(Boolean).join(" · ");
  }, [title, event, state?.event_name]);
  useEffect(fetchPages, []);
  const [isOpen, open] = useState(false);
  const main = useRef(null);
  const place = segments.join("/");
  const isFirst = useRef(true);
  useEffect(() => {
    open(false);
    // Who does not see the page change hears it begin anew; the first one is begun by the browser.
    if (!isFirst.current) main.current.focus({ preventScroll: true });
    isFirst.current = false;
    scrollTo(0, 0);
  }, [place]);
  const error = event ? channel.error : null;
  const shown = [page, address(...segments), JSON.stringify(query), state, session, error];
  // The same page again while nothing of it changed: what it follows itself, it draws itself.
  const here = useMemo(
    () => segments.length > 0 && html`<${Place} key=${place} ...${{ page, params, query, event, state, session, error }} />`,
    shown,
  );
  return html`<a class="skip" href="#main" onClick=${(event) => (event.preventDefault(), main.current.focus())}>Skip to the page</a>
    <${TopBar} ...${{ session, state, event: followed, isOpen, open }} />
    <div class="below">
      <div class="rail">
        <${Side} ...${{ event: followed, page, isOpen }} />
        <${Toasts} />
      </div>
      <main id="main" tabindex="-1" ref=${main}>
        ${here}
      </main>
    </div>
    <${Questions} />`;
}

function Place({ page, error, ...props }) {
  if (!page) return html`<${Empty} title="There is no such page"><a href=${address("events")}>Go to the events</a><//>`;
  const why = whyNot(page.scopes);
  if (why) {
    return html`<h1>${page.title}</h1>
      <${Note} tone="warn">${why} Ask whoever runs the installation for a key that has it.<//>`;
  }
  if (error && !props.state && !error.retryable) {
    // Whether there is none or it is somebody else's is not told to who may not see it.
    const isNone = ["event_unknown", "channel_forbidden"].includes(error.code);
    const text = isNone ? `There is no event “${props.event}” that your key may see.` : error.message;
    return html`<${Empty} title=${text}><a href=${address("events")}>Go to the events</a><//>`;
  }
  return html`<${Loaded} key=${page.path} page=${page} props=${props} />`;
}

/** A page's module is fetched when it is first wanted. */
function Loaded({ page, props }) {
  const [module, take] = useState(null);
  const [problem, fail] = useState(null);
  const [broken, mend] = useErrorBoundary((error) => console.error(error));
  const load = () => {
    fail(null);
    page.load().then(take, () => fail({ message: "This page could not be loaded.", code: "unreachable" }));
  };
  useEffect(load, [page]);
  useEffect(() => {
    if (!problem) return undefined;
    signals.addEventListener("reconnected", load);
    return () => signals.removeEventListener("reconnected", load);
  }, [problem]);
  if (broken) {
    const sorry = { message: "Something in this page went wrong. What you did before is kept.", code: "page_broken" };
    return html`<${ErrorNote} problem=${sorry} retry=${mend} />`;
  }
  if (problem) return html`<${ErrorNote} problem=${problem} retry=${load} />`;
  return module ? html`<${module.default} ...${props} />` : html`<${Loading} lines=${6} label=${`Loading ${page.title}`} />`;
}

render(html`<${Console} />`, document.getElementById("console"));
resume();
