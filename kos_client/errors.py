"""What can end a subscription or a connection for good. Everything else is tried again by the client itself.

KosError
├── StreamEnded      the server said not to come back with this token, or refused the handshake
├── StreamClosed     this program closed the client, or unfollowed the channel
└── ChannelRefused   one channel cannot be followed; the others go on
"""


class KosError(Exception):
    """Anything below; catch this one to catch them all."""


class StreamEnded(KosError):
    """The server does not want this client back.

    ``code``: the close code (4500-4999), or the HTTP status of a handshake that was refused.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the stream ended for good with {code}: {reason or 'no reason given'}")
        self.code = code
        self.reason = reason


class StreamClosed(KosError):
    """Nothing follows because this program said so."""


class ChannelRefused(KosError):
    """The server does not let this client follow the channel, or no longer.

    ``code`` is for programs, ``message`` for people.
    """

    def __init__(self, channel: str, code: str, message: str) -> None:
        super().__init__(f"{channel}: {message} ({code})")
        self.channel = channel
        self.code = code
        self.message = message
