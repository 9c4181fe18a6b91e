"""A store's operations, driven request by request: cut off, or one between another's requests."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from serverless_sessions.sansio import Asking

MOST_REQUESTS = 6
"""More than any operation makes when nobody interferes."""


class Step:
    """One operation in progress. ``outcome`` is its result, or the error that it raised."""

    def __init__(self, asking: Asking[Any], client: Any) -> None:
        self._asking = asking
        self._client = client
        self._request: Any = None
        self.done = False
        self.outcome: Any = None
        self._advance(lambda: next(asking))

    def take(self) -> None:
        """Make the next request and give the operation its answer."""
        try:
            answer = self._request(self._client)
        except Exception as error:  # noqa: BLE001  (the operation decides about it)
            raised = error
            self._advance(lambda: self._asking.throw(raised))
        else:
            self._advance(lambda: self._asking.send(answer))

    def finish(self) -> Any:
        while not self.done:
            self.take()
        return self.outcome

    def _advance(self, resume: Callable[[], Any]) -> None:
        try:
            self._request = resume()
        except StopIteration as stop:
            self.done, self.outcome = True, stop.value
        except Exception as error:  # noqa: BLE001  (it is the outcome)
            self.done, self.outcome = True, error


def cut_off_after(requests: int, asking: Asking[Any], client: Any) -> bool:
    """Make the first requests of an operation and leave it; whether there were more to make."""
    step = Step(asking, client)
    for _ in range(requests):
        if step.done:
            return False
        step.take()
    unfinished = not step.done
    asking.close()
    return unfinished


def orders() -> Iterator[tuple[int, ...]]:
    """Every order in which two operations can take turns."""
    return itertools.product((0, 1), repeat=MOST_REQUESTS)


def interleaved(
    order: tuple[int, ...], first: Asking[Any], second: Asking[Any], client: Any
) -> Any:
    """The outcomes of both operations when their requests are made in this order."""
    steps = Step(first, client), Step(second, client)
    for turn in order:
        if not steps[turn].done:
            steps[turn].take()
    return [step.finish() for step in steps]
