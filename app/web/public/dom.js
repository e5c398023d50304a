// Small elements from data: text is only ever text, and what did not change is left alone.

/** An element with classes, and text or children. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

/** A name as it was given: in its own direction. */
export function named(tag, className, text) {
  const element = make(tag, className, text);
  element.dir = "auto";
  return element;
}

export function put(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function at(id) {
  return document.getElementById(id);
}

/** Show a list by key: kept elements are filled again and put in order, others are made or removed. */
export function list(parent, items, keyOf, create, fill) {
  const held = new Map([...parent.children].map((element) => [element.dataset.key, element]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const key = keyOf(item);
    let element = held.get(key);
    held.delete(key);
    if (!element) {
      element = create(item);
      element.dataset.key = key;
    }
    fill(element, item);
    if (element === place) place = place.nextElementSibling;
    else parent.insertBefore(element, place);
  }
  for (const element of held.values()) element.remove();
}
