// The API's reference, drawn by Swagger UI from the document that the server makes of its own routes.
"use strict";

// A call's path is the text of the button that unfolds it. Swagger UI makes it a link inside that button, which a keyboard
// and a screen reader meet twice; unfolding sets the address all the same.
const plainPaths = {
  wrapComponents: {
    DeepLink: (_, system) => (props) => system.React.createElement("span", null, props.text),
  },
};

// What it leaves out: levels of headings that follow each other, and landmarks around what is not a call.
const MENDED = [
  ["h3.opblock-tag, section.models > h4", { ariaLevel: "2" }],
  [".information-container", { role: "banner" }],
  [".scheme-container", { role: "region", ariaLabel: "Server and key" }],
];

function mend(root) {
  new MutationObserver(() => {
    for (const [selector, properties] of MENDED) {
      for (const element of root.querySelectorAll(selector)) Object.assign(element, properties);
    }
  }).observe(root, { childList: true, subtree: true });
}

window.addEventListener("DOMContentLoaded", () => {
  mend(document.getElementById("docs"));
  window.SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#docs",
    deepLinking: true,
    plugins: [plainPaths],
    // Nothing is asked of anybody else: no validator badge.
    validatorUrl: null,
  });
});
