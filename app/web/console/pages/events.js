import { html } from "../ui/html.js";
export default function Events() { return html`<h1>Events</h1>`; }
