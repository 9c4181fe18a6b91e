"""Astro and a function take turns at one session: values, deadlines, new ids, log-outs."""

from __future__ import annotations

import json
import re
import time

import pytest

from platforms.astro.conftest import Shared
from serverless_sessions.values import UNDEFINED, devalue
from servers.process import TESTS
from support.shared_visitor import PATIENCE, Refused

VECTORS = json.loads((TESTS / "unit/core/values/vectors.json").read_text("utf-8"))
LONE_SURROGATE = "string-lone-surrogate-high"
VALUES = [v for v in VECTORS["values"] if v["name"] != LONE_SURROGATE]
UUID_4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def test_one_session_goes_back_and_forth(shared: Shared) -> None:
    visitor = shared.visitor()
    visitor.astro(["set", "cart", "[{ sku: 'mug', qty: 1 }]"])
    begun = visitor.id
    assert visitor.function_reads("cart") == [{"sku": "mug", "qty": 1}]

    more = [{"sku": "mug", "qty": 1}, {"sku": "lamp", "qty": 2}]
    visitor.function(["set", "cart", devalue.dumps(more)], ["set", "seen", '[["Set",1],"lamp"]'])
    assert visitor.id == begun
    assert visitor.astro_reads("cart") == more
    assert visitor.astro(["equals", "seen", "new Set(['lamp'])"]) == [True]

    visitor.function(["regenerate"])
    assert visitor.id not in (begun, None)
    assert UUID_4.fullmatch(visitor.id or "")
    assert visitor.astro_reads("cart") == more

    visitor.astro(["set", "name", "'Ada'"], ["delete", "seen"])
    assert visitor.function_reads("name") == "Ada"
    assert visitor.function_reads("seen") is UNDEFINED


def test_a_session_that_the_function_began_is_astros_as_well(shared: Shared) -> None:
    visitor = shared.visitor()
    visitor.function(["set", "n", "[1]"])
    (line,) = visitor.cookies
    assert set(line.split("; ")[1:]) == {"Path=/", "Secure", "HttpOnly", "SameSite=Lax"}
    begun = visitor.id
    assert visitor.astro_reads("n") == 1
    visitor.astro(["set", "m", "2"])
    assert visitor.id == begun
    visitor.function(["bind", "Ada"])
    assert visitor.astro_reads("m") == 2
    visitor.astro(["set", "n", "3"])
    assert devalue.loads(visitor.function(["user"])[0]) == "Ada"


@pytest.mark.parametrize("side", ["astro", "function"])
def test_what_one_ends_is_over_for_the_other(shared: Shared, side: str) -> None:
    visitor = shared.visitor()
    visitor.astro(["set", "name", "'Ada'"])
    visitor.function(["set", "n", "[1]"])
    left_behind = visitor.again()
    (visitor.astro if side == "astro" else visitor.function)(["destroy"])
    assert visitor.id is None
    for tab in (visitor, left_behind):
        assert tab.function_reads("name") is UNDEFINED
        assert tab.astro_reads("name") is UNDEFINED
    assert shared.records.read(left_behind.id) is None


@pytest.mark.parametrize("side", ["astro", "function"])
def test_under_the_id_before_there_is_nothing(shared: Shared, side: str) -> None:
    visitor = shared.visitor()
    visitor.astro(["set", "name", "'Ada'"])
    left_behind = visitor.again()
    (visitor.astro if side == "astro" else visitor.function)(["regenerate"])
    assert visitor.function_reads("name") == visitor.astro_reads("name") == "Ada"
    assert left_behind.function_reads("name") is UNDEFINED
    assert left_behind.astro_reads("name") is UNDEFINED


def test_every_value_of_astros_is_the_functions(shared: Shared) -> None:
    visitor = shared.visitor()
    visitor.astro(*[["set", value["name"], value["js"]] for value in VALUES])
    told = visitor.function(*[["get", value["name"]] for value in VALUES])
    assert told == [value["stringify"] for value in VALUES]


def test_every_value_of_the_functions_is_astros(shared: Shared) -> None:
    visitor = shared.visitor()
    visitor.function(*[["set", value["name"], value["stringify"]] for value in VALUES])
    told = visitor.astro(*[["get", value["name"]] for value in VALUES])
    assert told == [value["stringify"] for value in VALUES]
    equal = visitor.astro(*[["equals", value["name"], value["js"]] for value in VALUES])
    assert [v["name"] for v, same in zip(VALUES, equal, strict=True) if not same] == []


def test_what_nobody_changed_keeps_its_bytes(shared: Shared) -> None:
    """The entry of a key that Astro wrote is written back as it was: its milliseconds, and a field
    that a later version may give it."""
    visitor = shared.visitor()
    visitor.astro(["set", "a", "1"])
    entry = '[["Map",1,2],"a",{"data":3,"expires":4,"later":5},1,4102444800123,"kept"]'
    shared.records.write(visitor.id, entry)
    visitor.function(["set", "b", "[2]"])
    stored = devalue.loads(shared.records.read(visitor.id) or "")
    assert stored["a"] == {"data": 1, "expires": 4102444800123, "later": "kept"}
    visitor.astro(["set", "c", "3"])
    assert devalue.loads(visitor.function(["keys"])[0]) == ["c", "a", "b"]


def test_a_keys_time_runs_out_on_both_sides(shared: Shared) -> None:
    visitor = shared.visitor()
    visitor.astro(["set", "of-astro", "1", 2], ["set", "long", "1", 3600], ["set", "stays", "1"])
    visitor.function(["set", "of-function", "[1]", 2])
    end = time.monotonic() + PATIENCE
    keys = ("of-astro", "of-function", "long", "stays")
    ended = [UNDEFINED, UNDEFINED, 1, 1]
    while time.monotonic() < end:
        by_astro = [visitor.astro_reads(key) for key in keys]
        by_function = [visitor.function_reads(key) for key in keys]
        if by_astro == by_function == ended:
            break
        time.sleep(0.2)
    assert by_astro == by_function == ended


def test_a_value_that_astro_could_not_read_is_refused_and_nothing_stored(shared: Shared) -> None:
    visitor = shared.visitor()
    visitor.function(["set", "n", "[1]"])
    with pytest.raises(Refused):
        visitor.function(["set", "n", "[2]"], ["set_tuple", "t"])
    assert visitor.astro_reads("n") == 1
