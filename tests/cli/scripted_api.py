"""A small stand-in for the API at the network's edge: real HTTP on loopback, answers as a test scripts them.

It remembers keys as the real one does, refuses quantities of none, and can be unready, small, or gone.
"""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class ScriptedApi:
    """What the stand-in does and what it saw.

    ``script`` holds answers to give first, one per request: (status, document, headers), or ``"drop"`` for a
    connection that ends without an answer. ``requests`` are (method, path, items), in order of arrival.
    """

    def __init__(self) -> None:
        self.url = ""
        self.key = "k"
        self.script: deque[Any] = deque()
        self.requests: list[tuple[str, str, list[dict[str, Any]]]] = []
        self.seen: dict[str, dict[str, Any]] = {}
        self.hosts: list[dict[str, str]] = [
            {"id": "h2", "status": "active"},
            {"id": "h1", "status": "active"},
        ]
        self.body_bytes_max = 1 << 20
        self.busy_items = 0

    def posted(self, kind: str) -> list[dict[str, Any]]:
        """Items that came for one kind, repeats included."""
        return [item for _, path, items in self.requests if path.endswith(f"/{kind}/batch") for item in items]

    def result(self, kind: str, item: dict[str, Any]) -> dict[str, Any]:
        """The answer to one item."""
        if self.busy_items:
            self.busy_items -= 1
            return {"status": 503, "id": item["id"], "code": "queue_full", "detail": "Send it again."}
        key = f"{kind}:{item['id']}"
        if any(line["quantity"] <= 0 for line in item.get("lines", ()) if "unit_price" in line):
            detail = {"code": "quantity_not_positive", "detail": "At least 1.", "field": "lines[0].quantity"}
            return {"status": 422, "id": item["id"]} | detail
        if key in self.seen:
            return {"status": 200, "id": item["id"], "position": 1}
        self.seen[key] = item
        return {"status": 201, "id": item["id"], "position": len(self.seen)}


@contextmanager
def scripted_api() -> Iterator[ScriptedApi]:
    """A stand-in that listens until the ``with`` block ends."""
    api = ScriptedApi()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.answer(b"")

        def do_POST(self) -> None:
            self.answer(self.rfile.read(int(self.headers["Content-Length"])))

        def answer(self, body: bytes) -> None:
            api.requests.append((self.command, self.path, json.loads(body) if body else []))
            if api.script:
                scripted = api.script.popleft()
                if scripted == "drop":
                    self.close_connection = True
                    self.connection.close()
                    return
                self.send(*scripted)
            elif self.headers["Authorization"] != f"Bearer {api.key}":
                self.send(401, {"code": "key_unknown", "detail": "Send a key that is valid."})
            elif self.command == "GET":
                self.send(200, {"teams": [], "hosts": api.hosts})
            elif len(body) > api.body_bytes_max:
                self.send(413, {"code": "body_too_large", "detail": "Send less."})
            else:
                kind = self.path.split("/")[-2]
                results = [api.result(kind, item) for item in json.loads(body)]
                self.send(200, {"accepted": 0, "replayed": 0, "refused": 0, "results": results})

        def send(self, status: int, document: Any, headers: Any = ()) -> None:
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        api.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield api
        finally:
            server.shutdown()
            thread.join()
