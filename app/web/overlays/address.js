// What the address of an overlay page asks for.

import { COMPONENTS } from "../components/registry.js";

const NAME = /^[a-z][a-z0-9-]{0,39}$/;
const PARTS_MAX = 30;
// In addresses they are written as hosts write words; `title` as an attribute would be a tooltip.
const ALIASES = { title: "heading" };

/**
 * {event, component, parameters, scene, show, at} of an address like /overlay/{event}/{component}, wherever the site's
 * root is. `parameters` is a Map of attributes; `show` is a list of parts or null, `at` a place or null.
 */
export function pageOf(location) {
  const segments = location.pathname.split("/");
  const query = new URLSearchParams(location.search);
  const parameters = new Map();
  for (const [name, value] of query) setParameter(parameters, name, value);
  return {
    event: decodeURIComponent(segments.at(-2)),
    component: segments.at(-1),
    parameters,
    scene: query.get("scene") ?? "",
    show: query.has("show") ? partsOf(query.get("show")) : null,
    at: placeOf((query.get("at") ?? "").split(",")),
  };
}

/**
 * Parts from a text like "board:40,40,620,1000,limit=5;ticker:0,990,1920,90,name=news": component, place, then
 * parameters, percent-encoded where they hold commas. What cannot be read is left out.
 */
export function partsOf(text) {
  const parts = [];
  for (const one of text.split(";").slice(0, PARTS_MAX)) {
    const [component, rest = ""] = splitOnce(one.trim(), ":");
    const members = rest.split(",");
    const place = placeOf(members.slice(0, 4));
    if (!COMPONENTS.includes(component) || !place) continue;
    const parameters = new Map();
    for (const member of members.slice(4)) {
      const [key, value = ""] = splitOnce(member, "=");
      setParameter(parameters, key, decoded(value));
    }
    const name = parameters.get("name") ?? component;
    parameters.delete("name");
    parts.push({ component, name, place, parameters });
  }
  return parts;
}

/** Left, top, width and height in pixels of the stage; null if they are none. */
function placeOf(texts) {
  const numbers = texts.filter((text) => text.trim() !== "").map(Number);
  const isPlace = numbers.length === 4 && numbers.every((number) => Math.abs(number) <= 10000);
  return isPlace && numbers[2] > 0 && numbers[3] > 0 ? numbers : null;
}

function setParameter(parameters, name, value) {
  const dashed = name.replaceAll("_", "-");
  if (!NAME.test(dashed)) return;
  parameters.set(ALIASES[dashed] ?? dashed, value);
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function splitOnce(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + mark.length)];
}
