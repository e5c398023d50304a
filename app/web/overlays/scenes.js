// Where components stand: alone on a stage, and together in scenes that the console can switch to.
//
// Places are [left, top, width, height] on a stage of 1920x1080 (wide) or 1080x1920 (tall). In no scene does one part stand
// in front of another.

/** The place of each component that is alone on a stage of the shape of video; a board fills it, to its taste. */
export const ALONE = {
  wide: {
    ticker: [0, 984, 1920, 96],
    "team-bar": [260, 24, 1400, 120],
    "host-card": [40, 760, 620, 280],
    goal: [1240, 40, 640, 150],
    viewers: [1520, 40, 360, 90],
    countdown: [710, 40, 500, 170],
    product: [1300, 600, 580, 440],
    announcement: [260, 860, 1400, 180],
  },
  tall: {
    ticker: [0, 1800, 1080, 96],
    "team-bar": [40, 40, 1000, 110],
    "host-card": [40, 1460, 1000, 300],
    goal: [40, 170, 1000, 150],
    viewers: [680, 40, 360, 90],
    countdown: [290, 40, 500, 170],
    product: [40, 1340, 1000, 420],
    announcement: [40, 1240, 1000, 190],
  },
};

const SCENES = {
  board: {
    wide: { board: [16, 16, 760, 1048], announcement: [800, 890, 1080, 150] },
    tall: { board: [0, 120, 1080, 1200], announcement: [40, 1380, 1000, 190] },
  },
  "lower-third": {
    wide: { "host-card": [40, 770, 700, 270], goal: [1240, 890, 640, 150], announcement: [360, 40, 1200, 150] },
    tall: { announcement: [40, 1210, 1000, 190], "host-card": [40, 1430, 1000, 300], goal: [40, 1750, 1000, 140] },
  },
  product: {
    wide: { product: [1300, 560, 580, 480], viewers: [1520, 40, 360, 90], announcement: [40, 890, 1220, 150] },
    tall: { viewers: [680, 40, 360, 90], announcement: [40, 1100, 1000, 190], product: [40, 1320, 1000, 440] },
  },
  full: {
    wide: {
      board: [16, 16, 720, 780],
      goal: [1240, 40, 640, 150],
      viewers: [1520, 206, 360, 90],
      product: [1300, 560, 580, 390],
      announcement: [40, 810, 1220, 140],
      ticker: [0, 984, 1920, 96],
    },
    tall: {
      goal: [40, 40, 620, 150],
      viewers: [680, 54, 360, 90],
      board: [0, 200, 1080, 760],
      announcement: [40, 1150, 1000, 190],
      product: [40, 1360, 1000, 410],
      ticker: [0, 1800, 1080, 96],
    },
  },
  intro: {
    wide: { countdown: [560, 280, 800, 320], "team-bar": [260, 680, 1400, 130], announcement: [260, 880, 1400, 150] },
    tall: { countdown: [90, 620, 900, 340], "team-bar": [40, 1040, 1000, 120], announcement: [40, 1240, 1000, 190] },
  },
  finale: {
    wide: {
      "team-bar": [260, 30, 1400, 130],
      board: [460, 180, 1000, 630],
      announcement: [260, 820, 1400, 140],
      ticker: [0, 984, 1920, 96],
    },
    tall: {
      "team-bar": [40, 60, 1000, 120],
      board: [0, 220, 1080, 1240],
      announcement: [40, 1510, 1000, 190],
      ticker: [0, 1800, 1080, 96],
    },
  },
};

// What a component is told in a scene unless the page's address says otherwise.
const TOLD = {
  full: { tall: { board: { limit: "6", scale: "1.7" }, ticker: { scale: "1.7" } } },
  board: { tall: { board: { scale: "1.6" } } },
  finale: {
    wide: { board: { align: "center", limit: "6", scale: "1.5" } },
    tall: { board: { scale: "1.6" }, ticker: { scale: "1.7" } },
  },
};

/** Names of all scenes. */
export const SCENE_NAMES = Object.keys(SCENES);

/**
 * The parts of a scene on a stage of this shape ("wide" or "tall"); null if there is no such scene. `asked` is a Map of
 * what the page was asked for, which goes before a scene's own wishes.
 */
export function sceneParts(name, shape, asked) {
  if (!SCENE_NAMES.includes(name)) return null;
  return Object.entries(SCENES[name][shape]).map(([component, place]) => {
    const told = Object.entries(TOLD[name]?.[shape]?.[component] ?? {});
    const parameters = new Map(told.filter(([parameter]) => !asked.has(parameter)));
    return { component, name: component, place, parameters };
  });
}
