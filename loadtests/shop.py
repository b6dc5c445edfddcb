"""Shop: the order protocol of a target as its `shop` block describes it.

Every intent to buy has one idempotency key, which all of its attempts carry. An attempt without a clear answer
(timeout, broken connection, 5xx) is repeated with the same key after a full-jitter back-off. If no attempt brings
clarity, the order is unknown; so is one that was turned away after an attempt without an answer, as that attempt may
still be stored.
"""

from __future__ import annotations

import time
from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import gevent  # type: ignore[import-untyped]

from flashcrowd.errors import InputError
from flashcrowd.target import HttpRequest
from flashcrowd.target import Order as OrderSpec
from flashcrowd.target import Shop as ShopSpec
from flashcrowd.template import names
from loadtests.backoff import full_jitter
from loadtests.crowd.engine import Engine
from loadtests.crowd.http import MOST, Connections, HttpClient
from loadtests.crowd.pool import take_wanted
from loadtests.form import Form, body_template
from loadtests.history import SOLD_OUT, HistoryWriter, OrderOutcome, OrderRecord
from loadtests.identities import Identity
from loadtests.metrics import Tally
from loadtests.paths import parse_path, read_path
from loadtests.report import Report, Request
from loadtests.variables import Variables, fresh_key, traceparent


@dataclass(frozen=True)
class Patience:
    """How long a viewer's app tries.

    timeout: seconds for one attempt. attempts: at most, the first included. base, cap: seconds of the bounds of the
    back-off. The defaults are those of a mobile app: five seconds of spinner, then "trying again", twice.
    """

    timeout: float = 5.0
    attempts: int = 3
    base: float = 0.5
    cap: float = 4.0


_FINE = range(400)
"""Statuses of a look at the goods that worked: redirects too, which nobody follows."""


class OrderResult(NamedTuple):
    """What became of an order; `reason` and `status` as in the history."""

    outcome: OrderOutcome
    reason: str
    order_id: str
    status: int
    key: str
    attempts: int

    @property
    def accepted(self) -> bool:
        return self.outcome is OrderOutcome.ACCEPTED


class ServerError(Exception):
    """The answer's status says that the server failed, or one that the target file doesn't list."""


class _Answer(NamedTuple):
    """What one attempt came to. `outcome` unknown is an attempt without a clear answer."""

    outcome: OrderOutcome
    reason: str
    status: int = 0
    order_id: str = ""
    again: bool = False


class Shop:
    """The shop of a target, for all viewers of this process.

    Connections are kept as the target file says: shared by default, of which there are as many as requests are under
    way, so that nobody waits for another viewer's answer; up to `most`, as each is an open file.
    """

    def __init__(
        self,
        engine: Engine,
        spec: ShopSpec,
        variables: Variables,
        tally: Tally,
        report: Report,
        history: HistoryWriter,
        patience: Patience | None = None,
        most: int = MOST,
    ) -> None:
        self._spec, self._variables, self._tally, self._report = spec, variables, tally, report
        self._history, self._patience = history, patience or Patience()
        self._path_to_id = parse_path(spec.order.order_id)
        self._engine = engine
        self._client = client = HttpClient(engine, spec.url, spec.connections, self._patience.timeout, most)
        mark, constant = variables.mark, variables.constant()
        self._form = Form(spec.order.request, client.host, mark, constant)
        self._listed = frozenset((*spec.order.accepted, *spec.order.sold_out, *spec.order.limited))
        self._pieces = not _mentions_quantity(spec.order)
        look = None if spec.browse is None else HttpRequest(method="GET", path=spec.browse)
        self._look = None if look is None else Form(look, client.host, mark, constant)
        self._ending = False
        self.goods: Sequence[str] = spec.goods

    def connections(self) -> Connections:
        """Where one viewer keeps its connections."""
        return self._client.viewer()

    def order(self, identity: Identity, sku: str, quantity: int = 1, kept: Connections | None = None) -> OrderResult:
        """Order, and repeat until the answer is clear or patience has ended. Killed half way, it is on record, too.

        Raises:
            GreenletExit: the load is ending; an order begun now would only be cut off.
            InputError: the target's request can order one piece at a time only.
        """
        if quantity != 1 and self._pieces:
            raise InputError("the target orders one piece at a time; add ${quantity} to spec.shop.order.request")
        if self._ending:
            raise gevent.GreenletExit
        attempt = _Order(fresh_key(), traceparent(), identity, sku, quantity, time.time(), kept)
        try:
            self._persist(attempt)
        finally:
            record = attempt.record(time.time())
            self._history.add(record)
            self._tally.orders[record.outcome] += 1
        return OrderResult(record.outcome, record.reason, record.order_id, record.status, record.key, record.attempts)

    def browse(self, identity: Identity, kept: Connections | None = None) -> bool:
        """Look at the goods; whether that worked. Does nothing where the target names no page to look at."""
        if self._look is None:
            return True
        request = self._look.write({"traceparent": traceparent()}, identity.variables)
        status, _, _ = self._send(self._look.method, "browse", request, _FINE, kept)
        return status in _FINE

    def end(self) -> None:
        """Begin no more orders; those under way go on."""
        self._ending = True

    def drop(self, kept: Connections) -> None:
        """Close a viewer's own connections; those that are shared stay."""
        self._client.drop(kept)

    def _persist(self, order: _Order) -> None:
        while True:
            order.attempts += 1
            order.take(self._attempt(order))
            if not order.again or order.attempts >= self._patience.attempts:
                return
            self._engine.sleep(full_jitter(order.attempts, self._patience.base, self._patience.cap))

    def _attempt(self, order: _Order) -> _Answer:
        request = self._form.write(order.values, order.identity.variables)
        status, body, error = self._send(self._form.method, "order", request, self._listed, order.kept)
        return classify(self._spec.order, status, body, error, self._path_to_id)

    def _send(
        self, method: str, name: str, request: bytes, fine: Container[int], kept: Connections | None
    ) -> tuple[int, bytes, Exception | None]:
        """One request; its status (0 without an answer), body, and error. fine: the statuses that are none.

        The first of a scheduled arrival was wanted when that was due.
        """
        asked = take_wanted() or time.time()
        try:
            answer = self._client.exchange(request, kept, asked)
        except OSError as failure:
            self._report(Request(method, name, time.time() - asked, 0, failure))
            return 0, b"", failure
        status, body = answer.status, answer.body
        error = None if status in fine else ServerError(f"status {status}")
        self._report(Request(method, name, answer.response, len(body), error, answer.service))
        return status, body, error


