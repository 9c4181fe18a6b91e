"""What is sent to Terraform is what it reads, and what it sends is understood."""

from __future__ import annotations

from typing import Any

import msgpack
from hypothesis import given
from hypothesis import strategies as st

from servers.schema_provider.answers import UNKNOWN, Answers
from servers.schema_provider.wire import field, fields, repeated

LAMP = {
    "attributes": {
        "name": {"type": "string", "required": True},
        "id": {"type": "string", "computed": True},
    },
    "block_types": {
        "bulb": {
            "nesting_mode": "list",
            "block": {"attributes": {"lit": {"type": "bool", "computed": True}}},
        }
    },
}
PROVIDER: dict[str, Any] = {
    "provider": {"block": {}},
    "resource_schemas": {"acme_lamp": {"block": LAMP}},
}


@given(st.lists(st.tuples(st.integers(1, 5000), st.binary(max_size=300))), st.integers(0, 2**40))
def test_a_message_is_read_as_it_was_written(members: list[tuple[int, bytes]], number: int) -> None:
    message = b"".join(field(*member) for member in members) + field(6000, number)
    expected: dict[int, list[bytes]] = {}
    for at, data in members:
        expected.setdefault(at, []).append(data)
    assert fields(message) == expected
    assert fields(repeated(1, (data for _, data in members))).get(1, []) == [
        data for _, data in members
    ]


def planned(proposed: Any) -> Any:
    request = field(1, "acme_lamp") + field(3, field(1, msgpack.packb(proposed)))
    answer = fields(Answers(PROVIDER).PlanResourceChange(request))
    return msgpack.unpackb(fields(answer[1][0])[1][0])


def test_what_a_provider_computes_is_unknown_in_a_plan() -> None:
    lamp = {"name": "hall", "id": None, "bulb": [{"lit": None}, {"lit": True}]}
    known = {"name": "hall", "id": UNKNOWN, "bulb": [{"lit": UNKNOWN}, {"lit": True}]}
    assert planned(lamp) == known
    assert planned(lamp | {"id": "7"}) == known | {"id": "7"}


def test_what_is_to_be_removed_stays_so() -> None:
    assert planned(None) is None
