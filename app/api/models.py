"""Bodies of the ops calls, checked by pydantic: no unknown field, no silent conversion."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$", max_length=64)]
_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
Name = Annotated[str, StringConstraints(max_length=120, pattern=_PRINTABLE)]
Link = Annotated[str, StringConstraints(max_length=500, pattern=r"^(https?://[^\x00-\x20\x7f]+)?$")]
Time = Annotated[str, StringConstraints(max_length=40)]
Channel = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:#/*-]{1,160}$", max_length=160)]
Reason = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*$")]
Sku = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=_PRINTABLE)]
Because = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
Money = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Code = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,40}$", max_length=40)]


class Body(BaseModel):
    """A request body: unknown fields and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class EventBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "kos101",
                "name": "KOS101",
                "currency": "CNY",
                "timezone": "Asia/Shanghai",
                "starts_at": "2026-11-21T00:00:00+08:00",
                "ends_at": "2026-12-22T00:00:00+08:00",
                "rules": {},
            }
        }
    )

    id: Id
    name: Name = ""
    currency: Annotated[str, StringConstraints(max_length=10)]
    timezone: Annotated[str, StringConstraints(max_length=64)] = "UTC"
    starts_at: Time
    ends_at: Time
    rules: dict[str, Any] = Field(default_factory=dict, max_length=50)


class TransitionBody(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"to": "scheduled", "reason": "Roster complete"}})

    to: Annotated[str, StringConstraints(max_length=20)]
    reason: Reason = ""
    waive: Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")] | None = None


ROSTER_EXAMPLE = {
    "teams": [{"id": "ruby", "name": "Team Ruby"}],
    "hosts": [{"id": "h7", "name": "Lin", "team": "ruby", "codes": ["LIN10"]}],
}


class RosterTeam(Body):
    id: Id
    name: Name | None = None
    picture: Link | None = None
    link: Link | None = None


class RosterHost(RosterTeam):
    person: Annotated[str, StringConstraints(max_length=200, pattern=_PRINTABLE)] | None = None
    team: Annotated[str, StringConstraints(max_length=64)] | None = None
    store: Annotated[str, StringConstraints(max_length=64)] | None = None
    segment: Annotated[str, StringConstraints(max_length=64, pattern=_PRINTABLE)] | None = None
    status: Literal["active", "hidden", "guest", "banned"] | None = None
    codes: Annotated[list[Code], Field(max_length=20)] | None = None
    commission_bps: Annotated[int, Field(ge=0, le=10_000)] | None = None
    since: Annotated[Time | None, Field(alias="from")] = None


class RosterBody(Body):
    teams: Annotated[list[RosterTeam], Field(max_length=2_000)] = []
    stores: Annotated[list[RosterTeam], Field(max_length=10_000)] = []
    hosts: Annotated[list[RosterHost], Field(max_length=20_000)] = []


class SessionHost(Body):
    id: Id
    weight: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class SessionBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "night-1",
                "hosts": [{"id": "h7", "weight": 1}],
                "started_at": "2026-11-21T20:00:00+08:00",
            }
        }
    )

    id: Id
    hosts: Annotated[list[SessionHost], Field(min_length=1, max_length=20)]
    started_at: Time | None = None


class SessionEndBody(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"ended_at": "2026-11-21T23:00:00+08:00"}})

    ended_at: Time | None = None


class SessionHostsBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"hosts": [{"id": "h7", "weight": 2}], "changed_at": "2026-11-21T21:00:00+08:00"}}
    )

    hosts: Annotated[list[SessionHost], Field(min_length=1, max_length=20)]
    changed_at: Time | None = None


class PinBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "session": "night-1",
                "sku": "MAC-RUBY",
                "pinned_at": "2026-11-21T20:05:00+08:00",
                "title": "Ruby Woo lipstick",
                "price": "23.00",
                "code": "LIN10",
            }
        }
    )

    session: Id
    sku: Sku
    pinned_at: Time | None = None
    title: Name = ""
    price: Money | None = None
    image: Annotated[str, StringConstraints(max_length=80, pattern=r"^([0-9a-f]{64}\.(png|jpg|webp|svg))?$")] = ""
    code: Annotated[str, StringConstraints(pattern=r"^[!-~]{0,40}$", max_length=40)] = ""


class UnpinBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"session": "night-1", "unpinned_at": "2026-11-21T20:50:00+08:00"}}
    )

    session: Id
    unpinned_at: Time | None = None


class OfferBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "happy-hour",
                "session": "night-1",
                "sku": "MAC-RUBY",
                "price": "15.00",
                "starts_at": "2026-11-21T20:10:00+08:00",
                "ends_at": "2026-11-21T21:00:00+08:00",
            }
        }
    )

    id: Id
    session: Id | None = None
    sku: Sku
    price: Annotated[str, StringConstraints(max_length=40)]
    starts_at: Time | None = None
    ends_at: Time


