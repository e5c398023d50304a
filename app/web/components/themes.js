// Looks, as sets of custom properties. A page sets `--kos-…` to have its own, an event's look sets `--look-…`; inside they
// are read as `--k-…`.

const FONT =
  'Inter, "Segoe UI Variable Display", "Segoe UI", "SF Pro Display", "Noto Sans", "Noto Sans SC", "Noto Sans CJK SC", ' +
  '"PingFang SC", "Microsoft YaHei", "Helvetica Neue", Arial, sans-serif';
const DISPLAY = '"Inter Display", ' + FONT;
// Letters with contrast, as on an invitation.
const SERIF =
  '"Playfair Display", "Bodoni 72", Didot, "Source Serif 4", "Noto Serif SC", "Noto Serif CJK SC", "Songti SC", ' +
  "Georgia, serif";

const DARK = {
  font: FONT,
  "font-display": DISPLAY,
  text: "#fff",
  "text-quiet": "rgb(255 255 255 / 72%)",
  solid: "rgb(10 13 22)",
  panel: "rgb(10 13 22 / 86%)",
  "panel-end": "rgb(10 13 22 / 74%)",
  tint: "26%",
  edge: "rgb(255 255 255 / 9%)",
  track: "rgb(255 255 255 / 16%)",
  outline: "rgb(0 0 0 / 55%)",
  accent: "#ff4d7a",
  "on-accent": "#22000c",
  gold: "#ffd257",
  silver: "#dfe6f0",
  bronze: "#e9a670",
  up: "#4be38a",
  down: "#ff7d7d",
  live: "#ff3b58",
  warn: "#ffc145",
  "warn-text": "#1d1400",
  radius: "0.5em",
};

const LIGHT = {
  text: "#10131d",
  "text-quiet": "rgb(16 19 29 / 74%)",
  solid: "rgb(255 255 255)",
  panel: "rgb(255 255 255 / 94%)",
  "panel-end": "rgb(255 255 255 / 88%)",
  tint: "20%",
  edge: "rgb(16 19 29 / 10%)",
  track: "rgb(16 19 29 / 13%)",
  outline: "rgb(255 255 255 / 60%)",
  accent: "#c5123f",
  "on-accent": "#fff",
  gold: "#8f6200",
  silver: "#5d6878",
  bronze: "#a65c1e",
  up: "#0c7a41",
  down: "#c62f2f",
  live: "#d4133a",
  warn: "#8a5700",
  "warn-text": "#fff",
};

const CLEAR = {
  solid: "transparent",
  panel: "transparent",
  "panel-end": "transparent",
  tint: "0%",
  edge: "transparent",
  track: "rgb(0 0 0 / 55%)",
  outline: "rgb(0 0 0 / 90%)",
  "text-quiet": "rgb(255 255 255 / 88%)",
};

const GALA = {
  "font-display": SERIF,
  text: "#fff8ea",
  "text-quiet": "rgb(255 240 214 / 76%)",
  solid: "rgb(27 10 24)",
  panel: "rgb(44 13 33 / 93%)",
  "panel-end": "rgb(19 9 26 / 88%)",
  tint: "20%",
  edge: "rgb(236 203 128 / 42%)",
  track: "rgb(255 232 190 / 17%)",
  accent: "#e9c46a",
  "on-accent": "#2a1402",
  gold: "#f6d98f",
  silver: "#dcd9e4",
  bronze: "#e2a878",
  live: "#d6274f",
  radius: "0.2em",
};

/** The themes by name; the first is the one that holds without a word. */
export const THEMES = { dark: DARK, light: { ...DARK, ...LIGHT }, clear: { ...DARK, ...CLEAR }, gala: { ...DARK, ...GALA } };

/** The names of the properties that a page may set, without `--kos-`. */
export const PROPERTIES = Object.keys(DARK);

// No panel to stand on: letters carry an outline of their own, each as thick as its size asks for.
const OUTLINED = `
  :host([data-theme="clear"]) .content * { -webkit-text-stroke: 0.13em rgb(0 0 0 / 84%); paint-order: stroke fill; }
  :host([data-theme="clear"]) :is(.badge, .solid, .badge *, .solid *) { -webkit-text-stroke: 0; }
`;

/** A style sheet's text for `:host`, by its attribute `data-theme`. */
export function themeCss() {
  const rules = Object.entries(THEMES).map(([name, properties]) => {
    const selector = name === "dark" ? ":host" : `:host([data-theme="${name}"])`;
    const lines = Object.entries(properties).map(([key, value]) => {
      return `--k-${key}: var(--kos-${key}, var(--look-${key}, ${value}));`;
    });
    return `${selector} { ${lines.join(" ")} }`;
  });
  return rules.join("\n") + OUTLINED;
}
