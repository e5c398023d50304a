import { html } from "../ui/html.js";
export default function Orders() { return html`<h1>Orders</h1>`; }
