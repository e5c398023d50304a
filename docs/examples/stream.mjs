// Keeps channels of KOS Live's stream right: docs/protocol.md as code. For browsers, and Node 22 or later.
//   const stream = follow("wss://live.example.org/v1/stream?token=…", ["kos101/boards/teams"],
//     (channel, document, isStale) => { … }, (code, channel) => { … told of what ends for good … });
//   stream.close();
const place = (row) => [row.rank ?? -(row.position ?? 0), ...Array.from(row.id, (letter) => letter.codePointAt(0))];
function inOrder(a, b) {
  const [ours, theirs] = [place(a), place(b)];
  const at = ours.findIndex((number, index) => number !== theirs[index]);
  return at < 0 ? ours.length - theirs.length : ours[at] - (theirs[at] ?? -1);
}
function apply(document, { rows, gone, ...members }, position) {
  const kept = new Map(document.rows.map((row) => [row.id, row]));
  gone.forEach((id) => kept.delete(id));
  rows.forEach((row) => kept.set(row.id, row));
  return { ...document, ...members, position, rows: [...kept.values()].sort(inOrder) };
}
export function follow(url, channels, show, ended = console.error) {
  const [documents, waiting] = [new Map(), new Map()]; // by channel: what is held; a subscribe that has no answer yet
  let [socket, timer, lastId, failures, isQuiet] = [null, null, 0, 0, true];
  const tell = (name) => documents.has(name) && show(name, documents.get(name), isQuiet || waiting.has(name));
  const setQuiet = (value) => isQuiet !== value && ((isQuiet = value), channels.forEach(tell));
  const after = (milliseconds, next) => (clearTimeout(timer), (timer = setTimeout(next, milliseconds)));
  function subscribe(channel) {
    const { position, epoch } = documents.get(channel) ?? {};
    waiting.set(channel, (lastId += 1));
    socket.send(JSON.stringify({ type: "subscribe", id: lastId, channel, position, epoch }));
  }
  function take({ type, id, channel, previous, position, delta, snapshot, time, code, retryable }, here) {
    const gone = type === "unsubscribed" ? channel : type === "error" && channels.find((of) => waiting.get(of) === id);
    if (gone && retryable) setTimeout(() => socket === here && subscribe(gone), 15_000);
    else if (gone) ended(code ?? type, gone);
    if (type === "subscribed" && waiting.get(channel) === id) waiting.delete(channel);
    else if (type !== "publication" || waiting.has(channel)) return;
    const mine = documents.get(channel);
    if (snapshot) time <= mine?.time || documents.set(channel, snapshot);
    else if (previous > mine.position) subscribe(channel); // a gap; the delta of an answer has no `previous`
    else if (position > mine.position) documents.set(channel, apply(mine, delta, position));
    tell(channel);
  }
  function connect() {
    const here = (socket = new WebSocket(url, "kos.v1"));
    const lost = ({ code }) => {
      if (socket !== here) return;
      [socket, timer] = [null, clearTimeout(timer)];
      setQuiet(true);
      if (code >= 4500 && code <= 4999) ended(code);
      else after(Math.min(30_000, 500 * 2 ** failures++) * (0.5 + Math.random() / 2), connect);
    };
    const ask = () => (setQuiet(true), here.readyState === 1 && here.send('{"type":"ping"}'), after(8_000, giveUp));
    const giveUp = () => (lost({}), here.close()); // the event of its end may come minutes later
    here.onopen = () => channels.forEach(subscribe);
    here.onmessage = ({ data }) =>
      socket === here && (after(10_000, ask), setQuiet(false), (failures = 0), take(JSON.parse(data), here));
    here.onclose = lost;
    after(10_000, ask);
  }
  connect();
  return { close: () => (clearTimeout(timer), ([socket, timer] = [null, socket?.close()])) };
}
