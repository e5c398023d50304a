"""``kos verify``: prove that an event is what its journal says. Exit 0 clean, 1 found, 2 incomplete, 3 cannot run."""

from functools import partial
from pathlib import Path
from typing import Annotated

import orjson
import typer

from app.audit.kept_checkpoints import add_checkpoints, read_checkpoints
from app.audit.verify import PASSES, Report
from app.audit.verify import verify as verify_event
from app.cli.database import CANNOT_RUN, opened_store, progress, run


def verify(
    event: Annotated[str, typer.Option(help="The event; all of them if left out.")] = "",
    digest: Annotated[
        bool, typer.Option("--digest", help="Also print the content digest, to compare with another installation's.")
    ] = False,
    checkpoints: Annotated[
        Path | None, typer.Option(help="Compare with checkpoints kept outside the database: a file of them.")
    ] = None,
    add: Annotated[
        Path | None, typer.Option("--add-checkpoints", help="Append the heads of what is clean to this file.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the reports as JSON, one line per event.")] = False,
) -> None:
    """Recompute hashes, postings and boards from the entries and name everything that does not agree."""
    reports = run(lambda: _verify(event, digest, checkpoints, add, as_json))
    if not reports:
        typer.echo(f"There is no event {event!r}." if event else "The database holds no event.", err=True)
        raise typer.Exit(CANNOT_RUN)
    for report in reports:
        typer.echo(orjson.dumps(report.document()).decode() if as_json else as_text(report))
    raise typer.Exit(max((report.exit_code for report in reports), key=_SEVERITY.index))


# A finding outweighs an incomplete check of another event.
_SEVERITY = (0, 2, 1)


async def _verify(event: str, digest: bool, kept: Path | None, add: Path | None, quiet: bool) -> list[Report]:
    checkpoints = read_checkpoints(kept) if kept else {}
    reports = []
    async with opened_store() as store:
        with progress(quiet) as bars:
            position_of = {head.event: head.position for head in await store.heads([event] if event else None)}
            # What a checkpoint names and the database has not is found, not passed over.
            named = {name for name in checkpoints if event in ("", name)}
            for name in sorted({*position_of, *named}):
                task = bars.add_task(name, total=position_of.get(name, 0))
                kept_of = checkpoints.get(name, ())
                report = await verify_event(store, name, partial(bars.advance, task), digest, kept_of)
                # Entries may have come between the first look at the head and the snapshot.
                bars.update(task, total=report.entries)
                reports.append(report)
    if add:
        add_checkpoints(add, reports)
    return reports


def as_text(report: Report) -> str:
    """The report for a person."""
    lines = [f"{report.event}: {report.entries} entries, {report.postings} postings, head {report.head}"]
    if report.content_digest:
        lines.append(f"  content digest {report.content_digest}")
    for finding in report.findings:
        rule = PASSES[finding.code]
        lines.append(f"  {finding.code} at position {finding.position}: {finding.detail} ({rule})")
    if not report.complete:
        lines.append("  incomplete: not everything could be checked")
    lines.append({0: "  clean", 1: f"  {len(report.findings)} findings", 2: "  no pass"}[report.exit_code])
    return "\n".join(lines)
