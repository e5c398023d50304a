// Looks, as sets of custom properties. A page sets `--kos-…` to have its own; inside they are read as `--k-…`.

const FONT =
  'Inter, "Segoe UI Variable Display", "Segoe UI", "SF Pro Display", "Noto Sans", "Noto Sans SC", "Noto Sans CJK SC", ' +
  '"PingFang SC", "Microsoft YaHei", "Helvetica Neue", Arial, sans-serif';

const DARK = {
  font: FONT,
  text: "#fff",
  "text-quiet": "rgb(255 255 255 / 72%)",
  solid: "rgb(10 13 22)",
  panel: "rgb(10 13 22 / 86%)",
  "panel-end": "rgb(10 13 22 / 74%)",
  tint: "26%",
  edge: "rgb(255 255 255 / 9%)",
  outline: "rgb(0 0 0 / 55%)",
  gold: "#ffd257",
  silver: "#dfe6f0",
  bronze: "#e9a670",
  up: "#4be38a",
  down: "#ff7d7d",
  live: "#ff3b58",
  warn: "#ffc145",
  "warn-text": "#1d1400",
};

const LIGHT = {
  text: "#10131d",
  "text-quiet": "rgb(16 19 29 / 74%)",
  solid: "rgb(255 255 255)",
  panel: "rgb(255 255 255 / 94%)",
  "panel-end": "rgb(255 255 255 / 82%)",
  tint: "20%",
  edge: "rgb(16 19 29 / 10%)",
  outline: "rgb(255 255 255 / 60%)",
  gold: "#b07a00",
  silver: "#5d6878",
  bronze: "#a65c1e",
  up: "#0c8a49",
  down: "#c62f2f",
  live: "#d4133a",
  warn: "#9a6200",
  "warn-text": "#fff",
};

const CLEAR = {
  solid: "transparent",
  panel: "transparent",
  "panel-end": "transparent",
  tint: "0%",
  edge: "transparent",
  outline: "rgb(0 0 0 / 90%)",
};

/** Names of the themes; the first is the one that holds without a word. */
export const THEMES = { dark: DARK, light: { ...DARK, ...LIGHT }, clear: { ...DARK, ...CLEAR } };

/** The names of the properties that a page may set, without `--kos-`. */
export const PROPERTIES = Object.keys(DARK);

// No panel to stand on: letters carry an outline of their own, each as thick as its size asks for.
const OUTLINED = `
  :host([theme="clear"]) .content * { -webkit-text-stroke: 0.13em rgb(0 0 0 / 84%); paint-order: stroke fill; }
  :host([theme="clear"]) .badge, :host([theme="clear"]) .badge * { -webkit-text-stroke: 0; }
`;

/** A style sheet's text for `:host`, by its attribute `theme`. */
export function themeCss() {
  const rules = Object.entries(THEMES).map(([name, properties]) => {
    const selector = name === "dark" ? ":host" : `:host([theme="${name}"])`;
    const lines = Object.entries(properties).map(([key, value]) => `--k-${key}: var(--kos-${key}, ${value});`);
    return `${selector} { ${lines.join(" ")} }`;
  });
  return rules.join("\n") + OUTLINED;
}
