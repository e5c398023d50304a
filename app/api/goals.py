"""Goals of the event, its teams, hosts and sessions; and announcements to those who watch."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from app.access import Principal
from app.api.documents import REPEAT, problem_responses
from app.api.guard import GuardedRoute, needs, principal_of
from app.api.services import services_of
from app.api.show_models import AnnouncementBody, GoalBody
from app.challenge.goals import MONEY, announcement_key
from app.errors import Invalid, NotFound
from app.events import IDENTIFIER, OpenEvent
from app.feed_documents import announcement_document, goal_document
from app.journal.drafts import Fact
from app.sales.money import parse_amount
from app.sales.times import parse_time

router = APIRouter(route_class=GuardedRoute, tags=["sessions"])

Asker = Annotated[Principal, Depends(principal_of)]

_PROBLEMS = problem_responses(400, 401, 403, 404, 409, 413, 422, 503)
_READ_PROBLEMS = problem_responses(401, 403, 404, 503)
_COUNT_MAX = 1_000_000_000


@router.post("/v1/events/{event}/goals", status_code=201, operation_id="set_goal", responses=_PROBLEMS | REPEAT)
@needs("ops")
async def set_goal(
    event: str, given: GoalBody, request: Request, response: Response, principal: Asker
) -> dict[str, Any]:
    """What the event, a team, a host or a session wants to reach. The same id again gives it another title or target.

    What is so already stays so, and is answered with 200.
    """
    opened = await services_of(request).event(principal, event)
    content: dict[str, Any] = {"id": given.id, "title": given.title, "of": given.of, "measure": given.measure}
    if given.target_id:
        content["target_id"] = given.target_id
    content["target"] = _target(given, opened.state.exponent)
    accepted = await opened.submit_one(Fact("goal.set", "", content, principal.actor))
    if not accepted.entries:
        response.status_code = 200
    return _goal(opened, principal, given.id)


@router.post("/v1/events/{event}/goals/{goal}/end", operation_id="end_goal", responses=_PROBLEMS)
@needs("ops")
async def end_goal(event: str, goal: str, request: Request, principal: Asker) -> dict[str, Any]:
    """The goal is shown no more. One that has ended stays so."""
    opened = await services_of(request).event(principal, event)
    if not IDENTIFIER.fullmatch(goal):
        raise NotFound("goal_unknown", "There is no goal of that name.")
    await opened.submit_one(Fact("goal.set", "", {"id": goal, "ended": True}, principal.actor))
    return _goal(opened, principal, goal)


@router.get("/v1/events/{event}/goals", operation_id="list_goals", responses=_READ_PROBLEMS)
@needs("ops", "audit")
async def list_goals(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """Every goal of the event in the order in which they were set first, with how far each has come by now."""
    opened = await services_of(request).event(principal, event)
    return {"event": event, "goals": [_goal(opened, principal, goal) for goal in opened.state.goals]}


@router.post(
    "/v1/events/{event}/announcements",
    status_code=201,
    operation_id="announce",
    responses=_PROBLEMS | REPEAT,
)
@needs("ops")
async def announce(
    event: str, given: AnnouncementBody, request: Request, response: Response, principal: Asker
) -> dict[str, Any]:
    """A sentence for those who watch, until a time or until it is withdrawn."""
    opened = await services_of(request).event(principal, event)
    content: dict[str, Any] = {"id": given.id, "text": given.text}
    if given.until is not None:
        content["until"] = parse_time(given.until, "until")
    key = announcement_key(given.id, is_withdrawn=False)
    accepted = await opened.submit_one(Fact("announcement.made", key, content, principal.actor))
    if accepted.replayed:
        response.status_code = 200
        response.headers["Idempotency-Replayed"] = "true"
    return _announcement(opened, given.id)


@router.post(
    "/v1/events/{event}/announcements/{announcement}/withdraw",
    operation_id="withdraw_announcement",
    responses=_PROBLEMS,
)
@needs("ops")
async def withdraw_announcement(event: str, announcement: str, request: Request, principal: Asker) -> dict[str, Any]:
    """The announcement is shown no more. One that was withdrawn stays so."""
    opened = await services_of(request).event(principal, event)
    if not IDENTIFIER.fullmatch(announcement):
        raise NotFound("announcement_unknown", "There is no announcement of that name.")
    content = {"id": announcement, "withdrawn": True}
    key = announcement_key(announcement, is_withdrawn=True)
    await opened.submit_one(Fact("announcement.made", key, content, principal.actor))
    return _announcement(opened, announcement)


@router.get("/v1/events/{event}/announcements", operation_id="list_announcements", responses=_READ_PROBLEMS)
@needs("ops", "audit")
async def list_announcements(event: str, request: Request, principal: Asker) -> dict[str, Any]:
    """Every announcement of the event, the newest first."""
    opened = await services_of(request).event(principal, event)
    made = [_announcement(opened, identity) for identity in reversed(opened.state.announcements)]
    return {"event": event, "announcements": made}


def _target(given: GoalBody, exponent: int) -> int:
    """Errors: Invalid ``target_not_positive``, ``target_not_readable``, and those of amounts."""
    if given.measure in MONEY:
        if isinstance(given.target, int):
            raise Invalid("target_not_readable", "An amount is a string, such as '10000.00'.", "target")
        target = parse_amount(given.target, exponent, "target")
    else:
        text = str(given.target)
        if not (text.isascii() and text.isdigit()) or int(text) > _COUNT_MAX:
            raise Invalid("target_not_readable", f"A count is a whole number up to {_COUNT_MAX}.", "target")
        target = int(text)
    if target <= 0:
        raise Invalid("target_not_positive", "A goal is more than nothing.", "target")
    return target


def _goal(opened: OpenEvent, principal: Principal, identity: str) -> dict[str, Any]:
    goal = opened.state.goals[identity]
    document = goal_document(opened, principal.view, goal)
    return document | {"ended": goal.is_ended, "position": opened.head.position}


def _announcement(opened: OpenEvent, identity: str) -> dict[str, Any]:
    told = opened.state.announcements[identity]
    return announcement_document(told) | {"withdrawn": told.is_withdrawn, "position": opened.head.position}
