// Small drawings of one stroke, 24 by 24. They say nothing by themselves: a word always stands beside them.

import { html } from "./html.js";

const PATHS = {
  audit: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4",
  down: "M7 10l5 5 5-5",
  events: "M4 6h16v14H4zM4 10h16M8 3v4M16 3v4",
  half: "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
  keys: "M7 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M11 12h10M17 12v3M21 12v3",
  live: "M3 12h4l3-8 4 16 3-8h4",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
  menu: "M4 7h16M4 12h16M4 17h16",
  money: "M4 7h16v10H4zM12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4M7 10v.01M17 14v.01",
  moon: "M20 14A8 8 0 1 1 10 4a6.5 6.5 0 0 0 10 10z",
  orders: "M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6",
  overlays: "M3 5h18v12H3zM8 21h8M7 13h6M7 10h3",
  page: "M6 3h8l4 4v14H6zM14 3v4h4",
  roster: "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6M3 20c0-4 3-6 6-6s6 2 6 6M16 5a3 3 0 0 1 0 6M18 14c2 1 3 3 3 6",
  show: "M5 4l14 8-14 8z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5L19 19M5 19l1.5-1.5M17.5 6.5L19 5",
};

export function Icon({ name }) {
  return html`<svg class="icon-drawn" viewBox="0 0 24 24" width="18" height="18" aria-hidden="true" focusable="false">
    <path d=${PATHS[name] ?? PATHS.page} />
  </svg>`;
}
