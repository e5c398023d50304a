// The look of the board over video. --unit is the height of a row, set by fit.js; everything else follows from it.
// Written for Chromium 127. Colours are custom properties, see themes.js.

export const BOARD_CSS = `
  :host {
    font-size: calc(var(--unit) * 0.4);
  }

  .board {
    display: flex;
    flex-direction: column;
    gap: calc(var(--unit) * 0.1);
    width: calc(var(--unit) * 12.8);
    max-width: 100%;
    padding: calc(var(--unit) * 0.4);
  }

  :host([align="center"]) :is(.board, .notice) {
    margin-inline: auto;
  }

  :host([align="right"]) :is(.board, .notice) {
    margin-inline-start: auto;
  }

  /* Head */

  .head,
  .row {
    background: linear-gradient(90deg, var(--k-panel), var(--k-panel-end));
    border-radius: calc(var(--unit) * 0.16);
    box-shadow: inset 0 0 0 1px var(--k-edge);
  }

  .head {
    display: flex;
    align-items: center;
    justify-content: space-between;
    gap: calc(var(--unit) * 0.4);
    height: calc(var(--unit) * 1.4);
    padding-inline: calc(var(--unit) * 0.42);
  }

  .head-names {
    min-width: 0;
  }

  .head h1 {
    overflow: hidden;
    overflow: clip visible;
    font-size: calc(var(--unit) * 0.46);
    font-weight: 750;
    letter-spacing: -0.01em;
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  .head-event {
    overflow: hidden;
    overflow: clip visible;
    margin-block-start: 0.2em;
    font-size: calc(var(--unit) * 0.27);
    font-weight: 550;
    color: var(--k-text-quiet);
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  .badge {
    display: flex;
    flex: none;
    gap: 0.5em;
    align-items: center;
    padding: 0.42em 0.75em;
    font-size: calc(var(--unit) * 0.25);
    font-weight: 750;
    letter-spacing: 0.06em;
    text-transform: uppercase;
    white-space: nowrap;
    border-radius: 99em;
    box-shadow: inset 0 0 0 calc(var(--unit) * 0.025) currentcolor;
  }

  .badge-dot {
    width: 0.62em;
    height: 0.62em;
    background: currentcolor;
    border-radius: 50%;
  }

  .badge-time {
    font-weight: 550;
    font-variant-numeric: tabular-nums;
    letter-spacing: 0;
    text-transform: none;
  }

  .badge-time:empty {
    display: none;
  }

  .badge[data-kind="live"] {
    color: #fff;
    background: var(--k-live);
    box-shadow: none;
  }

  .badge[data-kind="still"] {
    color: var(--k-gold);
  }

  .badge[data-kind="stale"] {
    color: var(--k-warn-text);
    text-shadow: none;
    background: var(--k-warn);
    box-shadow: none;
  }

  /* Rows */

  .rows {
    position: relative;
    z-index: 0;
    display: flex;
    flex-direction: column;
    gap: calc(var(--unit) * 0.1);
    list-style: none;
  }

  .rows:empty {
    display: none;
  }

  /* The glows lie between all panels and all texts, so that panels and texts are one picture each, however many glow. */
  .row {
    position: relative;
    display: grid;
    grid-template-columns: calc(var(--unit) * 1.15) minmax(0, 1fr) auto auto;
    gap: calc(var(--unit) * 0.22);
    align-items: center;
    height: var(--unit);
    padding-inline-end: calc(var(--unit) * 0.42);
    background:
      linear-gradient(var(--team), var(--team)) 0 0 / calc(var(--unit) * 0.12) 100% no-repeat,
      linear-gradient(
        90deg,
        color-mix(in srgb, var(--team) var(--k-tint), var(--k-panel)),
        var(--k-panel) 45%,
        var(--k-panel-end)
      );
  }

  .row[data-rank="1"] {
    background:
      linear-gradient(var(--team), var(--team)) 0 0 / calc(var(--unit) * 0.12) 100% no-repeat,
      linear-gradient(
        90deg,
        color-mix(in srgb, var(--team) calc(var(--k-tint) * 2), var(--k-panel)),
        color-mix(in srgb, var(--team) calc(var(--k-tint) * 0.6), var(--k-panel)) 60%,
        var(--k-panel)
      );
  }

  .row > :not(.glow) {
    position: relative;
    z-index: 1;
  }

  .rank {
    padding-inline-start: calc(var(--unit) * 0.12);
    font-size: calc(var(--unit) * 0.5);
    font-weight: 800;
    font-variant-numeric: tabular-nums;
    text-align: center;
    letter-spacing: -0.02em;
  }

  .row[data-rank="1"] .rank {
    color: var(--k-gold);
  }

  .row[data-rank="2"] .rank {
    color: var(--k-silver);
  }

  .row[data-rank="3"] .rank {
    color: var(--k-bronze);
  }

  .who {
    display: flex;
    flex-direction: column;
    min-width: 0;
  }

  .name,
  .team {
    overflow: hidden;
    overflow: clip visible;
    text-overflow: ellipsis;
    white-space: nowrap;
  }

  .name {
    font-size: calc(var(--unit) * 0.42);
    font-weight: 680;
  }

  .team {
    font-size: calc(var(--unit) * 0.245);
    font-weight: 600;
    color: var(--k-text-quiet);
  }

  .team:empty,
  .gap:empty {
    display: none;
  }

  /* A row without a team's line (teams themselves) has room for a larger name. */
  .who:has(.team:empty) .name {
    font-size: calc(var(--unit) * 0.46);
  }

  .move {
    min-width: calc(var(--unit) * 0.75);
    text-align: end;
    font-size: calc(var(--unit) * 0.29);
    font-weight: 750;
    font-variant-numeric: tabular-nums;
    opacity: 0;
  }

  .move[data-direction="up"] {
    color: var(--k-up);
  }

  .move[data-direction="down"] {
    color: var(--k-down);
  }

  .figures {
    display: flex;
    flex-direction: column;
    grid-column: 4;
    align-items: end;
  }

  .score {
    font-size: calc(var(--unit) * 0.44);
    font-weight: 750;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }

  .gap {
    font-size: calc(var(--unit) * 0.245);
    font-weight: 600;
    font-variant-numeric: tabular-nums;
    color: var(--k-text-quiet);
  }

  .glow {
    position: absolute;
    inset: 0 0 0 30%;
    pointer-events: none;
    background: linear-gradient(90deg, transparent, var(--team));
    border-radius: calc(var(--unit) * 0.16);
    opacity: 0;
    will-change: opacity;
  }

  /* What is shown is no longer known to be true: say so in the picture, not only in the badge. */
  :host(:is([data-state="stale"], [data-state="ended"])) .rows {
    filter: saturate(0.25) brightness(0.9);
  }

  /* In place of rows */

  :host([data-state="empty"]) .notice {
    width: calc(var(--unit) * 12);
    max-width: calc(100% - var(--unit) * 0.8);
    margin-block: calc(var(--unit) * -0.3) 0;
    margin-inline: calc(var(--unit) * 0.4);
    font-size: calc(var(--unit) * 0.32);
  }

  .spoken {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
`;
