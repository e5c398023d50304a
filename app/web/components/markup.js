// Fixed markup and styles of components, each parsed once. Nothing here is ever given data.

const templates = new WeakMap();
const sheets = new Map();

// A site may demand Trusted Types; then its policy has to name `kos-components` (docs/overlays.md).
const policy = (() => {
  try {
    return globalThis.trustedTypes?.createPolicy("kos-components", { createHTML: (text) => text });
  } catch {
    return null;
  }
})();

/** A new copy of the markup that a class declares as `static template`. */
export function markupOf(owner) {
  if (!templates.has(owner)) {
    const text = owner.template.trim();
    const parsed = new DOMParser().parseFromString(policy ? policy.createHTML(text) : text, "text/html");
    const fragment = document.createDocumentFragment();
    // A template first of all goes into the parsed document's head.
    fragment.append(...parsed.head.childNodes, ...parsed.body.childNodes);
    templates.set(owner, fragment);
  }
  return document.importNode(templates.get(owner), true);
}

/** A style sheet that any number of shadow roots share; allowed by any `style-src`. */
export function sheetOf(css) {
  if (!sheets.has(css)) {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    sheets.set(css, sheet);
  }
  return sheets.get(css);
}
