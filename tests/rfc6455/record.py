"""Makes ``docs/rfc6455.md`` of a report of the Autobahn suite, so that no result in it was typed by hand.

    python -m tests.rfc6455.record REPORT/index.json docs/rfc6455.md

What is written by hand is the text around the table and why a case is not plainly OK; a case without a reason is
named as unexplained.
"""

import json
import platform
import sys
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

GROUPS = {
    1: "framing",
    2: "pings and pongs",
    3: "reserved bits",
    4: "opcodes",
    5: "fragmentation",
    6: "UTF-8",
    7: "closing",
    9: "large messages, limits",
    10: "segmentation",
}
AGENTS = ("handed over", "attached")
# As the suite calls them, and how they are read.
BEHAVIOURS = {"OK": "OK", "NON-STRICT": "non-strict", "INFORMATIONAL": "informational", "FAILED": "failed"}
# By the beginning of the number of a case: the longest one that fits holds.
WHY = {
    "3.": "the frame with a reserved bit ends the connection with 1002 before the message in front of it, which came "
    "in the same segment, was echoed: the server's parser is ahead of the application",
    "4.": "as 3: the reserved opcode is refused before the message in front of it was echoed",
    "5.15": "as 3: the misplaced continuation is refused before the message in front of it was echoed",
    "6.4": "a text is checked when it is whole, not byte by byte, so it is refused (1007) with its last frame and not "
    "with the first wrong byte",
    "7.1.5": "answered with 1002 instead of the client's code: the server's parser takes a close in the middle of a "
    "fragmented message for an error. Seen by nobody but a client that leaves so",
    "7.1.6": "a close behind a message that is still being echoed; the suite judges nothing",
    "7.13": "a close code that nobody may send is answered with 1002; the suite judges nothing",
}
HEAD = """# RFC 6455

What the [Autobahn suite](https://github.com/crossbario/autobahn-testsuite) says of both kinds of connection: *handed
over*, as `kos serve` has it (`app/realtime/socket.py`, with our own frame parser), and *attached*, as any other ASGI
server would serve us (`app/realtime/asgi.py`, here on uvicorn, whose parser reads and answers then).

    tests/rfc6455/run.sh

wants Python 2.7, for which the suite is written, and is not part of `./test.sh`; it writes this page. The stream
answers JSON and echoes nothing, so `tests/rfc6455/echo.py` stands in for it: the same subscriber, frame parser and
transport, whose owner sends back what it takes, with a limit of 64 MiB for a message instead of 4 kB.

Left out: 12 and 13, compression. The stream offers none ([why](decisions/0009-connections-without-tasks.md)) and a
handshake that asks for it is accepted without.

Attached, how many of 3, 4 and 5 are non-strict changes from run to run: it is a race in the server between its parser,
which ends the connection, and the application, which was about to answer.
"""


def record(report: Mapping[str, Mapping[str, Any]]) -> str:
    """The page."""
    parts = [HEAD, _versions(), "## Results\n", _table(report), "## Not plainly OK\n", _explained(report)]
    return "\n".join(parts)


def _versions() -> str:
    names = ("uvicorn", "websockets", "uvloop", "starlette")
    told = ", ".join(f"{name} {version(name)}" for name in names)
    return f"autobahntestsuite 25.10.1 against Python {platform.python_version()}, {told}.\n"


def _table(report: Mapping[str, Mapping[str, Any]]) -> str:
    words = list(BEHAVIOURS.values())
    header = ["cases", *(f"{agent}: {word}" for agent in AGENTS for word in words)]
    lines = [header, ["---", *("---:" for _ in header[1:])]]
    counted = {
        agent: Counter((_group(case), _behaviour(told)) for case, told in report[agent].items()) for agent in AGENTS
    }
    for group, name in GROUPS.items():
        lines.append([f"{group} {name}", *(str(counted[a][group, word] or "") for a in AGENTS for word in words)])
    total = [str(sum(n for (_, one), n in counted[a].items() if one == word)) for a in AGENTS for word in words]
    lines.append(["all", *total])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _explained(report: Mapping[str, Mapping[str, Any]]) -> str:
    found: dict[tuple[str, str, str], list[str]] = {}
    for agent in AGENTS:
        for case, told in sorted(report[agent].items(), key=lambda item: [int(part) for part in item[0].split(".")]):
            if (behaviour := _behaviour(told)) != "OK":
                found.setdefault((agent, behaviour, _why(case)), []).append(case)
    return (
        "\n".join(f"- {agent}, {word}: {', '.join(cases)}: {why}." for (agent, word, why), cases in found.items())
        + "\n"
    )


def _behaviour(told: Mapping[str, Any]) -> str:
    """Of message and close together: the worse one."""
    order = ("FAILED", "NON-STRICT", "INFORMATIONAL", "OK")
    both = {told["behavior"], told["behaviorClose"]}
    return BEHAVIOURS[next((one for one in order if one in both), "FAILED")] if both <= set(order) else "failed"


def _group(case: str) -> int:
    return int(case.partition(".")[0])


def _why(case: str) -> str:
    fitting = [prefix for prefix in WHY if case.startswith(prefix)]
    return WHY[max(fitting, key=len)] if fitting else "unexplained"


if __name__ == "__main__":
    Path(sys.argv[2]).write_text(record(json.loads(Path(sys.argv[1]).read_text())))
