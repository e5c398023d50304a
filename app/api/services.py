"""What the routes call, built once by ``app.main`` and carried by the application's state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from starlette.requests import HTTPConnection

from app.access import Access, Principal
from app.errors import NotFound
from app.events import Events, OpenEvent
from app.feed import Feed
from app.grants import key_patterns
from app.journal.store import Store
from app.overlays import Overlays
from app.profiles import Profiles
from app.realtime.subscriber import NOBODY
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one running application."""

    settings: Settings
    store: Store
    events: Events
    feed: Feed
    profiles: Profiles
    access: Access
    overlays: Overlays
    # Tells everybody who follows that an event's overlays were told something.
    overlays_changed: Callable[[str], None]

    async def event(self, principal: Principal, event: str) -> OpenEvent:
        """The event, if it belongs to the asker's brand.

        Errors: NotFound ``event_unknown``, also for another brand's event: nobody learns that it exists.
        """
        opened = self.events.known(event) or await self.events.open(event)
        if opened.state.brand != principal.brand or (principal.is_token and principal.event != event):
            raise NotFound("event_unknown", f"There is no event {event[:80]!r}.")
        return opened

    async def follower(self, connection: HTTPConnection) -> Principal:
        """Whose connection this is, with the channels that it may follow: for the stream and for what stands in for it.

        Who brings neither key nor token is nobody, and follows what events opened to everybody.

        Errors: those of ``Access.authenticate``; Unavailable if the database cannot be asked.
        """
        authorization, token = connection.headers.get("authorization"), connection.query_params.get("token")
        if not authorization and not token:
            return Principal("", "", NOBODY)
        principal = await self.access.authenticate(authorization, token)
        if principal.is_token:
            return principal
        # A key follows the events that its brand has when it connects.
        heads = await self.store.heads(brand=principal.brand)
        channels = key_patterns(principal.scopes, [head.event for head in heads])
        return Principal(principal.brand, principal.person, principal.actor, principal.scopes, channels=channels)


def services_of(connection: HTTPConnection) -> Services:
    """The services of the application that serves this connection."""
    return cast(Services, connection.app.state.services)
