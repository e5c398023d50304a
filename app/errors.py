"""What can go wrong, in three families; every refusal a caller can meet has a stable code.

AppError                 the caller's mistake; becomes a problem document (RFC 9457)
 ├─ BadRequest       400 not readable as JSON
 ├─ Unauthorized     401 no key, or one that is not valid
 ├─ Forbidden        403 the key lacks a scope
 ├─ NotFound         404 also: another brand's event
 ├─ Conflict         409 another state is needed, or other content holds the key
 ├─ TooLarge         413 over a limit that is a setting
 ├─ Invalid          422 the body must change; ``field`` says where
 ├─ TooMany          429 more at a time than one address may have (retryable)
 ├─ Unavailable      503 the world's trouble (retryable): lost database, full queue
 └─ Internal         500 a bug of ours, as its caller hears of it
InvariantError           our bug; raised, never caught to be hidden
"""

from typing import Any


class AppError(Exception):
    """A refusal with a stable code and one sentence that says what to change.

    Shape: ``field`` is a path into the caller's body (``lines[2].unit_price``), empty when none applies.
    """

    status = 500
    title = "Error"
    retryable = False

    def __init__(self, code: str, detail: str, field: str = "", **extra: Any) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.field = field
        self.extra = extra

    def problem(self) -> dict[str, Any]:
        """The RFC 9457 document of this error; ``extra`` members are added to it as they are."""
        document: dict[str, Any] = {
            "type": f"urn:kos:error:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
        }
        if self.field:
            document["field"] = self.field
        return document | self.extra


class BadRequest(AppError):
    status = 400
    title = "Not readable"


class Unauthorized(AppError):
    status = 401
    title = "Not authenticated"


class Forbidden(AppError):
    status = 403
    title = "Not allowed"


class NotFound(AppError):
    status = 404
    title = "Not found"


class Conflict(AppError):
    status = 409
    title = "Conflict"


class TooLarge(AppError):
    status = 413
    title = "Too large"


class Invalid(AppError):
    status = 422
    title = "Invalid"


class TooMany(AppError):
    """More than an address may have now: the same call may succeed later."""

    status = 429
    title = "Too many"
    retryable = True

    def __init__(self, code: str, detail: str, retry_after_seconds: int = 1) -> None:
        super().__init__(code, detail)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(AppError):
    """Nothing is known to be wrong with the request: the same call may succeed later."""

    status = 503
    title = "Unavailable"
    retryable = True

    def __init__(self, code: str, detail: str, retry_after_seconds: int = 1) -> None:
        super().__init__(code, detail)
        self.retry_after_seconds = retry_after_seconds


class Internal(AppError):
    """What a caller hears of a bug of ours: that it is one, and nothing else. Whoever raises it has logged it."""

    def __init__(self) -> None:
        super().__init__("internal", "This is a fault of the server; it has been logged.")


class InvariantError(Exception):
    """A rule that must always hold does not: a bug of ours, or a journal somebody changed."""
