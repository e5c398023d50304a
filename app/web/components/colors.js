// A team's colour: what the broadcaster asked for, else the row's own, else what its id says, else one made of it.

// Gems and colours, as teams are often called; light enough to be seen on a dark panel.
const NAMED = {
  amber: "#ffb020",
  amethyst: "#a06cf0",
  aquamarine: "#4fd8d0",
  azure: "#3b9bff",
  black: "#8a93a6",
  blue: "#3f8cff",
  coral: "#ff7a59",
  crimson: "#ef3355",
  cyan: "#27c4e4",
  diamond: "#d9e6f2",
  emerald: "#1fc77e",
  garnet: "#c92a4a",
  gold: "#f5c542",
  green: "#2fc466",
  indigo: "#6a6cf5",
  jade: "#2bb38a",
  lime: "#a5d93a",
  magenta: "#e957d3",
  onyx: "#8a93a6",
  opal: "#bfe3e0",
  orange: "#ff8f3c",
  pearl: "#f0e6da",
  pink: "#ff7eb6",
  purple: "#a468f0",
  red: "#f2404e",
  rose: "#ff6f9c",
  ruby: "#f0355f",
  sapphire: "#3f74ff",
  silver: "#b9c2cf",
  teal: "#25b0a5",
  topaz: "#ff9d3c",
  turquoise: "#27c4c4",
  violet: "#8a5cf6",
  white: "#f2f5fa",
  yellow: "#ffd84a",
};
const HEX = /^#?([0-9a-f]{6}|[0-9a-f]{3})$/i;

/** Colours from a parameter like "ruby:e0115f,jade:00a86b"; parts that are no colours are left out. */
export function askedColors(text) {
  const colors = new Map();
  for (const part of (text ?? "").split(",")) {
    const [team, color] = part.split(":");
    const hex = HEX.exec(color?.trim() ?? "");
    if (team && hex) colors.set(team.trim(), `#${hex[1]}`);
  }
  return colors;
}

/** A CSS colour for a team, the same on every page. `given` is a row's own colour, if it has one. */
export function teamColor(team, asked, given) {
  const own = HEX.exec(given ?? "");
  return asked.get(team) ?? (own ? `#${own[1]}` : NAMED[team.toLowerCase()] ?? hashed(team));
}

/** Black or white, whichever is read better on a colour; black on one that is not written as #rrggbb. */
export function inkOn(color) {
  const [, hex] = HEX.exec(color ?? "") ?? [];
  if (!hex) return "#0b0d14";
  const long = hex.length === 3 ? [...hex].map((digit) => digit + digit).join("") : hex;
  const [red, green, blue] = [0, 2, 4].map((at) => linear(parseInt(long.slice(at, at + 2), 16) / 255));
  // Relative luminance as in WCAG 2.2; from there on black has the higher contrast.
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#0b0d14" : "#fff";
}

const linear = (part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);

function hashed(text) {
  let hash = 2166136261;
  for (const char of text) hash = Math.imul(hash ^ char.codePointAt(0), 16777619);
  return `hsl(${(hash >>> 0) % 360}deg 78% 62%)`;
}
