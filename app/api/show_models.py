"""Bodies of the calls that say what viewers see beside the boards: goals and announcements."""

from typing import Annotated, Literal

from pydantic import ConfigDict, StringConstraints

from app.api.models import Body, Id, Time

# One line: these are read from a distance.
Line = Annotated[
    str,
    StringConstraints(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f\x7f]*[^\x00-\x20\x7f][^\x00-\x1f\x7f]*$"),
]


class GoalBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "first-10k",
                "title": "First ten thousand",
                "of": "event",
                "measure": "net_sales",
                "target": "10000.00",
            }
        }
    )

    id: Id
    title: Line
    of: Literal["event", "team", "host", "session"] = "event"
    target_id: Annotated[str, StringConstraints(max_length=64)] = ""
    measure: Literal["gross_sales", "net_sales", "orders", "units"]
    target: Annotated[str, StringConstraints(max_length=40)] | int


class AnnouncementBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"id": "lin-10k", "text": "Lin has sold for ten thousand. Thank you!"}}
    )

    id: Id
    text: Annotated[str, StringConstraints(min_length=1, max_length=280, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
    until: Time | None = None
