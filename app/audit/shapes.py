"""The normal forms of facts as bodies hold them, for whoever reads a journal that somebody else wrote. Pure."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from app.challenge.audience import MINUTE_US, VIEWERS_MAX
from app.challenge.rules import Rules
from app.sales.facts import LINES_MAX, QUANTITY_MAX, Identifier, OrderId
from app.sales.money import AMOUNT_MINOR_MAX

Amount = Annotated[int, Meta(ge=1, le=AMOUNT_MINOR_MAX)]
Price = Annotated[int, Meta(ge=0, le=AMOUNT_MINOR_MAX)]
Quantity = Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]
LineId = Annotated[str, Meta(min_length=1, max_length=100)]


class Shape(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The normal form of what a call said: what is left out has its default, and no default is written down."""


class OrderLine(Shape):
    id: LineId
    quantity: Quantity
    unit_price: Price
    discount: Price = 0
    sku: str = ""
    title: str = ""
    host: str = ""
    code: str = ""
    click: str = ""
    session: str = ""
    carted_at: int | None = None


class Order(Shape):
    id: OrderId
    source: Identifier
    paid_at: int
    currency: str
    lines: Annotated[list[OrderLine], Meta(min_length=1, max_length=LINES_MAX)]
    shipping: Price = 0
    tax: Price = 0
    tax_included: bool = False
    host: str = ""
    code: str = ""
    click: str = ""
    session: str = ""
    buyer: str = ""


class RefundLine(Shape):
    id: LineId
    quantity: Annotated[int, Meta(ge=0, le=QUANTITY_MAX)] = 0
    amount: Price = 0


class Refund(Shape):
    id: OrderId
    source: Identifier
    refunded_at: int
    currency: str = ""
    order: str = ""
    amount: Price = 0
    lines: list[RefundLine] = []


class Cancellation(Shape):
    id: str
    source: Identifier
    order: str
    cancelled_at: int


class Dispute(Shape):
    id: OrderId
    source: Identifier
    order: str
    disputed_at: int
    amount: Amount
    currency: str = ""
    fee: Price = 0


class Outcome(Shape):
    id: OrderId
    source: Identifier
    outcome: Literal["won", "lost"]
    closed_at: int


class Rate(Shape):
    mantissa: int
    decimals: int


class RatesTable(Shape):
    version: Identifier
    rates: dict[str, Rate]
    reason: Annotated[str, Meta(min_length=1)]


class Claimed(Shape):
    id: Identifier
    host: str
    reason: str
    person: str
    order: str = ""
    paid_at: int | None = None
    amount: Price = 0


class ClaimEnd(Shape):
    id: Identifier
    outcome: Literal["accepted", "rejected", "withdrawn"]
    reason: str
    person: str
    correction: str = ""


class Release(Shape):
    id: Identifier
    until: int | None = None


class Payout(Shape):
    id: Identifier
    host: str
    amount: Amount
    reference: str = ""


class PayoutFailure(Shape):
    id: Identifier
    reason: str


class StatementEnd(Shape):
    id: Identifier
    to: Annotated[int, Meta(ge=1)] | None = None


class Weight(Shape):
    id: str
    weight: Annotated[int, Meta(ge=1)]


class SessionStart(Shape):
    id: Identifier
    hosts: Annotated[list[Weight], Meta(min_length=1)]
    started_at: int | None = None


class SessionEnd(Shape):
    id: Identifier
    ended_at: int | None = None


class SessionChange(Shape):
    id: Identifier
    hosts: Annotated[list[Weight], Meta(min_length=1)]
    changed_at: int | None = None


class Pin(Shape):
    session: Identifier
    sku: Annotated[str, Meta(min_length=1, max_length=100)]
    pinned_at: int | None = None
    title: str = ""
    price: Price | None = None
    image: str = ""
    code: str = ""


class Unpin(Shape):
    session: Identifier
    sku: Annotated[str, Meta(min_length=1, max_length=100)]
    unpinned_at: int | None = None


class OfferStart(Shape):
    id: Identifier
    sku: Annotated[str, Meta(min_length=1, max_length=100)]
    price: int
    ends_at: int
    session: str = ""
    starts_at: int | None = None


class OfferEnd(Shape):
    id: Identifier
    ended_at: int | None = None


class GoalTerms(Shape):
    """What is wanted, or that it is wanted no more."""

    id: Identifier
    title: str = ""
    of: Literal["event", "team", "host", "session"] | None = None
    target_id: str = ""
    measure: Literal["gross_sales", "net_sales", "orders", "units"] | None = None
    target: Amount | None = None
    ended: bool = False


class Announced(Shape):
    """A sentence, or that it is shown no more."""

    id: Identifier
    text: Annotated[str, Meta(max_length=280)] = ""
    until: int | None = None
    withdrawn: bool = False


class Sample(Shape):
    minute: Annotated[int, Meta(ge=0, multiple_of=MINUTE_US)]
    viewers: Annotated[int, Meta(ge=1, le=VIEWERS_MAX)]
    session: str = ""
    counted: Annotated[int, Meta(ge=0, le=VIEWERS_MAX)] = 0
    sketch: str = ""


class Terms(Shape):
    """The body of ``event.created``."""

    brand: str
    currency: str
    exponent: int
    timezone: str
    starts_at: int
    ends_at: int
    rules: Rules
