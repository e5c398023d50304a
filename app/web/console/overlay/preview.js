// The overlay as it will be, over a drawn picture of a show, at the size of the source.

import { html, useEffect, useId, useLayoutEffect, useRef, useState } from "../ui/html.js";

const SIZES = {
  wide: { title: "1920 × 1080", width: 1920, height: 1080 },
  tall: { title: "1080 × 1920", width: 1080, height: 1920 },
  area: { title: "800 × 600", width: 800, height: 600 },
};
const GROUNDS = [
  ["show", "Studio"],
  ["bright", "Bright"],
  ["grid", "Transparent"],
];

/**
 * `src` is an address of this site; the frame is loaded anew when it, or `version`, is another one. `dress(document)` may
 * change how the page in it looks, when it is there and whenever `dress` is another function.
 */
export function Preview({ src, version = "", dress, children }) {
  const [size, choose] = useState("wide");
  const [ground, lay] = useState("show");
  const box = useRef(null);
  const [scale, fit] = useState(0);
  const frame = useRef(null);
  const { width, height } = SIZES[size];
  const dressed = () => dress && frame.current?.contentDocument && dress(frame.current.contentDocument);
  useEffect(dressed, [dress]);
  useLayoutEffect(() => {
    const watching = new ResizeObserver(() => fit(box.current.clientWidth / width));
    watching.observe(box.current);
    return () => watching.disconnect();
  }, [width]);
  return html`<section class="card preview" aria-label="Preview">
    <header>
      <h2>Preview</h2>
      <${Choice} label="Size of the source" choices=${Object.entries(SIZES).map(([id, { title }]) => [id, title])} value=${size} onChange=${choose} />
      <${Choice} label="Behind it" choices=${GROUNDS} value=${ground} onChange=${lay} />
    </header>
    <div class=${`still ${size} ${ground}`} ref=${box} style=${{ aspectRatio: `${width} / ${height}` }}>
      ${ground !== "grid" && html`<${Studio} isTall=${size === "tall"} />`}
      ${scale > 0 &&
      html`<iframe
        key=${`${src} ${version} ${size}`}
        ref=${frame}
        onLoad=${dressed}
        title="Preview of the overlay"
        src=${src}
        tabindex="-1"
        style=${{ width: `${width}px`, height: `${height}px`, transform: `scale(${scale})` }}
      ></iframe>`}
    </div>
    ${children}
  </section>`;
}

/** A few words of which one is chosen. */
export function Choice({ label, choices, value, onChange }) {
  return html`<div class="segments" role="group" aria-label=${label}>
    ${choices.map(([id, title]) => html`<button key=${id} type="button" aria-pressed=${id === value ? "true" : "false"} onClick=${() => onChange(id)}>${title}</button>`)}
  </div>`;
}

/** A host at a table between lights: no photograph, nobody's picture. */
function Studio({ isTall }) {
  // Of its own: what a hidden picture of the same page defines is not drawn with.
  const [wall, glow] = [`${useId()}-wall`, `${useId()}-glow`];
  return html`<svg class="studio" viewBox="0 0 1600 900" preserveAspectRatio=${isTall ? "xMidYMid slice" : "none"} aria-hidden="true">
    <defs>
      <linearGradient id=${wall} x1="0" y1="0" x2="0" y2="1"><stop class="wall-top" offset="0" /><stop class="wall-end" offset="1" /></linearGradient>
      <radialGradient id=${glow}><stop class="glow-in" offset="0" /><stop class="glow-out" offset="1" /></radialGradient>
    </defs>
    <rect width="1600" height="900" fill=${`url(#${wall})`} />
    <circle cx="420" cy="260" r="420" fill=${`url(#${glow})`} />
    <circle cx="1240" cy="180" r="360" fill=${`url(#${glow})`} />
    <g class="shelves"><rect x="90" y="180" width="300" height="10" /><rect x="90" y="330" width="300" height="10" /><rect x="1210" y="180" width="300" height="10" /><rect x="1210" y="330" width="300" height="10" /></g>
    <g class="goods">
      <rect x="120" y="110" width="36" height="70" rx="6" /><rect x="176" y="130" width="50" height="50" rx="6" /><rect x="250" y="96" width="30" height="84" rx="12" /><rect x="310" y="120" width="54" height="60" rx="6" />
      <rect x="130" y="270" width="60" height="60" rx="8" /><rect x="214" y="250" width="34" height="80" rx="10" /><rect x="280" y="276" width="80" height="54" rx="6" />
      <rect x="1240" y="104" width="34" height="76" rx="10" /><rect x="1300" y="126" width="60" height="54" rx="6" /><rect x="1390" y="96" width="40" height="84" rx="6" />
      <rect x="1236" y="262" width="44" height="68" rx="8" /><rect x="1310" y="276" width="74" height="54" rx="6" /><rect x="1420" y="250" width="34" height="80" rx="12" />
    </g>
    <circle class="ring" cx="800" cy="330" r="250" />
    <path class="hair" d="M670 430c-20-190 60-260 130-260s150 70 130 260c10 60-20 90-40 100H710c-20-10-50-40-40-100z" />
    <path class="skin" d="M760 480h80v90h-80z" /><ellipse class="skin" cx="800" cy="390" rx="84" ry="108" />
    <path class="coat" d="M520 900c0-210 90-310 220-340 30 40 90 40 120 0 130 30 220 130 220 340z" />
    <path class="table" d="M0 790h1600v110H0z" /><rect class="bottle" x="1010" y="640" width="60" height="150" rx="14" /><rect class="bottle" x="1100" y="690" width="90" height="100" rx="10" />
  </svg>`;
}
