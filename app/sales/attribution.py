"""Who earned an order: the declared precedence over what the order brings, and the receipt that says why. Pure.

Precedence here: explicit host, then code, then the session that the order names, then House. House stands for
"nobody": its credits make totals tie out.
"""

from typing import Any, Protocol

from app.errors import Invalid
from app.sales.facts import line_amounts
from app.sales.money import split
from app.sales.nobody import HOUSE, NO_TEAM

# Every refund of the order goes through all its credits again, and they all stand in one entry.
CREDITS_MAX = 4_000


class Standing(Protocol):
    """What attribution asks of an event's state; implemented by ``app.state.State``."""

    def has_host(self, host: str) -> bool: ...

    def host_of_code(self, code: str) -> str | None: ...

    def team_of(self, host: str, at: int) -> str: ...

    def session_weights(self, session: str) -> list[tuple[str, int]] | None: ...


def attribute(standing: Standing, fact: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Credits of every line, and the candidates that were considered with what became of each.

    Shape: credits ``{line, host, team, amount, units, reason}`` by line, then host; the amounts of a line sum to
    its net amount and the units to its quantity. Candidates ``{by, id, outcome}`` in order of precedence; outcome is
    ``won``, ``outranked`` or why it could not win.
    Errors: Invalid ``unknown_host``, ``unknown_session``: the order names something that is not there;
    ``too_many_credits``.
    """
    winners, reason, candidates = _choose(standing, fact)
    paid_at = fact["paid_at"]
    shares = [(host, NO_TEAM if host == HOUSE else standing.team_of(host, paid_at)) for host, _ in winners]
    if len(fact["lines"]) * len(shares) > CREDITS_MAX:
        raise Invalid(
            "too_many_credits",
            f"Lines times co-hosts are at most {CREDITS_MAX}; these are {len(fact['lines'])} x {len(shares)}. "
            "Split the order.",
            "lines",
        )
    weights = [weight for _, weight in winners]
    credits: list[dict[str, Any]] = []
    for line, (net, _) in zip(fact["lines"], line_amounts(fact), strict=True):
        # One host earns the line whole, which is nearly every order: nothing to split.
        alone = len(shares) == 1
        amounts = (net,) if alone else split(net, weights)
        units = (line["quantity"],) if alone else split(line["quantity"], weights)
        for (host, team), amount, unit in zip(shares, amounts, units, strict=True):
            credits.append(
                {
                    "line": line["id"],
                    "host": host,
                    "team": team,
                    "amount": amount,
                    "units": unit,
                    "reason": reason,
                }
            )
    return credits, candidates


def _choose(standing: Standing, fact: dict[str, Any]) -> tuple[list[tuple[str, int]], str, list[dict[str, Any]]]:
    candidates: list[dict[str, Any]] = []
    winners: list[tuple[str, int]] = []
    reason = ""
    for by, name, shares, failure in _offers(standing, fact):
        if failure:
            outcome = failure
        elif winners:
            outcome = "outranked"
        else:
            winners, reason, outcome = shares, by, "won"
        candidates.append({"by": by, "id": name, "outcome": outcome})
    if winners:
        return winners, reason, candidates
    # The last candidate that could not win says best why nobody did.
    return [(HOUSE, 1)], candidates[-1]["outcome"] if candidates else "unattributed", candidates


def _offers(standing: Standing, fact: dict[str, Any]) -> list[tuple[str, str, list[tuple[str, int]], str]]:
    """What the order brings, best first: (by, id, weighted hosts, why it cannot win or "")."""
    offers: list[tuple[str, str, list[tuple[str, int]], str]] = []
    if host := fact.get("host"):
        if not standing.has_host(host):
            raise Invalid("unknown_host", f"The roster has no host {host!r}; add it or correct the order.", "host")
        offers.append(("host", host, [(host, 1)], ""))
    if code := fact.get("code"):
        owner = standing.host_of_code(code)
        offers.append(("code", code, [(owner, 1)], "") if owner else ("code", code, [], "unknown_code"))
    if click := fact.get("click"):
        offers.append(("click", click, [], "unknown_click"))
    if session := fact.get("session"):
        weights = standing.session_weights(session)
        if weights is None:
            raise Invalid(
                "unknown_session",
                f"The event has no session {session!r}; start it or correct the order.",
                "session",
            )
        offers.append(("session", session, weights, ""))
    return offers
