// How large rows are: as large as is readable from afar, and no row is ever cut in half.

const LEAST_PX = 26;
const SMALL_STAGE_PX = 50;
const PART_OF_HEIGHT = 0.06;
// In units of a row's height: the panel's width, its head, the distance of rows, the margin around it all.
const WIDTH = 12;
const HEAD = 1.5;
const PITCH = 1.1;
const MARGIN = 0.4;

/**
 * For a stage of this size: height of a row in pixels, and how many of `wanted` rows fit.
 * 1920x1080 is the stage it was drawn for; 800x600, OBS's own default, gets rows almost as large.
 */
export function fit(width, height, wanted, scale) {
  const rows = Math.max(1, wanted);
  const fromHeight = height / (HEAD + PITCH * rows + 2 * MARGIN);
  const fromWidth = width / (WIDTH + 2 * MARGIN);
  const large = Math.max(SMALL_STAGE_PX, height * PART_OF_HEIGHT) * scale;
  const unit = Math.max(LEAST_PX, Math.min(large, fromHeight, fromWidth));
  const places = Math.floor((height / unit - HEAD - 2 * MARGIN) / PITCH + 0.001);
  return { unit, rows: Math.max(1, Math.min(rows, places)) };
}

/** The same where only the width is given, and the height may be whatever it takes. */
export function fitWidth(width, wanted, scale) {
  const unit = Math.max(LEAST_PX, Math.min(SMALL_STAGE_PX * scale, width / (WIDTH + 2 * MARGIN)));
  return { unit, rows: Math.max(1, wanted) };
}
