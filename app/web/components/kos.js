// One script for a page that embeds components: it defines those that the page uses, also those added later.

import { COMPONENTS, component } from "./registry.js";

const SELECTOR = COMPONENTS.map((name) => `kos-${name}`).join(",");
const asked = new Set();

function define(root) {
  for (const element of [root, ...root.querySelectorAll(SELECTOR)]) {
    const name = element.localName?.replace("kos-", "");
    if (!element.localName?.startsWith("kos-") || !COMPONENTS.includes(name) || asked.has(name)) continue;
    asked.add(name);
    component(name).catch((error) => {
      asked.delete(name);
      reportError(error);
    });
  }
}

define(document.documentElement);
new MutationObserver((changes) => {
  for (const { addedNodes } of changes) {
    for (const node of addedNodes) if (node.nodeType === Node.ELEMENT_NODE) define(node);
  }
}).observe(document.documentElement, { childList: true, subtree: true });
