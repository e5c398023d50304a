// The stage: parts at their places, scaled to the source, shown and hidden.

const STAGES = { wide: [1920, 1080], tall: [1080, 1920] };
// A source whose shape differs by more is an area to fill, and no picture to stand in.
const SHAPE_TOLERANCE = 0.04;
const LEAVE_MS = 400;
// Said of the whole page; a part must not speak for another event.
const OF_PAGE = ["event", "token", "server", "fill"];

/** The shape of video that the source has: "wide", "tall", or null if it has another. */
export function shapeOf(width, height) {
  for (const [shape, [stageWidth, stageHeight]] of Object.entries(STAGES)) {
    if (Math.abs((width * stageHeight) / (height * stageWidth) - 1) <= SHAPE_TOLERANCE) return shape;
  }
  return null;
}

/** The shape of the stage for a source of any shape. */
export const nearestShape = (width, height) => (height > width ? "tall" : "wide");

export class Stage {
  #element;
  #common;
  #parts = new Map();
  #hidden = new Set();
  #shape = null;

  /** `common` is a Map of attributes for all parts. */
  constructor(element, common) {
    this.#element = element;
    this.#common = common;
  }

  /** The element of each part that is shown. */
  get elements() {
    return [...this.#parts.values()].map((part) => part.element);
  }

  /** Show these parts on a stage of this shape; null: parts without a place fill the source. Those that stay, stay. */
  show(parts, shape) {
    this.#shape = shape;
    this.#scale();
    const wanted = new Map(parts.map((part) => [keyOf(part), part]));
    for (const [key, shown] of this.#parts) if (!wanted.has(key)) this.#remove(key, shown);
    for (const [key, part] of wanted) {
      if (!this.#parts.has(key)) this.#add(key, part);
      place(this.#parts.get(key).wrapper, part.place);
    }
    this.hide(this.#hidden);
  }

  /** Hide the parts of these names, or all of a component; show all others. */
  hide(names) {
    this.#hidden = new Set(names);
    for (const { wrapper, part } of this.#parts.values()) {
      wrapper.toggleAttribute("data-hidden", this.#hidden.has(part.name) || this.#hidden.has(part.component));
    }
  }

  #scale() {
    const [width, height] = STAGES[this.#shape] ?? [innerWidth, innerHeight];
    const scale = Math.min(innerWidth / width, innerHeight / height);
    const [left, top] = [(innerWidth - width * scale) / 2, (innerHeight - height * scale) / 2];
    Object.assign(this.#element.style, {
      width: `${width}px`,
      height: `${height}px`,
      transform: this.#shape ? `translate(${left}px, ${top}px) scale(${scale})` : "none",
    });
  }

  #add(key, part) {
    const wrapper = document.createElement("div");
    wrapper.className = "part";
    Object.assign(wrapper.dataset, { part: part.name, component: part.component });
    this.#element.append(wrapper);
    const { component: name, parameters } = part;
    const made = customElements.get(`kos-${name}`);
    const element = document.createElement(`kos-${name}`);
    for (const [attribute, value] of this.#common) {
      if (made.observedAttributes.includes(attribute)) element.setAttribute(attribute, value);
    }
    for (const [attribute, value] of parameters) {
      const isIts = made.observedAttributes.includes(attribute) && !OF_PAGE.includes(attribute);
      if (isIts) element.setAttribute(attribute, value);
    }
    element.setAttribute("fill", "");
    wrapper.append(element);
    this.#parts.set(key, { wrapper, part, element });
    document.body.dataset.ready = "";
  }

  #remove(key, { wrapper }) {
    this.#parts.delete(key);
    wrapper.setAttribute("data-hidden", "");
    setTimeout(() => wrapper.remove(), LEAVE_MS);
  }
}

/** Parts that differ in nothing but their place are the same: they move there, and nothing is loaded anew. */
function keyOf(part) {
  return JSON.stringify([part.component, part.name, [...part.parameters]]);
}

function place(wrapper, where) {
  const [left, top, width, height] = where ? where.map((number) => `${number}px`) : ["0", "0", "100%", "100%"];
  Object.assign(wrapper.style, { left, top, width, height });
}
