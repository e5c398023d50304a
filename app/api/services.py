"""What the routes call, built once by ``app.main`` and carried by the application's state."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from starlette.requests import HTTPConnection

from app.access import Access, Principal
from app.api.attempts import Attempts
from app.api.browsers import is_own_page
from app.api.roster_search import RosterSearch
from app.audience.viewers import Viewers
from app.audit.checkpoints import Checkpoints
from app.audit.on_demand import OnDemand
from app.console import COOKIE, Sessions
from app.errors import NotFound
from app.events import Events, OpenEvent
from app.feed import Feed
from app.grants import admits, key_patterns
from app.journal.store import Store
from app.links import Links
from app.looks import Looks
from app.overlays import Overlays
from app.profiles import Profiles
from app.realtime.door import Door
from app.realtime.hub import Hub, event_of
from app.realtime.roll import Roll
from app.realtime.subscriber import NOBODY
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of one running application."""

    settings: Settings
    store: Store
    events: Events
    feed: Feed
    hub: Hub
    profiles: Profiles
    roster_search: RosterSearch
    access: Access
    links: Links
    link_door: Door
    looks: Looks
    overlays: Overlays
    # Tells everybody who follows that an event's overlays were told something.
    overlays_changed: Callable[[str], None]
    checkpoints: Checkpoints
    # Of the console: who is signed in, and how often an address may try to.
    sessions: Sessions
    attempts: Attempts
    viewers: Viewers
    roll: Roll
    verification: OnDemand

    async def event(self, principal: Principal, event: str) -> OpenEvent:
        """The event, if it belongs to the asker's brand.

        Errors: NotFound ``event_unknown``, also for another brand's event: nobody learns that it exists.
        """
        opened = self.events.known(event) or await self.events.open(event)
        if opened.state.brand != principal.brand or (principal.is_token and principal.event != event):
            raise NotFound("event_unknown", f"There is no event {event[:80]!r}.")
        return opened

    async def follower(self, connection: HTTPConnection) -> Principal:
        """Whose connection of the stream this is. Who brings neither key nor token is who is signed in, if the page is
        our own and does not ask ``as=nobody``, else nobody.

        Errors: those of ``Access.authenticate``; Unauthorized ``signed_out``.
        """
        authorization, token = connection.headers.get("authorization"), connection.query_params.get("token")
        if not authorization and not token:
            cookie = connection.cookies.get(COOKIE)
            if cookie and is_own_page(connection) and connection.query_params.get("as") != "nobody":
                return (await self.sessions.of(cookie)).principal
            return Principal("", "", NOBODY)
        return await self.access.authenticate(authorization, token)

    async def may_follow(self, principal: Principal, channel: str) -> bool:
        """Whether a token names the channel, a key's scopes open it in an event of its brand, or it is everybody's.

        Errors: Unavailable if the database cannot be asked.
        """
        if principal.actor == NOBODY:
            return await self.feed.is_public(channel)
        is_named = principal.may_follow(channel)
        if is_named is not None:
            return is_named
        event = event_of(channel)
        is_opened = admits(key_patterns(principal.scopes), channel.removeprefix(event))
        return is_opened and await self.events.brand_of(event) == principal.brand


def services_of(connection: HTTPConnection) -> Services:
    """The services of the application that serves this connection."""
    return cast(Services, connection.app.state.services)
