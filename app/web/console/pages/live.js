import { html } from "../ui/html.js";
export default function Live() { return html`<h1>Live</h1>`; }
