"""What clients did and what they were told, in a file of their own: each line is on the disk before the next call.

Shape: one object of JSON a line, in the order of what happened. ``sent`` comes before a call leaves, ``told`` after its
answer came or did not come; a call without ``told`` is one of which nobody knows. ``shown`` and ``looked`` are what a
reader (a client at one process) was shown. Contents of orders are ``[id, host, minor units]``.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx2
import orjson

Content = tuple[str, str, int]
# Nothing was sent, so nothing can have been done; told apart from what was lost on its way.
NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


def classify(answer: httpx2.Response | Exception) -> str:
    """What a client may conclude of a call that did not succeed.

    ``transient``: try again, nothing is wrong with it. ``ambiguous``: it may or may not have been done. ``business``: a
    refusal that says why. ``unclassified``: what no client was told to expect, and so a finding.
    """
    if isinstance(answer, NEVER_SENT):
        return "transient"
    if isinstance(answer, httpx2.TransportError):
        return "ambiguous"
    if isinstance(answer, httpx2.Response):
        if answer.is_success:
            return "ok"
        return classify_item(answer.status_code, _code_of(answer), "retry-after" in answer.headers)
    return "unclassified"


def classify_item(status: int, code: str, may_retry: bool = True) -> str:
    """The same of one answer in a batch."""
    if status in (200, 201):
        return "ok"
    if status == 503 and code and may_retry:
        return "transient"
    return "business" if 400 <= status < 500 and code else "unclassified"


def _code_of(response: httpx2.Response) -> str:
    try:
        return str(response.json().get("code", ""))
    except (ValueError, AttributeError):
        return ""


def minor_units(amount: str) -> int:
    """Of a currency with two decimals."""
    return int(amount.replace(".", ""))


class ClientLog:
    """Appends lines, each flushed to the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._out = path.open("ab")
        self._calls = 0

    def sent(self, reader: str, contents: Sequence[Content]) -> int:
        """Before a call leaves; returns its number."""
        self._calls += 1
        self._write({"at": "sent", "call": self._calls, "reader": reader, "orders": contents})
        return self._calls

    def lost(self, call: int, error: Exception) -> None:
        """No answer came."""
        self._write({"at": "told", "call": call, "class": classify(error), "why": repr(error)})

    def answered(self, call: int, response: httpx2.Response, is_batch: bool) -> None:
        """An answer came; each of its items has a class of its own."""
        told: dict[str, Any] = {"at": "told", "call": call, "class": classify(response), "why": response.text[:200]}
        if response.is_success:
            answer = response.json()
            items = answer["results"] if is_batch else [{"status": response.status_code, **answer}]
            told["items"] = [
                {
                    "class": classify_item(item["status"], item.get("code", "")),
                    "status": item["status"],
                    "answer": {name: item[name] for name in ("position", "credits") if name in item},
                }
                for item in items
            ]
            told["why"] = ""
        self._write(told)

    def shown(self, reader: str, position: int, scores: dict[str, int]) -> None:
        """A board that a reader was shown; minor units by host."""
        self._write({"at": "shown", "reader": reader, "position": position, "scores": scores})

    def looked(self, reader: str, order: str, is_there: bool) -> None:
        """Whether a reader was shown an order that it asked for."""
        self._write({"at": "looked", "reader": reader, "order": order, "there": is_there})

    def close(self) -> None:
        self._out.close()

    def _write(self, record: dict[str, Any]) -> None:
        self._out.write(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
        self._out.flush()
        os.fsync(self._out.fileno())


def read_log(path: Path) -> list[dict[str, Any]]:
    """Lines that were written whole; the last one may not be."""
    lines = path.read_bytes().split(b"\n")
    return [orjson.loads(line) for line in lines[:-1]]
