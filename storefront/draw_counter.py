"""The draw counter: the HTTP face of the draws."""

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from storefront import service
from storefront.draw_journal import Draw
from storefront.draws import Draws
from storefront.service import InvalidError, answer, bearer, document, refusal

PRIZES = 10_000  # in one draw, at most


class DrawCounter:
    """Schedules draws, takes entries, tells results."""

    def __init__(self, draws: Draws, is_ready: Callable[[], bool]) -> None:
        self._draws, self._is_ready = draws, is_ready

    def routes(self) -> list[Route]:
        return [
            Route("/draws/{draw}/entries", self.enter, methods=["POST"]),
            Route("/draws/{draw}/result", self.result),
            Route("/admin/draws", self.add, methods=["POST"]),
            Route("/admin/draws", self.overview),
            Route("/admin/draws/ledger", self.ledger),
        ]

    async def add(self, request: Request) -> Response:
        draw = _draw(await document(request))
        if not self._is_ready():
            return refusal(503, "not ready")
        if known := self._draws.get(draw.draw_id):
            return answer(200, known.figures()) if known.figures() == draw.figures() else refusal(409, "other figures")
        await self._draws.add(draw)
        return answer(201, draw.figures())

    async def enter(self, request: Request) -> Response:
        user, draw = bearer(request), self._draws.get(request.path_params["draw"])
        if refused := self._refused(user, draw):
            return refused
        assert draw is not None
        first = await self._draws.enter(draw, user)
        if first is None:
            return refusal(409, "closed" if draw.opened_at else "not_open")
        return answer(201 if first else 200, {"draw": draw.draw_id})

    async def result(self, request: Request) -> Response:
        user, draw = bearer(request), self._draws.get(request.path_params["draw"])
        if refused := self._refused(user, draw):
            return refused
        assert draw is not None
        if draw.drawn_at is None:
            return answer(202, {"drawn": False})
        return answer(200, {"prize": self._draws.result(draw, user)})

    async def overview(self, _: Request) -> Response:
        return answer(200, self._draws.overview())

    async def ledger(self, _: Request) -> Response:
        return Response(service.json_lines(self._draws.ledger()), media_type="application/jsonl")

    def _refused(self, user: str, draw: Draw | None) -> Response | None:
        if not user:
            return refusal(401, "a bearer token is needed")
        if not self._is_ready():
            return refusal(503, "not ready")
        return None if draw else refusal(404, "no such draw")


def _draw(body: dict[str, Any]) -> Draw:
    prizes = body.get("prizes")
    if not isinstance(prizes, list) or not 0 < len(prizes) <= PRIZES or not all(isinstance(one, str) for one in prizes):
        raise InvalidError(f"prizes is not a list of 1 to {PRIZES} texts")
    opens_at, closes_at = service.number(body, "opens_at"), service.number(body, "closes_at")
    if closes_at <= opens_at:
        raise InvalidError("closes_at is not after opens_at")
    return Draw(service.slug(body, "draw_id"), prizes, opens_at, closes_at, service.room(body))
