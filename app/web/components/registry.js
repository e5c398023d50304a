// Which components there are. Each is a module of its own, loaded when it is first needed.

export const COMPONENTS = [
  "board",
  "ticker",
  "team-bar",
  "host-card",
  "goal",
  "viewers",
  "countdown",
  "product",
  "announcement",
];

/** Load a component and define its element; its class. Errors: TypeError if it cannot be loaded. */
export async function component(name) {
  await import(`./kos-${name}.js`);
  return customElements.get(`kos-${name}`);
}
