// Files that the server makes only for whoever asks for their format: fetched, then kept as a file.

import { Problem, addressOf } from "./api.js";

/** Keep an answer as a file. Errors: Problem. */
export async function download(path, { params, accept, name }) {
  let response;
  try {
    response = await fetch(addressOf(path, params), { headers: { Accept: accept }, credentials: "same-origin" });
  } catch {
    throw new Problem(0, { code: "unreachable", detail: "The server could not be reached." });
  }
  if (!response.ok) throw new Problem(response.status, await response.json().catch(() => ({})));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // Not at once: the browser reads it when the click is over.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
