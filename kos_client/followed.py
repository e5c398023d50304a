"""One followed channel: its document, whether that may be old, and waiting for the next one. Does no I/O."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Protocol

from kos_client.documents import Document, Held, Outcome
from kos_client.errors import KosError, StreamClosed


class Link(Protocol):
    """What a followed channel needs to know of its client."""

    @property
    def is_live(self) -> bool:
        """Whether the server was heard lately."""
        ...


class Followed:
    """A channel that ``KosClient.follow`` follows, across every reconnect, until it is unfollowed.

    ``name``: the channel's. ``error``: why it is not followed any more, None while it is.
    ``awaiting`` and ``retry_at`` are the client's: the ``id`` of a ``subscribe`` that has no answer yet, and when to
    send one again, by the loop's clock.
    """

    def __init__(self, name: str, link: Link) -> None:
        self.name = name
        self.error: KosError | None = None
        self.awaiting: int | None = None
        self.retry_at: float | None = None
        self._link = link
        self._held = Held()
        self._turn = asyncio.Event()

    @property
    def document(self) -> Document:
        """The newest document: its members and ``rows``, in the channel's order. Replaced, never changed in place.

        Errors: LookupError before the first one came, which is before ``follow`` returned.
        """
        if self._held.document is None:
            raise LookupError(f"nothing of {self.name} has come yet")
        return self._held.document

    @property
    def has_document(self) -> bool:
        """Whether anything has come yet."""
        return self._held.document is not None

    @property
    def position(self) -> int:
        """Up to where in the journal the document was last told to be right.

        Entries that leave it as it is are not told, so it may stay below a position that the API has answered with.
        Errors: KeyError for a live channel, which has a time.
        """
        position: int = self.document["position"]
        return position

    @property
    def is_stale(self) -> bool:
        """Whether the server may know more than the document says: show that, and keep showing the document."""
        return self.awaiting is not None or self.retry_at is not None or not self._link.is_live

    async def changes(self) -> AsyncIterator[Document]:
        """The document now and each time it has changed; whoever is slow gets only the newest one.

        Ends when the channel is unfollowed or the client closed. Errors: as ``until``, but for StreamClosed.
        """
        shown: Document | None = None
        while True:
            while self._held.document is shown:
                if isinstance(self.error, StreamClosed):
                    return
                if self.error is not None:
                    raise self.error
                await self._turn.wait()
            shown = self.document
            yield shown

    async def until(self, condition: Callable[["Followed"], bool]) -> Document:
        """Wait until the condition holds: asked now, after each message and whenever ``is_stale`` may have changed.

        Errors: StreamEnded, StreamClosed, ChannelRefused if the channel is not followed any more; a document that had
        come before stays in ``document``.
        """
        while not condition(self):
            if self.error is not None:
                raise self.error
            await self._turn.wait()
        return self.document

    # What the client does with it.

    @property
    def standing(self) -> dict[str, Any]:
        return self._held.standing

    def take(self, message: Mapping[str, Any]) -> Outcome:
        """Take an answer or a publication. Publications between a gap and the answer after it are left alone."""
        if message["type"] == "subscribed":
            if message.get("id") != self.awaiting:
                return "same"
            self.awaiting = None
        elif self.awaiting is not None or self.retry_at is not None:
            return "same"
        outcome = self._held.take(message)
        self.wake()
        return outcome

    def fail(self, error: KosError) -> None:
        self.error = error
        self.awaiting = self.retry_at = None
        self.wake()

    def wake(self) -> None:
        """Have everybody who waits look again."""
        self._turn.set()
        self._turn = asyncio.Event()
