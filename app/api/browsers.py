"""What a browser says of where a request comes from, and when its cookie may speak for somebody."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from app.errors import Forbidden


def check_same_origin(connection: HTTPConnection) -> None:
    """Programs name no origin; a browser names it for whatever changes something. Errors: Forbidden
    ``origin_forbidden``."""
    origin = connection.headers.get("origin")
    if origin is not None and not is_of_host(connection, origin):
        raise Forbidden("origin_forbidden", "Pages of another origin cannot sign anybody in.")


def is_own_page(connection: HTTPConnection) -> bool:
    """Whether a cookie counts in a handshake of the stream: only a page of our own may follow by it.

    A browser names the origin of every socket. Of server-sent events it leaves out our own.
    """
    origin = connection.headers.get("origin")
    if origin is None:
        return bool(connection.scope["type"] != "websocket")
    return is_of_host(connection, origin)


def is_of_host(connection: HTTPConnection, origin: str) -> bool:
    """Whether an origin (`https://example.com:8000`) is the host that this request was sent to."""
    host = connection.headers.get("host", "")
    return bool(host) and urlsplit(origin).netloc.lower() == host.lower()
