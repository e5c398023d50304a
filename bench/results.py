"""What every measurement shares: where its result goes, how a target is judged, which core this process keeps to."""

import argparse
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import machine

FOLDER = Path(__file__).parent / "results"
_PACKAGES = ("uvicorn", "uvloop", "asyncpg", "fastapi", "sqlalchemy", "msgspec")
# Above this much other work a rate says more about the machine than about the contestant.
_OTHERS_CORE_MAX = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that every measurement takes."""
    parser.add_argument("--quick", action="store_true", help="seconds instead of minutes: is the harness right?")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the result")


@contextmanager
def pinned() -> Iterator[None]:
    """Keep this process, and all that it starts without another word, off the server's core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {machine.cores()[1]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def described() -> dict[str, Any]:
    return machine.described(_PACKAGES)


def target(
    name: str, value: float, floor: float | None, aim: float | None = None, at_most: bool = False, **more: Any
) -> dict[str, Any]:
    """One target and whether it was met; ``at_most`` when less is better."""

    def met(bound: float | None) -> bool | None:
        return None if bound is None else (value <= bound if at_most else value >= bound)

    return {
        "name": name,
        "value": value,
        "floor": floor,
        "aim": aim,
        "at_most": at_most,
        "floor_met": met(floor),
        "aim_met": met(aim),
        **more,
    }


def warn_unless_quiet(others_core: Iterable[float]) -> None:
    """Say so when other work took too much of the machine. Units: cores, of each contestant."""
    most = max(others_core)
    if most > _OTHERS_CORE_MAX:
        print(f"NOT QUIET: other work used {most:.2f} cores, so the rates are not to be trusted")


def write(folder: Path, name: str, result: dict[str, Any]) -> None:
    """Write ``{folder}/{name}.json`` and print its targets."""
    folder.mkdir(parents=True, exist_ok=True)
    recorded_at = datetime.now(UTC).isoformat(timespec="seconds")
    document = _rounded({"name": name, "recorded_at": recorded_at, **result})
    path = folder / f"{name}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    for one in document["targets"]:
        verdict = {True: "met", False: "MISSED", None: "-"}
        print(
            f"{one['name']:45} {one['value']:>10}  floor {one['floor']} {verdict[one['floor_met']]}"
            f"  aim {one['aim']} {verdict[one['aim_met']]}"
        )


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 3) if abs(value) < 100 else round(value)
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value
