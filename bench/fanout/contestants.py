"""Who fans out: ours, the ordinary peer, a floor in C, and servers made for it where they are installed."""

import importlib.util
import os
import platform
import shutil
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench import servers
from bench.fanout import load

Command = Callable[[int, Path], list[str]]


def listens(port: int) -> bool:
    """Whether somebody takes connections."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server that sends what comes to ``/pub`` to everyone on ``/ws``. ``publish``: how it takes it, ws or http."""

    command: Command
    publish: str = "ws"
    variables: dict[str, str] = field(default_factory=dict)
    is_ready: Callable[[int], bool] = listens


def found() -> tuple[dict[str, Contestant], dict[str, str]]:
    """Those that can run here, and why the others cannot. Errors: BenchFailed without a C compiler."""
    limit = str(load.compiled("limit"))
    contestants = {
        "limit_send": Contestant(lambda port, _: [limit, str(port), "send"]),
        "limit_coalesce": Contestant(lambda port, _: [limit, str(port), "coalesce"]),
        "ours": OURS,
        "naive": Contestant(lambda port, _: [sys.executable, "-m", "bench.fanout.naive", str(port)]),
    }
    left_out = {}
    if shutil.which("nginx") and _NCHAN.exists():
        # Its port is open before the process is there that serves it, and is to be measured.
        contestants["nchan"] = Contestant(_nchan, "http", is_ready=lambda port: servers.answers(port, "/ready"))
    else:
        left_out["nchan"] = f"no nginx with {_NCHAN.name}"
    if library := _uwebsockets():
        hub = str(load.compiled("uws_hub", "-ldl"))
        contestants["uwebsockets"] = Contestant(
            lambda port, _: [hub, str(port)], variables={"UWS_LIBRARY": str(library)}
        )
    else:
        left_out["uwebsockets"] = "no library of socketify: README.md says where from"
    return contestants, left_out


OURS = Contestant(lambda port, _: [sys.executable, "-m", "bench.fanout.hub", str(port)])
# Where Debian and Ubuntu put it.
_NCHAN = Path("/usr/lib/nginx/modules/ngx_nchan_module.so")


def _nchan(port: int, folder: Path) -> list[str]:
    text = (load.FOLDER / "nginx.conf").read_text().replace("@PORT@", str(port)).replace("@MODULE@", str(_NCHAN))
    (folder / "nginx.conf").write_text(text)
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")]


def _uwebsockets() -> Path | None:
    """The library in the package of socketify, installed or unpacked where ``UWS_LIBRARY`` says."""
    if named := os.environ.get("UWS_LIBRARY"):
        return Path(named)
    spec = importlib.util.find_spec("socketify")
    if spec is None or spec.origin is None or platform.machine() != "x86_64":
        return None
    library = Path(spec.origin).with_name("libsocketify_linux_amd64.so")
    return library if library.exists() else None
