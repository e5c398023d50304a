// Every page of the console, one line each: where it is, what it is called, who may see it, and its module.
//
// A module's default export is a component. It gets `event` (the id in the address), `state` (the live document of the
// channel `{event}`, null until it is here), `params` and `query` of the address, and `session`.

export const PAGES = [
  { path: "events", title: "Events", icon: "events", group: "all", scopes: ["ops"], load: () => import("./pages/events.js") },
  {
    path: "events/:event/live",
    title: "Live desk",
    icon: "live",
    group: "event",
    scopes: ["ops", "audit", "finance"],
    load: () => import("./pages/live.js"),
  },
  {
    path: "events/:event/show",
    title: "Run of show",
    icon: "show",
    group: "event",
    scopes: ["ops"],
    load: () => import("./pages/show.js"),
  },
  {
    path: "events/:event/roster",
    title: "Roster",
    icon: "roster",
    group: "event",
    scopes: ["ops", "audit", "finance"],
    load: () => import("./pages/roster.js"),
  },
  {
    path: "events/:event/overlays",
    title: "Overlays",
    icon: "overlays",
    group: "event",
    scopes: ["ops"],
    load: () => import("./pages/overlays.js"),
  },
  {
    path: "events/:event/orders",
    title: "Orders",
    icon: "orders",
    group: "event",
    scopes: ["ops", "audit", "finance"],
    load: () => import("./pages/orders.js"),
  },
  {
    path: "events/:event/orders/:source/:order",
    title: "Order",
    scopes: ["ops", "audit", "finance"],
    load: () => import("./pages/order.js"),
  },
  {
    path: "events/:event/money",
    title: "Corrections & settlement",
    icon: "money",
    group: "event",
    scopes: ["finance", "ops", "audit"],
    load: () => import("./pages/money.js"),
  },
  {
    path: "events/:event/audit",
    title: "Audit",
    icon: "audit",
    group: "event",
    scopes: ["audit"],
    load: () => import("./pages/audit.js"),
  },
  { path: "keys", title: "Keys & tokens", icon: "keys", group: "all", scopes: ["ops"], load: () => import("./pages/keys.js") },
];
