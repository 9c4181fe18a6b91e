"""A store's operations, driven request by request: cut off, or one between another's requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from serverless_sessions.errors import SessionError
from serverless_sessions.sansio import Asking, Request

PAUSED = object()
"""What a client answers here to an operation that wants to wait: it goes on at once."""


class Stepped:
    """An operation in progress. ``outcome`` is its result, or the error of ours it raised."""

    def __init__(self, client: Any, asking: Asking[Any]) -> None:
        self.outcome: Any = None
        self._client = client
        self._asking = asking
        self._request: Request | None = None
        self._go_on(lambda: next(asking))

    @property
    def done(self) -> bool:
        return self._request is None

    def step(self) -> None:
        """Make the next request, and give the operation its answer."""
        while self._request is not None and self._answered(self._request) is PAUSED:
            pass

    def finish(self) -> Any:
        while not self.done:
            self.step()
        return self.outcome

    def abandon(self) -> None:
        self._asking.close()

    def _answered(self, request: Request) -> object:
        try:
            answer = request(self._client)
        except Exception as error:  # noqa: BLE001  (the operation decides about it)
            refused = error
            self._go_on(lambda: self._asking.throw(refused))
            return None
        self._go_on(lambda: self._asking.send(answer))
        return answer

    def _go_on(self, resume: Callable[[], Request]) -> None:
        self._request = None
        try:
            self._request = resume()
        except StopIteration as stop:
            self.outcome = stop.value
        except SessionError as error:
            self.outcome = error


def cut_off_after(requests: int, operation: Stepped) -> bool:
    """Make the first requests of an operation and leave it; whether there were more to make."""
    for _ in range(requests):
        operation.step()
    operation.abandon()
    return not operation.done


def in_every_order(start: Callable[[], Sequence[Stepped]]) -> Iterator[list[Any]]:
    """The outcomes of operations, started anew for each order in which their requests can come."""
    orders: list[list[int]] = [[]]
    while orders:
        order, taken = orders.pop(), 0
        operations = start()
        while undone := [n for n, operation in enumerate(operations) if not operation.done]:
            if taken == len(order):
                orders += [[*order, other] for other in undone[1:]]
                order = [*order, undone[0]]
            operations[order[taken]].step()
            taken += 1
        yield [operation.outcome for operation in operations]