class OfferEndBody(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"ended_at": "2026-11-21T20:30:00+08:00"}})

    ended_at: Time | None = None


class LinkBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"code": "lin-live", "host": "h7", "to": "https://shop.example/ruby?color=red"}}
    )

    code: Annotated[str, StringConstraints(max_length=64, pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]{3,63})?$")] = ""
    host: Id
    to: Annotated[str, StringConstraints(max_length=2_000, pattern=r"^https?://[!-~]+$")]
    sku: Annotated[str, StringConstraints(max_length=100, pattern=_PRINTABLE)] = ""


class OrderName(Body):
    source: Id = "default"
    id: Annotated[str, StringConstraints(pattern=r"^[!-~]{1,100}$", max_length=100)]


class Seller(Body):
    host: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    weight: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class OrderFilter(Body):
    """Orders that have all of this."""

    host: Annotated[str, StringConstraints(max_length=64)] = ""
    source: Annotated[str, StringConstraints(max_length=64)] = ""
    code: Annotated[str, StringConstraints(max_length=200)] = ""
    session: Annotated[str, StringConstraints(max_length=200)] = ""
    paid_from: Time | None = None
    paid_to: Time | None = None


class ReattributionBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "fix-17",
                "orders": [{"source": "shop", "id": "1001"}],
                "to": [{"host": "House"}],
                "reason": "Bought by the brand itself",
                "preview": True,
            }
        }
    )

    id: Id
    orders: Annotated[list[OrderName], Field(max_length=500)] = []
    filter: OrderFilter | None = None
    to: Annotated[list[Seller], Field(max_length=20)] = []
    reason: Because
    preview: bool = False


class CorrectionEndBody(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"reason": "Checked against the recording"}})

    reason: Because


class AdjustmentBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"id": "bonus-1", "host": "h7", "amount": "50.00", "reason": "Best newcomer"}}
    )

    id: Id
    host: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    amount: Money
    reason: Because


class WhatIfBody(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"rules": {"commission": {"bps": 900}}}})

    rules: dict[str, Any] = Field(max_length=50)


class ClaimBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "lin-3",
                "host": "h7",
                "order": {"source": "shop", "id": "1001"},
                "reason": "She bought while I showed it",
            }
        }
    )

    id: Id
    host: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    order: OrderName | None = None
    paid_at: Time | None = None
    amount: Money | None = None
    reason: Because


class ClaimEndBody(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"outcome": "rejected", "reason": "Bought a day before"}})

    outcome: Literal["accepted", "rejected", "withdrawn"]
    reason: Because
    correction: Id | None = None


class ReleaseBody(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"id": "april"}})

    id: Id
    until: Time | None = None


class PayoutBody(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"id": "p-1", "host": "h7", "amount": "10.00"}})

    id: Id
    host: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    amount: Money
    reference: Annotated[str, StringConstraints(max_length=200, pattern=_PRINTABLE)] = ""


class StatementBody(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"id": "april"}})

    id: Id
    to: Annotated[int, Field(ge=1)] | None = None


class RatesBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "version": "2026-11-21",
                "rates": {"EUR": "7.8123", "JPY": "0.0467"},
                "reason": "Rates of the central bank of that day",
            }
        }
    )

    version: Id
    rates: dict[str, Annotated[str, StringConstraints(max_length=40)]]
    reason: Because


class OverlayMessage(Body):
    text: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00-\x09\x0b-\x1f\x7f]*$")]
    until: Time | None = None


Scene = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,63})?$", max_length=64)]
Hidden = Annotated[list[Id], Field(max_length=50)]


class OverlayRoom(Body):
    scene: Scene | None = None
    hidden: Hidden | None = None
    delay_ms: Annotated[int, Field(ge=0, le=60_000)] | None = None


class OverlaysBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "scene": "intro",
                "hidden": ["board"],
                "message": {"text": "Back at nine", "until": None},
                "rooms": {"lin": {"scene": "product", "delay_ms": 4000}},
            }
        }
    )

    scene: Scene = ""
    hidden: Hidden = []
    message: OverlayMessage | None = None
    rooms: Annotated[
        dict[Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")], OverlayRoom], Field(max_length=200)
    ] = {}


class TokenBody(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"event": "kos101", "kind": "overlay"}})

    event: Id
    kind: Literal["overlay", "viewer"] = "overlay"
    channels: Annotated[list[Channel], Field(max_length=20)] = []
    expires_in_seconds: Annotated[int, Field(ge=1, le=366 * 86_400)] | None = None


class KeyBody(Body):
    model_config = ConfigDict(json_schema_extra={"example": {"person": "warehouse", "scopes": ["orders"]}})

    person: Annotated[str, StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]+$")]
    scopes: Annotated[list[Annotated[str, StringConstraints(max_length=80)]], Field(min_length=1, max_length=20)]
