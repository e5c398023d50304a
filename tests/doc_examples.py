"""Examples of the documents, found and run: blocks marked ``run``, and the ``answer`` that each is said to get.

```bash run            `curl` and `kos` (or `./run.sh`) command lines, without a shell and without curl; settings may
                       stand before `kos`, as in `KOS_DATABASE_URL=… kos restore FILE`
```python run          a program of its own, with KOS and KEY in its environment
```json answer 201     status and body of the last call before it
```text answer         output of the program before it, or of the last command

In an answer "…" stands for anything, and so does every member named in VARYING or after ``varies:`` on its fence.
"""

import json
import re
import shlex
import string
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.app_server import AppServer
from tests.processes import environment

VARYING = frozenset({"epoch", "hash", "head_hash", "prev_hash", "recorded_at"})
ANYTHING = "…"
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SETTING = re.compile(r"(KOS_\w+)=(.*)", re.DOTALL)
_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, the other words of its fence, its text and where it begins."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Example:
    """A block to run and the answer that the document gives for it, if it gives one."""

    run: Block
    answer: Block | None


@dataclass(frozen=True, slots=True)
class Result:
    """What a call or a program gave. ``status``: of HTTP, or the exit code."""

    status: int
    text: str
    is_http: bool = False

    @property
    def is_good(self) -> bool:
        return self.status < 400 if self.is_http else self.status == 0


def examples(document: str) -> Iterator[Example]:
    """Every example of a document, in order."""
    blocks = [
        Block(found[1], tuple(found[2].split()), found[3], document.count("\n", 0, found.start()) + 1)
        for found in _FENCE.finditer(document)
    ]
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if "run" in block.words:
            has_answer = following is not None and "answer" in following.words
            yield Example(block, following if has_answer else None)


def run(block: Block, server: AppServer, variables: dict[str, str]) -> Result:
    """Run one block; all its commands but the last must succeed."""
    if block.language == "python":
        return _program([sys.executable, "-c", block.text], server, variables)
    result = Result(0, "")
    for command in commands(block.text, variables):
        assert result.is_good, f"before {command}: {result}"
        if command[0] == "curl":
            result = curl(command[1:])
        else:
            settings = {found[1]: found[2] for word in command if (found := _SETTING.fullmatch(word))}
            words = command[len(settings) + 1 :]
            result = _program([str(Path(sys.executable).with_name("kos")), *words], server, variables | settings)
    return result


def commands(text: str, variables: dict[str, str]) -> list[list[str]]:
    """Command lines as words; quotes and continued lines as in a shell, variables from ``variables`` only."""
    words = shlex.split(string.Template(text.replace("\\\n", " ")).safe_substitute(variables), comments=True)
    found: list[list[str]] = []
    for word in words:
        is_begun = bool(found) and all(map(_SETTING.fullmatch, found[-1]))
        if (word in ("curl", "kos", "./run.sh") or _SETTING.fullmatch(word)) and not is_begun:
            found.append([])
        found[-1].append(word)
    return found


def curl(words: list[str]) -> Result:
    """What curl would do with these words. Knows -X, -H, -d, --data-binary and addresses; fails on all others."""
    method, address, body, headers = "", "", None, {}
    rest = iter(words)
    for word in rest:
        if word == "-X":
            method = next(rest)
        elif word == "-H":
            name, _, value = next(rest).partition(":")
            headers[name] = value.strip()
        elif word in ("-d", "--data-binary"):
            body = next(rest)
        elif not word.startswith("-"):
            address = word
        else:
            raise AssertionError(f"curl {word}")
    if body is not None:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    default = "GET" if body is None else "POST"
    response = httpx2.request(method or default, address, content=body, headers=headers, timeout=_SECONDS_MAX)
    return Result(response.status_code, response.text, is_http=True)


def _program(command: list[str], server: AppServer, variables: dict[str, str]) -> Result:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=_SECONDS_MAX,
        cwd=server.directory,
        env=environment(**(server.variables | variables)),
    )
    return Result(done.returncode, done.stdout or done.stderr)


def differences(answer: Block, result: Result) -> list[str]:
    """Where a result is not what the document says; empty if it is."""
    if answer.language != "json":
        same = answer.text.strip() == result.text.strip()
        return [] if same and result.is_good else [f"exit code {result.status}: {result.text}"]
    status, *more = [word for word in answer.words if word != "answer"]
    if result.status != int(status):
        return [f"{result.status} instead of {status}: {result.text}"]
    varying = VARYING | set(more[more.index("varies:") + 1 :] if "varies:" in more else ())
    return list(_unlike(json.loads(answer.text), json.loads(result.text), "", varying))


def _unlike(said: Any, given: Any, where: str, varying: frozenset[str] | set[str]) -> Iterator[str]:
    if isinstance(said, dict) and isinstance(given, dict):
        if said.keys() != given.keys():
            yield f"{where or 'the answer'} has {sorted(given)}, the document says {sorted(said)}"
            return
        for name in said.keys() - varying:
            yield from _unlike(said[name], given[name], f"{where}.{name}", varying)
    elif isinstance(said, list) and isinstance(given, list) and len(said) == len(given):
        for number, (one, other) in enumerate(zip(said, given, strict=True)):
            yield from _unlike(one, other, f"{where}[{number}]", varying)
    elif said != given and not (isinstance(said, str) and ANYTHING in said):
        yield f"{where} is {given!r}, the document says {said!r}"
