"""Reads a file and a map that a test writes down in a few lines."""

from pathlib import Path
from typing import Any

from app.shops.csv_orders import Reading, read_facts
from app.shops.maps import parse_map

HEAD = """
source = "shop"
[time]
formats = ["%Y-%m-%d %H:%M:%S"]
zone = "Europe/London"
"""
ORDER = """
[order]
id = "Order"
paid_at = "Date"
currency = { value = "GBP" }
"""
LINE = """
[line]
quantity = "Qty"
unit_price = "Price"
"""


def read(
    tmp_path: Path,
    csv: str,
    *,
    order: str = "",
    line: str = "",
    rest: str = "",
    head: str = HEAD,
    hosts: tuple[str, ...] = (),
) -> Reading:
    """The file read with a small map; ``order`` and ``line`` add members to its tables, ``rest`` adds tables."""
    path = tmp_path / "orders.csv"
    path.write_text(csv, encoding="utf-8")
    return read_facts(path, parse_map(head + ORDER + order + LINE + line + rest), hosts)


def one(tmp_path: Path, csv: str, **parts: Any) -> dict[str, Any]:
    """Body of the only fact that the file says."""
    (fact,) = read(tmp_path, csv, **parts).facts
    return fact.body
