"""A roster as it was sent, JSON or CSV: the records that can be read, and what is wrong with each of the others."""

import csv
import io
import re
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from app.api.models import RosterBody
from app.api.problems import invalid, invalid_model
from app.errors import AppError, BadRequest, Invalid

CSV_COLUMNS = (
    "id", "name", "team", "store", "segment", "status", "codes", "commission_bps", "from", "person", "picture", "link",
)  # fmt: skip
# More than any cell of a roster may have; what a cell may have is checked by its column.
_CELL_CHARACTERS_MAX = 100_000
_LISTS = ("teams", "stores", "hosts")


class LineError(NamedTuple):
    """What is wrong with one record. ``line`` is that of the CSV, or the number of the record in its list of the JSON;
    ``field`` is the column, "" for the record as a whole."""

    line: int
    field: str
    error: AppError


class Given(NamedTuple):
    """``lines`` says where each of the body's hosts stands; ``errors`` are of records that are not in the body."""

    body: RosterBody
    lines: list[int]
    errors: list[LineError]

    def whole(self) -> RosterBody:
        """Errors: the first of ``errors``."""
        if self.errors:
            raise self.errors[0].error
        return self.body


def read(raw: bytes, is_csv: bool) -> Given:
    """Errors: BadRequest, Invalid for what can be read as no list of records at all."""
    if is_csv:
        document, lines, errors = _from_csv(raw)
    else:
        document, lines, errors = _from_json(raw)
    return _checked(document, lines, errors)


def _from_json(raw: bytes) -> tuple[dict[str, Any], list[int], list[LineError]]:
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise BadRequest("invalid_json", "The body is not JSON.") from None
    if not isinstance(document, dict):
        raise Invalid("wrong_type", "Send an object with teams, stores, hosts.", "")
    hosts = document.get("hosts")
    return document, list(range(1, len(hosts) + 1)) if isinstance(hosts, list) else [], []


def _from_csv(raw: bytes) -> tuple[dict[str, Any], list[int], list[LineError]]:
    """Hosts from a CSV with a header; teams and stores that they name come into being with them."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadRequest("csv_not_utf8", "Send the CSV as UTF-8.") from None
    # One limit for the whole process, which whoever reads a shop's export there has raised.
    csv.field_size_limit(_CELL_CHARACTERS_MAX)
    reader = csv.DictReader(io.StringIO(text, newline=""))
    hosts: list[dict[str, Any]] = []
    lines: list[int] = []
    errors: list[LineError] = []
    try:
        columns = list(reader.fieldnames or ())
        if "id" not in columns or len(set(columns) & set(CSV_COLUMNS)) < len(columns):
            raise Invalid(
                "csv_columns", f"The columns are {', '.join(CSV_COLUMNS)}; each at most once, id is needed.", "columns"
            )
        for number, row in enumerate(reader):
            try:
                hosts.append(_csv_host(row, reader.line_num, number))
                lines.append(reader.line_num)
            except Invalid as error:
                errors.append(LineError(reader.line_num, column_of(error.field), error))
    except csv.Error as error:
        raise BadRequest("csv_not_readable", f"Line {reader.line_num}: {error}.") from None
    teams = dict.fromkeys(host["team"] for host in hosts if host.get("team"))
    stores = dict.fromkeys(host["store"] for host in hosts if host.get("store"))
    document = {"teams": [{"id": team} for team in teams], "stores": [{"id": s} for s in stores], "hosts": hosts}
    return document, lines, errors


def _csv_host(row: dict[str, str], line: int, number: int) -> dict[str, Any]:
    if None in row:
        raise Invalid("csv_row", f"Line {line} has more cells than the header.", f"hosts[{number}]")
    host: dict[str, Any] = {name: cell.strip() for name, cell in row.items() if cell and cell.strip()}
    if "codes" in host:
        host["codes"] = host["codes"].split()
    if "commission_bps" in host:
        try:
            host["commission_bps"] = int(host["commission_bps"])
        except ValueError:
            raise Invalid(
                "wrong_type",
                "commission_bps is a whole number of hundredths of a percent.",
                f"hosts[{number}].commission_bps",
            ) from None
    return host


def _checked(document: dict[str, Any], lines: list[int], errors: list[LineError]) -> Given:
    try:
        return Given(RosterBody.model_validate(document), lines, errors)
    except ValidationError as error:
        wrong: dict[tuple[str, int], Any] = {}
        for one in error.errors():
            of, number = (*one["loc"], "", "")[:2]
            if of not in _LISTS or not isinstance(number, int):
                raise invalid_model(error) from None
            # The first of a record is enough to mend it by.
            wrong.setdefault((str(of), number), one)
    for (of, number), one in wrong.items():
        refusal = invalid([one])
        errors.append(LineError(lines[number] if of == "hosts" else number + 1, column_of(refusal.field), refusal))
    kept = {of: [item for n, item in enumerate(items) if (of, n) not in wrong] for of, items in document.items()}
    lines = [line for number, line in enumerate(lines) if ("hosts", number) not in wrong]
    return Given(RosterBody.model_validate(kept), lines, errors)


def column_of(field: str) -> str:
    """The column of a host's member: ``team`` of ``hosts[3].team``; a team's or store's stays as it is."""
    return re.sub(r"^hosts\[\d+\]\.?", "", field)
