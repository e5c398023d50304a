import { html } from "../ui/html.js";
export default function Order() { return html`<h1>Order</h1>`; }
