// Sample data for previews and screenshots, in the shape of the channels' documents. Nothing of it ever leaves the page.

const HEAD = { event: "demo", event_name: "Spring Finale", unit: "CNY", epoch: "00000000", position: 1, finality: "live", frozen: false };
const MINUTE_MS = 60000;

const HOSTS = [
  ["lin", "Lin Yue 林悦", "ruby", "Team Ruby", "48210.00", "0.00"],
  ["mei", "Mei", "jade", "Team Jade", "45990.50", "2219.50"],
  ["ana", "Ana Sofía", "sapphire", "Team Sapphire", "45110.00", "880.50"],
  ["tom", "Tom", "amber", "Team Amber", "39875.00", "5235.00"],
  ["noor", "نور", "ruby", "Team Ruby", "36402.00", "3473.00"],
  ["yuki", "ゆき 🌸", "jade", "Team Jade", "33180.00", "3222.00"],
  ["emma", "Emma", "sapphire", "Team Sapphire", "28999.00", "4181.00"],
  ["leo", "Leo", "amber", "Team Amber", "25450.00", "3549.00"],
];
const TEAMS = [
  ["ruby", "Team Ruby", "128400.00", "0.00"],
  ["jade", "Team Jade", "117950.00", "10450.00"],
  ["sapphire", "Team Sapphire", "96310.00", "21640.00"],
  ["amber", "Team Amber", "81025.50", "15284.50"],
];
const SALES = [
  ["lin", "Ruby Woo lipstick", "230.00", 1],
  ["mei", "Studio Fix powder", "396.00", 2],
  ["noor", "Velvet Teddy", "230.00", 1],
  ["ana", "Prep + Prime essence", "310.00", 1],
  ["yuki", "Glow palette 樱花限定", "468.00", 1],
  ["tom", "Brow styler", "150.00", 1],
  ["emma", "Fix+ travel size", "238.00", 2],
  ["leo", "Lip pencil set", "690.00", 3],
];

const rowOf = ([id, name, team, teamName, score, gap], place) => {
  return { rank: place + 1, id, name, team, team_name: teamName, score, gap };
};

/** A board of hosts. */
export function sampleHosts() {
  return { ...HEAD, board: "hosts", of: "host", measure: "net_sales", window: "event", rows_total: 42, rows: HOSTS.map(rowOf) };
}

/** A board of teams. */
export function sampleTeams() {
  const rows = TEAMS.map(([id, name, score, gap], place) => ({ rank: place + 1, id, name, score, gap }));
  return { ...HEAD, board: "teams", of: "team", measure: "net_sales", window: "event", rows_total: 4, rows };
}

/** The last orders. */
export function sampleTicker() {
  const rows = SALES.map(([host, title, amount, units], place) => {
    const [, name, team] = HOSTS.find(([id]) => id === host);
    return { id: `${100 - place}.0`, position: 100 - place, host, name, team, title, amount, units, at: "2026-11-22T20:00:00Z" };
  });
  return { ...HEAD, rows };
}

/** A host's own numbers: Mei, second and close to the first. */
export function sampleHost() {
  const numbers = { gross_sales: "47120.00", net_sales: "45990.50", orders: 184, units: 231 };
  return {
    ...HEAD,
    ...numbers,
    host: "mei",
    name: "Mei",
    direct_sales: "40110.00",
    indirect_sales: "7010.00",
    today: { day: "2026-11-22", gross_sales: "8420.00", net_sales: "8180.00", orders: 37, units: 45 },
    rank: 2,
    gap: "2219.50",
    team: "jade",
    team_name: "Team Jade",
    team_rank: 2,
    rows: HOSTS.slice(0, 5).map(rowOf),
  };
}

/** How many are watching. */
export function sampleViewers() {
  return { event: "demo", time: "2026-11-22T20:00:00Z", viewers: 12480, peak: 15033, rows: [{ id: "night", viewers: 12480 }] };
}

/** The event: a session with a pinned product, an offer, a goal, an announcement. `now` in milliseconds. */
export function sampleState(now = Date.now()) {
  const from = (minutes) => new Date(Math.floor(now / 600000) * 600000 + minutes * MINUTE_MS).toISOString();
  const goal = { id: "finale", title: "Half a million tonight", of: "event", target_id: "", measure: "net_sales" };
  const pin = { sku: "RUBY-WOO", pinned_at: from(-4), title: "Ruby Woo matte lipstick", price: "230.00", code: "MEI20" };
  return {
    ...HEAD,
    status: "live",
    entered_at: from(-60),
    timezone: "Asia/Shanghai",
    starts_at: from(-60),
    ends_at: from(95),
    offers: [{ id: "hour", session: "night", sku: "RUBY-WOO", price: "184.00", starts_at: from(-5), ends_at: from(14) }],
    goals: [{ ...goal, target: "500000.00", value: "423685.50", reached_at: null }],
    announcements: [{ id: "a1", text: "Team Ruby takes the lead. The last hour begins now.", made_at: from(-1), until: null }],
    rows: [{ id: "night", hosts: [{ id: "mei", name: "Mei" }], started_at: from(-30), pins: [pin] }],
  };
}
