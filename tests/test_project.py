"""The repository keeps its promises to somebody who clones it: scripts, pins, image, documented settings."""

import fnmatch
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
SCRIPTS = ("run.sh", "test.sh", ".ci/run")
# In pieces, so that this file does not hold what it looks for.
REGISTRY = re.compile(
    "|".join(
        (
            "py" + r"pi\.org/simple",
            "python" + r"hosted\.org",
            "registry" + r"\.npmjs",
            "--(extra-)?index" + "-url",
        )
    )
)
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)


def project_files() -> list[Path]:
    """Tracked and not ignored files; in a copy without git, all but those that .gitignore names."""
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 0:
        paths = [ROOT / name for name in done.stdout.split("\0") if name]
    else:
        ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().split()]
        paths = [
            path
            for path in ROOT.rglob("*")
            if not any(fnmatch.fnmatch(part, rule) for part in path.relative_to(ROOT).parts for rule in ignored)
        ]
    return [path for path in paths if path.is_file()]


def pinned(name: str) -> dict[str, Version]:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return {canonicalize_name(package): Version(version) for package, version in PINNED.findall(text)}


def test_no_file_names_a_package_registry():
    named = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path in project_files()
        if (found := REGISTRY.search(path.read_bytes().decode("utf-8", "replace")))
    ]

    assert named == []


def test_no_lock_file_is_kept_that_records_addresses():
    kept = [path.name for path in project_files() if path.name in ("uv.lock", "poetry.lock", "Pipfile.lock")]

    assert kept == []


@pytest.mark.parametrize("name", ["base", "test", "build", "uv"])
def test_every_pinned_package_has_hashes_and_no_address(name: str):
    text = (ROOT / "requirements" / f"{name}.txt").read_text()

    for block in re.split(r"\n(?=[A-Za-z0-9])", text.strip()):
        assert "--hash=sha256:" in block, block
    assert "://" not in text


@pytest.mark.parametrize(("extra", "name"), [("", "base"), ("test", "test")])
def test_pins_satisfy_what_the_project_declares(extra: str, name: str):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = project["dependencies"] + (project["optional-dependencies"][extra] if extra else [])
    pins = pinned(name)

    for line in declared:
        requirement = Requirement(line)
        version = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{line} but {version} is pinned"


def test_test_pins_contain_the_base_pins():
    assert pinned("base").items() <= pinned("test").items()


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_is_executable_and_parses(name: str):
    path = ROOT / name
    shell = path.read_text().splitlines()[0].split("/")[-1].split()[-1]

    assert os.access(path, os.X_OK)
    subprocess.run([shell, "-n", path], check=True)


def test_run_without_a_fitting_python_says_which_is_needed(tmp_path: Path):
    shutil.copy(ROOT / "run.sh", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")

    done = subprocess.run(
        [tmp_path / "run.sh"],
        env={"PATH": os.environ["PATH"], "PYTHON": "/nonexistent/python"},
        cwd="/",
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert "PYTHON=/nonexistent/python is not a working Python 3.11, 3.12 or 3.13" in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_dockerfile_has_no_finding():
    hadolint = Path(sys.executable).parent / "hadolint"

    done = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, capture_output=True, text=True)

    assert done.stdout + done.stderr == ""
    assert done.returncode == 0


def test_dockerfile_copies_only_what_exists_and_is_sent_to_the_build():
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line.startswith("!")}
    lines = re.findall(r"^COPY (?!--from)(.+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)

    for source in [word for line in lines for word in line.split()[:-1]]:
        assert (ROOT / source).exists()
        assert source.split("/")[0] in sent


def test_every_setting_is_documented_for_operators():
    from app.settings import Settings

    prefix = Settings.model_config.get("env_prefix", "")
    documented = set(re.findall(r"`(KOS_[A-Z0-9_]+)", (ROOT / "docs" / "operations.md").read_text()))

    assert prefix == "KOS_"
    assert {f"{prefix}{name}".upper() for name in Settings.model_fields} - documented == set()


def test_every_copied_file_is_named_with_its_hash():
    """A row of THIRD_PARTY.md pins the bytes of the file; vendored files without a row are found too."""
    table = (ROOT / "THIRD_PARTY.md").read_text()
    rows = dict(re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", table, re.MULTILINE))
    vendored = {str(path.relative_to(ROOT)) for path in project_files() if "vendor" in path.parts}

    for name, digest in rows.items():
        assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() == digest, name
    assert {name for name in vendored if not re.search("licen[sc]e", name, re.IGNORECASE)} - set(rows) == set()
