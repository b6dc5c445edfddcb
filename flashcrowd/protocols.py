"""Protocols: how the parts of a target are spoken to, as its file describes them: chat, shop, draw, stream, events."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from flashcrowd.documents import Model
from flashcrowd.units import Duration


def _url(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes or not parts.hostname:
            raise ValueError(f"'{value}' is not a URL of {' or '.join(f'{scheme}://' for scheme in schemes)}")
        return value

    return AfterValidator(check)


HttpUrl = Annotated[str, _url("http", "https")]
WebSocketUrl = Annotated[str, _url("ws", "wss")]


class Heartbeat(Model):
    every: Duration
    send: str


class Live(Model):
    """The chat protocol: where viewers connect and what they say. `events` recognises a frame by its fields."""

    url: WebSocketUrl
    headers: dict[str, str] = {}
    on_open: list[str] = []
    say: str
    heartbeat: Heartbeat | None = None
    events: dict[str, dict[str, Any]] = {}
    codec: Literal["json"] = "json"


class HttpRequest(Model):
    method: str = "POST"
    path: str
    headers: dict[str, str] = {}
    body: Annotated[dict[str, Any] | None, Field(alias="json")] = None


class Payment(Model):
    """The step after an accepted order, which knows `${order_id}`: paying it. Any other status leaves it unpaid."""

    request: HttpRequest
    accepted: list[int] = [200, 201, 204]


class Order(Model):
    """How to order, and what each answer means: any status that is not listed leaves the order's fate unknown."""

    request: HttpRequest
    accepted: list[int] = [200, 201]
    sold_out: list[int] = [409]
    limited: list[int] = [429]
    order_id: str = "$.order_id"
    payment: Payment | None = None


class LedgerSource(Model):
    """Where the target's own record of orders is read: JSON Lines of order_id, key, user, sku, quantity, sale_id?."""

    get: str | None = None
    command: list[str] | None = None

    @model_validator(mode="after")
    def _one(self) -> LedgerSource:
        if (self.get is None) == (self.command is None):
            raise ValueError("wants either get or command")
        return self


class Shop(Model):
    """The order protocol. `sales` is the path that schedules a sale, where the target can do that.

    limit: units of one sku in one sale that one user may have. stock: the path of a JSON list of sku, initial,
    remaining, sold, reserved?, sale_id?, for the check that no unit has gone astray. connections: kept alive and
    `shared` by the viewers, each viewer's `own`, or a `fresh` one for each request.
    """

    url: HttpUrl
    browse: str | None = None
    goods: list[str] = []
    order: Order
    ledger: LedgerSource | None = None
    sales: str | None = None
    limit: Annotated[int | None, Field(ge=1)] = None
    stock: str | None = None
    connections: Literal["shared", "own", "fresh"] = "shared"


class Draw(Model):
    """The interactive draw: entering, and asking whether one has won. Both know `${draw}`, the draw's number.

    entered, closed: statuses of an entry that counts, and of one that came too late. result: its answer's 200 carries
    the prize at the path `prize` (null, or nothing there: not won); any of `pending` means that it isn't drawn yet.
    draws: the path that schedules a draw, where the target can do that. ledger: JSON Lines of draw, user, prize.
    """

    url: HttpUrl
    enter: HttpRequest
    entered: list[int] = [200, 201]
    closed: list[int] = [409]
    result: HttpRequest
    pending: list[int] = [202, 404]
    prize: str = "$.prize"
    draws: str | None = None
    ledger: LedgerSource | None = None


class Stream(Model):
    """The picture, as HLS: a master or a media playlist per `${room}`."""

    playlist: HttpUrl
    headers: dict[str, str] = {}


class Events(Model):
    """Behaviour data: events go to `url` in batches, a JSON list of `event`; `${event}` is each one's number.

    event: also knows `${kind}`, `${at}` (unix seconds) and `${value}`. wrap: the field that the list is put into; none
    if not given. accepted: statuses of a batch that was taken. visible: the path that tells of one event once it is
    processed, with the unix time of that at `visible_at` of its JSON (the answer's arrival, where there is none there).
    """

    url: HttpUrl
    headers: dict[str, str] = {}
    event: dict[str, Any] = {"id": "${event}", "kind": "${kind}", "at": "${at}", "value": "${value}"}
    wrap: str | None = None
    accepted: list[int] = [200, 201, 202, 204]
    visible: str | None = None
    visible_at: str = "$.visible_at"
