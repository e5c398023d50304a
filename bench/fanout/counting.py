"""`kos` with a count of the documents that its stream encodes, written into ``BENCH_ENCODED`` at each of them."""

import os
from pathlib import Path
from typing import Any

import orjson

from app.cli import main
from app.realtime import messages


def count_into(path: Path) -> None:
    """Count every snapshot and delta that is encoded in this process from now on."""
    encoded, count = messages.encoded, 0

    def counted(document: dict[str, Any]) -> orjson.Fragment:
        nonlocal count
        count += 1
        path.write_text(str(count))
        return encoded(document)

    path.write_text("0")
    # Whoever encodes asks for it by its module.
    messages.encoded = counted


if __name__ == "__main__":
    count_into(Path(os.environ["BENCH_ENCODED"]))
    main()
