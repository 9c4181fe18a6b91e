"""How long a write that others keep from happening waits, and when it gives up."""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Iterator

import pytest

from serverless_sessions import clock
from serverless_sessions.errors import Conflict
from serverless_sessions.patience import TRY_SECONDS, Patience
from serverless_sessions.trampoline import run


class Waiting:
    def __init__(self) -> None:
        self.pauses: list[float] = []

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


@pytest.fixture
def client() -> Waiting:
    return Waiting()


@pytest.fixture(autouse=True)
def time() -> Iterator[None]:
    with clock.call_limit(60):
        yield


def wait(patience: Patience, client: Waiting) -> None:
    run(patience.wait(), lambda request: request(client))


@pytest.mark.parametrize("drawn", [0.0, 0.5, 1.0])
def test_a_pause_is_a_random_part_of_a_limit_that_doubles(
    client: Waiting, monkeypatch: pytest.MonkeyPatch, drawn: float
) -> None:
    monkeypatch.setattr(random, "random", lambda: drawn)
    patience = Patience(0.01, 0.05)
    for _ in range(5):
        wait(patience, client)
    assert client.pauses == [drawn * limit for limit in (0.01, 0.02, 0.04, 0.05, 0.05)]


def test_without_time_there_is_no_further_try(client: Waiting) -> None:
    with clock.call_limit(0):
        patience = Patience(0.01, 0.1)
    with pytest.raises(Conflict, match="until time was up"):
        wait(patience, client)
    assert client.pauses == []


def test_a_pause_that_would_outlast_the_time_is_not_begun(
    client: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "random", lambda: 1.0)
    with clock.call_limit(10):
        patience = Patience(60, 60)
    with pytest.raises(Conflict):
        wait(patience, client)
    assert client.pauses == []


def test_a_try_that_would_be_cut_off_is_not_begun(
    client: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "random", lambda: 0.0)
    with clock.call_limit(TRY_SECONDS / 2):
        patience = Patience(60, 60)
    with pytest.raises(Conflict):
        wait(patience, client)
    assert client.pauses == []


def test_what_was_lost_is_not_shown(client: Waiting) -> None:
    with clock.call_limit(0):
        patience = Patience(0.01, 0.1)
    with pytest.raises(Conflict) as raised:
        lose(lambda: wait(patience, client))
    assert "hunter2" not in "".join(traceback.format_exception(raised.value))


def lose(then: Callable[[], None]) -> None:
    try:
        raise ValueError("hunter2")
    except ValueError:
        then()
