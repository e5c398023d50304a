// The API's reference, drawn by Swagger UI from the document that the server makes of its own routes.
"use strict";

window.addEventListener("DOMContentLoaded", () => {
  window.SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#docs",
    deepLinking: true,
    // Nothing is asked of anybody else: no validator badge.
    validatorUrl: null,
  });
});
