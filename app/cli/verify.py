"""``kos verify``: prove that an event is what its journal says. Exit 0 clean, 1 found, 2 incomplete, 3 cannot run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import orjson
import typer
from rich.progress import Progress

from app.audit.kept_checkpoints import add_checkpoints, read_checkpoints
from app.audit.verify import PASSES, Checkpoint, Report
from app.audit.verify import verify as verify_event
from app.cli.database import CANNOT_RUN, load_settings, opened_store, progress, run
from app.database import create_engine
from app.journal.store import Store
from app.quarantine import Quarantine


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
    from_checkpoint: Annotated[
        bool,
        typer.Option("--from-checkpoint", help="Only what came after the last stored state that a signature pins."),
    ] = False,
    lift: Annotated[
        bool, typer.Option("--lift", help="Have what is clean taken out of quarantine: it can be written into again.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the reports as JSON, one line per event as it is done.")
    ] = False,
) -> None:
    """Recompute hashes, postings and boards from the entries and name everything that does not agree."""
    if from_checkpoint and (digest or checkpoints or add or lift):
        typer.echo("--from-checkpoint looks at a part; the other options are about whole journals.", err=True)
        raise typer.Exit(CANNOT_RUN)
    asked = _Asked(event, digest, checkpoints, from_checkpoint, as_json)
    reports = run(asked.reports)
    if not reports:
        typer.echo(f"There is no event {event!r}." if event else "The database holds no event.", err=True)
        raise typer.Exit(CANNOT_RUN)
    if add:
        add_checkpoints(add, reports)
    lifted = run(lambda: _lift(reports)) if lift else []
    if not as_json:
        for report in reports:
            typer.echo(as_text(report, from_checkpoint))
    for name in lifted:
        typer.echo(f"{name} is out of quarantine", err=as_json)
    raise typer.Exit(max((report.exit_code for report in reports), key=_SEVERITY.index))


# A finding outweighs an incomplete check of another event.
_SEVERITY = (0, 2, 1)


async def _lift(reports: list[Report]) -> list[str]:
    """Events that were in quarantine, and are clean."""
    engine = create_engine(load_settings(is_first=False).database_url)
    try:
        quarantine = Quarantine(engine)
        clean = [report.event for report in reports if report.exit_code == 0]
        return [event for event in clean if await quarantine.lift(event)]
    finally:
        await engine.dispose()


@dataclass(frozen=True)
class _Asked:
    event: str
    digest: bool
    kept: Path | None
    from_checkpoint: bool
    as_json: bool

    async def reports(self) -> list[Report]:
        checkpoints = read_checkpoints(self.kept) if self.kept else {}
        async with opened_store() as store:
            with progress(self.as_json) as bars:
                return await self._verified(store, checkpoints, bars)

    async def _verified(
        self, store: Store, checkpoints: Mapping[str, Sequence[Checkpoint]], bars: Progress
    ) -> list[Report]:
        heads = await store.heads([self.event] if self.event else None)
        position_of = {head.event: head.position for head in heads}
        # What a checkpoint names and the database has not is found, not passed over.
        names = sorted({*position_of, *(name for name in checkpoints if self.event in ("", name))})
        if self.from_checkpoint:
            # What is under way first.
            moved_at = {head.event: head.recorded_at for head in heads}
            names.sort(key=lambda name: -moved_at[name])
        reports = []
        for name in names:
            task = bars.add_task(name, total=position_of.get(name, 0))
            kept_of = checkpoints.get(name, ())
            advance = partial(bars.advance, task)
            report = await verify_event(store, name, advance, self.digest, kept_of, self.from_checkpoint)
            # Entries may have come between the first look at the head and the snapshot.
            bars.update(task, total=report.entries)
            reports.append(report)
            if self.as_json:
                typer.echo(orjson.dumps(report.document()))
        return reports


def as_text(report: Report, from_checkpoint: bool = False) -> str:
    """The report for a person."""
    lines = [f"{report.event}: {report.entries} entries, {report.postings} postings, head {report.head}"]
    if report.first > 1:
        lines.append(f"  from position {report.first} on, behind a stored state that a signed checkpoint pins")
    elif from_checkpoint:
        lines.append("  from the beginning: no signed checkpoint pins a stored state")
    if report.content_digest:
        lines.append(f"  content digest {report.content_digest}")
    for finding in report.findings:
        lines.append(f"  {finding.code} at position {finding.position}: {finding.detail} ({PASSES[finding.code]})")
    if not report.complete:
        lines.append("  incomplete: not everything could be checked")
    lines.append({0: "  clean", 1: f"  {len(report.findings)} findings", 2: "  no pass"}[report.exit_code])
    return "\n".join(lines)