class Customer:
    """The shop as one viewer has it before them."""

    __slots__ = ("_identity", "_kept", "_shop")

    def __init__(self, shop: Shop, identity: Identity) -> None:
        self._shop, self._identity, self._kept = shop, identity, shop.connections()

    @property
    def goods(self) -> Sequence[str]:
        """What can be bought at any time."""
        return self._shop.goods

    def order(self, sku: str, quantity: int = 1) -> OrderResult:
        """As `Shop.order`."""
        return self._shop.order(self._identity, sku, quantity, self._kept)

    def browse(self) -> bool:
        """As `Shop.browse`."""
        return self._shop.browse(self._identity, self._kept)

    def leave(self) -> None:
        """Close the connections of this viewer alone."""
        self._shop.drop(self._kept)


class _Order:
    """An order under way: unknown until an answer says otherwise. values: its variables for the request."""

    __slots__ = (
        "_answer", "_doubt", "_start", "attempts", "identity", "kept", "key", "quantity", "sku", "traceparent",
        "values",
    )  # fmt: skip

    def __init__(
        self, key: str, trace: str, identity: Identity, sku: str, quantity: int, start: float, kept: Connections | None
    ) -> None:
        self.key, self.traceparent, self.identity, self.sku, self.quantity = key, trace, identity, sku, quantity
        self.values = {"key": key, "sku": sku, "quantity": str(quantity), "traceparent": trace}
        self.kept = kept
        self._start, self.attempts, self._doubt = start, 0, False
        self._answer = _Answer(OrderOutcome.UNKNOWN, "interrupted")

    @property
    def again(self) -> bool:
        return self._answer.again

    def take(self, answer: _Answer) -> None:
        self._answer = answer
        self._doubt |= answer.outcome is OrderOutcome.UNKNOWN

    def record(self, end: float) -> OrderRecord:
        answer = self._answer
        doubtful = self._doubt and answer.outcome is OrderOutcome.REJECTED
        return OrderRecord(
            start=self._start,
            end=end,
            key=self.key,
            user=self.identity.user,
            sku=self.sku,
            quantity=self.quantity,
            outcome=OrderOutcome.UNKNOWN if doubtful else answer.outcome,
            reason=answer.reason,
            order_id=answer.order_id,
            status=answer.status,
            attempts=self.attempts,
            traceparent=self.traceparent,
        )


def classify(spec: OrderSpec, status: int, body: bytes, error: Exception | None, path_to_id: Sequence[str]) -> _Answer:
    """What an answer means for the order, by the statuses that the target file lists."""
    if status in spec.accepted:
        return _Answer(OrderOutcome.ACCEPTED, "", status, read_path(body, path_to_id))
    if status in spec.sold_out:
        return _Answer(OrderOutcome.REJECTED, SOLD_OUT, status)
    if status in spec.limited:
        return _Answer(OrderOutcome.REJECTED, "limited", status)
    reason = f"status {status}" if status else str(error or "no answer")
    return _Answer(OrderOutcome.UNKNOWN, reason, status, again=status == 0 or status >= 500)


def _mentions_quantity(spec: OrderSpec) -> bool:
    return "quantity" in names(spec.request.path + body_template(spec.request.body))
