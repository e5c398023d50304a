"""Where ``kos serve`` and ``kos up`` say that they listen."""

import pytest

from app.cli.serve import address
from tests.app_server import run_kos

# Of the block for documentation: no machine has it, so nobody can listen there.
NOWHERE = "2001:db8::1"


@pytest.mark.parametrize(
    ("host", "port", "told"),
    [
        ("127.0.0.1", 8000, "127.0.0.1:8000"),
        ("localhost", 80, "localhost:80"),
        ("::1", 8000, "[::1]:8000"),
        ("::", 0, "[::]:0"),
    ],
)
def test_address_is_told_as_a_url_has_it(host: str, port: int, told: str):
    assert address(host, port) == told


@pytest.mark.parametrize("command", ["serve", "up"])
def test_address_that_is_not_ours_is_refused_in_one_sentence(command: str, tmp_path):
    done = run_kos(
        command, "--host", NOWHERE, "--port", "8000", KOS_DATABASE_URL=f"sqlite+aiosqlite:///{tmp_path}/kos.db"
    )

    assert done.returncode == 1
    assert f"Cannot listen on [{NOWHERE}]:8000: " in done.stderr
    assert "Traceback" not in done.stderr
