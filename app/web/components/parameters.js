// What attributes and addresses say, within bounds.

/** A whole number from a parameter, within bounds; `otherwise` when it is none. */
export function integer(text, least, most, otherwise) {
  const number = Number(text);
  return text && Number.isInteger(number) ? Math.min(most, Math.max(least, number)) : otherwise;
}

/** A decimal number from a parameter, within bounds; `otherwise` when it is none. */
export function decimal(text, least, most, otherwise) {
  const number = Number(text);
  return text && Number.isFinite(number) ? Math.min(most, Math.max(least, number)) : otherwise;
}

/** One of a few words; the first when it is none of them. */
export function oneOf(text, choices) {
  return choices.includes(text) ? text : choices[0];
}
