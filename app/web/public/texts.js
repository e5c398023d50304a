// How the event scores, in plain words from its rules, and what its result can be checked against.

import { at, make, put } from "./dom.js";

/** Both sections anew; `about` is the event's public document. */
export function showTexts(about, words, format, root, event) {
  put(at("rules-title"), words.scoring);
  put(at("verify-title"), words.verify);
  at("rules-text").replaceChildren(...rulesOf(about, words, format));
  at("verify-text").replaceChildren(...proofOf(about, words, format, root, event));
}

function paragraph(...children) {
  return make("p", "", ...children);
}

function heading(text) {
  return make("h3", "", text);
}

function rulesOf(about, words, format) {
  const { ranks, attribution, claim_days: days, claim_answer_days: answer, version } = about.rules;
  const zone = about.timezone;
  return [
    paragraph(words.scoringMeasure),
    paragraph(words.scoringTeam),
    heading(words.scoringWho),
    paragraph(words.scoringFirst),
    make("ol", "", ...attribution.precedence.map((touch) => make("li", "", touchOf(touch, attribution, words)))),
    paragraph(words.scoringNobody),
    ...(attribution.precedence.some((touch) => touch === "session" || touch === "pin")
      ? [paragraph(words.split[attribution.split])]
      : []),
    ...purchases(attribution, words).map((text) => paragraph(text)),
    ...(attribution.store_bps ? [paragraph(words.store(format.percent(attribution.store_bps / 10000)))] : []),
    heading(words.scoringWhen),
    paragraph(words.scoringWindow(format.moment(about.starts_at), format.moment(about.ends_at))),
    paragraph(words.scoringDay(zone)),
    paragraph(words.scoringRefunds),
    paragraph(words.scoringClaims(format.count(days), format.count(answer))),
    heading(words.scoringTies),
    paragraph(words.ties[ranks]),
    make("p", "quiet", words.version(format.count(version))),
  ];
}

function touchOf(touch, attribution, words) {
  const days = { click: attribution.click_days, pin: attribution.cart_days };
  return words.touch[touch]?.(days[touch]) ?? touch;
}

function purchases(attribution, words) {
  if (attribution.staff_purchase === "exclude") return [words.staffExcluded];
  if (attribution.self_purchase === "exclude") return [words.selfExcluded];
  return [words.purchasesCount];
}

function proofOf(about, words, format, root, event) {
  const { signed, result } = about;
  return [
    paragraph(words.verifyWhy),
    ...(result ? [heading(words.verifyResult), paragraph(words.verifyResultWhy(format.count(result.position)))] : []),
    ...(result ? [facts([[words.hash, code(result.hash)]])] : []),
    heading(words.verifySigned),
    ...(signed ? signatureOf(signed, words, format, root) : [paragraph(words.verifyUnsigned)]),
    heading(words.verifyHow),
    make(
      "ol",
      "",
      make("li", "", words.verifyPackage),
      make("li", "", words.verifyRun, " ", code(`python3 kos_recount.py ${event}.kos.ndjson --key ${signed?.fingerprint ?? "…"}`)),
      make("li", "", words.verifyCompare),
    ),
  ];
}

function signatureOf(signed, words, format, root) {
  const keys = make("a", "", words.keys);
  keys.href = new URL(".well-known/kos-keys.json", root).href;
  const fingerprint = make("span", "", code(signed.fingerprint), " (", keys, ")");
  const told = facts([
    [words.hash, code(signed.hash)],
    [words.signedAt, format.moment(signed.made_at)],
    [words.fingerprint, fingerprint],
  ]);
  return [told, paragraph(words.verifySignedWhy)];
}

function facts(pairs) {
  return make("dl", "", ...pairs.flatMap(([name, value]) => [make("dt", "", name), make("dd", "", value)]));
}

function code(text) {
  return make("code", "", text);
}
