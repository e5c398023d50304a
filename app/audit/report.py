"""What a verification looks for, and what it tells of it."""

from dataclasses import dataclass, field
from typing import Any

FINDINGS_MAX = 100

PASSES = {
    "position_gap": "positions run from 1 to the head, each once",
    "chain_broken": "each entry names the hash of the one before",
    "hash_mismatch": "each entry's fields give the hash that is stored with it",
    "head_mismatch": "the head is the last entry",
    "body_not_canonical": "each body is canonical JSON",
    "time_not_increasing": "recorded_at strictly increases",
    "kind_unknown": "every entry is of a known kind and can be folded",
    "postings_unbalanced": "an entry's postings sum to zero per currency",
    "postings_mismatch": "the postings are those that the entry's body gives, no more and no less",
    "credits_mismatch": "an order's credits sum to its lines, in money and units",
    "split_unfair": "each host of a shared line has its weight's part of it, to within one unit",
    "team_mismatch": "a credit's team is the host's team when the order was paid, as the roster said by then",
    "cause_missing": "whatever an entry answers, ends or corrects is there before it, and only once",
    "about_mismatch": "each entry is found in the database under the order that it is about",
    "order_overdrawn": "of an order, and of each of its lines, between nothing and all that was paid is taken",
    "reattribution_unbalanced": "a correction gives hosts what it takes from others, line by line",
    "order_not_cleared": "an order that is cancelled or refunded in full leaves no host anything",
    "commission_mismatch": "the commission of each order and host is what is left of the order makes it",
    "suspense_mismatch": "what waits for its order is what the account Unmatched-Refunds holds",
    "payable_mismatch": "commission held, available and paid out is what the ledger says; nobody is paid more than it",
    "statement_gap": "the ranges of statements follow one another without gap or overlap",
    "final_changed": "after the event is final nothing comes that could change its result",
    "board_mismatch": "a fold of the postings gives the boards' money",
    "state_mismatch": "each stored state is what the entries before it fold to",
    "checkpoint_unsigned": "each stored checkpoint is signed by a key of this installation",
    "checkpoint_mismatch": "the entry at a checkpoint has the hash that the checkpoint names",
    "tail_missing": "the journal goes at least as far as every checkpoint",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, where, and which pass says so."""

    code: str
    position: int
    detail: str


@dataclass(slots=True)
class Report:
    """What a verification saw. ``complete`` is False if it could not cover everything: then it is no pass.

    ``content_digest`` is empty unless it was asked for. ``checkpoints`` is how many that were kept elsewhere the event
    was compared with, ``signed`` how many of its own. ``first`` is the position that it began at.
    """

    event: str
    entries: int = 0
    postings: int = 0
    states: int = 0
    first: int = 1
    head: int = 0
    head_hash: str = ""
    content_digest: str = ""
    checkpoints: int = 0
    signed: int = 0
    complete: bool = True
    findings: list[Finding] = field(default_factory=list)

    def find(self, code: str, position: int, detail: str) -> None:
        """Note a finding; past ``FINDINGS_MAX`` the rest is not listed and the report says it is incomplete."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(code, position, detail))
        else:
            self.complete = False

    @property
    def exit_code(self) -> int:
        """0 clean, 1 something was found, 2 not everything could be covered."""
        if self.findings:
            return 1
        return 0 if self.complete else 2

    def document(self) -> dict[str, Any]:
        """The report for a script."""
        failed = {finding.code for finding in self.findings}
        document: dict[str, Any] = {
            "event": self.event,
            "result": ("clean", "found", "incomplete")[self.exit_code],
            "first": self.first,
            "head": self.head,
            "head_hash": self.head_hash,
            "entries": self.entries,
            "postings": self.postings,
            "states": self.states,
            "signed": self.signed,
            "passes": {code: "failed" if code in failed else "ok" for code in PASSES},
            "findings": [{"code": f.code, "position": f.position, "detail": f.detail} for f in self.findings],
        }
        if self.checkpoints:
            document["checkpoints"] = self.checkpoints
        return document | ({"content_digest": self.content_digest} if self.content_digest else {})
