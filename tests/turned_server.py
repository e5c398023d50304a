"""One serving process whose clock is a file that the test turns: ``python -m tests.turned_server PORT FILE``."""

import sys
from pathlib import Path

import uvicorn

from app.api.readiness import Readiness
from app.cli.serve import Server
from app.main import create_app
from app.settings import Settings


def main(port: int, clock: Path) -> None:
    """The file holds microseconds since the epoch. Settings are those of the environment. No stream."""
    settings, readiness = Settings(), Readiness()
    application = create_app(settings, lambda: int(clock.read_text()), readiness)
    config = uvicorn.Config(application, port=port, log_config=None, lifespan="on", ws="none")
    Server(config, readiness, settings.drain_seconds).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
