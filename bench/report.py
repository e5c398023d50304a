"""Makes ``RESULTS.md`` from the recorded results, so that no figure in it was typed by hand."""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench import results

NOTES = Path(__file__).parent / "NOTES.md"
_FIGURES = (
    ("orders_per_second", "orders/s"),
    ("server_us", "server us"),
    ("database_us", "database us"),
    ("client_us", "client us"),
    ("server_core", "server's core used"),
    ("others_core", "other work, cores"),
    ("p50_ms", "answer p50, ms"),
    ("p99_ms", "p99, ms"),
)

# By heading; those of the whole path are one for each way that processes meet.
_TOLD = {
    "Recount of a result": "recount",
    "Signs of viewers": "viewers",
    "Overlays": "overlays",
    "Handshakes": "handshakes",
    "A crowd": "crowd",
    "Memory of a connection": "memory",
    "Everybody comes back": "reconnect",
    "Followers that do not read": "slow",
    "The whole path": "path-*",
}


def report(folder: Path) -> str:
    """The whole document; a measurement that was not recorded is left out."""
    parts = [
        "# Results\n",
        "Made by `python -m bench.report` from `results/*.json`; how to repeat them: `README.md`.\n",
    ]
    writers = {
        "ingest": _ingest,
        "million": _million,
        "latency": _latency,
        "saturated": _saturated,
        "stalls": _stalls,
    }
    for name, write in writers.items():
        if (result := _read(folder / f"{name}.json")) is not None:
            parts += [*write(result), _machine(result)]
    for title, pattern in _TOLD.items():
        for path in sorted(folder.glob(f"{pattern}.json")):
            if (result := _read(path)) is not None:
                parts += [*_told(title, result), _machine(result)]
    if NOTES.exists():
        parts.append(NOTES.read_text())
    return "\n".join(parts)


