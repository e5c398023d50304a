// Where components stand: alone on a stage, and together in scenes that the console can switch to.
//
// Places are [left, top, width, height] on a stage of 1920x1080 (wide) or 1080x1920 (tall).

/** The place of each component that is alone on a stage of the shape of video; others fill the source. */
export const ALONE = {
  wide: {
    ticker: [0, 984, 1920, 96],
    "team-bar": [260, 24, 1400, 120],
    "host-card": [40, 760, 620, 280],
    goal: [1240, 40, 640, 150],
    viewers: [1600, 40, 280, 90],
    countdown: [710, 40, 500, 170],
    product: [1300, 600, 580, 440],
    announcement: [260, 820, 1400, 170],
  },
  tall: {
    ticker: [0, 1800, 1080, 96],
    "team-bar": [40, 40, 1000, 110],
    "host-card": [40, 1460, 1000, 300],
    goal: [40, 170, 1000, 150],
    viewers: [760, 40, 280, 90],
    countdown: [290, 40, 500, 170],
    product: [40, 1340, 1000, 420],
    announcement: [40, 1240, 1000, 190],
  },
};

const SCENES = {
  board: {
    wide: { board: [0, 0, 760, 1080] },
    tall: { board: [0, 120, 1080, 1200] },
  },
  "lower-third": {
    wide: { "host-card": [40, 770, 700, 270], goal: [1240, 890, 640, 150] },
    tall: { "host-card": [40, 1440, 1000, 300], goal: [40, 1750, 1000, 140] },
  },
  product: {
    wide: { product: [1300, 560, 580, 480], viewers: [1600, 40, 280, 90] },
    tall: { product: [40, 1320, 1000, 440], viewers: [760, 40, 280, 90] },
  },
  full: {
    wide: {
      board: [0, 0, 720, 960],
      goal: [1240, 40, 640, 150],
      viewers: [1600, 210, 280, 90],
      product: [1300, 500, 580, 450],
      ticker: [0, 984, 1920, 96],
    },
    tall: {
      goal: [40, 40, 680, 140],
      viewers: [760, 50, 280, 90],
      board: [0, 200, 1080, 760],
      product: [40, 1360, 1000, 410],
      ticker: [0, 1800, 1080, 96],
    },
  },
  intro: {
    wide: { countdown: [560, 300, 800, 320], "team-bar": [260, 700, 1400, 130] },
    tall: { countdown: [90, 620, 900, 340], "team-bar": [40, 1040, 1000, 120] },
  },
  finale: {
    wide: { "team-bar": [260, 30, 1400, 130], board: [500, 180, 920, 800], ticker: [0, 984, 1920, 96] },
    tall: { "team-bar": [40, 60, 1000, 120], board: [0, 220, 1080, 1300], ticker: [0, 1800, 1080, 96] },
  },
};

/** Names of all scenes. */
export const SCENE_NAMES = Object.keys(SCENES);

/** The parts of a scene on a stage of this shape ("wide" or "tall"); null if there is no such scene. */
export function sceneParts(name, shape) {
  if (!SCENE_NAMES.includes(name)) return null;
  return Object.entries(SCENES[name][shape]).map(([component, place]) => {
    return { component, name: component, place, parameters: parametersIn(name, component) };
  });
}

function parametersIn(scene, component) {
  const isCentred = scene === "finale" && component === "board";
  return new Map(isCentred ? [["align", "center"]] : []);
}
