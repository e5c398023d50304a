// The journal's hashes and signatures, computed anew in the browser. The bytes are those of docs/journal.md.

import { entriesBehind } from "./entries.js";

const PAGE = 2_000;
const FINDINGS_MAX = 20;
const text = new TextEncoder();

/** Whether this browser can: its cryptography is for secure origins only. */
export const canHash = () => Boolean(globalThis.crypto?.subtle);

const hexOf = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));

/** Microseconds since 1970 of an RFC 3339 time in UTC with six decimals. */
export function microseconds(time) {
  return BigInt(Date.parse(`${time.slice(0, 19)}Z`)) * 1000n + BigInt(time.slice(20, 26));
}

function number(bytes, value) {
  const written = new DataView(new ArrayBuffer(bytes));
  if (bytes === 4) written.setUint32(0, value);
  else written.setBigInt64(0, BigInt(value));
  return new Uint8Array(written.buffer);
}

const measured = (bytes) => [number(4, bytes.length), bytes];

function joined(parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const sha256 = async (bytes) => hexOf(await crypto.subtle.digest("SHA-256", bytes));

/** The hash that follows from an entry's fields, in hex. */
export function hashOf(event, entry) {
  return sha256(
    joined([
      text.encode("kos.entry.1"),
      bytesOf(entry.prev_hash),
      number(8, entry.position),
      number(8, microseconds(entry.occurred_at)),
      number(8, microseconds(entry.recorded_at)),
      ...measured(text.encode(entry.raw)),
      ...[event, entry.kind, entry.key, entry.actor].flatMap((each) => measured(text.encode(each))),
    ]),
  );
}

/** Whether a checkpoint's signature is of one of the keys; null if this browser cannot tell. */
export async function isSigned(event, checkpoint, keys) {
  const key = keys.find((each) => each.id === checkpoint.key);
  if (!key || (await sha256(bytesOf(key.public))) !== key.fingerprint) return false;
  const signed = joined([
    text.encode("kos.checkpoint.1"),
    ...measured(text.encode(event)),
    number(8, checkpoint.position),
    bytesOf(checkpoint.hash),
    number(8, microseconds(checkpoint.made_at)),
  ]);
  try {
    const imported = await crypto.subtle.importKey("raw", bytesOf(key.public), "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", imported, bytesOf(checkpoint.signature), signed);
  } catch {
    return null;
  }
}

/**
 * Check the journal from its first entry up to `head`.
 *
 * Answers `{entries, signed, unsigned, findings}`: how many entries were checked, how many checkpoints were found signed and
 * how many this browser could not check, and up to FINDINGS_MAX of `{position, text}`. `tell(position)` hears how far it is.
 */
export async function checkChain({ event, head, checkpoints, keys, signal, tell }) {
  const result = { entries: 0, signed: 0, unsigned: 0, findings: [] };
  const find = (position, what) => result.findings.length < FINDINGS_MAX && result.findings.push({ position, text: what });
  const marked = new Map(checkpoints.map((each) => [each.position, each]));
  let before = { position: 0, hash: "0".repeat(64), recorded_at: "" };
  while (before.position < head) {
    const page = await entriesBehind(event, before.position, Math.min(PAGE, head - before.position), signal);
    if (!page.length) break;
    const hashes = await Promise.all(page.map((entry) => hashOf(event, entry)));
    for (const [index, entry] of page.entries()) {
      if (entry.position !== before.position + 1) find(entry.position, `Entry ${before.position + 1} is missing.`);
      if (entry.prev_hash !== before.hash) find(entry.position, "It does not continue the entry before it.");
      if (entry.hash !== hashes[index]) find(entry.position, "Its hash does not follow from its fields.");
      if (entry.recorded_at <= before.recorded_at) find(entry.position, "It was recorded before the entry before it.");
      await checkMark(event, entry, marked.get(entry.position), keys, result, find);
      before = entry;
    }
    result.entries += page.length;
    tell(before.position);
  }
  if (before.position < head) find(before.position, `The journal ends here, and should go on to ${head}.`);
  return result;
}

async function checkMark(event, entry, checkpoint, keys, result, find) {
  if (!checkpoint) return;
  if (checkpoint.hash !== entry.hash) find(entry.position, "Its signed checkpoint names another hash.");
  const verdict = await isSigned(event, checkpoint, keys);
  if (verdict === false) find(entry.position, "The signature of its checkpoint is wrong.");
  else if (verdict) result.signed += 1;
  else result.unsigned += 1;
}
