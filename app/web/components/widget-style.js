// What the small components look like in common. An em is --unit pixels, set by widget.js.

export const WIDGET_CSS = `
  :host { font-size: var(--unit, 20px); }
  .box { display: flex; flex-direction: column; height: 100%; }
  :host([align="left"]) .box { align-items: flex-start; }
  :host([align="center"]) .box { align-items: center; }
  :host([align="right"]) .box { align-items: flex-end; }
  :host([valign="top"]) .box { justify-content: flex-start; }
  :host([valign="middle"]) .box { justify-content: center; }
  :host([valign="bottom"]) .box { justify-content: flex-end; }
  [hidden] { display: none !important; }

  .card {
    position: relative;
    max-width: 100%;
    overflow: hidden;
    background: linear-gradient(100deg, var(--k-panel), var(--k-panel-end));
    border-radius: var(--k-radius);
    box-shadow: inset 0 0 0 1px var(--k-edge);
  }
  /* Upwards and down nothing is cut off: fonts for Chinese reach further than a line is high. */
  .line { min-width: 0; overflow: hidden; overflow: clip visible; text-overflow: ellipsis; white-space: nowrap; }
  .quiet { color: var(--k-text-quiet); }
  .display { font-family: var(--k-font-display); }
  .figure { font-variant-numeric: tabular-nums; white-space: nowrap; }
  .label {
    font-weight: 700;
    letter-spacing: 0.07em;
    text-transform: uppercase;
    color: var(--k-accent);
  }
  :lang(zh) .label, :lang(ja) .label { letter-spacing: 0.04em; }

  .mark {
    position: relative;
    display: grid;
    flex: none;
    place-items: center;
    width: 2em;
    height: 2em;
    overflow: hidden;
    font-weight: 800;
    color: var(--ink);
    text-shadow: none;
    background: var(--team, var(--k-accent));
    border-radius: 28%;
  }
  .mark img { position: absolute; inset: 0; width: 100%; height: 100%; object-fit: contain; background: #fff; }
  :host([data-theme="clear"]) .mark * { -webkit-text-stroke: 0; }

  :host([data-theme="clear"]) .label:not(.solid) { color: var(--k-text); }

  .shine { position: absolute; inset: 0; pointer-events: none; opacity: 0; background: linear-gradient(90deg, transparent 30%, var(--team, var(--k-accent))); }
  :host(:is([data-state="stale"], [data-state="ended"])) .card { filter: saturate(0.3) brightness(0.92); }
  .spoken { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;
