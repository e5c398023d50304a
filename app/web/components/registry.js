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

const failures = new Map();

/** Load a component and define its element; its class. Errors: TypeError if it cannot be loaded now. */
export async function component(name) {
  const failed = failures.get(name) ?? 0;
  try {
    // Browsers remember that an address could not be loaded, so the next attempt takes another.
    await import(failed ? `./kos-${name}.js?${failed}` : `./kos-${name}.js`);
  } catch (error) {
    failures.set(name, failed + 1);
    throw error;
  }
  return customElements.get(`kos-${name}`);
}
