"""The table of commands: what it says of each is what the command says of itself, and it costs little to look at."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import app.cli
from app.cli import COMMANDS, load
from tests.app_server import run_kos

# What takes long to load, or has no business there.
SERVER = ("fastapi", "uvicorn", "starlette")
DATABASE = ("sqlalchemy", "alembic", "asyncpg")
MODULES = {path.stem for path in Path(app.cli.__file__).parent.glob("*.py")}
HELPERS = {"worker", "workers", "__init__", "cast", "database", "posting"}


@pytest.mark.parametrize("name", COMMANDS)
def test_command_is_described_as_it_describes_itself(name: str):
    described = (load(name).help or "").partition("\n")[0]

    assert described == COMMANDS[name]


def test_every_module_of_a_command_is_in_the_table():
    assert {name.replace("-", "_") for name in COMMANDS} == MODULES - HELPERS


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("app.cli", (*SERVER, *DATABASE, "pydantic", "httpx2")),
        ("app.cli.keys", SERVER),
        ("app.cli.verify", SERVER),
        ("app.cli.export", SERVER),
    ],
)
def test_looking_at_a_command_does_not_load_the_server(module: str, heavy: tuple[str, ...]):
    program = f"import sys, {module}; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=os.environ)

    assert set(done.stdout.split()) & set(heavy) == set()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ("--help", 0, "Create, list and revoke API keys."),
        ("", 2, "Create, list and revoke API keys."),
        ("serve --help", 0, "Usage: kos serve"),
        ("keys create --help", 0, "Usage: kos keys create"),
        ("servr", 2, "No such command"),
        ("serve --prot 1", 2, "kos serve --help"),
        ("export --event e --format beancount --list orders", 2, "a list is for --format csv"),
    ],
)
def test_command_line_answers_as_if_all_were_loaded(arguments: str, code: int, told: str):
    done = run_kos(*arguments.split())

    assert done.returncode == code, done.stderr
    assert told in done.stdout + done.stderr