def _read(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def _ingest(result: dict[str, Any]) -> Iterable[str]:
    settings = result["settings"]
    yield "## Orders per second\n"
    yield (
        f"{settings['rounds']} rounds of {settings['seconds']:g} s each, contestants in turns; medians. Processor time "
        "is per order. Server on one core, client and PostgreSQL on the other.\n"
    )
    yield _targets(result)
    names = result["medians"]
    rows = [
        [name.replace("_", " "), *(_shown(figures.get(figure)) for figure, _ in _FIGURES)]
        for name, figures in names.items()
    ]
    yield _table(["contestant", *(label for _, label in _FIGURES)], rows)
    verified = ", ".join(f"{name.replace('_', ' ')} {one['entries']:,}" for name, one in result["verify"].items())
    yield f"Every acknowledged order is in its journal, and `kos verify` is clean. Entries: {verified}.\n"


def _million(result: dict[str, Any]) -> Iterable[str]:
    settings = result["settings"]
    yield f"## {settings['orders']:,} orders into one event\n"
    yield f"Batches of {settings['batch']}, {settings['connections']} connections; by step of {settings['step']:,}.\n"
    yield _targets(result)
    for name in ("postgresql", "sqlite"):
        one = result[name]
        columns = list(one["steps"][0])
        rows = [
            [f"{(number + 1) * settings['step']:,}", *(_shown(step[column]) for column in columns)]
            for number, step in enumerate(one["steps"])
        ]
        yield f"### {name}\n"
        yield _table(["orders", *(column.replace("_", " ") for column in columns)], rows)
        sizes = ", ".join(f"{what} {size:,.0f}" for what, size in one["mib"].items())
        verify = one["verify"]
        yield (
            f"MiB stored: {sizes}. Server at most {one['peak_mib']:,.0f} MiB. `kos verify`: {verify['entries']:,} "
            f"entries in {verify['seconds']:.0f} s, {verify['result']}.\n"
        )


def _latency(result: dict[str, Any]) -> Iterable[str]:
    settings = result["settings"]
    yield "## From order to overlay\n"
    yield (
        f"{settings['orders_per_second']} single orders a second, {settings['subscribers']} subscribers of one board, "
        f"{settings['seconds']:g} s.\n"
    )
    yield _targets(result)
    yield _runs("database", [(name, run) for name, each in result["runs"].items() for run in each])


def _saturated(result: dict[str, Any]) -> Iterable[str]:
    settings = result["settings"]
    yield "## Fan-out\n"
    under_way = " or ".join(f"{window} ({int(size):,})" for size, window in settings["windows"].items())
    yield (
        f"Messages of {settings['message_bytes']} bytes from one publisher to all subscribers. Saturated: always so "
        f"many under way: {under_way}. Paced: {settings['pace_per_second']} a second. {settings['rounds']} rounds of "
        f"{settings['seconds']:g} s each, contestants in turns; medians, by the server's processor time.\n"
    )
    yield _targets(result)
    for subscribers, by_name in result["medians"].items():
        yield f"### {int(subscribers):,} subscribers\n"
        yield _runs("contestant", [(name.replace("_", " "), figures) for name, figures in by_name.items()])
    if result["left_out"]:
        why = "; ".join(f"{name} ({reason})" for name, reason in result["left_out"].items())
        yield f"Not measured here: {why}.\n"


def _stalls(result: dict[str, Any]) -> Iterable[str]:
    settings = result["settings"]
    yield "## Stalls of the event loop\n"
    yield (
        f"{settings['subscribers']:,} subscribers, {settings['messages_per_second']} messages a second for "
        f"{settings['seconds']:g} s, and `GET /lag` about sixty times a second from the core of the subscribers.\n"
    )
    yield _targets(result)
    yield _runs("round", [(str(number), run) for number, run in enumerate(result["runs"], 1)])


def _told(title: str, result: dict[str, Any]) -> Iterable[str]:
    """A measurement whose runs are rows that name themselves in their first column, or are numbered."""
    yield f"## {title}\n"
    yield f"{result['about']}\n"
    yield _targets(result)
    first = next(iter(result["runs"][0]))
    if isinstance(result["runs"][0][first], str):
        rows = [(run[first], {name: value for name, value in run.items() if name != first}) for run in result["runs"]]
        yield _runs(first, rows)
    else:
        yield _runs("run", [(str(number), run) for number, run in enumerate(result["runs"], 1)])


def _runs(first: str, runs: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """One row for each, with all of its figures."""
    columns = list(runs[0][1])
    rows = [[name, *(_shown(run[column]) for column in columns)] for name, run in runs]
    return _table([first, *(column.replace("_", " ") for column in columns)], rows)


def _targets(result: dict[str, Any]) -> str:
    rows = []
    for one in result["targets"]:
        sign = "<=" if one["at_most"] else ">="
        bounds = [f"{sign} {_shown(one[bound])}" if one[bound] is not None else "" for bound in ("floor", "aim")]
        verdict = {
            (True, True): "aim met",
            (True, False): "floor met, aim missed",
            (True, None): "met",
            (None, None): "for comparison",
        }
        told = verdict.get((one["floor_met"], one["aim_met"]), "MISSED")
        each = ", ".join(_shown(value) for value in one.get("rounds", ()))
        rows.append([one["name"], _shown(one["value"]), *bounds, told, each])
    return _table(["target", "measured", "floor", "aim", "verdict", "each round"], rows)


def _machine(result: dict[str, Any]) -> str:
    told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in result["machine"].items())
    return f"Recorded {result['recorded_at']} on: {told}.\n"


def _shown(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---", *("---:" for _ in header[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def main() -> None:
    """Write the document beside the results' folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=results.FOLDER)
    folder = parser.parse_args().results
    path = folder.parent / "RESULTS.md"
    path.write_text(report(folder))
    print(f"wrote {path.name}")


if __name__ == "__main__":
    main()
