"""Requests of Astro and of functions at the same time: what is safe, and what Astro undoes.

What Astro does wrong is asserted as well: where a later version does it right, the test that fails
says so, and docs/astro.md is to be changed.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from platforms.astro.conftest import Shared
from serverless_sessions.values import UNDEFINED, devalue
from support.shared_visitor import Refused, SharedVisitor, at_once

ROUNDS = 5
IS_SAFE = {"astro": False, "function": True}


def slowly(visitor: SharedVisitor, *then: list[Any]) -> tuple[str, list[list[Any]]]:
    """A gate, and the steps of a request that reads, waits there, and goes on."""
    return f"gate-{visitor.id}", [["get", "a"], ["pause", f"gate-{visitor.id}"], *then]


def test_functions_lose_no_key_of_each_others(shared: Shared) -> None:
    visitor = shared.visitor()
    visitor.astro(["set", "begun", "'by Astro'"])
    keys = [f"k{number}" for number in range(8)]
    for turn in range(ROUNDS):
        value = devalue.dumps(turn)
        steps = [[["get", key], ["set", key, value], ["count", "n"]] for key in keys]
        outcomes = at_once([partial(visitor.again().function, *three) for three in steps])
        assert [outcome[1] for outcome in outcomes] == [True] * 8
    assert [visitor.astro_reads(key) for key in keys] == [ROUNDS - 1] * 8
    assert visitor.astro_reads("n") == 8 * ROUNDS


def test_beside_writers_of_astros_the_record_stays_readable(over_redis: Shared) -> None:
    visitor = over_redis.visitor()
    visitor.astro(["set", "a", "0"])
    for turn in range(ROUNDS):
        value = devalue.dumps(turn)
        acts = [
            *[partial(visitor.again().astro, ["set", f"astro{n}", str(turn)]) for n in range(4)],
            *[partial(visitor.again().function, ["set", f"ours{n}", value]) for n in range(4)],
        ]
        assert at_once(acts) == [[True]] * 8
        keys = devalue.loads(visitor.function(["keys"])[0])
        assert set(keys) <= {"a", *[f"astro{n}" for n in range(4)], *[f"ours{n}" for n in range(4)]}
        assert visitor.function_reads("a") == visitor.astro_reads("a") == 0
        for key in keys:
            assert visitor.astro_reads(key) in range(turn + 1)


@pytest.mark.parametrize("slow", ["astro", "function"])
def test_a_slow_request_and_a_key_that_changed_meanwhile(shared: Shared, slow: str) -> None:
    visitor = shared.visitor()
    visitor.function(["set", "a", "[1]"])
    gate, steps = slowly(visitor, ["set", "late", "[3]"])
    with visitor.while_waiting(slow, gate, *steps):
        visitor.function(["set", "meanwhile", "[2]"])
    assert "late" in devalue.loads(visitor.function(["keys"])[0])
    assert (visitor.function_reads("meanwhile") == 2) is IS_SAFE[slow]


@pytest.mark.parametrize("slow", ["astro", "function"])
@pytest.mark.parametrize("ends", ["astro", "function"])
def test_a_slow_request_and_a_log_out(shared: Shared, slow: str, ends: str) -> None:
    visitor = shared.visitor()
    visitor.function(["set", "a", "[1]"])
    logged_out = visitor.again()
    gate, steps = slowly(visitor, ["set", "late", "[3]"])
    with visitor.while_waiting(slow, gate, *steps):
        (visitor.astro if ends == "astro" else visitor.function)(["destroy"])
        assert logged_out.function_reads("a") is UNDEFINED
    assert (logged_out.function_reads("a") is UNDEFINED) is IS_SAFE[slow]
    assert (shared.records.read(logged_out.id) is None) is IS_SAFE[slow]


@pytest.mark.parametrize("slow", ["astro", "function"])
def test_a_slow_request_and_a_new_id(shared: Shared, slow: str) -> None:
    visitor = shared.visitor()
    visitor.function(["set", "a", "[1]"])
    before = visitor.again()
    gate, steps = slowly(visitor, ["set", "late", "[3]"])
    with visitor.while_waiting(slow, gate, *steps):
        visitor.function(["bind", "Ada"])
    assert (before.function_reads("a") is UNDEFINED) is IS_SAFE[slow]
    assert visitor.function_reads("a") == visitor.astro_reads("a") == 1


@pytest.mark.parametrize("side", ["astro", "function"])
def test_a_key_deleted_and_set_again(shared: Shared, side: str) -> None:
    visitor = shared.visitor()
    visitor.function(["set", "a", "[1]"])
    steps = [["delete", "a"], ["set", "a", "[2]"]]
    (visitor.astro if side == "astro" else visitor.function)(*steps)
    assert (visitor.astro_reads("a") is not UNDEFINED) is IS_SAFE[side]


@pytest.mark.parametrize("side", ["astro", "function"])
def test_a_request_that_fails_after_a_log_out_has_logged_out(shared: Shared, side: str) -> None:
    visitor = shared.visitor()
    visitor.function(["set", "a", "[1]"])
    left_behind = visitor.again()
    with pytest.raises(Refused):
        (visitor.astro if side == "astro" else visitor.function)(["destroy"], ["no such step"])
    assert left_behind.function_reads("a") is UNDEFINED
